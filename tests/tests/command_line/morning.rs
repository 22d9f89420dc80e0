//! A store as a service leaves it behind after a morning.

use std::time::{SystemTime, UNIX_EPOCH};

use ml_connector::contract::credentials::{AccessSpan, Credential, CredentialStatus};
use ml_connector::contract::http::{
    Authorization, Body, BodyPart, Header, Method, Request, Response, Secret, SendError,
    SendErrorCode, SendOutcome,
};
use ml_connector::contract::runs::{
    Action, Change, Completion, Confirmation, Demand, Effect, Ending, Facts, Failure, Intent,
    NewTask, OutboundRequest, Outcome, Report, StartReason, Wait, WaitReason, Wake,
};
use ml_connector::contract::types::{Instant, ObjectRef, Problem, System};
use ml_connector::seal::{Keyring, Purpose};
use ml_connector::store::{HistoryRow, NewRun, RunId, StoredCredential, Write};
use ml_connector_tests::fixtures::Installation;

/// When the morning begins: 2026-03-01 09:00:00 UTC.
const NINE: Instant = 1_772_355_600_000;

/// Of every stored credential.
const GENERATION: u32 = 3;

fn object(system: System, kind: &str, id: &str) -> ObjectRef {
    ObjectRef {
        system,
        kind: kind.to_string(),
        id: id.to_string(),
    }
}

fn invoice(id: &str) -> ObjectRef {
    object(System::Freshbooks, "invoice", id)
}

pub(super) fn start(id: &str, reason: StartReason) -> Write {
    Write::Start(NewRun {
        connection: "acme".to_string(),
        task: NewTask {
            object: invoice(id),
            reason,
        },
        settings_version: "sv-0001".to_string(),
        started: NINE,
        notice: None,
    })
}

fn effect(id: u32, action: Action) -> Demand {
    Demand::Perform(Effect { id, action })
}

fn send(
    id: u32,
    system: System,
    method: Method,
    path: &str,
    intent: Intent,
    body: Vec<BodyPart>,
) -> Demand {
    let request = Request {
        system,
        authorization: Authorization::Connection,
        method,
        path_with_query: path.to_string(),
        headers: Vec::new(),
        body,
        timeout: 30_000,
    };
    effect(id, Action::Send(OutboundRequest { request, intent }))
}

fn row(index: u32, after_ms: u64, demand: Demand, report: Option<Report>) -> HistoryRow {
    let at = NINE + after_ms;
    HistoryRow {
        epoch: 0,
        index,
        at,
        demand,
        outcome: report.map(|report| Outcome {
            id: index,
            report,
            at: at + 250,
        }),
    }
}

fn answered(status: u16, body: &str) -> Option<Report> {
    Some(Report::Sent(SendOutcome::Response(Response {
        status,
        headers: vec![Header {
            name: "content-type".to_string(),
            value: "application/json".to_string(),
        }],
        body: Body::Text(body.to_string()),
    })))
}

/// Reads the invoice, loses the answer to a write, waits for it to settle.
fn uncertain_history() -> Vec<HistoryRow> {
    let read = send(
        0,
        System::Freshbooks,
        Method::Get,
        "/invoices/778120",
        Intent::Read,
        Vec::new(),
    );
    let body = vec![
        BodyPart::Text("{\"Name\":\"2093 Northwind\",\"Key\":\"".to_string()),
        BodyPart::JsonSecret(Secret::ClientSecret),
        BodyPart::Text("\"}".to_string()),
    ];
    let write = send(
        1,
        System::Concur,
        Method::Post,
        "/paymentrequests",
        Intent::LookUpThenPark,
        body,
    );
    let lost = Some(Report::Sent(SendOutcome::MaybeSent(SendError {
        code: SendErrorCode::Timeout,
        detail: "after 30 s".to_string(),
    })));
    let settle = Demand::Wait(Wait {
        id: 2,
        until: NINE + 1_800_000,
        reason: WaitReason::Settle,
        on: None,
        message: "the payment request may still appear".to_string(),
    });
    vec![
        row(
            0,
            1_000,
            read,
            answered(200, "{\"invoice\":{\"organization\":\"Northwind Paper\"}}"),
        ),
        row(1, 2_000, write, lost),
        row(2, 33_000, settle, Some(Report::Woken(Wake::Due))),
    ]
}

