//! What is to be done with a document, by the status that Concur gives it.

use alloc::format;
use alloc::string::ToString;

use super::confirming::Acknowledged;
use super::run::{CORRECT_IN_CONCUR, FinancialRun, shown};
use crate::concur::FinancialStatus;
use crate::contract::runs::{Change, Ending};
use crate::financial;
use crate::flow::{EarlyEnd, unchanged};
use crate::text::clean;

impl FinancialRun<'_> {
    pub(super) async fn sync(&self) -> Result<Ending, EarlyEnd> {
        if !self.is_of_its_type() {
            return Err(self.unknown_type());
        }
        match &self.row.status {
            FinancialStatus::Ready => match self.acknowledge_if_readable().await? {
                Acknowledged::Now => self.post(false).await,
                Acknowledged::Before => self.post(true).await,
                Acknowledged::Recalled => self.withdraw().await,
            },
            FinancialStatus::Acknowledged if self.row.system_id == *self.system_id() => {
                self.post(true).await
            }
            FinancialStatus::Acknowledged => Err(self.acknowledged_elsewhere(&self.row.system_id)),
            FinancialStatus::Posted => self.posted_before().await,
            FinancialStatus::Failed => Err(self.failed_before()),
            FinancialStatus::Recalled => self.withdraw().await,
            FinancialStatus::Other(word) => Err(self.unknown_status(word)),
        }
    }

    /// A document that does not say what it is about is found on the list of what is ready only,
    /// and can be recalled only while it is there: if it cannot be posted it stays there, unless it
    /// is to be reported.
    async fn acknowledge_if_readable(&self) -> Result<Acknowledged, EarlyEnd> {
        let (settings, document) = (&self.flow.settings, &self.row.document);
        let is_readable = financial::head(self.kind, document).is_ok();
        if !is_readable
            && let Err(untranslatable) = financial::translate(self.kind, document, settings)
            && !self.is_reported(&untranslatable)
        {
            return Err(self.left_unread(untranslatable));
        }
        self.acknowledge().await
    }

    /// Whether the list says of the document what was asked for, in whatever case.
    fn is_of_its_type(&self) -> bool {
        let named = self.row.doc_type.as_str();
        named.is_empty() || named.eq_ignore_ascii_case(self.kind.wire_name())
    }

    /// No call of its own type would be for it, so that it is not even acknowledged.
    fn unknown_type(&self) -> EarlyEnd {
        self.failure(
            "unknown-type",
            format!(
                "SAP Concur lists it among the {} documents and calls it \"{}\"",
                self.kind.name(),
                clean(&self.row.doc_type)
            ),
            "check it in SAP Concur; it is left unchanged there",
        )
    }

    /// Concur says that it is posted: it must be in the journal, under our marker.
    async fn posted_before(&self) -> Result<Ending, EarlyEnd> {
        if let Some(link) = self.linked() {
            let message = format!("already posted as {} and confirmed", shown(&link.target));
            return Ok(unchanged("already-posted", message));
        }
        if let Some(origin) = self.origin().await? {
            let message = format!(
                "it came from FreshBooks as {} {}, and is confirmed",
                origin.kind, origin.id
            );
            return Ok(unchanged("already-confirmed", message));
        }
        if self.is_all_own().await {
            let message = "it holds nothing but expenses of FreshBooks, and is confirmed";
            return Ok(unchanged("already-confirmed", message.to_string()));
        }
        match self.find_posted().await? {
            Some(posted) => {
                self.link(&posted, None).await;
                let message = format!("{} was there already, with our marker", shown(&posted));
                Ok(self.confirmed(&posted, Change::Adopted, message))
            }
            None => Err(self.failure(
                "posted-elsewhere",
                "SAP Concur shows it as posted, but FreshBooks has nothing with our marker"
                    .to_string(),
                "find out what else confirms financial documents of this company; if it is missing \
                 in FreshBooks, enter it there by hand",
            )),
        }
    }

    /// Its posting was confirmed as failed; why is what the run that did it ended with.
    fn failed_before(&self) -> EarlyEnd {
        if let Some(link) = self.linked() {
            return self.posted_but_failed(&link.target.id);
        }
        let before = self.own.last.as_ref();
        let before = before.and_then(|last| Some((last.code.as_deref()?, last.message.as_str())));
        let (code, message) =
            before.unwrap_or(("posting-failed", "SAP Concur shows its posting as failed"));
        self.failure(code, message.to_string(), CORRECT_IN_CONCUR)
    }

    fn unknown_status(&self, word: &str) -> EarlyEnd {
        self.failure(
            "unknown-status",
            format!("SAP Concur gives it the status \"{word}\""),
            "check it in SAP Concur, then `ml-connector replay RUN`",
        )
    }
}
