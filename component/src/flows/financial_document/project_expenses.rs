//! Rows that name a project, as expenses beside the journal entry: each is made once, read back,
//! named in the confirmation, and deleted when its document is taken back.
//!
//! Before the entry is posted, a link of the document's version notes what its expenses are: under
//! other settings, an entry that offsets costs and one that does not are told apart.

mod making;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use making::Maker;

use super::own_expenses::left_out;
use super::run::FinancialRun;
use crate::contract::runs::{Changes, Failure, Link};
use crate::contract::types::{ObjectRef, System};
use crate::financial::source::project_expenses_kind;
use crate::financial::{self, Entry, Translated};
use crate::flow::{EarlyEnd, Flow, remote_refused};
use crate::flows::day::DAY;
use crate::freshbooks::{self, Expense, OfDocument};
use crate::marker;
use crate::remedy::{Replay, after_settings};
use crate::settings::financial::{ClosedPeriod, LookUp as When};

/// Pages of one look-up, of 100 expenses each: as many rows as a look-up in the journal reads.
const PAGES_MAX: u32 = 500;
/// The kind of what notes that a version of a document has expenses.
const NOTE_KIND: &str = "project-expenses";

/// What a document's rows of projects have become, by the number of the row.
type Found = BTreeMap<usize, Vec<String>>;

impl FinancialRun<'_> {
    /// Notes what expenses the entry offsets, before it is posted. `doubt`: it may have been posted
    /// before this run.
    pub(super) async fn note_project_expenses(
        &self,
        entry: &Entry,
        date: &str,
        doubt: bool,
    ) -> Result<(), EarlyEnd> {
        let noted = noted(self.flow, &self.version).await;
        let hash = hash_of(entry, date);
        let is_same = noted == (!entry.expenses.is_empty()).then(|| hash.clone());
        if is_same {
            return Ok(());
        }
        if doubt && self.find_posted().await?.is_some() {
            return Err(self.other_settings());
        }
        if entry.expenses.is_empty() {
            forget_note(self.flow, &self.version).await;
            return Ok(());
        }
        let note = Link {
            source: note_object(&self.version),
            target: ObjectRef::freshbooks(NOTE_KIND, project_marker(self.flow, &self.version)),
            version: Some(self.version.clone()),
            content_hash: Some(hash),
        };
        self.flow.save_links([note].into()).await;
        Ok(())
    }

    /// Makes the expenses of the document's rows of projects, as far as they are not there. Returns
    /// them in the order of the rows, once FreshBooks shows each as it is wanted. `doubt`: some may
    /// have been made before.
    pub(super) async fn make_project_expenses(
        &self,
        doubt: bool,
    ) -> Result<Vec<ObjectRef>, EarlyEnd> {
        let noted = noted(self.flow, &self.version).await;
        let entry = self.entry_again().await;
        let entry = entry.filter(|entry| !entry.expenses.is_empty());
        let (entry, hash) = match (entry, noted) {
            (None, None) => return Ok(Vec::new()),
            (Some(entry), Some(hash)) => (entry, hash),
            // One that was posted before rows of projects became expenses offsets nothing.
            (Some(_), None) => return Ok(Vec::new()),
            (None, Some(_)) => return Err(self.other_settings()),
        };
        let date = self.open_day(&entry.date)?;
        if hash != hash_of(&entry, &date) {
            return Err(self.other_settings());
        }
        let marker = project_marker(self.flow, &self.version);
        let maker = Maker {
            run: self,
            entry: &entry,
            of: OfDocument {
                currency: &entry.currency,
                date: &date,
                description: &entry.description,
                marker: &marker,
            },
            doubt: Cell::new(doubt || self.flow.settings.financial.look_up == When::Always),
            found: RefCell::default(),
        };
        maker.make_all().await
    }

    /// The document's entry under the settings of now; none if it has none.
    async fn entry_again(&self) -> Option<Entry> {
        let left_out = left_out(self.own_expenses().await);
        let (kind, document) = (self.kind, &self.row.document);
        let settings = &self.flow.settings;
        match financial::translate_with_head(kind, document, settings, &left_out) {
            Ok((Translated::Entry(entry), _)) => Some(entry),
            _ => None,
        }
    }

    /// Deletes the expenses of a version of a document; nothing if it has none.
    pub(super) async fn delete_project_expenses(&self, version: &str) -> Result<(), EarlyEnd> {
        let is_noted = noted(self.flow, version).await.is_some();
        if !is_noted && !self.flow.settings.financial.makes_project_expenses() {
            return Ok(());
        }
        let found = find_marked(self.flow, &project_marker(self.flow, version)).await?;
        for id in found.into_values().flatten() {
            self.delete_expense(&id).await?;
        }
        if is_noted {
            forget_note(self.flow, version).await;
        }
        Ok(())
    }

    /// Deletes an expense that no client was billed for and whose day is open; nothing if it is
    /// gone.
    async fn delete_expense(&self, id: &str) -> Result<(), EarlyEnd> {
        let Some(expense) = self.booked(&freshbooks::expense_object(id)).await? else {
            return Ok(());
        };
        if expense.is_billed {
            let message = format!(
                "a client was billed for expense {id} in FreshBooks, and its document was recalled \
                 or changed in SAP Concur"
            );
            let remedy = "take the expense off that invoice in FreshBooks, then `ml-connector \
                          replay RUN`";
            return Err(self.failure("expense-billed", message, remedy));
        }
        self.check_expense_open(id, &expense)?;
        let request = freshbooks::delete_expense(&self.flow.settings.freshbooks.account_id, id);
        let reader = freshbooks::read_deleted_expense;
        match self.flow.send_idempotent(request, reader).await? {
            Ok(()) => Ok(()),
            Err(refusal) if refusal.is_missing() => Ok(()),
            Err(refusal) => Err(remote_refused(
                self.flow,
                System::Freshbooks,
                "to delete an expense",
                &refusal,
            )),
        }
    }

    /// An expense leaves the books on the day that it is in them, so that a closed day keeps it.
    fn check_expense_open(&self, id: &str, expense: &Expense) -> Result<(), EarlyEnd> {
        let settings = &self.flow.settings.financial;
        let date = expense.date.as_deref().unwrap_or_default();
        let closed_until = settings.closed_until.as_deref();
        let Some(end) = closed_until.filter(|end| !date.is_empty() && date <= *end) else {
            return Ok(());
        };
        let message = format!(
            "expense {id} of {date} is to be deleted, and the books are closed until {end}"
        );
        let remedy = after_settings(
            "open the books (`financial.closed_until`), or delete that expense in FreshBooks by \
             hand",
            Replay::Run,
        );
        let failure = self.flow.failure("closed-period", message, remedy);
        let is_held = settings.closed_period == ClosedPeriod::Hold;
        Err(EarlyEnd::park(Failure {
            look_again: is_held.then(|| self.flow.now().saturating_add(DAY)),
            ..failure
        }))
    }

    fn other_settings(&self) -> EarlyEnd {
        self.failure(
            "project-costs-changed",
            "its journal entry was posted under other settings of project costs".to_string(),
            after_settings(
                "recall the document in SAP Concur; or set `financial.project_costs`, \
                 `financial.project_expenses`, `financial.accounts` and `financial.closed_until` \
                 to what they were",
                Replay::Run,
            ),
        )
    }
}

