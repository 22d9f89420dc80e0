//! FreshBooks' journal: entries are found by the marker in their name, posted, and reversed, never
//! changed.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::Cell;

use rust_decimal::Decimal;

use crate::contract::http::Response;
use crate::contract::runs::Conflict;
use crate::contract::types::{ObjectRef, System};
use crate::error_bodies::Unread;
use crate::financial::{Entry, Line};
use crate::flow::{EarlyEnd, Flow, LookUp, Written, remote_refused};
use crate::freshbooks::{self, JournalLine, JournalPage};
use crate::settings::financial::{self, Endpoint};

/// Pages of one look-up. FreshBooks lists every line of the ledger and can search for none; at 100
/// lines a page this is a ledger of 50 000 lines. A longer one is looked through by a
/// person, who can search in FreshBooks.
const PAGES_MAX: u32 = 500;

/// The journal of this connection's account.
pub(super) struct Journal<'a> {
    pub(super) flow: &'a Flow,
}

/// What is to be posted.
pub(super) struct NewPosting<'a> {
    pub(super) entry: &'a Entry,
    /// The marker, in the entry's name.
    pub(super) marker: &'a str,
    /// The day of the entry, `YYYY-MM-DD`.
    pub(super) date: &'a str,
    /// Whether it may have been posted before this run.
    pub(super) doubt: bool,
}

/// A journal entry as an object.
pub(super) fn entry_object(id: &str) -> ObjectRef {
    ObjectRef::freshbooks("journal-entry", id)
}

impl Journal<'_> {
    /// Posts an entry, once. Where it cannot have been posted before, the first attempt needs no
    /// look-up, which lists the whole ledger. `find`: what was posted already.
    pub(super) async fn post(
        &self,
        posted: &NewPosting<'_>,
        find: impl AsyncFn() -> Result<Option<ObjectRef>, EarlyEnd>,
    ) -> Result<Written<ObjectRef>, EarlyEnd> {
        let settings = &self.flow.settings;
        let policy = &settings.financial;
        let body = posted.entry.body(policy, posted.marker, posted.date);
        let doubt = Cell::new(posted.doubt || policy.look_up == financial::LookUp::Always);
        let look_up = async || {
            if doubt.replace(true)
                && let Some(found) = find().await?
            {
                return Ok(LookUp::Found(found));
            }
            let request = freshbooks::create_journal_entry(settings, body.clone());
            Ok(LookUp::Missing(request))
        };
        let reader = match policy.endpoint {
            Endpoint::Legacy => read_created,
            Endpoint::New => read_new_created,
        };
        match self.flow.write(policy.ambiguity, reader, look_up).await? {
            Ok(written) => Ok(written),
            Err(refusal) => Err(remote_refused(
                self.flow,
                System::Freshbooks,
                "the journal entry",
                &refusal,
            )),
        }
    }

    /// The entry that carries the marker.
    pub(super) async fn find_marked(&self, marker: &str) -> Result<Option<ObjectRef>, EarlyEnd> {
        let lines = self.lines(|line| line.name.contains(marker)).await?;
        let ids: BTreeSet<String> = lines.into_iter().map(|line| line.entry_id).collect();
        if ids.len() > 1 {
            return Err(conflict(marker, &ids));
        }
        Ok(ids.into_iter().next().map(|id| entry_object(&id)))
    }

    /// What takes an entry back, made of what FreshBooks shows of it; nothing if it is gone or
    /// empty. `description` is what it says for people.
    pub(super) async fn reversal(
        &self,
        entry_id: &str,
        description: String,
    ) -> Result<Option<Entry>, EarlyEnd> {
        let lines = self.lines(|line| line.entry_id == entry_id).await?;
        let currencies: BTreeSet<&str> = lines.iter().map(|line| line.currency.as_str()).collect();
        let unread = lines.iter().any(|line| line.account.is_empty());
        let currency = match currencies.iter().next() {
            None => return Ok(None),
            Some(currency) if currencies.len() == 1 && !unread => (*currency).to_string(),
            Some(_) => return Err(self.irreversible(entry_id)),
        };
        let mut sums: BTreeMap<String, Decimal> = BTreeMap::new();
        for line in lines {
            *sums.entry(line.account).or_default() += line.amount;
        }
        let lines: Vec<Line> = sums
            .into_iter()
            .filter(|(_, amount)| !amount.is_zero())
            .map(|(account, amount)| Line {
                account,
                label: String::new(),
                cost_code: None,
                amount,
            })
            .collect();
        if lines.is_empty() {
            return Ok(None);
        }
        let entry = Entry {
            description,
            date: String::new(),
            currency,
            lines,
            expenses: Vec::new(),
        };
        Ok(Some(entry.reversed()))
    }

    fn irreversible(&self, entry_id: &str) -> EarlyEnd {
        let message =
            format!("FreshBooks does not show enough of journal entry {entry_id} to reverse it");
        let remedy = "delete that entry in FreshBooks by hand, then `ml-connector replay RUN`";
        self.flow.parked("entry-unreadable", message, remedy)
    }

    /// All lines of the ledger that are wanted.
    async fn lines(
        &self,
        wanted: impl Fn(&JournalLine) -> bool,
    ) -> Result<Vec<JournalLine>, EarlyEnd> {
        let mut found = Vec::new();
        for page in 1..=PAGES_MAX {
            let page = self.page(page).await?;
            found.extend(page.lines.into_iter().filter(|line| wanted(line)));
            if !page.more {
                return Ok(found);
            }
        }
        let message =
            format!("the ledger has more than {PAGES_MAX} pages of lines to look through");
        let remedy =
            "search for the marker in FreshBooks by hand; `ml-connector show RUN` shows it";
        Err(self.flow.parked("ledger-too-long", message, remedy))
    }

    async fn page(&self, page: u32) -> Result<JournalPage, EarlyEnd> {
        let settings = &self.flow.settings;
        let reader = match settings.financial.endpoint {
            Endpoint::Legacy => freshbooks::read_journal_lines,
            Endpoint::New => freshbooks::read_new_journal_lines,
        };
        let request = freshbooks::journal_lines(settings, page);
        match self.flow.read(request, reader).await? {
            Ok(page) => Ok(page),
            Err(refusal) => Err(remote_refused(
                self.flow,
                System::Freshbooks,
                "the list of journal entries",
                &refusal,
            )),
        }
    }
}

fn read_created(response: &Response) -> Result<ObjectRef, Unread> {
    freshbooks::read_journal_entry(response).map(|id| entry_object(&id))
}

fn read_new_created(response: &Response) -> Result<ObjectRef, Unread> {
    freshbooks::read_new_journal_entry(response).map(|id| entry_object(&id))
}

fn conflict(marker: &str, ids: &BTreeSet<String>) -> EarlyEnd {
    let listed: Vec<&str> = ids.iter().map(String::as_str).collect();
    EarlyEnd::Conflict(Conflict {
        targets: ids.iter().map(|id| entry_object(id)).collect(),
        message: format!(
            "{} journal entries carry our marker {marker}: {}",
            ids.len(),
            listed.join(", ")
        ),
        remedy: "they are one document twice: keep one, take the others away in FreshBooks, then \
                 `ml-connector replay RUN`"
            .to_string(),
    })
}
