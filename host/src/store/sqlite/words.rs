//! How the small enums of the contract are written in columns: as their names in the WIT.

use crate::contract::runs::{EndingKind, Reason, WaitReason};
use crate::contract::types::System;
use crate::store::{RunState, StoreError};

/// An enum that is one word in a column.
pub(super) trait Word: Sized {
    /// The word.
    fn word(self) -> &'static str;

    /// What the word stands for.
    fn parse(word: &str) -> Result<Self, StoreError>;
}

macro_rules! words {
    ($type:ty { $($variant:ident = $word:literal),* $(,)? }) => {
        impl Word for $type {
            fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            fn parse(word: &str) -> Result<Self, StoreError> {
                match word {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(StoreError::Corrupt(format!("the word {word:?}"))),
                }
            }
        }
    };
}

words!(System { Freshbooks = "freshbooks", Concur = "concur" });

words!(Reason {
    Notice = "notice",
    Sweep = "sweep",
    Replay = "replay",
    LookAgain = "look-again",
    Schedule = "schedule",
    Dependency = "dependency",
});

words!(WaitReason {
    Retry = "retry",
    Settle = "settle",
    Remote = "remote",
    Dependency = "dependency",
    Handshake = "handshake",
});

words!(EndingKind {
    None = "none",
    Confirmed = "confirmed",
    Unchanged = "unchanged",
    Rejected = "rejected",
    Parked = "parked",
    Conflict = "conflict",
});

words!(RunState { Due = "due", Waiting = "waiting", Ended = "ended" });
