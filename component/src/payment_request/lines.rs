//! The lines of a payment request, with their expense types, tax codes and cost codes.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use rust_decimal::Decimal;

use super::sums::Priced;
use super::{Allocation, Line, SHOWN_CHARS_MAX, Work};
use crate::freshbooks::{Category, Kind, Line as Source};
use crate::money;
use crate::reference;
use crate::text::{clean, quoted, shortened};

/// The longest description of a line (source: concur-payment-request).
const DESCRIPTION_CHARS_MAX: usize = 250;
const TAX_CODES: [&str; 2] = ["TaxCode", "TaxCode2"];

impl Work<'_> {
    pub(super) fn line(&mut self, line: &Priced, all: &[Priced]) -> Line {
        if line.is_discount {
            return self.discount_line(line, all);
        }
        let source = line.source;
        let name = source.name.as_deref().map(clean).unwrap_or_default();
        let described = source.description.as_deref().map(clean).unwrap_or_default();
        let description = match (name.is_empty(), described.is_empty()) {
            (false, false) if name != described => format!("{name}: {described}"),
            (false, _) => name,
            (true, _) => described,
        };
        let mut fields = self.money_fields(line, source.quantity, source.unit_cost, &description);
        self.tax_codes(&line.pointer, source, &mut fields);
        if let Some(code) = self.expense_type(&line.pointer, source) {
            fields.insert("ExpenseTypeCode", code);
        }
        let cost_code = self.cost_code(&line.pointer, source);
        Line {
            fields,
            total: self.precision.wire(line.net),
            allocations: vec![self.allocation(Decimal::ONE_HUNDRED, cost_code)],
        }
    }

    fn discount_line(&self, line: &Priced, all: &[Priced]) -> Line {
        let mut fields = self.money_fields(line, Decimal::ONE, line.net, "Discount");
        // What is not mapped is reported with the lines themselves.
        if let Some(code) = self.expense_type_of(line.source) {
            fields.insert("ExpenseTypeCode", code);
        }
        for (place, tax) in TAX_CODES.into_iter().zip(&line.source.taxes) {
            if let Some(code) = self.settings.taxes.get(&tax.name) {
                fields.insert(place, code.clone());
            }
        }
        let reduced = all.iter().filter(|other| other.is_taxed_as(line));
        Line {
            fields,
            total: self.precision.wire(line.net),
            allocations: self.shared_allocations(reduced),
        }
    }

    fn money_fields(
        &self,
        line: &Priced,
        quantity: Decimal,
        unit_price: Decimal,
        description: &str,
    ) -> BTreeMap<&'static str, String> {
        let description = if description.is_empty() {
            "-"
        } else {
            description
        };
        BTreeMap::from([
            ("Description", shortened(description, DESCRIPTION_CHARS_MAX)),
            ("Quantity", money::plain(quantity)),
            ("UnitPrice", money::plain(unit_price)),
            ("Tax", self.precision.wire(line.tax)),
        ])
    }

    fn tax_codes(
        &mut self,
        pointer: &str,
        source: &Source,
        fields: &mut BTreeMap<&'static str, String>,
    ) {
        for (place, tax) in TAX_CODES.into_iter().zip(&source.taxes) {
            match self.settings.taxes.get(&tax.name) {
                Some(code) => {
                    fields.insert(place, code.clone());
                }
                None => {
                    let message = format!(
                        "tax {} has no Concur tax code; add it to `taxes`",
                        quoted(&tax.name, SHOWN_CHARS_MAX)
                    );
                    self.report(pointer, "tax-unmapped", message);
                }
            }
        }
    }

    fn expense_type(&mut self, pointer: &str, source: &Source) -> Option<String> {
        let code = self.expense_type_of(source);
        if code.is_none() {
            let message = self.without_expense_type(source);
            self.report(pointer, "expense-type-unmapped", message);
        }
        code
    }

    fn without_expense_type(&self, source: &Source) -> String {
        let is_bill = self.document.kind == Kind::Bill;
        let (what, setting) = match (&source.category, &source.name) {
            (Some(Category::Name(name)), _) => {
                let name = quoted(name, SHOWN_CHARS_MAX);
                return format!(
                    "FreshBooks names expense category {name} here without its id; add {name} to \
                     `expense_types.by_category`"
                );
            }
            (Some(Category::Id(id)), _) if is_bill => (
                format!("expense category {}", shortened(id, SHOWN_CHARS_MAX)),
                "expense_types.by_category",
            ),
            (_, Some(name)) => (
                format!("item {}", quoted(name, SHOWN_CHARS_MAX)),
                "expense_types.by_item",
            ),
            _ => {
                return "this line has no Concur expense type; set `expense_types.default`"
                    .to_string();
            }
        };
        format!(
            "{what} has no Concur expense type; add it to `{setting}` or set \
             `expense_types.default`"
        )
    }

    /// The default is for what no map names. It is not for a category whose id the answer leaves
    /// out, since that id may well be in the map.
    fn expense_type_of(&self, source: &Source) -> Option<String> {
        let types = &self.settings.expense_types;
        let item = source.name.as_deref().map(str::trim);
        let category = source.category.as_ref();
        let is_unknown =
            matches!(category, Some(Category::Name(_))) && !types.by_category.is_empty();
        let default = types.default.as_ref().filter(|_| !is_unknown);
        category
            .and_then(|category| types.by_category.get(category.key()))
            .or_else(|| item.and_then(|name| types.by_item.get(name)))
            .or(default)
            .cloned()
    }

    fn cost_code(&mut self, pointer: &str, source: &Source) -> Option<String> {
        let project = source.project.as_ref()?;
        let code = self.code_of_project(project);
        if code.is_none() {
            let message = reference::without_project_code(self.settings, project);
            self.report(pointer, "project-unmapped", message);
        }
        code
    }

    fn code_of_project(&self, project: &str) -> Option<String> {
        reference::project_code(self.settings, self.projects, project).cloned()
    }

    fn allocation(&self, percent: Decimal, cost_code: Option<String>) -> Allocation {
        Allocation {
            percentage: money::plain(percent),
            field: self.settings.payment_request.cost_code_field.clone(),
            cost_code,
        }
    }

    /// The discount on the cost codes of the lines that it reduces, by their shares.
    fn shared_allocations<'p>(
        &self,
        reduced: impl Iterator<Item = &'p Priced<'p>>,
    ) -> Vec<Allocation> {
        let mut amounts: BTreeMap<Option<String>, Decimal> = BTreeMap::new();
        for line in reduced.filter(|line| !line.is_discount) {
            let project = line.source.project.as_ref();
            let code = project.and_then(|id| self.code_of_project(id));
            *amounts.entry(code).or_default() += line.net.abs();
        }
        let whole: Decimal = amounts.values().sum();
        let mut so_far = Decimal::ZERO;
        let mut given = Decimal::ZERO;
        let mut allocations = Vec::new();
        // The running total is what is rounded, so that no share is negative and they add up to
        // 100.
        for (code, amount) in amounts {
            so_far += amount;
            let total = (so_far * Decimal::ONE_HUNDRED)
                .checked_div(whole)
                .unwrap_or(Decimal::ONE_HUNDRED)
                .round_dp(2);
            if total > given {
                allocations.push(self.allocation(total - given, code));
                given = total;
            }
        }
        allocations
    }
}
