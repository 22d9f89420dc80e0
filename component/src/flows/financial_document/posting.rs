//! An acknowledged document becomes one journal entry or bill, replaces an earlier one, or is taken
//! back.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::OTHER_LEDGER;
use super::bill::BillPosted;
use super::confirming::Confirmed;
use super::journal::NewPosting;
use super::own_expenses::left_out;
use super::run::{FinancialRun, is_bill, shown};
use crate::concur::{DocumentType, FinancialStatus};
use crate::contract::runs::{Change, Changes, Confirmation, Ending, Facts, Failure, Link};
use crate::contract::types::ObjectRef;
use crate::financial::{self, Entry, LeftOut, NOTHING_TO_POST, Translated};
use crate::flow::{EARLIER, EarlyEnd, Written, unchanged};
use crate::flows::ambiguity;
use crate::flows::day::{DAY, day_in};
use crate::marker;
use crate::remedy::{Replay, after_settings};
use crate::settings::financial::{ClosedPeriod, OwnInvoices};

pub(super) const RECALLED: &str = "recalled in SAP Concur";

impl FinancialRun<'_> {
    /// Posts the document and confirms it. `doubt`: it may have been posted before this run.
    pub(super) async fn post(&self, doubt: bool) -> Result<Ending, EarlyEnd> {
        if let Some(link) = self.linked() {
            return self
                .finish(&link.target, &self.date_again(), Change::Adopted)
                .await;
        }
        if let Some(origin) = self.origin().await? {
            return self.confirm_own(&origin).await;
        }
        if !self.becomes_bill() {
            let own = self.own_expenses().await;
            self.check_own_expenses(own).await?;
            let earlier = self.own.link.as_ref();
            return self.post_entry(&left_out(own), doubt, earlier, "").await;
        }
        match self.post_bill(doubt).await? {
            BillPosted::Ended(ending) => Ok(ending),
            BillPosted::AsEntry { why, earlier } => {
                let remark = format!(", not as a bill: {why}");
                let nothing = LeftOut::new();
                self.post_entry(&nothing, doubt, earlier.as_ref(), &remark)
                    .await
            }
        }
    }

    /// Posts the document as a journal entry, without the entries that are left out. `earlier` is
    /// what stands of an earlier document of its source, and `remark` says why this one is no bill.
    async fn post_entry(
        &self,
        left_out: &LeftOut,
        doubt: bool,
        earlier: Option<&Link>,
        remark: &str,
    ) -> Result<Ending, EarlyEnd> {
        let settings = &self.flow.settings;
        let (kind, document) = (self.kind, &self.row.document);
        let translated = financial::translate_with_head(kind, document, settings, left_out);
        let (mut entry, head) = match translated {
            Ok((Translated::Entry(entry), head)) => (entry, head),
            Ok((Translated::NotPosted { code, .. }, _))
                if code == NOTHING_TO_POST && !left_out.is_empty() =>
            {
                return self.confirm_own_expenses().await;
            }
            Ok((Translated::NotPosted { code, message }, _)) => {
                return self.not_posted(code, message).await;
            }
            Err(untranslatable) => return Err(self.untranslatable(untranslatable).await),
        };
        self.flow.note_facts(Facts {
            date: Some(entry.date.clone()),
            ..head.facts()
        });
        if let Some(original) = self.posted_original(&head.source_id).await {
            entry.description = financial::with_original(&entry.description, &original);
        }
        let date = self.open_day(&entry.date)?;
        let hash = marker::content_hash(format!("{} {date}", entry.content_hash()).as_bytes());
        // Expenses are of one version of a document: none is taken over by the next.
        let is_same =
            |link: &Link| entry.expenses.is_empty() && link.content_hash.as_ref() == Some(&hash);
        match earlier {
            Some(link) if is_same(link) => {
                self.link(&link.target, Some(hash)).await;
                self.finish(&link.target, &date, Change::Adopted).await
            }
            earlier => {
                if let Some(link) = earlier {
                    self.undo_link(link, &date).await?;
                }
                self.note_project_expenses(&entry, &date, doubt).await?;
                let (posted, change) = self.enter(&entry, &date, doubt).await?;
                self.link(&posted, Some(hash)).await;
                self.finish_with(&posted, &date, change, remark).await
            }
        }
    }

    /// A document that the settings leave to others, and why. What an earlier one of its source has
    /// posted here does not stand any more: who takes this one posts it.
    pub(super) async fn leave_to_others(&self, why: String) -> Result<Ending, EarlyEnd> {
        let is_live = matches!(
            self.row.status,
            FinancialStatus::Ready | FinancialStatus::Acknowledged | FinancialStatus::Posted
        );
        match &self.own.link {
            Some(link) if is_live => self.take_back(&link.target, &why).await,
            _ => Ok(unchanged(OTHER_LEDGER, why)),
        }
    }

    /// A document of which nothing is posted. What an earlier one of its source has posted does not
    /// stand any more.
    async fn not_posted(&self, code: &str, message: String) -> Result<Ending, EarlyEnd> {
        match &self.own.link {
            Some(link) => self.take_back(&link.target, &message).await,
            None => Ok(unchanged(code, message)),
        }
    }

    /// Enters the entry, or finds it entered.
    async fn enter(
        &self,
        entry: &Entry,
        date: &str,
        doubt: bool,
    ) -> Result<(ObjectRef, Change), EarlyEnd> {
        let written = self.write_entry(entry, date, doubt).await?;
        let written = match self.checked(&written).await? {
            None => written,
            // It was a bill of before the settings changed, and is taken back by now.
            Some(_) => self.write_entry(entry, date, doubt).await?,
        };
        let change = if written.found {
            Change::Adopted
        } else {
            Change::Created
        };
        Ok((written.record, change))
    }

    async fn write_entry(
        &self,
        entry: &Entry,
        date: &str,
        doubt: bool,
    ) -> Result<Written<ObjectRef>, EarlyEnd> {
        if self.is_left_unknown() {
            return self.look_only().await;
        }
        let marker = self.marker();
        let posted = NewPosting {
            entry,
            marker: &marker,
            date,
            doubt,
        };
        let find = async || self.find_posted().await;
        self.journal.post(&posted, find).await
    }

    /// Whether an earlier run could not know what came of its write, and nothing was found since.
    pub(super) fn is_left_unknown(&self) -> bool {
        let left = ambiguity::left_by_earlier_run(self.flow, self.own);
        left.is_some() && !self.is_known.get()
    }

    /// An earlier attempt was never answered: only a person may have it sent again.
    pub(super) async fn look_only(&self) -> Result<Written<ObjectRef>, EarlyEnd> {
        match self.find_posted().await? {
            Some(record) => Ok(Written {
                record,
                found: true,
            }),
            None => Err(EarlyEnd::park(self.flow.ambiguous(EARLIER))),
        }
    }

    /// A document that was taken back before it was through: nothing of it may stay in the books.
    pub(super) async fn withdraw(&self) -> Result<Ending, EarlyEnd> {
        if let Some(link) = self.linked() {
            return self.take_back(&link.target, RECALLED).await;
        }
        let ours = self.row.system_id == self.system_id();
        let found = match ours {
            true => self.find_posted().await?,
            false => None,
        };
        match found {
            Some(posted) => self.take_back(&posted, RECALLED).await,
            None => {
                let message = "it was recalled in SAP Concur before it was posted".to_string();
                Ok(unchanged("recalled", message))
            }
        }
    }

    pub(super) async fn take_back(
        &self,
        posted: &ObjectRef,
        why: &str,
    ) -> Result<Ending, EarlyEnd> {
        let today = self.today();
        let (date, how) = match is_bill(posted) {
            true => (today, "deleted"),
            false => (self.open_day(&today)?, "reversed"),
        };
        let own = self.own.link.as_ref();
        let version = own.filter(|link| link.target == *posted);
        let version = version.and_then(|link| link.version.as_deref());
        let version = version.unwrap_or(&self.version);
        self.undo(posted, version, &date).await?;
        self.flow
            .save(Changes {
                links: Vec::new(),
                unlinks: vec![self.flow.task.object.clone()],
                tasks: Vec::new(),
            })
            .await;
        let message = format!("{why}: {} is {how}", shown(posted));
        Ok(self.confirmed(posted, Change::Withdrawn, message))
    }

    /// Takes back what the link leads to.
    pub(super) async fn undo_link(&self, link: &Link, date: &str) -> Result<(), EarlyEnd> {
        let version = link.version.as_deref().unwrap_or(&self.version);
        self.undo(&link.target, version, date).await
    }

    /// Deletes the expenses of a version and reverses its journal entry, or deletes its bill;
    /// nothing if it is gone.
    async fn undo(&self, posted: &ObjectRef, version: &str, date: &str) -> Result<(), EarlyEnd> {
        if is_bill(posted) {
            return self.bills.delete(&posted.id).await;
        }
        self.delete_project_expenses(version).await?;
        self.reverse(&posted.id, date).await
    }

    /// Posts what takes an entry back, once; nothing if it is gone.
    async fn reverse(&self, entry_id: &str, date: &str) -> Result<(), EarlyEnd> {
        let earlier = financial::description(self.kind, &self.row.document);
        let description = financial::of_reversal(entry_id, earlier.as_deref());
        let Some(reversal) = self.journal.reversal(entry_id, description).await? else {
            return Ok(());
        };
        let marker = self.flow.marker(&format!("journal-reversal {entry_id}"));
        let posted = NewPosting {
            entry: &reversal,
            marker: &marker,
            date,
            doubt: true,
        };
        let find = async || self.journal.find_marked(&marker).await;
        self.journal.post(&posted, find).await.map(drop)
    }

    /// The FreshBooks document that we brought to Concur as this one, if it is not to be posted
    /// twice.
    pub(super) async fn origin(&self) -> Result<Option<ObjectRef>, EarlyEnd> {
        let settings = &self.flow.settings.financial;
        if self.kind != DocumentType::Invoice || settings.own_invoices == OwnInvoices::Post {
            return Ok(None);
        }
        let Ok(head) = financial::head(self.kind, &self.row.document) else {
            return Ok(None);
        };
        if let Some(original) = self.original(&head.source_id).await {
            return Ok(Some(original));
        }
        let is_ours = |value: &String| marker::is_marker(value);
        if head.customs.iter().any(is_ours) {
            return Err(self.failure(
                "own-invoice-unlinked",
                "it carries a marker of ml-connector, but no stored link leads to its FreshBooks \
                 document"
                    .to_string(),
                after_settings(
                    "confirm it in SAP Concur by hand, or set `financial.own_invoices = \"post\"` \
                     if it is to be posted",
                    Replay::Run,
                ),
            ));
        }
        Ok(None)
    }

    /// The FreshBooks document that we brought to Concur as an invoice that is posted all the same.
    async fn posted_original(&self, source_id: &str) -> Option<ObjectRef> {
        let settings = &self.flow.settings.financial;
        let is_posted = settings.own_invoices == OwnInvoices::Post;
        if self.kind != DocumentType::Invoice || !is_posted {
            return None;
        }
        self.original(source_id).await
    }

    async fn original(&self, source_id: &str) -> Option<ObjectRef> {
        let request = ObjectRef::concur("payment-request", source_id);
        Some(self.flow.find_one(request).await.link?.target)
    }

    async fn confirm_own(&self, origin: &ObjectRef) -> Result<Ending, EarlyEnd> {
        let number = format!("{}-{}", origin.kind, origin.id);
        if self.confirm(&[number], &self.date_again()).await? == Confirmed::Recalled {
            return Ok(unchanged(
                "recalled",
                "it was recalled in SAP Concur".to_string(),
            ));
        }
        Ok(Ending::Confirmed(Confirmation {
            target: origin.clone(),
            change: Change::Adopted,
            message: format!(
                "it came from FreshBooks as {} {}: confirmed, and not posted again",
                origin.kind, origin.id
            ),
        }))
    }

    /// The day that the document's entry has, as far as it can be worked out again; else today.
    pub(super) fn date_again(&self) -> String {
        if let Some(date) = self.bill_date() {
            return date;
        }
        let settings = &self.flow.settings;
        let translated = financial::translate(self.kind, &self.row.document, settings);
        let date = match translated {
            Ok(Translated::Entry(entry)) => self.open_day(&entry.date).ok(),
            _ => None,
        };
        date.unwrap_or_else(|| self.today())
    }

    /// The calendar day in the time zone of the books.
    fn today(&self) -> String {
        day_in(&self.flow.settings.financial.zone, self.flow.now())
    }

    /// The day to post on: the document's own, unless the books are closed for it.
    pub(super) fn open_day(&self, date: &str) -> Result<String, EarlyEnd> {
        let settings = &self.flow.settings.financial;
        let closed_until = match settings.posting_day(date) {
            Ok(day) => return Ok(day),
            Err(closed_until) => closed_until,
        };
        let is_held = settings.closed_period == ClosedPeriod::Hold;
        let message =
            format!("it is to be posted on {date}, and the books are closed until {closed_until}");
        let change = "change `financial.closed_until` or `financial.closed_period`";
        let remedy = after_settings(change, Replay::Parked);
        let failure = self.flow.failure("closed-period", message, &remedy);
        Err(EarlyEnd::park(Failure {
            look_again: is_held.then(|| self.flow.now().saturating_add(DAY)),
            ..failure
        }))
    }
}
