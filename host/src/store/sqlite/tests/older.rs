//! Stores of older schema versions are brought up to date, and what they hold stays readable.

use rusqlite::Connection as Database;

use super::*;
use crate::contract::credentials::CredentialStatus;
use crate::contract::http::{Authorization, BodyPart, Secret};
use crate::contract::pacing::HoldReason;
use crate::contract::runs::{Action, Demand, Report};

/// A body as version 2 wrote it, uncompressed.
fn body(json: &str) -> Vec<u8> {
    [&[0], json.as_bytes()].concat()
}

fn store_of_version_2(path: &Path) {
    let database = Database::open(path).expect("a file");
    for script in [include_str!("../1.sql"), include_str!("../2.sql")] {
        database.execute_batch(script).expect("a schema");
    }
    database
        .execute_batch(
            "INSERT INTO objects VALUES (1, 'acme', 'freshbooks', 'invoice', '7');
             INSERT INTO links VALUES (1, 'concur', 'payment-request', 'PR', '', 'ff');
             INSERT INTO runs VALUES (1, 1, 'acme', 'notice', 10, 'v1', 0, 'ended', 10, NULL, NULL,
                0, NULL, NULL, '', NULL, 'parked', 20, 0);
             INSERT INTO runs VALUES (2, 1, 'acme', 'replay', 30, 'v1', 0, 'waiting', 40, 'settle',
                NULL, 0, NULL, NULL, 'It waits.', NULL, NULL, NULL, 0);
             INSERT INTO credentials VALUES ('acme', 'concur', 3,
                '{\"system\":\"Concur\",\"life\":\"Dead\",
                \"generation\":3,\"base\":\"\",\"issued\":1,\"access_expires\":2,
                \"refresh_expires\":null,
                \"scope\":\"\",\"sentence\":\"It was refused.\"}', x'', 0, x'');
             INSERT INTO gates VALUES ('acme', 'concur', '{\"system\":\"Concur\",\"held_until\":9,
                \"reason\":\"Maintenance\",\"failures\":1,\"failing_since\":5}');
             INSERT INTO callbacks VALUES ('acme', '55', x'01', x'02'), ('acme', '56', x'', x'03');
             PRAGMA user_version = 2;",
        )
        .expect("rows");
    let parked = r#"{"ending":{"Parked":{"code":"unmapped","sentence":"A tax.","remedy":"Add it.",
        "problems":[],"since":15,"look_again":null}},"version":""}"#;
    let sql = "UPDATE runs SET completion = ? WHERE id = 1";
    database.execute(sql, [body(parked)]).expect("a completion");
    let trust = r#"{"Perform":{"id":0,"action":{"TrustVerifier":"55"}}}"#;
    let trusted = r#"{"id":0,"report":{"Saved":1},"at":31}"#;
    let write = r#"{"Perform":{"id":1,"action":{"Send":{"request":{"system":"Concur","bearer":
        "Application","method":"Post","path_with_query":"/x","headers":[],"body":[{"JsonSecret":
        "verifier:55"}],"timeout":1000},"intent":"LookUpThenPark"}}}}"#;
    let sql = "INSERT INTO history VALUES (2, 0, ?, 31, ?, ?)";
    let rows = [(0, trust, Some(trusted)), (1, write, None)];
    for (position, demand, outcome) in rows {
        let values = (position, body(demand), outcome.map(body));
        database.execute(sql, values).expect("a row");
    }
}

#[tokio::test]
async fn everything_in_it_stays_readable() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("store.sqlite");
    store_of_version_2(&path);
    make_private(&path);
    let store = SqliteStore::open(&path).expect("is brought up to date");
    let object = ObjectRef {
        system: System::Freshbooks,
        kind: "invoice".into(),
        id: "7".into(),
    };
    let statuses = store
        .object_statuses("acme", &[object])
        .await
        .expect("is read");
    let link = statuses[0].link.as_ref().expect("is linked");
    assert_eq!(
        (link.version.as_deref(), link.content_hash.as_deref()),
        (None, Some("ff"))
    );
    let last = statuses[0].last.as_ref().expect("has ended");
    assert_eq!((last.message.as_str(), last.since), ("A tax.", Some(15)));
    let waiting = store.run(2).await.expect("is read").expect("is there");
    assert_eq!(waiting.message, "It waits.");
    let history = store.history(2).await.expect("is read");
    let outcome = history[0].outcome.as_ref().expect("has one");
    assert_eq!(outcome.report, Report::Trusted(true));
    let Demand::Perform(effect) = &history[1].demand else {
        panic!("{:?}", history[1]);
    };
    let Action::Send(send) = &effect.action else {
        panic!("{effect:?}");
    };
    assert_eq!(send.request.authorization, Authorization::Application);
    let secret = Secret::Verifier("55".into());
    assert_eq!(send.request.body, [BodyPart::JsonSecret(secret)]);
    assert_eq!(history[1].outcome, None, "the interrupted write stays one");
    let stored = store
        .credential("acme", System::Concur)
        .await
        .expect("is read");
    let dead = CredentialStatus::Dead("It was refused.".into());
    assert_eq!(stored.expect("is there").credential.status, dead);
    let callbacks = store.callbacks("acme").await.expect("are read");
    let confirmed = StoredCallback {
        connection: "acme".into(),
        id: "55".into(),
        sealed_verifier: vec![1],
    };
    assert_eq!(callbacks, [confirmed], "what was not confirmed is dropped");
    let gates = store.gates("acme").await.expect("is read");
    assert_eq!(
        gates[0].hold.expect("is held").reason,
        HoldReason::Maintenance
    );
}

/// Before version 4 each notice was a row of its own.
#[tokio::test]
async fn undecided_notices_of_one_object_are_folded() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("store.sqlite");
    let database = Database::open(&path).expect("a file");
    for script in [
        include_str!("../1.sql"),
        include_str!("../2.sql"),
        include_str!("../3.sql"),
    ] {
        database.execute_batch(script).expect("a schema");
    }
    database
        .execute_batch(
            "INSERT INTO objects (id, connection, system, kind, name) VALUES
                (1, 'acme', 'freshbooks', 'invoice', '7'),
                (2, 'acme', 'freshbooks', 'invoice', '8');
             INSERT INTO notices (id, object, event, received, decided) VALUES
                (1, 1, 'invoice.update', 10, 1), (2, 1, 'invoice.update', 20, 0),
                (3, 2, 'invoice.update', 30, 0), (4, 1, 'invoice.update', 50, 0),
                (5, 1, 'invoice.update', 40, 0);
             INSERT INTO settings VALUES ('acme', 'v1', '{}');
             PRAGMA user_version = 3;",
        )
        .expect("rows");
    drop(database);
    make_private(&path);
    let store = SqliteStore::open(&path).expect("is brought up to date");
    let undecided = store.undecided_notices(9, Vec::new()).await.expect("reads");
    let told: Vec<_> = undecided
        .iter()
        .map(|notice| (notice.id, notice.arrivals, notice.received))
        .collect();
    assert_eq!(told, [(2, 3, 50), (3, 1, 30)]);
    let settings = store.settings("acme", "v1").await.expect("reads");
    assert_eq!(settings.as_deref(), Some("{}"));
}
