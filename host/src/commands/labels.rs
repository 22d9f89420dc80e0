//! The contract's words as sentences for people, and as arguments of the command line.

use clap::ValueEnum;
use ml_connector::component_record::ComponentRecord;
use ml_connector::contract::credentials::CredentialStatus;
use ml_connector::contract::http::{Method, SendErrorCode};
use ml_connector::contract::pacing::HoldReason;
use ml_connector::contract::runs::{Change, EndingKind, Intent, StartReason, WaitReason};
use ml_connector::contract::types::{ObjectRef, System};
use ml_connector::store::RunState;

use super::style::Tone;
use super::time_format;

/// An object as `SYSTEM/KIND/ID`.
pub(super) fn object(object: &ObjectRef) -> String {
    format!("{}/{}/{}", object.system.as_str(), object.kind, object.id)
}

/// Reads `SYSTEM/KIND/ID`; the id may hold slashes.
pub(super) fn parse_object(text: &str) -> Result<ObjectRef, String> {
    let mut parts = text.splitn(3, '/');
    let (system, kind, id) = (parts.next(), parts.next(), parts.next());
    let Some(system) = system.and_then(System::from_word) else {
        return Err("expected SYSTEM/KIND/ID with the system freshbooks or concur".to_string());
    };
    match (kind, id) {
        (Some(kind), Some(id)) if !kind.is_empty() && !id.is_empty() => Ok(ObjectRef {
            system,
            kind: kind.to_string(),
            id: id.to_string(),
        }),
        _ => Err("expected SYSTEM/KIND/ID such as freshbooks/invoice/1234".to_string()),
    }
}

/// A run's state, as an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum StateArg {
    /// Due at once, or under way
    Due,
    /// Waiting for its instant
    Waiting,
    /// Ended, in one of the ways that `--ending` names
    Ended,
}

impl From<StateArg> for RunState {
    fn from(state: StateArg) -> Self {
        match state {
            StateArg::Due => Self::Due,
            StateArg::Waiting => Self::Waiting,
            StateArg::Ended => Self::Ended,
        }
    }
}

/// How a run ended, as an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum EndingArg {
    /// The record is in the other system
    Confirmed,
    /// It needed no write
    Unchanged,
    /// The remote refused the record itself
    Rejected,
    /// A person is needed
    Parked,
    /// There is more than one
    Conflict,
}

impl From<EndingArg> for EndingKind {
    fn from(ending: EndingArg) -> Self {
        match ending {
            EndingArg::Confirmed => Self::Confirmed,
            EndingArg::Unchanged => Self::Unchanged,
            EndingArg::Rejected => Self::Rejected,
            EndingArg::Parked => Self::Parked,
            EndingArg::Conflict => Self::Conflict,
        }
    }
}

/// Which component has run since when, one sentence.
pub(super) fn component(component: &ComponentRecord) -> String {
    format!(
        "Component {} since {}: contract {}, program {}.",
        component.sha256,
        time_format::date_time(component.since_ms),
        component.contract_version,
        component.program_version
    )
}

/// What a reading command says where nothing goes on.
pub(super) const NO_SERVICE: &str =
    "No service is running: nothing goes on. Start it with `ml-connector serve`.";

/// One word for how a run stands.
pub(super) fn standing(state: RunState, ending: Option<EndingKind>) -> (&'static str, Tone) {
    match (state, ending) {
        (RunState::Ended, None) => (state.as_str(), Tone::Plain),
        (RunState::Ended, Some(ending)) => (ending.as_str(), ending_tone(ending)),
        (RunState::Due | RunState::Waiting, _) => (state.as_str(), Tone::Waiting),
    }
}

fn ending_tone(ending: EndingKind) -> Tone {
    match ending {
        EndingKind::Confirmed | EndingKind::Unchanged => Tone::Good,
        EndingKind::Rejected | EndingKind::Parked | EndingKind::Conflict => Tone::Bad,
    }
}

/// Why a run was started, to follow "because".
pub(super) fn reason(reason: StartReason) -> &'static str {
    match reason {
        StartReason::Notice => "a webhook or event named it",
        StartReason::Sweep => "the sweep found it changed without a webhook",
        StartReason::Replay => "a person asked for it",
        StartReason::LookAgain => "the run before it asked for another look",
        StartReason::Schedule => "its schedule was due",
        StartReason::Dependency => "another run needs it carried over first",
        StartReason::Backfill => "a back-fill came to it",
        StartReason::Listed => "a look at the queue found it there",
    }
}

/// Why a run waits, to follow "waits".
pub(super) fn wait_reason(reason: WaitReason) -> &'static str {
    match reason {
        WaitReason::Retry => "before it tries again",
        WaitReason::Settle => "for an uncertain write to settle",
        WaitReason::Remote => "until the remote takes requests again",
        WaitReason::Dependency => "for another object to be carried over",
        WaitReason::Handshake => "for the webhook handshake",
    }
}

/// What a send may do, and what happens if nobody knows whether it did.
pub(super) fn intent(intent: Intent) -> &'static str {
    match intent {
        Intent::Read => "read",
        Intent::LookUpThenResend => "write (if in doubt: look up, then send again)",
        Intent::LookUpThenPark => "write (if in doubt: look up, then ask a person)",
        Intent::ServerDeduplicated => "write (the remote refuses to do it twice)",
    }
}

/// How an object came to be, a verb.
pub(super) fn change(change: Change) -> &'static str {
    match change {
        Change::Created => "created",
        Change::Adopted => "found and adopted",
        Change::Updated => "updated",
        Change::Withdrawn => "withdrawn",
        Change::Checked => "checked",
    }
}

/// The name of a request method in HTTP, such as `GET`.
pub(super) fn method(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Patch => "PATCH",
    }
}

/// Why there is no answer.
pub(super) fn send_error(code: SendErrorCode) -> &'static str {
    match code {
        SendErrorCode::Unreachable => "unreachable",
        SendErrorCode::Tls => "the TLS handshake failed",
        SendErrorCode::Timeout => "no complete answer in time",
        SendErrorCode::ConnectionLost => "the connection was lost",
        SendErrorCode::AnswerTooLong => "the answer was too long",
        SendErrorCode::Interrupted => "this program was stopped meanwhile",
        SendErrorCode::Withheld => "withheld by this program",
    }
}

/// Why requests are held back.
pub(super) fn hold_reason(reason: HoldReason) -> &'static str {
    match reason {
        HoldReason::RateLimited => "its rate limit is used up",
        HoldReason::Maintenance => "it is down for maintenance",
        HoldReason::Unreachable => "it cannot be reached",
        HoldReason::TokenExpired => "the access token is being refreshed",
        HoldReason::NeedsReconnect => "it must be connected again",
    }
}

/// Whether a credential can be used.
pub(super) fn credential_status(status: &CredentialStatus) -> (&'static str, Tone) {
    match status {
        CredentialStatus::Absent => ("never connected", Tone::Bad),
        CredentialStatus::Live => ("live", Tone::Good),
        CredentialStatus::Dead(_) => ("dead", Tone::Bad),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_read_as_they_are_written() {
        for text in ["freshbooks/invoice/1234", "concur/vendor/FB-3/MAIN"] {
            assert_eq!(
                parse_object(text).map(|parsed| object(&parsed)),
                Ok(text.to_string())
            );
        }
        for text in [
            "",
            "invoice/1234",
            "freshbooks/invoice",
            "freshbooks//1",
            "freshbooks/invoice/",
        ] {
            assert!(parse_object(text).is_err(), "{text}");
        }
    }
}
