//! Whose fault a refusal is, and what a person can do about it.

use alloc::format;
use alloc::string::String;

use super::Refusal;
use crate::contract::types::System;
use crate::remedy::{Replay, after_settings};

/// Who or what has to change before the same request is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The record, or a setting that it was made with.
    Record,
    /// The remote, or what stands between us and it: nothing was said about the record.
    Remote,
    /// What we may do there.
    Permission(Lacking),
    /// A look-up, or a refusal without a reason: hardly the record.
    Unclear,
}

/// What is missing for a permission, as far as the remote says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lacking {
    /// A part of FreshBooks that the account's plan does not have.
    Plan(&'static str),
    /// A role of the person who connected.
    Role,
    /// A scope of the app or of its token.
    Scope,
    /// The remote does not say.
    Something,
}

/// Error numbers of parts of FreshBooks that a plan may lack (source: freshbooks-errors).
const PLAN_CODES: [(&str, &str); 4] = [
    ("12001", "items"),
    ("31001", "bill vendors"),
    ("41001", "bills"),
    ("41101", "bill payments"),
];
/// FreshBooks' "access denied", and its "write access denied", which is about a field.
const ACCESS_DENIED: &str = "1003";
const FIELD_DENIED: &str = "1038";
/// OAuth's names for it. (RFC 6750, section 3.1.)
const SCOPE_CODES: [&str; 2] = ["insufficient_scope", "invalid_scope"];

impl Refusal {
    /// Whose fault it is.
    #[must_use]
    pub(crate) fn cause(&self, system: System) -> Cause {
        if self.is_page || self.says_throttled() || self.status >= 500 {
            return Cause::Remote;
        }
        if let Some(lacking) = self.lacking(system) {
            return Cause::Permission(lacking);
        }
        let about_the_request =
            matches!(self.status, 200..=299 | 400 | 403 | 404 | 409..=413 | 422);
        let has_reason = self.names_field || !self.words.is_empty();
        if about_the_request && has_reason && !self.is_look_up {
            Cause::Record
        } else {
            Cause::Unclear
        }
    }

    /// What is missing, if it is a permission.
    pub(crate) fn lacking(&self, system: System) -> Option<Lacking> {
        let plan = PLAN_CODES.iter().find(|(code, _)| self.has_code(code));
        if system == System::Freshbooks
            && let Some((_, part)) = plan
        {
            return Some(Lacking::Plan(part));
        }
        if SCOPE_CODES.iter().any(|code| self.has_code(code)) {
            return Some(Lacking::Scope);
        }
        let about_a_field =
            self.has_code(FIELD_DENIED) || (self.names_field && !self.has_code(ACCESS_DENIED));
        let denied = matches!(self.status, 401 | 403) && !about_a_field;
        match system {
            _ if self.status == 402 => Some(Lacking::Plan("this")),
            _ if denied && self.words.to_lowercase().contains("scope") => Some(Lacking::Scope),
            System::Freshbooks if denied => Some(Lacking::Role),
            System::Freshbooks if self.status == 200 && self.has_code(ACCESS_DENIED) => {
                Some(Lacking::Role)
            }
            System::Concur if denied => Some(Lacking::Something),
            _ => None,
        }
    }
}

impl Lacking {
    /// What is missing, a sentence's end after "since".
    pub(crate) fn message(self, system: System) -> String {
        let name = system.display_name();
        match self {
            Self::Plan(part) => format!("the plan of the {name} account does not include {part}"),
            Self::Role => format!("the person who connected {name} has no role there that may"),
            Self::Scope => format!("our app lacks a scope for it in {name}"),
            Self::Something => format!("our app or its token lacks a scope or a role in {name}"),
        }
    }

    /// What to do about it.
    pub(crate) fn remedy(self, system: System) -> String {
        let fixed = match (self, system) {
            (Self::Plan("bills" | "bill vendors"), _) => {
                let change =
                    "choose a plan with bills in FreshBooks, or set `bill.enabled = false`";
                return after_settings(change, Replay::Parked);
            }
            (Self::Scope, System::Freshbooks) => {
                let change = "add the scope to the app in FreshBooks (and to `freshbooks.scopes` \
                              if that is set), run `ml-connector connect freshbooks`";
                return after_settings(change, Replay::Parked);
            }
            (Self::Plan(_), _) => "choose a plan that includes it",
            (Self::Role, _) => {
                "have an owner or admin run `ml-connector connect freshbooks`, or give that person \
                 such a role"
            }
            (Self::Scope | Self::Something, _) => {
                "give the app the missing scope or role, run `ml-connector connect`"
            }
        };
        format!("{fixed}; then `ml-connector replay --parked`")
    }
}
