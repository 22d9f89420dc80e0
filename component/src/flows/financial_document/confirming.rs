//! What is reported to Concur about a document: that we have it, and what became of it.
//!
//! Both calls may be repeated: Concur answers that it had the report already
//! (source: concur-financial-service-codes).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::own_expenses::{expenses_of, listed, numbers};
use super::posting;
use super::run::{CORRECT_IN_CONCUR, FinancialRun, documents_of_source, is_bill, shown};
use crate::concur::{self, FinancialRow, FinancialStatus, PostingConfirmation, ServiceAnswer};
use crate::contract::http::Request;
use crate::contract::runs::{Change, Ending, Failure};
use crate::contract::types::{ObjectRef, Problem, System};
use crate::error_bodies::WORDS_CHARS_MAX;
use crate::financial::{self, FixIn, Untranslatable};
use crate::flow::{EarlyEnd, remote_refused, summary};
use crate::remedy::{Replay, after_settings};
use crate::settings::financial::ConfirmErrors;
use crate::text::quoted;

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

/// What Concur is told about the problems: what people there can correct, or all.
fn messages(problems: &[Problem], confirm_errors: ConfirmErrors) -> Vec<(String, String)> {
    let is_told = |problem: &&Problem| {
        confirm_errors == ConfirmErrors::All || FixIn::of(&problem.code) == FixIn::Document
    };
    let told = problems.iter().filter(is_told).take(MESSAGES_MAX);
    told.map(|problem| (problem.code.clone(), problem.message.clone()))
        .collect()
}

/// What to do about a document that waits here.
fn remedy(fix_in: FixIn) -> String {
    match fix_in {
        FixIn::Settings => after_settings("fix what is named in the settings", Replay::Parked),
        FixIn::Nowhere => after_settings(
            "nobody can correct this in SAP Concur, so that it was not reported there: look at the \
             document with `ml-connector show RUN`, and report it to whoever supports ml-connector \
             or SAP Concur. To hand it back to SAP Concur all the same, set \
             `financial.confirm_errors = \"all\"`",
            Replay::Run,
        ),
        FixIn::Document => after_settings(
            "correct it in SAP Concur, or set `financial.confirm_errors = \"document\"` to have it \
             reported there",
            Replay::Parked,
        ),
    }
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
    /// it in FreshBooks: an entry and the expenses that make up the rest of it.
    pub(super) async fn confirm(
        &self,
        numbers: &[String],
        date: &str,
    ) -> Result<Confirmed, EarlyEnd> {
        let posting = PostingConfirmation {
            company_code: &self.flow.settings.financial.company_code,
            numbers,
            date,
            fiscal_year: self.flow.settings.financial.fiscal_year(date),
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
                Some(FinancialStatus::Failed) => Err(self.posted_but_failed(&numbers.join(", "))),
                Some(FinancialStatus::Recalled) => Ok(Confirmed::Recalled),
                _ => Ok(Confirmed::Yes),
            },
            code if RECALLED.contains(&code) => Ok(Confirmed::Recalled),
            _ => Err(self.refused(&said, "the confirmation")),
        }
    }

    /// It is there: confirms it, or takes it back if the document was taken back meanwhile.
    pub(super) async fn finish(
        &self,
        posted: &ObjectRef,
        date: &str,
        change: Change,
    ) -> Result<Ending, EarlyEnd> {
        self.finish_with(posted, date, change, "").await
    }

    /// [`FinancialRun::finish`] of what is no bill, and why.
    pub(super) async fn finish_with(
        &self,
        posted: &ObjectRef,
        date: &str,
        change: Change,
        remark: &str,
    ) -> Result<Ending, EarlyEnd> {
        let beside = match is_bill(posted) {
            true => Vec::new(),
            false => self.expenses_beside(change).await?,
        };
        let posting_numbers: Vec<String> = [posted.id.clone()]
            .into_iter()
            .chain(numbers(&beside))
            .collect();
        match self.confirm(&posting_numbers, date).await? {
            Confirmed::Yes => {
                let shown = match beside.as_slice() {
                    [] => shown(posted),
                    beside => format!("{}, beside {} of FreshBooks", shown(posted), listed(beside)),
                };
                let message = match change {
                    Change::Created => format!("posted as {shown}{remark}, and confirmed"),
                    _ => format!("{shown} was there already{remark}; confirmed"),
                };
                Ok(self.confirmed(posted, change, message))
            }
            Confirmed::Recalled => self.take_back(posted, posting::RECALLED).await,
        }
    }

    /// The expenses that make up the document's total beside its entry's other costs: those that
    /// came from FreshBooks, and those that its rows of projects become.
    async fn expenses_beside(&self, change: Change) -> Result<Vec<ObjectRef>, EarlyEnd> {
        let mut beside = expenses_of(self.own_expenses().await);
        let is_new = change == Change::Created && self.linked().is_none();
        beside.extend(self.make_project_expenses(!is_new).await?);
        Ok(beside)
    }

    /// A document that cannot be translated: reported to Concur where a person can correct it
    /// there, or where the settings want it reported; else held until the settings are fixed, or
    /// until a person has looked at it here.
    pub(super) async fn untranslatable(&self, untranslatable: Untranslatable) -> EarlyEnd {
        let confirm_errors = self.flow.settings.financial.confirm_errors;
        let is_reported = self.is_reported(&untranslatable);
        let Untranslatable { problems, fix_in } = untranslatable;
        if is_reported {
            let messages = messages(&problems, confirm_errors);
            if let Err(end) = self.confirm_failed(&messages).await {
                return end;
            }
        }
        match is_reported {
            true => self.unposted(
                problems,
                "; this was reported to SAP Concur",
                CORRECT_IN_CONCUR,
            ),
            false => self.unposted(problems, "", &remedy(fix_in)),
        }
    }

    pub(super) fn is_reported(&self, untranslatable: &Untranslatable) -> bool {
        match self.flow.settings.financial.confirm_errors {
            ConfirmErrors::All => true,
            ConfirmErrors::Document => untranslatable.fix_in == FixIn::Document,
            ConfirmErrors::None => false,
        }
    }

    /// A document that cannot be posted, and that stays on the list of what is ready.
    pub(super) fn left_unread(&self, untranslatable: Untranslatable) -> EarlyEnd {
        let remedy = match untranslatable.fix_in {
            FixIn::Settings => remedy(FixIn::Settings),
            FixIn::Nowhere | FixIn::Document => {
                "it is left unchanged in SAP Concur: have its processor recall it there and submit \
                 it again. If that does not help, report it to whoever supports ml-connector or \
                 SAP Concur"
                    .to_string()
            }
        };
        self.unposted(untranslatable.problems, "", &remedy)
    }

    fn unposted(&self, problems: Vec<Problem>, said: &str, remedy: &str) -> EarlyEnd {
        let code = problems.first().map_or("unmapped", |problem| &problem.code);
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
            "SAP Concur refused {what} (code {}): {}",
            said.code,
            quoted(&said.words, WORDS_CHARS_MAX)
        );
        if said.code == OTHER_SYSTEM {
            let change =
                "set `financial.system_id` to the name under which the document was acknowledged";
            let remedy = after_settings(change, Replay::Run);
            return self.failure("other-system-id", message, &remedy);
        }
        let remedy = "check it in SAP Concur, then `ml-connector replay RUN`";
        self.failure("confirmation-refused", message, remedy)
    }
}
