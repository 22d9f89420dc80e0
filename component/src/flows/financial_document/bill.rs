//! An acknowledged invoice becomes a bill of its vendor, unless FreshBooks cannot hold it to the
//! cent: then it becomes a journal entry.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::Cell;

use rust_decimal::Decimal;

use super::bills::Looks;
use super::run::{FinancialRun, is_bill};
use crate::concur::DocumentType;
use crate::contract::runs::{Change, Conflict, Ending, Facts, Link};
use crate::contract::types::{ObjectRef, System};
use crate::financial::{self, BillOrEntry, Head};
use crate::flow::{EarlyEnd, LookUp, Written, remote_refused};
use crate::flows::suppliers;
use crate::freshbooks;
use crate::marker;
use crate::money;
use crate::settings::financial::LookUp as When;

/// The scope without which no bill can be read.
const READ_SCOPE: &str = "user:bills:read";

/// What came of an invoice that was to become a bill.
pub(super) enum BillPosted {
    /// The run has ended: there is a bill, or what stands for it.
    Ended(Ending),
    /// It must become a journal entry.
    AsEntry {
        /// Why FreshBooks cannot hold it as a bill.
        why: String,
        /// What an earlier document of its source became, if that still stands.
        earlier: Option<Link>,
    },
}

impl FinancialRun<'_> {
    /// Whether the settings make a bill of the document, as far as FreshBooks can hold it.
    pub(super) fn becomes_bill(&self) -> bool {
        self.kind == DocumentType::Invoice && self.flow.settings.financial.makes_bills()
    }

    /// Makes the bill of the document and confirms it. `doubt`: it may have been made before this
    /// run.
    pub(super) async fn post_bill(&self, doubt: bool) -> Result<BillPosted, EarlyEnd> {
        let bill = match financial::bill(&self.row.document, &self.flow.settings) {
            Ok(BillOrEntry::Bill(bill)) => bill,
            Ok(BillOrEntry::Entry(why)) => {
                let earlier = self.own.link.clone();
                return Ok(BillPosted::AsEntry { why, earlier });
            }
            Err(untranslatable) => return Err(self.untranslatable(untranslatable).await),
        };
        if let Ok(head) = financial::head(self.kind, &self.row.document) {
            self.flow.note_facts(Facts {
                date: Some(bill.date.clone()),
                ..head.facts()
            });
        }
        let date = self.open_day(&bill.date)?;
        let vendor = suppliers::require_bill_vendor(self.flow, &bill.supplier).await?;
        let body = bill.body(&vendor, self.language(), &self.bill_marker(), &date);
        let unmarked = bill.body(&vendor, self.language(), "", &date);
        let hash = marker::content_hash(unmarked.as_bytes());
        if let Some(link) = &self.own.link {
            if link.content_hash.as_ref() == Some(&hash) {
                self.link(&link.target, Some(hash)).await;
                let ended = self.finish(&link.target, &date, Change::Adopted).await?;
                return Ok(BillPosted::Ended(ended));
            }
            self.undo_link(link, &date).await?;
        }
        let written = self.enter_bill(body, doubt).await?;
        if let Some(why) = self.checked(&written).await? {
            // What was there before is undone by now.
            let earlier = None;
            return Ok(BillPosted::AsEntry { why, earlier });
        }
        self.link(&written.record, Some(hash)).await;
        let change = if written.found {
            Change::Adopted
        } else {
            Change::Created
        };
        let ended = self.finish(&written.record, &date, change).await?;
        Ok(BillPosted::Ended(ended))
    }

    /// The day of the document's bill, if it has one that can be worked out again.
    pub(super) fn bill_date(&self) -> Option<String> {
        if !self.becomes_bill() {
            return None;
        }
        match financial::bill(&self.row.document, &self.flow.settings) {
            Ok(BillOrEntry::Bill(bill)) => self.open_day(&bill.date).ok(),
            _ => None,
        }
    }

    /// What the document was posted as: a journal entry or a bill, by the marker of either. The
    /// settings may have said otherwise when it was.
    pub(super) async fn find_posted(&self) -> Result<Option<ObjectRef>, EarlyEnd> {
        let bill = match self.may_be_bill() {
            true => {
                let marker = self.bill_marker();
                self.bills.find_marked(&marker, &self.looks()).await?
            }
            false => None,
        };
        let entry = self.journal.find_marked(&self.marker()).await?;
        match (bill, entry) {
            (Some(bill), Some(entry)) => Err(posted_twice(bill, entry)),
            (bill, entry) => Ok(bill.or(entry)),
        }
    }

    /// Creates the bill, or finds what was posted before.
    async fn enter_bill(&self, body: String, doubt: bool) -> Result<Written<ObjectRef>, EarlyEnd> {
        if self.is_left_unknown() {
            return self.look_only().await;
        }
        let settings = &self.flow.settings;
        let doubt = Cell::new(doubt || settings.financial.look_up == When::Always);
        let look_up = async || {
            if doubt.replace(true)
                && let Some(found) = self.find_posted().await?
            {
                return Ok(LookUp::Found(found));
            }
            let account_id = &settings.freshbooks.account_id;
            let request = freshbooks::create_bill(account_id, body.clone());
            Ok(LookUp::Missing(request))
        };
        let reader = freshbooks::read_created_bill;
        let intent = settings.financial.ambiguity;
        match self.flow.write(intent, reader, look_up).await? {
            Ok(written) => Ok(written),
            Err(refusal) => Err(remote_refused(
                self.flow,
                System::Freshbooks,
                "the bill",
                &refusal,
            )),
        }
    }

    /// Reads a bill and compares its total with the document's. One that is as it was made and
    /// comes to something else is deleted, and what is returned says why; one that a person may
    /// have changed is left to one.
    pub(super) async fn checked(
        &self,
        written: &Written<ObjectRef>,
    ) -> Result<Option<String>, EarlyEnd> {
        let posted = &written.record;
        let head = financial::head(self.kind, &self.row.document).ok();
        let (Some(head), true) = (head, is_bill(posted)) else {
            return Ok(None);
        };
        let shown = self.bills.read(&posted.id).await?;
        let Some(shown) = shown.filter(|shown| !shown.is_deleted) else {
            return Err(self.not_shown(&posted.id));
        };
        if shown.total == head.total {
            return Ok(None);
        }
        let why = other_total(shown.total, &head);
        if written.found && !shown.is_untouched {
            return Err(self.total_differs(&posted.id, &why));
        }
        self.bills.delete(&posted.id).await?;
        self.is_known.set(true);
        Ok(Some(why))
    }

    fn not_shown(&self, id: &str) -> EarlyEnd {
        let message = format!("FreshBooks does not show bill {id}, which it has just created");
        let remedy = "look for it in FreshBooks, then `ml-connector replay RUN`";
        self.failure("bill-not-shown", message, remedy)
    }

    fn total_differs(&self, id: &str, why: &str) -> EarlyEnd {
        let message = format!("bill {id} was there already, and its total is another: {why}");
        let remedy = "correct that bill in FreshBooks, then `ml-connector replay RUN`";
        self.failure("bill-total-differs", message, remedy)
    }

    fn language(&self) -> &str {
        &self.flow.settings.financial.bills.language
    }

    /// Whether a bill may have been made of the document, and can be looked for.
    fn may_be_bill(&self) -> bool {
        let settings = &self.flow.settings;
        let mut scopes = settings.freshbooks.scopes.split_whitespace();
        self.kind == DocumentType::Invoice && scopes.any(|scope| scope == READ_SCOPE)
    }

    /// What its bill looks like in a list.
    fn looks(&self) -> Looks {
        let Ok(head) = financial::head(self.kind, &self.row.document) else {
            return Looks {
                days: Vec::new(),
                total: None,
            };
        };
        let settings = &self.flow.settings.financial;
        let posting_day = head.date.as_deref().map(|date| settings.posting_day(date));
        let posting_day = posting_day.and_then(Result::ok);
        let days = self.bill_date().into_iter().chain(head.date);
        Looks {
            days: days.chain(posting_day).collect(),
            total: head.total,
        }
    }
}

/// How FreshBooks' total of a bill differs from the document's.
fn other_total(theirs: Option<Decimal>, head: &Head) -> String {
    let minor_units = money::minor_units(&head.currency).unwrap_or(2);
    let shown = |total: Option<Decimal>| match total {
        Some(total) => format!("{} {}", money::wire(total, minor_units), head.currency),
        None => String::from("nothing that can be read"),
    };
    format!(
        "FreshBooks works it out as {}, and SAP Concur says {}",
        shown(theirs),
        shown(head.total)
    )
}

fn posted_twice(bill: ObjectRef, entry: ObjectRef) -> EarlyEnd {
    EarlyEnd::Conflict(Conflict {
        message: format!(
            "bill {} and journal entry {} carry our markers of the same document",
            bill.id, entry.id
        ),
        targets: [bill, entry].into(),
        remedy: "they are one document twice: keep one, take the other away in FreshBooks, then \
                 `ml-connector replay RUN`"
            .into(),
    })
}
