//! What Concur is told of a document: that we have it, and what became of it.
//!
//! Both calls may be repeated: Concur says that it was told already. (Concur docs, service codes.)

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{CORRECT_IN_CONCUR, Case};
use crate::concur::{self as wire, Posting, Said, Status};
use crate::contract::http::Request;
use crate::contract::runs::Stop;
use crate::contract::types::System;
use crate::financial::{self, Mend, Untranslatable};
use crate::flows::{rejected, told};
use crate::runs::Halt;
use crate::settings::financial::ConfirmErrors;

/// Another system's id was kept with the document.
const OTHER_SYSTEM: u32 = 99;
/// It was acknowledged already.
const ACKNOWLEDGED: u32 = 101;
/// It was recalled, said of an acknowledgement and of a confirmation.
const RECALLED: [u32; 2] = [102, 112];
/// It is to be acknowledged first.
const NOT_ACKNOWLEDGED: u32 = 111;
/// It was confirmed already.
const CONFIRMED: u32 = 113;
/// The most problems that are told to Concur.
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
    /// Concur has it.
    Yes,
    /// The document was taken back.
    Recalled,
}

impl Case<'_> {
    /// Acknowledges the document. It is in the history by now, so that it cannot be lost any more.
    pub(super) async fn acknowledge(&self) -> Result<Acknowledged, Halt> {
        let request = wire::acknowledge(self.kind, &self.row.id, self.system_id());
        let said = self.say(request, "the acknowledgement").await?;
        match said.code {
            0 => Ok(Acknowledged::Now),
            // It was ready a moment ago: either our answer was lost, or somebody came between.
            ACKNOWLEDGED => self.acknowledged_by_us().await,
            code if RECALLED.contains(&code) => Ok(Acknowledged::Recalled),
            _ => Err(self.refused(&said, "the acknowledgement")),
        }
    }

    async fn acknowledged_by_us(&self) -> Result<Acknowledged, Halt> {
        let Some(row) = self.read_again().await? else {
            return Ok(Acknowledged::Recalled);
        };
        if row.system_id == self.system_id() {
            Ok(Acknowledged::Before)
        } else {
            Err(self.acknowledged_elsewhere(&row.system_id))
        }
    }

    /// Confirms that the document is posted as this journal entry, or whatever stands for it in
    /// FreshBooks.
    pub(super) async fn confirm(&self, number: &str, date: &str) -> Result<Confirmed, Halt> {
        let posting = Posting {
            company_code: &self.flow.settings.financial.company_code,
            number,
            date,
        };
        let request = wire::confirm_posted(self.kind, &self.row.id, self.system_id(), &posting);
        let mut said = self.say(request.clone(), "the confirmation").await?;
        if said.code == NOT_ACKNOWLEDGED {
            if self.acknowledge().await? == Acknowledged::Recalled {
                return Ok(Confirmed::Recalled);
            }
            said = self.say(request, "the confirmation").await?;
        }
        match said.code {
            0 => Ok(Confirmed::Yes),
            CONFIRMED => match self.read_again().await?.map(|row| row.status) {
                Some(Status::Failed) => Err(self.posted_but_failed(number)),
                Some(Status::Recalled) => Ok(Confirmed::Recalled),
                _ => Ok(Confirmed::Yes),
            },
            code if RECALLED.contains(&code) => Ok(Confirmed::Recalled),
            _ => Err(self.refused(&said, "the confirmation")),
        }
    }

    /// A document that cannot be translated: told to Concur where only Concur can mend it, or where
    /// the settings want it told; else held until the settings are mended.
    pub(super) async fn untranslatable(&self, untranslatable: Untranslatable) -> Halt {
        let is_told = match self.flow.settings.financial.confirm_errors {
            ConfirmErrors::All => true,
            ConfirmErrors::Document => untranslatable.mend == Mend::Document,
            ConfirmErrors::None => false,
        };
        let problems = untranslatable.problems;
        if is_told {
            let messages: Vec<(String, String)> = problems
                .iter()
                .take(MESSAGES_MAX)
                .map(|problem| (problem.code.clone(), problem.message.clone()))
                .collect();
            if let Err(halt) = self.confirm_failed(&messages).await {
                return halt;
            }
        }
        let code = problems.first().map_or("unmapped", |problem| &problem.code);
        let (said, remedy) = match (is_told, untranslatable.mend) {
            (true, _) => ("; SAP Concur was told so", CORRECT_IN_CONCUR),
            (false, Mend::Settings) => (
                "",
                "mend what is named in the settings, then `ml-connector replay --parked`",
            ),
            (false, Mend::Document) => (
                "",
                "correct it in SAP Concur, or set `financial.confirm_errors = \"document\"` to have it told there",
            ),
        };
        let sentence = format!("the document cannot be posted: {}{said}", told(&problems));
        let stop = self.flow.stop(code, sentence, remedy);
        Halt::Parked(Stop { problems, ..stop })
    }

    async fn confirm_failed(&self, messages: &[(String, String)]) -> Result<(), Halt> {
        let request = wire::confirm_failed(self.kind, &self.row.id, self.system_id(), messages);
        let said = self.say(request, "the confirmation").await?;
        match said.code {
            0 | CONFIRMED => Ok(()),
            // Taken back: there is nothing to be told any more.
            code if RECALLED.contains(&code) => Ok(()),
            _ => Err(self.refused(&said, "the confirmation")),
        }
    }

    /// The document as Concur shows it now; nothing if it is gone.
    async fn read_again(&self) -> Result<Option<wire::Row>, Halt> {
        let Ok(head) = financial::head(self.kind, &self.row.document) else {
            // Without its source it cannot be asked for; nobody else is known to have it.
            let system_id = self.system_id().to_string();
            return Ok(Some(wire::Row {
                system_id,
                ..self.row.clone()
            }));
        };
        let rows = super::documents(self.flow, self.kind, &head.source_id).await?;
        Ok(rows.into_iter().find(|row| row.id == self.row.id))
    }

    async fn say(&self, request: Request, what: &str) -> Result<Said, Halt> {
        match self.flow.repeat(request, wire::read_said).await? {
            Ok(said) => Ok(said),
            Err(refusal) => Err(rejected(self.flow, System::Concur, what, &refusal)),
        }
    }

    fn refused(&self, said: &Said, what: &str) -> Halt {
        let sentence = format!(
            "SAP Concur refused {what} (code {}): \"{}\"",
            said.code, said.words
        );
        let (code, remedy) = match said.code {
            OTHER_SYSTEM => (
                "other-system-id",
                "set `financial.system_id` to the name under which the document was acknowledged, then `ml-connector replay RUN`",
            ),
            _ => (
                "confirmation-refused",
                "look in SAP Concur, then `ml-connector replay RUN`",
            ),
        };
        self.stop(code, sentence, remedy)
    }
}
