//! Reports and entries as they are stored.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::http::Millis;
use crate::money::Currency;

/// A report with its entries.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// 20 upper-case hexadecimal digits; v3 and v4 share it.
    pub(crate) id: String,
    pub(crate) number: String,
    /// The UUID of the user.
    pub(crate) owner: String,
    pub(crate) currency: Currency,
    pub(crate) policy: String,
    /// Members that are text, under the names of v4, such as `name` and `startDate`.
    pub(crate) texts: BTreeMap<String, String>,
    /// Custom fields under the names of v3: the code of a list item, or text.
    pub(crate) customs: BTreeMap<String, String>,
    pub(crate) paper_receipts: bool,
    pub(crate) step: Step,
    /// It has been in workflow once: no call adds an entry any more.
    pub(crate) ever_submitted: bool,
    pub(crate) sent_back: bool,
    pub(crate) ever_sent_back: bool,
    pub(crate) submitted: Option<Millis>,
    pub(crate) created: Millis,
    pub(crate) modified: Millis,
    pub(crate) version: u32,
    pub(crate) deleted: bool,
    pub(crate) entries: Vec<Entry>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) exceptions: Vec<Exception>,
}

/// Where a report is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// With its owner.
    Open,
    /// At the approval step of that place.
    Pending(usize),
    /// Past the last one.
    Approved,
}

/// An entry, which v4 calls an expense.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The id of v3, encrypted.
    pub(crate) id: String,
    /// The id of v4 and of documents, 32 upper-case hexadecimal digits.
    pub(crate) expense_id: String,
    pub(crate) legacy_id: u64,
    pub(crate) expense_type: String,
    /// The v4 id of its payment type.
    pub(crate) payment_type: String,
    pub(crate) day: String,
    pub(crate) amount: Decimal,
    pub(crate) currency: Currency,
    /// What one unit spent is worth in the report's currency.
    pub(crate) rate: Decimal,
    pub(crate) description: String,
    pub(crate) vendor: String,
    pub(crate) vendor_item: String,
    pub(crate) location: String,
    pub(crate) receipt_type: String,
    pub(crate) billable: bool,
    pub(crate) personal: bool,
    pub(crate) rejected: bool,
    pub(crate) paper_receipt: bool,
    /// Custom fields and org units under the names of v3: the code of a list item, or text.
    pub(crate) customs: BTreeMap<String, String>,
    /// A person made it, in the browser.
    pub(crate) by_hand: bool,
    pub(crate) created: Millis,
    pub(crate) modified: Millis,
    pub(crate) comments: Vec<Comment>,
    pub(crate) exceptions: Vec<Exception>,
}

/// A comment.
#[derive(Clone, Debug)]
pub(crate) struct Comment {
    pub(crate) text: String,
    pub(crate) at: Millis,
}

/// An exception that was put on a report or an entry.
#[derive(Clone, Debug)]
pub(crate) struct Exception {
    pub(crate) code: String,
    pub(crate) visibility: String,
}

impl Report {
    /// The entry with that v4 id.
    pub(crate) fn entry(&self, expense_id: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.expense_id == expense_id)
    }

    /// The same, to be changed.
    pub(crate) fn entry_mut(&mut self, expense_id: &str) -> Option<&mut Entry> {
        self.entries
            .iter_mut()
            .find(|entry| entry.expense_id == expense_id)
    }

    /// What entries amount to, of those asked for, in the report's currency.
    pub(crate) fn sum(&self, wanted: impl Fn(&Entry) -> bool) -> Decimal {
        let wanted = self.entries.iter().filter(|entry| wanted(entry));
        wanted.map(|entry| entry.posted(self.currency)).sum()
    }

    /// Notes a change.
    pub(crate) fn touch(&mut self, now: Millis) {
        (self.modified, self.version) = (now, self.version + 1);
    }
}

impl Entry {
    /// What it is worth in the report's currency.
    pub(crate) fn posted(&self, currency: Currency) -> Decimal {
        currency.round(self.amount * self.rate)
    }

    /// What of that is approved: nothing of what is private or was rejected.
    pub(crate) fn approved(&self, currency: Currency) -> Decimal {
        if self.personal || self.rejected {
            Decimal::ZERO
        } else {
            self.posted(currency)
        }
    }
}
