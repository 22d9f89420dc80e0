//! FreshBooks' journal: entries are found by the marker in their name, posted, and reversed, never
//! changed.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::Cell;

use rust_decimal::Decimal;

use crate::contract::runs::Conflict;
use crate::contract::types::{ObjectRef, System};
use crate::financial::{Entry, Line};
use crate::flows::rejected;
use crate::freshbooks::{self as wire, JournalLine, JournalPage};
use crate::runs::{Flow, Halt, LookUp, Written};
use crate::settings::financial::{self, Endpoint};

/// Pages of one look-up. FreshBooks lists every line of the ledger and can search for none.
const PAGES_MAX: u32 = 500;

/// The journal of this connection's account.
pub(super) struct Journal<'a> {
    pub(super) flow: &'a Flow,
}

/// What is to be posted.
pub(super) struct Posted<'a> {
    pub(super) entry: &'a Entry,
    /// The marker, in the entry's name.
    pub(super) marker: &'a str,
    /// The day of the entry, `YYYY-MM-DD`.
    pub(super) date: &'a str,
    /// Whether it may have been posted before this run.
    pub(super) doubt: bool,
}

/// A journal entry as an object.
pub(super) fn entry(id: &str) -> ObjectRef {
    ObjectRef {
        system: System::Freshbooks,
        kind: "journal-entry".to_string(),
        id: id.to_string(),
    }
}

impl Journal<'_> {
    /// Posts an entry, once. Where it cannot have been posted before, the first attempt needs no
    /// look-up: to look up is to list the whole ledger.
    pub(super) async fn post(&self, posted: &Posted<'_>) -> Result<Written<String>, Halt> {
        let settings = &self.flow.settings;
        let policy = &settings.financial;
        let body = posted.entry.body(
            policy.endpoint,
            posted.marker,
            &posted.entry.title,
            posted.date,
        );
        let doubt = Cell::new(posted.doubt || policy.look_up == financial::LookUp::Always);
        let look_up = async || {
            if doubt.replace(true)
                && let Some(id) = self.find_marked(posted.marker).await?
            {
                return Ok(LookUp::There(id));
            }
            let request = wire::create_journal_entry(settings, body.clone());
            Ok(LookUp::Missing(request))
        };
        let reader = match policy.endpoint {
            Endpoint::Legacy => wire::read_journal_entry,
            Endpoint::New => wire::read_new_journal_entry,
        };
        match self.flow.write(policy.ambiguity, reader, look_up).await? {
            Ok(written) => Ok(written),
            Err(refusal) => Err(rejected(
                self.flow,
                System::Freshbooks,
                "the journal entry",
                &refusal,
            )),
        }
    }

    /// The entry that carries the marker.
    pub(super) async fn find_marked(&self, marker: &str) -> Result<Option<String>, Halt> {
        let lines = self.lines(|line| line.name.contains(marker)).await?;
        let ids: BTreeSet<String> = lines.into_iter().map(|line| line.entry_id).collect();
        if ids.len() > 1 {
            return Err(conflict(marker, &ids));
        }
        Ok(ids.into_iter().next())
    }

    /// What takes an entry back, made of what FreshBooks shows of it; nothing if it is gone or
    /// empty.
    pub(super) async fn reversal(&self, entry_id: &str) -> Result<Option<Entry>, Halt> {
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
        let standing = Entry {
            title: format!("Reverses journal entry {entry_id}"),
            date: String::new(),
            currency,
            lines,
        };
        Ok(Some(standing.reversed()))
    }

    fn irreversible(&self, entry_id: &str) -> Halt {
        let sentence =
            format!("FreshBooks does not tell enough of journal entry {entry_id} to reverse it");
        let remedy = "delete that entry in FreshBooks by hand, then `ml-connector replay RUN`";
        Halt::Parked(self.flow.stop("entry-unreadable", sentence, remedy))
    }

    /// All lines of the ledger that are wanted.
    async fn lines(&self, wanted: impl Fn(&JournalLine) -> bool) -> Result<Vec<JournalLine>, Halt> {
        let mut found = Vec::new();
        for page in 1..=PAGES_MAX {
            let page = self.page(page).await?;
            found.extend(page.lines.into_iter().filter(|line| wanted(line)));
            if !page.more {
                return Ok(found);
            }
        }
        let sentence =
            format!("the ledger has more than {PAGES_MAX} pages of lines to look through");
        let remedy = "look for the marker in FreshBooks by hand; `ml-connector show RUN` names it";
        Err(Halt::Parked(self.flow.stop(
            "ledger-too-long",
            sentence,
            remedy,
        )))
    }

    async fn page(&self, page: u32) -> Result<JournalPage, Halt> {
        let settings = &self.flow.settings;
        let reader = match settings.financial.endpoint {
            Endpoint::Legacy => wire::read_journal_lines,
            Endpoint::New => wire::read_new_journal_lines,
        };
        let request = wire::journal_lines(settings, page);
        match self.flow.read(request, reader).await? {
            Ok(page) => Ok(page),
            Err(refusal) => Err(rejected(
                self.flow,
                System::Freshbooks,
                "the list of journal entries",
                &refusal,
            )),
        }
    }
}

fn conflict(marker: &str, ids: &BTreeSet<String>) -> Halt {
    let told: Vec<&str> = ids.iter().map(String::as_str).collect();
    Halt::Conflict(Conflict {
        targets: ids.iter().map(|id| entry(id)).collect(),
        sentence: format!(
            "{} journal entries carry our marker {marker}: {}",
            ids.len(),
            told.join(", ")
        ),
        remedy: "delete all but one in FreshBooks, then `ml-connector replay RUN`".to_string(),
    })
}
