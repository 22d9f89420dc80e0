//! What stores of schema version 2 hold as JSON: the contract's types as they were then, under
//! their Rust names, and their form now. Types that have not changed are the present ones.
//!
//! Bodies of histories and completions are converted when they are read, so that no large store is
//! rewritten before it can be used. Credentials and gates are few, and are rewritten once.

use rusqlite::Connection;
use serde::Deserialize;

use super::json;
use crate::contract::credentials::{self, AccessSpan, CredentialStatus};
use crate::contract::http::{self, Authorization, Header, Method, Secret, SendOutcome};
use crate::contract::pacing::{self, Hold};
use crate::contract::runs::{self, Change, Intent, NewTask, WaitReason, Wake};
use crate::contract::types::{Duration, Instant, Note as PresentNote, ObjectRef, Problem, System};
use crate::store::StoreError;

/// Rewrites the values that have no byte to name their form.
pub(super) fn rewrite_small_values(database: &Connection) -> Result<(), StoreError> {
    rewrite::<Credential, credentials::Credential>(database, "credentials", "visible")?;
    rewrite::<Gate, pacing::Gate>(database, "gates", "gate")
}

fn rewrite<Old, New>(database: &Connection, table: &str, column: &str) -> Result<(), StoreError>
where
    Old: for<'de> Deserialize<'de> + Into<New>,
    New: serde::Serialize,
{
    let sql = format!("SELECT connection, system, {column} FROM {table}");
    let mut statement = database.prepare(&sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let rows: Vec<(String, String, String)> = rows.collect::<Result<_, _>>()?;
    let sql = format!("UPDATE {table} SET {column} = ? WHERE connection = ? AND system = ?");
    for (connection, system, text) in rows {
        let old: Old = serde_json::from_str(&text)
            .map_err(|error| StoreError::Corrupt(format!("a row of {table}: {error}")))?;
        database.execute(&sql, (json(&old.into())?, connection, system))?;
    }
    Ok(())
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn some_instant(instant: Instant) -> Option<Instant> {
    Some(instant).filter(|instant| *instant != 0)
}

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

#[derive(Deserialize)]
enum Bearer {
    Application,
}

#[derive(Deserialize)]
enum BodyPart {
    Text(String),
    JsonSecret(String),
    FormSecret(String),
}

fn secret(name: String) -> Secret {
    match name.as_str() {
        "client-secret" => Secret::ClientSecret,
        "authorization-code" => Secret::AuthorizationCode,
        "company-request-token" => Secret::CompanyRequestToken,
        "refresh-token" => Secret::RefreshToken,
        _ => match name.strip_prefix("verifier:") {
            Some(callback) => Secret::Verifier(callback.to_owned()),
            None => Secret::Verifier(name),
        },
    }
}

impl From<BodyPart> for http::BodyPart {
    fn from(old: BodyPart) -> Self {
        match old {
            BodyPart::Text(text) => Self::Text(text),
            BodyPart::JsonSecret(name) => Self::JsonSecret(secret(name)),
            BodyPart::FormSecret(name) => Self::FormSecret(secret(name)),
        }
    }
}

#[derive(Deserialize)]
struct Request {
    system: System,
    bearer: Option<Bearer>,
    method: Method,
    path_with_query: String,
    headers: Vec<Header>,
    body: Vec<BodyPart>,
    timeout: Duration,
}

impl From<Request> for http::Request {
    fn from(old: Request) -> Self {
        Self {
            system: old.system,
            authorization: match old.bearer {
                None => Authorization::Connection,
                Some(Bearer::Application) => Authorization::Application,
            },
            method: old.method,
            path_with_query: old.path_with_query,
            headers: old.headers,
            body: old.body.into_iter().map(Into::into).collect(),
            timeout: old.timeout,
        }
    }
}

#[derive(Deserialize)]
struct Send {
    request: Request,
    intent: Intent,
}

#[derive(Deserialize)]
struct Link {
    source: ObjectRef,
    target: ObjectRef,
    version: String,
    content_hash: String,
}

impl From<Link> for runs::Link {
    fn from(old: Link) -> Self {
        Self {
            source: old.source,
            target: old.target,
            version: some(old.version),
            content_hash: some(old.content_hash),
        }
    }
}

#[derive(Deserialize)]
struct Save {
    links: Vec<Link>,
    unlinks: Vec<ObjectRef>,
    tasks: Vec<NewTask>,
}

#[derive(Deserialize)]
enum Action {
    Send(Send),
    FindObjects(Vec<ObjectRef>),
    Save(Save),
    TrustVerifier(String),
}

impl From<Action> for runs::Action {
    fn from(old: Action) -> Self {
        match old {
            Action::Send(send) => Self::Send(runs::OutboundRequest {
                request: send.request.into(),
                intent: send.intent,
            }),
            Action::FindObjects(objects) => Self::FindObjects(objects),
            Action::Save(save) => Self::Save(runs::Changes {
                links: save.links.into_iter().map(Into::into).collect(),
                unlinks: save.unlinks,
                tasks: save.tasks,
            }),
            Action::TrustVerifier(callback) => Self::TrustVerifier(callback),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Effect {
    id: u32,
    action: Action,
}

#[derive(Deserialize)]
pub(super) struct Wait {
    id: u32,
    until: Instant,
    reason: WaitReason,
    on: Option<ObjectRef>,
    sentence: String,
}

#[derive(Deserialize)]
pub(super) enum Demand {
    Perform(Effect),
    Wait(Wait),
    Done(Completion),
}

impl From<Demand> for runs::Demand {
    fn from(old: Demand) -> Self {
        match old {
            Demand::Perform(effect) => Self::Perform(runs::Effect {
                id: effect.id,
                action: effect.action.into(),
            }),
            Demand::Wait(wait) => Self::Wait(runs::Wait {
                id: wait.id,
                until: wait.until,
                reason: wait.reason,
                on: wait.on,
                message: wait.sentence,
            }),
            Demand::Done(completion) => Self::Done(completion.into()),
        }
    }
}

#[derive(Deserialize)]
struct Confirmation {
    target: ObjectRef,
    how: Change,
    sentence: String,
}

#[derive(Deserialize)]
struct Note {
    code: String,
    sentence: String,
}

#[derive(Deserialize)]
struct Stop {
    code: String,
    sentence: String,
    remedy: String,
    problems: Vec<Problem>,
    since: Instant,
    look_again: Option<Instant>,
}

impl From<Stop> for runs::Failure {
    fn from(old: Stop) -> Self {
        Self {
            code: old.code,
            message: old.sentence,
            remedy: old.remedy,
            problems: old.problems,
            since: old.since,
            look_again: old.look_again,
            reconnect: None,
        }
    }
}

#[derive(Deserialize)]
struct Conflict {
    targets: Vec<ObjectRef>,
    sentence: String,
    remedy: String,
}

#[derive(Deserialize)]
enum Ending {
    Confirmed(Confirmation),
    Unchanged(Note),
    Rejected(Stop),
    Parked(Stop),
    Conflict(Conflict),
}

impl From<Ending> for runs::Ending {
    fn from(old: Ending) -> Self {
        match old {
            Ending::Confirmed(confirmation) => Self::Confirmed(runs::Confirmation {
                target: confirmation.target,
                change: confirmation.how,
                message: confirmation.sentence,
            }),
            Ending::Unchanged(note) => Self::Unchanged(PresentNote {
                code: note.code,
                message: note.sentence,
            }),
            Ending::Rejected(stop) => Self::Rejected(stop.into()),
            Ending::Parked(stop) => Self::Parked(stop.into()),
            Ending::Conflict(conflict) => Self::Conflict(runs::Conflict {
                targets: conflict.targets,
                message: conflict.sentence,
                remedy: conflict.remedy,
            }),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Completion {
    ending: Ending,
    version: String,
}

impl From<Completion> for runs::Completion {
    fn from(old: Completion) -> Self {
        Self {
            ending: old.ending.into(),
            version: some(old.version),
            facts: runs::Facts::NONE,
        }
    }
}

#[derive(Deserialize)]
enum EndingKind {
    None,
    Confirmed,
    Unchanged,
    Rejected,
    Parked,
    Conflict,
}

#[derive(Deserialize)]
struct Standing {
    object: ObjectRef,
    link: Option<Link>,
    active: bool,
    ending: EndingKind,
    code: String,
    sentence: String,
    version: String,
    since: Instant,
}

impl From<Standing> for runs::ObjectStatus {
    fn from(old: Standing) -> Self {
        let kind = match old.ending {
            EndingKind::None => None,
            EndingKind::Confirmed => Some(runs::EndingKind::Confirmed),
            EndingKind::Unchanged => Some(runs::EndingKind::Unchanged),
            EndingKind::Rejected => Some(runs::EndingKind::Rejected),
            EndingKind::Parked => Some(runs::EndingKind::Parked),
            EndingKind::Conflict => Some(runs::EndingKind::Conflict),
        };
        Self {
            object: old.object,
            link: old.link.map(Into::into),
            active: old.active,
            last: kind.map(|kind| runs::LastEnding {
                kind,
                code: some(old.code),
                message: old.sentence,
                version: some(old.version),
                since: some_instant(old.since),
            }),
        }
    }
}

#[derive(Deserialize)]
enum Report {
    Sent(SendOutcome),
    Found(Vec<Standing>),
    /// How many rows were stored; of a `trust-verifier` whether there was one.
    Saved(u32),
    Woken(Wake),
}

#[derive(Deserialize)]
pub(super) struct Outcome {
    id: u32,
    report: Report,
    at: Instant,
}

impl From<Outcome> for runs::Outcome {
    /// As of any demand but a `trust-verifier`, which is for [`outcome_of_trust`].
    fn from(old: Outcome) -> Self {
        let report = match old.report {
            Report::Sent(outcome) => runs::Report::Sent(outcome),
            Report::Found(statuses) => {
                runs::Report::Found(statuses.into_iter().map(Into::into).collect())
            }
            Report::Saved(_) => runs::Report::Saved,
            Report::Woken(wake) => runs::Report::Woken(wake),
        };
        Self {
            id: old.id,
            report,
            at: old.at,
        }
    }
}

/// The outcome of a `trust-verifier`, which reported a count.
pub(super) fn outcome_of_trust(old: Outcome) -> runs::Outcome {
    let trusted = matches!(old.report, Report::Saved(1..));
    runs::Outcome {
        id: old.id,
        report: runs::Report::Trusted(trusted),
        at: old.at,
    }
}
