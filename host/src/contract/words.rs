//! The words for the contract's small enums, in one place: in columns, labels, logs and JSON they
//! are written as in the WIT.
//!
//! A macro, since the types are made by wasmtime's generator, which derives one list of traits for
//! records and enums alike and so cannot be told to derive `strum`'s.

use std::fmt;

use super::credentials::Grant;
use super::http::{Secret, SendErrorCode, SendOutcome};
use super::runs::{EndingKind, StartReason, WaitReason};
use super::types::System;
use super::webhooks::RefusalCode;

/// Gives an enum `as_str` and `from_word`, which are each other's reverse.
macro_rules! words {
    ($type:ty { $($variant:ident = $word:literal),* $(,)? }) => {
        impl $type {
            /// The word, as the WIT writes it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// What a word stands for; nothing for an unknown one.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use words;

words!(System { Freshbooks = "freshbooks", Concur = "concur" });

words!(StartReason {
    Notice = "notice",
    Sweep = "sweep",
    Replay = "replay",
    LookAgain = "look-again",
    Schedule = "schedule",
    Dependency = "dependency",
    Backfill = "backfill",
    Listed = "listed",
});

words!(WaitReason {
    Retry = "retry",
    Settle = "settle",
    Remote = "remote",
    Dependency = "dependency",
    Handshake = "handshake",
});

words!(EndingKind {
    Confirmed = "confirmed",
    Unchanged = "unchanged",
    Rejected = "rejected",
    Parked = "parked",
    Conflict = "conflict",
});

words!(RefusalCode {
    TooLong = "too-long",
    WrongContentType = "wrong-content-type",
    AmbiguousForm = "ambiguous-form",
    SignatureHeader = "signature-header",
    Signature = "signature",
    UnknownCallback = "unknown-callback",
});

impl System {
    /// Both systems, in the order in which they are listed everywhere.
    pub const ALL: [Self; 2] = [Self::Freshbooks, Self::Concur];

    /// The name that its vendor gives it, for sentences.
    #[must_use]
    pub fn display_name(self) -> &'static str {
        match self {
            Self::Freshbooks => "FreshBooks",
            Self::Concur => "SAP Concur",
        }
    }
}

impl Grant {
    /// The system that takes it.
    #[must_use]
    pub fn system(self) -> System {
        match self {
            Self::AuthorizationCode | Self::RefreshToken => System::Freshbooks,
            Self::CompanyRequestToken | Self::ClientCredentials => System::Concur,
        }
    }
}

/// The name of a secret, never the secret.
impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientSecret => formatter.write_str("client-secret"),
            Self::AuthorizationCode => formatter.write_str("authorization-code"),
            Self::CompanyRequestToken => formatter.write_str("company-request-token"),
            Self::RefreshToken => formatter.write_str("refresh-token"),
            Self::Verifier(callback) => write!(formatter, "verifier of callback {callback}"),
        }
    }
}

impl SendOutcome {
    /// The label under which it is counted: a status class such as `2xx`, `not-sent`, `withheld`
    /// or `maybe-sent`.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Response(response) => match response.status {
                0..200 => "1xx",
                200..300 => "2xx",
                300..400 => "3xx",
                400..500 => "4xx",
                _ => "5xx",
            },
            Self::NotSent(error) if error.code == SendErrorCode::Withheld => "withheld",
            Self::NotSent(_) => "not-sent",
            Self::MaybeSent(_) => "maybe-sent",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written() {
        for system in System::ALL {
            assert_eq!(System::from_word(system.as_str()), Some(system));
        }
        assert_eq!(
            StartReason::from_word("look-again"),
            Some(StartReason::LookAgain)
        );
        assert_eq!(WaitReason::from_word("later"), None);
    }
}
