//! When a credential is to be refreshed, and when a person will be needed.

use alloc::format;
use alloc::string::String;

use crate::contract::credentials::{Credential, CredentialStatus, RefreshPlan};
use crate::contract::types::{Duration, Instant, System};

const DAY: Duration = 24 * 60 * 60 * 1_000;

/// What a credential needs, and by when.
///
/// A live one is refreshed after eleven twelfths of its access token's life: FreshBooks after 11 of
/// 12 hours, SAP Concur after 55 of 60 minutes. Rarely, since each refresh of a token that works
/// once is a chance to lose it; not later, so that there is time to try again. One that is absent
/// or dead needs a person now.
///
/// ```
/// use ml_connector_component::contract::credentials::{
///     AccessSpan, Credential, CredentialStatus,
/// };
/// use ml_connector_component::contract::types::System;
/// use ml_connector_component::credentials::{absent_credential, plan_refresh};
///
/// const HOUR: u64 = 3_600_000;
/// let live = Credential {
///     status: CredentialStatus::Live,
///     access: Some(AccessSpan { issued: 0, expires: 12 * HOUR }),
///     ..absent_credential(System::Freshbooks)
/// };
/// assert_eq!(plan_refresh(&live, 0).refresh_at, Some(11 * HOUR));
/// // Too late already: at once.
/// assert_eq!(plan_refresh(&live, 13 * HOUR).refresh_at, Some(13 * HOUR));
/// let absent = plan_refresh(&absent_credential(System::Concur), 5);
/// assert_eq!((absent.refresh_at, absent.reconnect_by), (None, Some(5)));
/// assert!(absent.message.contains("`ml-connector connect concur`"));
/// ```
pub fn plan_refresh(credential: &Credential, now: Instant) -> RefreshPlan {
    match &credential.status {
        CredentialStatus::Live => RefreshPlan {
            refresh_at: Some(due(credential, now)),
            reconnect_by: credential.refresh_expires,
            message: live_message(credential, now),
        },
        CredentialStatus::Absent => stopped(now, absent_message(credential.system)),
        CredentialStatus::Dead(why) => stopped(now, dead_message(credential.system, why)),
    }
}

/// Eleven twelfths of the way from `issued` to `expires`.
pub(super) fn refresh_at(issued: Instant, expires: Instant) -> Instant {
    let life = expires.saturating_sub(issued);
    expires.saturating_sub(life / 12)
}

fn due(credential: &Credential, now: Instant) -> Instant {
    let access = credential.access.as_ref();
    access.map_or(now, |access| {
        refresh_at(access.issued, access.expires).max(now)
    })
}

fn live_message(credential: &Credential, now: Instant) -> String {
    let (system, command) = (
        credential.system.display_name(),
        connect_command(credential.system),
    );
    match credential.refresh_expires {
        None => format!(
            "{system} is connected and renewed by itself; to connect anew, run `{command}`."
        ),
        Some(expires) if expires <= now => format!(
            "The refresh token of {system} should have ended by now; if requests fail, run \
             `{command}`."
        ),
        Some(expires) => format!(
            "{system} is connected and renewed by itself; if no renewal succeeds, run `{command}` \
             within {}.",
            days(expires - now)
        ),
    }
}

fn stopped(now: Instant, message: String) -> RefreshPlan {
    RefreshPlan {
        refresh_at: None,
        reconnect_by: Some(now),
        message,
    }
}

fn absent_message(system: System) -> String {
    format!(
        "{} is not connected: run `{}`.",
        system.display_name(),
        connect_command(system)
    )
}

fn dead_message(system: System, why: &str) -> String {
    if why.is_empty() {
        return format!(
            "{} has refused the credential for good: run `{}`.",
            system.display_name(),
            connect_command(system)
        );
    }
    String::from(why)
}

/// What a person runs to connect a system, for the first time or anew.
pub(super) fn connect_command(system: System) -> &'static str {
    match system {
        System::Freshbooks => "ml-connector connect freshbooks",
        System::Concur => "ml-connector connect concur",
    }
}

fn days(span: Duration) -> String {
    match span / DAY {
        0 => "a day".into(),
        1 => "1 day".into(),
        days => format!("{days} days"),
    }
}
