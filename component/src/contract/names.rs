//! Names for the contract's systems and objects, each in one place.

use alloc::string::{String, ToString};

use super::runs::Facts;
use super::types::{ObjectRef, System};

impl System {
    /// The name that people know it by.
    #[must_use]
    pub fn display_name(self) -> &'static str {
        match self {
            Self::Freshbooks => "FreshBooks",
            Self::Concur => "SAP Concur",
        }
    }

    /// The name in markers and commands. It must never change: markers are hashes of it.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Freshbooks => "freshbooks",
            Self::Concur => "concur",
        }
    }
}

impl ObjectRef {
    /// An object of FreshBooks.
    #[must_use]
    pub fn freshbooks(kind: &str, id: impl Into<String>) -> Self {
        Self {
            system: System::Freshbooks,
            kind: kind.to_string(),
            id: id.into(),
        }
    }

    /// An object of SAP Concur.
    #[must_use]
    pub fn concur(kind: &str, id: impl Into<String>) -> Self {
        Self {
            system: System::Concur,
            kind: kind.to_string(),
            id: id.into(),
        }
    }
}

impl Default for Facts {
    /// Facts of which nothing is known yet.
    fn default() -> Self {
        Self {
            number: None,
            party: None,
            amount: None,
            currency: None,
            date: None,
        }
    }
}
