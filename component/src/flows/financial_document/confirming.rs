//! What is reported to Concur about a document: that we have it, and what became of it.
//!
//! Both calls may be repeated: Concur answers that it had the report already
//! (source: concur-financial-service-codes).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::run::{CORRECT_IN_CONCUR, FinancialRun, documents_of_source};
use crate::concur::{self, FinancialRow, FinancialStatus, PostingConfirmation, ServiceAnswer};
use crate::contract::http::Request;
use crate::contract::runs::Failure;
use crate::contract::types::System;
use crate::financial::{self, FixIn, Untranslatable};
use crate::flow::{EarlyEnd, remote_refused, summary};
use crate::settings::financial::ConfirmErrors;

// Service codes of Concur's answers (source: concur-financial-service-codes).

/// The document was acknowledged under another system's id.
const OTHER_SYSTEM: u32 = 99;
/// The document was acknowledged before.
const ACKNOWLEDGED: u32 = 101;
/// The document was recalled: the answer to an acknowledgement, and to a confirmation.
const RECALLED: [u32; 2] = [102, 112];
/// The document must be acknowledged before it is confirmed.
const NOT_ACKNOWLEDGED: u32 = 111;
/// The document was confirmed before.
const CONFIRMED: u32 = 113;
/// The most problems that are reported to Concur: it shows them one below the other in the
/// document's audit trail, where no one reads more.
const MESSAGES_MAX: usize = 20;

/// What came of an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Acknowledged {
    /// Concur took it now: before, nobody can have posted the document.
    Now,
    /// Concur had it before, from us.
    Before,
    /// The document was taken back.
    Recalled,
}

/// What came of a confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Confirmed {
    /// Concur holds the document as posted.
    Yes,
    /// The document was taken back.
    Recalled,
}

