//! Entries of an expense document that are expenses of FreshBooks: as `flows::financial_document`
//! leaves them out of the journal entry, they are left out of what that is compared with. The
//! expenses themselves are compared by the flow `expenses`.

use alloc::vec::Vec;

use crate::concur::DocumentType;
use crate::contract::runs::ObjectStatus;
use crate::contract::types::ObjectRef;
use crate::financial::{LeftOut, PaidBy, ReportEntry, report_entries};
use crate::settings::Settings;
use crate::settings::financial::OwnExpenses;

/// What entries of a document may be linked as.
pub(super) fn asked(settings: &Settings, kind: DocumentType, document: &str) -> Vec<ObjectRef> {
    let entries = candidates(settings, kind, document);
    entries.iter().flat_map(ReportEntry::objects).collect()
}

/// The entries that are linked to an expense.
pub(super) fn left_out(
    settings: &Settings,
    kind: DocumentType,
    document: &str,
    known: &[ObjectStatus],
) -> LeftOut {
    let linked = known.iter().filter(|status| status.link.is_some());
    let linked: Vec<&ObjectRef> = linked.map(|status| &status.object).collect();
    let is_own = |entry: &ReportEntry| {
        let mut objects = entry.objects().into_iter();
        objects.any(|object| linked.contains(&&object))
    };
    let own = candidates(settings, kind, document).into_iter();
    let own = own.filter(is_own);
    own.map(|entry| entry.id).collect::<LeftOut>()
}

/// The entries that stay out if they are ours: none of those that an employee is reimbursed for.
/// What cannot be read is said by the translation.
fn candidates(settings: &Settings, kind: DocumentType, document: &str) -> Vec<ReportEntry> {
    let is_posted = settings.financial.own_expenses == OwnExpenses::Post;
    if kind != DocumentType::Expense || is_posted {
        return Vec::new();
    }
    let mut entries = report_entries(document).unwrap_or_default();
    entries.retain(|entry| entry.paid_by != PaidBy::Employee);
    entries
}