fn note_object(version: &str) -> ObjectRef {
    ObjectRef::concur(NOTE_KIND, version)
}

/// The marker of all expenses of a version of the run's document.
fn project_marker(flow: &Flow, version: &str) -> String {
    flow.marker(&project_expenses_kind(version))
}

/// What the note of a version says that its entry and expenses are; none without expenses.
async fn noted(flow: &Flow, version: &str) -> Option<String> {
    let link = flow.find_one(note_object(version)).await.link?;
    Some(link.content_hash.unwrap_or_default())
}

async fn forget_note(flow: &Flow, version: &str) {
    flow.save(Changes {
        links: Vec::new(),
        unlinks: [note_object(version)].into(),
        tasks: Vec::new(),
    })
    .await;
}

fn hash_of(entry: &Entry, date: &str) -> String {
    marker::content_hash(format!("{} {date}", entry.content_hash()).as_bytes())
}

/// The expenses whose notes end with the marker and the number of a row.
async fn find_marked(flow: &Flow, marker: &str) -> Result<Found, EarlyEnd> {
    let mut found = Found::new();
    for page in 1..=PAGES_MAX {
        let request = freshbooks::list_expenses(&flow.settings.freshbooks.account_id, page);
        let listed = match flow.read(request, freshbooks::read_expenses).await? {
            Ok(listed) => listed,
            Err(refusal) => {
                let what = "the list of expenses";
                return Err(remote_refused(flow, System::Freshbooks, what, &refusal));
            }
        };
        for expense in listed.expenses {
            if let Some(row) = row_of(&expense.notes, marker) {
                found.entry(row).or_default().push(expense.id);
            }
        }
        if u64::from(page) >= listed.pages {
            return Ok(found);
        }
    }
    let message = format!("there are more than {PAGES_MAX} pages of expenses to look through");
    let remedy = "search for the marker in FreshBooks by hand; `ml-connector show RUN` shows it";
    Err(flow.parked("ledger-too-long", message, remedy))
}

/// The number of the row that the notes name behind the marker.
fn row_of(notes: &str, marker: &str) -> Option<usize> {
    let (_, rest) = notes.split_once(&format!("{marker}/"))?;
    let digits = rest.split(|character: char| !character.is_ascii_digit());
    digits.into_iter().next()?.parse().ok()
}