/// Registers webhooks at an address, of which FreshBooks tells in its answer.
pub(super) fn registration(uri: &str) -> HistoryRow {
    let body = format!("{{\"callback\":{{\"event\":\"invoice\",\"uri\":\"{uri}\"}}}}");
    let write = send(
        0,
        System::Freshbooks,
        Method::Post,
        "/callbacks",
        Intent::LookUpThenResend,
        vec![BodyPart::Text(body.clone())],
    );
    row(0, 1_000, write, answered(200, &body))
}

pub(super) fn failure(code: &str, message: &str) -> Failure {
    Failure {
        code: code.to_string(),
        message: message.to_string(),
        remedy: "add it under connections.acme.taxes".to_string(),
        problems: vec![Problem {
            pointer: "/lines/0/taxName1".to_string(),
            code: "tax-unmapped".to_string(),
            message: "the tax HST has no code".to_string(),
        }],
        since: NINE,
        look_again: None,
        reconnect: None,
    }
}

pub(super) fn end(run: RunId, ending: Ending) -> Write {
    Write::End {
        run,
        completion: Completion {
            ending,
            version: Some("v1".to_string()),
            facts: facts(),
        },
        at: NINE + 3_600_000,
    }
}

fn facts() -> Facts {
    Facts {
        number: Some("2093".to_string()),
        party: Some("Northwind Paper".to_string()),
        amount: Some("90.00".to_string()),
        currency: Some("CAD".to_string()),
        date: Some("2026-02-27".to_string()),
    }
}

pub(super) fn confirmed() -> Ending {
    Ending::Confirmed(Confirmation {
        target: object(System::Concur, "payment-request", "PR-1"),
        change: Change::Created,
        message: "Payment request PR-1 is there.".to_string(),
    })
}

/// Run 1 confirmed after an uncertain write, run 2 parked, run 3 waiting.
pub(super) fn after_a_morning() -> Installation {
    let installation = Installation::new();
    let begun = ["778120", "778121", "778122"].map(|id| start(id, StartReason::Notice));
    let receipt = installation.commit(begun.to_vec());
    assert_eq!(receipt.runs, [1, 2, 3]);
    installation.commit(vec![
        Write::Append {
            run: 1,
            rows: uncertain_history(),
        },
        end(1, confirmed()),
        end(
            2,
            Ending::Parked(failure("tax-unmapped", "A tax is not mapped.")),
        ),
        Write::Wait {
            run: 3,
            due: NINE + 7_200_000,
            reason: Some(WaitReason::Retry),
            on: None,
            message: "SAP Concur answered 500.".to_string(),
        },
    ]);
    installation
}

pub(super) fn now() -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("clock");
    u64::try_from(since.as_millis()).expect("fits")
}

/// Of a connection, with nothing that would have to open.
pub(super) fn credential(system: System, status: CredentialStatus) -> Write {
    stored("acme", system, status, Vec::new())
}

/// Live tokens of FreshBooks that open with these keys; the access token is `the-token`.
pub(super) fn live(connection: &str, keyring: &Keyring) -> Write {
    let system = System::Freshbooks;
    let purpose = Purpose::Tokens {
        connection,
        system,
        generation: GENERATION,
    };
    let tokens = r#"{"access_token": "the-token", "refresh_token": null}"#;
    let sealed = keyring.seal(&purpose, tokens).expect("sealed");
    stored(connection, system, CredentialStatus::Live, sealed)
}

fn stored(
    connection: &str,
    system: System,
    status: CredentialStatus,
    sealed_tokens: Vec<u8>,
) -> Write {
    Write::Credential(StoredCredential {
        connection: connection.to_string(),
        credential: Credential {
            system,
            status,
            generation: GENERATION,
            base: None,
            access: Some(AccessSpan {
                issued: now() - 1_000,
                expires: now() + 3_600_000,
            }),
            refresh_expires: Some(now() + 30 * 86_400_000),
            scope: None,
        },
        sealed_tokens,
        requests_unanswered: 0,
        sealed_answer: Vec::new(),
    })
}
