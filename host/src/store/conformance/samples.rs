//! What the checks keep.

use crate::contract::credentials::{AccessSpan, Credential, CredentialStatus};
use crate::contract::http::{
    Authorization, Body, BodyPart, Header, Method, Request, Response, SendError, SendErrorCode,
    SendOutcome,
};
use crate::contract::pacing::{Gate, Hold, HoldReason};
use crate::contract::runs::{
    Action, Change, Completion, Confirmation, Conflict, Demand, Effect, Ending, Facts, Failure,
    Intent, Link, NewTask, OutboundRequest, Outcome, Report, StartReason,
};
use crate::contract::types::{Instant, Note, ObjectRef, Problem, System};
use crate::store::{
    HistoryRow, NewRun, RunId, StoredCallback, StoredCredential, StoredEvent, StoredOddity, Write,
};

pub(super) fn object(id: &str) -> ObjectRef {
    ObjectRef {
        system: System::Freshbooks,
        kind: "invoice".into(),
        id: id.into(),
    }
}

pub(super) fn notice(connection: &str, id: &str) -> Write {
    Write::Notice {
        connection: connection.into(),
        object: object(id),
        event: "invoice.update".into(),
        received: 900,
    }
}

/// A run for a notice, started at 1000 under the settings `v1`.
pub(super) fn new_run(connection: &str, id: &str) -> NewRun {
    NewRun {
        connection: connection.into(),
        task: NewTask {
            object: object(id),
            reason: StartReason::Notice,
        },
        settings_version: "v1".into(),
        started: 1_000,
        notice: None,
    }
}

pub(super) fn end(run: RunId, completion: Completion, at: Instant) -> Write {
    Write::End {
        run,
        completion,
        at,
    }
}

pub(super) fn confirmed() -> Completion {
    let confirmation = Confirmation {
        target: target("7"),
        change: Change::Created,
        message: "Payment request 7 was created.".into(),
    };
    Completion {
        ending: Ending::Confirmed(confirmation),
        version: Some("2026-01-01 10:00:00".into()),
        facts: facts("2093"),
    }
}

pub(super) fn unchanged() -> Completion {
    let note = Note {
        code: "same-content".into(),
        message: "Nothing has changed.".into(),
    };
    Completion {
        ending: Ending::Unchanged(note),
        version: Some("2026-01-02 10:00:00".into()),
        facts: Facts {
            amount: None,
            currency: None,
            ..facts("2094")
        },
    }
}

pub(super) fn parked(look_again: Option<Instant>) -> Completion {
    Completion {
        ending: Ending::Parked(failure(look_again)),
        version: None,
        facts: Facts::NONE,
    }
}

pub(super) fn rejected(look_again: Option<Instant>) -> Completion {
    Completion {
        ending: Ending::Rejected(failure(look_again)),
        version: Some("v".into()),
        facts: facts("2095"),
    }
}

pub(super) fn conflict() -> Completion {
    let conflict = Conflict {
        targets: vec![target("7"), target("8")],
        message: "There are two.".into(),
        remedy: "Delete one.".into(),
    };
    Completion {
        ending: Ending::Conflict(conflict),
        version: None,
        facts: Facts::NONE,
    }
}

pub(super) fn target(id: &str) -> ObjectRef {
    ObjectRef {
        system: System::Concur,
        kind: "payment-request".into(),
        id: id.into(),
    }
}

pub(super) fn link(source: &str, of: &str) -> Link {
    Link {
        source: object(source),
        target: target(of),
        version: Some("2026-01-01 10:00:00".into()),
        content_hash: Some("00ff".into()),
    }
}

/// A row of epoch 0 with a body that is worth compressing.
pub(super) fn row(index: u32) -> HistoryRow {
    let at = 2_000 + u64::from(index);
    HistoryRow {
        epoch: 0,
        index,
        at,
        demand: demand(index, "first"),
        outcome: Some(answered(index, at)),
    }
}

/// A row whose outcome is not known.
pub(super) fn open_row(index: u32) -> HistoryRow {
    HistoryRow {
        outcome: None,
        ..row(index)
    }
}

pub(super) fn demand(id: u32, text: &str) -> Demand {
    let request = Request {
        system: System::Concur,
        authorization: Authorization::Connection,
        method: Method::Post,
        path_with_query: "/invoice/v3.0/paymentrequest".into(),
        headers: vec![Header {
            name: "content-type".into(),
            value: "application/json".into(),
        }],
        body: vec![BodyPart::Text(format!(
            "{{\"Name\":\"{}\"}}",
            text.repeat(60)
        ))],
        timeout: 90_000,
    };
    let send = OutboundRequest {
        request,
        intent: Intent::LookUpThenPark,
    };
    Demand::Perform(Effect {
        id,
        action: Action::Send(send),
    })
}