impl FinancialRun<'_> {
    /// Acknowledges the document. It is in the history by now, so that it cannot be lost any more.
    pub(super) async fn acknowledge(&self) -> Result<Acknowledged, EarlyEnd> {
        let request = concur::acknowledge(self.kind, &self.row.id, self.system_id());
        let said = self.send_status(request, "the acknowledgement").await?;
        match said.code {
            0 => Ok(Acknowledged::Now),
            // It was ready a moment ago: either our answer was lost, or somebody came between.
            ACKNOWLEDGED => self.acknowledged_by_us().await,
            code if RECALLED.contains(&code) => Ok(Acknowledged::Recalled),
            _ => Err(self.refused(&said, "the acknowledgement")),
        }
    }

    async fn acknowledged_by_us(&self) -> Result<Acknowledged, EarlyEnd> {
        let Some(row) = self.read_again().await? else {
            return Ok(Acknowledged::Recalled);
        };
        if row.system_id == self.system_id() {
            Ok(Acknowledged::Before)
        } else {
            Err(self.acknowledged_elsewhere(&row.system_id))
        }
    }

    /// Confirms that the document is posted as this journal entry or bill, or whatever stands for
    /// it in FreshBooks.
    pub(super) async fn confirm(&self, number: &str, date: &str) -> Result<Confirmed, EarlyEnd> {
        let posting = PostingConfirmation {
            company_code: &self.flow.settings.financial.company_code,
            number,
            date,
        };
        let request = concur::confirm_posted(self.kind, &self.row.id, self.system_id(), &posting);
        let mut said = self
            .send_status(request.clone(), "the confirmation")
            .await?;
        if said.code == NOT_ACKNOWLEDGED {
            if self.acknowledge().await? == Acknowledged::Recalled {
                return Ok(Confirmed::Recalled);
            }
            said = self.send_status(request, "the confirmation").await?;
        }
        match said.code {
            0 => Ok(Confirmed::Yes),
            CONFIRMED => match self.read_again().await?.map(|row| row.status) {
                Some(FinancialStatus::Failed) => Err(self.posted_but_failed(number)),
                Some(FinancialStatus::Recalled) => Ok(Confirmed::Recalled),
                _ => Ok(Confirmed::Yes),
            },
            code if RECALLED.contains(&code) => Ok(Confirmed::Recalled),
            _ => Err(self.refused(&said, "the confirmation")),
        }
    }

    /// A document that cannot be translated: reported to Concur where only Concur can fix it, or
    /// where the settings want it reported; else held until the settings are fixed.
    pub(super) async fn untranslatable(&self, untranslatable: Untranslatable) -> EarlyEnd {
        let is_reported = match self.flow.settings.financial.confirm_errors {
            ConfirmErrors::All => true,
            ConfirmErrors::Document => untranslatable.fix_in == FixIn::Document,
            ConfirmErrors::None => false,
        };
        let problems = untranslatable.problems;
        if is_reported {
            let messages: Vec<(String, String)> = problems
                .iter()
                .take(MESSAGES_MAX)
                .map(|problem| (problem.code.clone(), problem.message.clone()))
                .collect();
            if let Err(end) = self.confirm_failed(&messages).await {
                return end;
            }
        }
        let code = problems.first().map_or("unmapped", |problem| &problem.code);
        let (said, remedy) = match (is_reported, untranslatable.fix_in) {
            (true, _) => ("; this was reported to SAP Concur", CORRECT_IN_CONCUR),
            (false, FixIn::Settings) => (
                "",
                "fix what is named in the settings, then `ml-connector replay --parked`",
            ),
            (false, FixIn::Document) => (
                "",
                "correct it in SAP Concur, or set `financial.confirm_errors = \"document\"` to \
                 have it reported there",
            ),
        };
        let message = format!(
            "the document cannot be posted: {}{said}",
            summary(&problems)
        );
        let failure = self.flow.failure(code, message, remedy);
        EarlyEnd::park(Failure {
            problems,
            ..failure
        })
    }

    async fn confirm_failed(&self, messages: &[(String, String)]) -> Result<(), EarlyEnd> {
        let request = concur::confirm_failed(self.kind, &self.row.id, self.system_id(), messages);
        let said = self.send_status(request, "the confirmation").await?;
        match said.code {
            0 | CONFIRMED => Ok(()),
            // Taken back: there is nothing left to report.
            code if RECALLED.contains(&code) => Ok(()),
            _ => Err(self.refused(&said, "the confirmation")),
        }
    }

    /// The document as Concur shows it now; nothing if it is gone.
    async fn read_again(&self) -> Result<Option<FinancialRow>, EarlyEnd> {
        let Ok(head) = financial::head(self.kind, &self.row.document) else {
            // Without its source it cannot be asked for; nobody else is known to have it.
            let system_id = self.system_id().to_string();
            return Ok(Some(FinancialRow {
                system_id,
                ..self.row.clone()
            }));
        };
        let rows = documents_of_source(self.flow, self.kind, &head.source_id).await?;
        Ok(rows.into_iter().find(|row| row.id == self.row.id))
    }

    async fn send_status(&self, request: Request, what: &str) -> Result<ServiceAnswer, EarlyEnd> {
        match self
            .flow
            .send_idempotent(request, concur::read_service_answer)
            .await?
        {
            Ok(said) => Ok(said),
            Err(refusal) => Err(remote_refused(self.flow, System::Concur, what, &refusal)),
        }
    }

    fn refused(&self, said: &ServiceAnswer, what: &str) -> EarlyEnd {
        let message = format!(
            "SAP Concur refused {what} (code {}): \"{}\"",
            said.code, said.words
        );
        let (code, remedy) = match said.code {
            OTHER_SYSTEM => (
                "other-system-id",
                "set `financial.system_id` to the name under which the document was acknowledged, \
                 then `ml-connector replay RUN`",
            ),
            _ => (
                "confirmation-refused",
                "check it in SAP Concur, then `ml-connector replay RUN`",
            ),
        };
        self.failure(code, message, remedy)
    }
}
