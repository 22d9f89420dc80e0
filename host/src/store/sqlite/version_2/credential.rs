//! Credentials and gates, which are rewritten once.

use serde::Deserialize;

use super::{some, some_instant};
use crate::contract::credentials::{self, AccessSpan, CredentialStatus};
use crate::contract::pacing::{self, Hold};
use crate::contract::types::{Instant, System};

#[derive(Deserialize)]
enum Life {
    Absent,
    Live,
    Dead,
}

#[derive(Deserialize)]
pub(super) struct Credential {
    system: System,
    life: Life,
    generation: u32,
    base: String,
    issued: Instant,
    access_expires: Instant,
    refresh_expires: Option<Instant>,
    scope: String,
    sentence: String,
}

impl From<Credential> for credentials::Credential {
    fn from(old: Credential) -> Self {
        Self {
            system: old.system,
            status: match old.life {
                Life::Absent => CredentialStatus::Absent,
                Life::Live => CredentialStatus::Live,
                Life::Dead => CredentialStatus::Dead(old.sentence),
            },
            generation: old.generation,
            base: some(old.base),
            access: some_instant(old.access_expires).map(|expires| AccessSpan {
                issued: old.issued,
                expires,
            }),
            refresh_expires: old.refresh_expires,
            scope: some(old.scope),
        }
    }
}

#[derive(Deserialize)]
enum HoldReason {
    None,
    RateLimited,
    Maintenance,
    Unreachable,
    TokenExpired,
    NeedsReconnect,
}

#[derive(Deserialize)]
pub(super) struct Gate {
    system: System,
    held_until: Instant,
    reason: HoldReason,
    failures: u32,
    failing_since: Instant,
}

impl From<Gate> for pacing::Gate {
    fn from(old: Gate) -> Self {
        let reason = match old.reason {
            HoldReason::None => None,
            HoldReason::RateLimited => Some(pacing::HoldReason::RateLimited),
            HoldReason::Maintenance => Some(pacing::HoldReason::Maintenance),
            HoldReason::Unreachable => Some(pacing::HoldReason::Unreachable),
            HoldReason::TokenExpired => Some(pacing::HoldReason::TokenExpired),
            HoldReason::NeedsReconnect => Some(pacing::HoldReason::NeedsReconnect),
        };
        let until = some_instant(old.held_until);
        Self {
            system: old.system,
            hold: until
                .zip(reason)
                .map(|(until, reason)| Hold { until, reason }),
            failures: old.failures,
            failing_since: some_instant(old.failing_since).filter(|_| old.failures > 0),
        }
    }
}