pub(super) fn answered(id: u32, at: Instant) -> Outcome {
    let body = Body::Text("{\"ID\":\"7\"}".repeat(100));
    let response = Response {
        status: 200,
        headers: vec![],
        body,
    };
    Outcome {
        id,
        report: Report::Sent(SendOutcome::Response(response)),
        at,
    }
}

pub(super) fn interrupted(id: u32, at: Instant) -> Outcome {
    let error = SendError {
        code: SendErrorCode::Interrupted,
        detail: "stopped".into(),
    };
    Outcome {
        id,
        report: Report::Sent(SendOutcome::MaybeSent(error)),
        at,
    }
}

pub(super) fn credential(connection: &str, generation: u32) -> StoredCredential {
    StoredCredential {
        connection: connection.into(),
        credential: Credential {
            system: System::Freshbooks,
            status: CredentialStatus::Live,
            generation,
            base: None,
            access: Some(AccessSpan {
                issued: 100,
                expires: 43_300_000,
            }),
            refresh_expires: None,
            scope: Some("user:profile:read".into()),
        },
        sealed_tokens: vec![1, 2, 3],
        requests_unanswered: 0,
        sealed_answer: vec![],
    }
}

pub(super) fn gate(system: System, until: Instant) -> Gate {
    Gate {
        system,
        hold: Some(Hold {
            until,
            reason: HoldReason::RateLimited,
        }),
        failures: 3,
        failing_since: Some(50),
    }
}

pub(super) fn callback(connection: &str, id: &str) -> StoredCallback {
    StoredCallback {
        connection: connection.into(),
        id: id.into(),
        sealed_verifier: vec![4, 5],
    }
}

pub(super) fn event(connection: &str, id: &str) -> StoredEvent {
    StoredEvent {
        connection: connection.into(),
        id: id.into(),
        event_type: "invoice.readyForIntegration".into(),
        received: 900,
        object: Some(object(id)),
    }
}

pub(super) fn oddity(connection: &str, code: &str) -> StoredOddity {
    StoredOddity {
        connection: connection.into(),
        received: 77,
        code: code.into(),
        message: "The account is another one.".into(),
        body: vec![0, 255, 13, 10],
    }
}

pub(super) fn facts(number: &str) -> Facts {
    Facts {
        number: Some(number.into()),
        party: Some("Northwind Paper".into()),
        amount: Some("90.00".into()),
        currency: Some("CAD".into()),
        date: Some("2026-02-27".into()),
    }
}

fn failure(look_again: Option<Instant>) -> Failure {
    Failure {
        code: "tax-unmapped".into(),
        message: "The tax \"GST\" is not mapped.".into(),
        remedy: "Add it to `taxes`.".into(),
        problems: vec![Problem {
            pointer: "/lines/0".into(),
            code: "tax-unmapped".into(),
            message: "GST".into(),
        }],
        since: 1_234,
        look_again,
        reconnect: None,
    }
}

/// Completions of every kind.
#[cfg(test)]
pub(crate) fn sample_completions() -> Vec<Completion> {
    vec![
        confirmed(),
        unchanged(),
        parked(Some(9_000)),
        rejected(None),
        conflict(),
    ]
}

/// Entries of several kinds, chosen by the seeds.
#[cfg(test)]
pub(crate) fn sample_entries(seeds: &[u32]) -> Vec<crate::contract::runs::HistoryEntry> {
    let entry = |(index, seed): (u32, &u32)| match seed % 4 {
        0 => row(index).into_entry(),
        1 => open_row(index).into_entry(),
        2 => HistoryRow {
            outcome: Some(interrupted(index, 9_000)),
            ..row(index)
        }
        .into_entry(),
        _ => saved(index),
    };
    (0..).zip(seeds).map(entry).collect()
}

#[cfg(test)]
fn saved(id: u32) -> crate::contract::runs::HistoryEntry {
    let changes = crate::contract::runs::Changes {
        links: vec![
            link("1", "7"),
            Link {
                version: None,
                content_hash: None,
                ..link("2", "8")
            },
        ],
        unlinks: vec![object("3")],
        tasks: vec![new_run("acme", "4").task],
    };
    crate::contract::runs::HistoryEntry {
        demand: Demand::Perform(Effect {
            id,
            action: Action::Save(changes),
        }),
        outcome: Some(Outcome {
            id,
            report: Report::Saved,
            at: 2_000,
        }),
    }
}
