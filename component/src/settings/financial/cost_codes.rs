//! Which fields of financial documents have the cost code.

use crate::settings::checks::{custom_number, field_number};
use crate::settings::reader::Reader;

/// Where an expense entry has its cost code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CostCodeField {
    /// A custom field, 1 to 40.
    Custom(u8),
    /// An organisational unit, 1 to 6.
    OrgUnit(u8),
}

/// Allocations have twenty custom fields and no organisational units
/// (source: concur-financial-schema).
pub(super) fn of_allocations(table: &mut Reader) -> u8 {
    let number = |name: &str| custom_number(name, 20);
    let name = table.checked_or("cost_code_field", "Custom1", |name| {
        number(name)
            .map(drop)
            .ok_or("a custom field of allocations, \"Custom1\" to \"Custom20\"")
    });
    number(&name).unwrap_or(1)
}

pub(super) fn of_entries(table: &mut Reader) -> CostCodeField {
    let field = |name: &str| {
        let custom = custom_number(name, 40).map(CostCodeField::Custom);
        custom.or_else(|| field_number(name, "OrgUnit", 6).map(CostCodeField::OrgUnit))
    };
    let name = table.checked_or("entry_cost_code_field", "Custom1", |name| {
        field(name).map(drop).ok_or(
            "a field of expense entries, \"Custom1\" to \"Custom40\" or \"OrgUnit1\" to \
             \"OrgUnit6\"",
        )
    });
    field(&name).unwrap_or(CostCodeField::Custom(1))
}
