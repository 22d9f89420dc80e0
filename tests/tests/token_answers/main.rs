//! An answer of a token endpoint on its way to the disk: the real host and component, the sandbox
//! behind sockets, and a store that fails or a process that dies at every step. A refresh token of
//! FreshBooks works once, so the answer is all that is left of the connection.

mod process;

use ml_connector::config::ConnectionConfig;
use ml_connector::contract::credentials::{CredentialStatus, Grant};
use ml_connector::contract::types::System;
use ml_connector::seal::Keyring;
use ml_connector::store::{Store, StoredCredential, Write};
use ml_connector_sandbox::{Fault, FaultRule};
use ml_connector_tests::fixtures::Options;
use ml_connector_tests::fixtures::service::InProcess;
use ml_connector_tests::fixtures::waiting::until;

use self::process::Process;

/// Enough to ask for tokens, and too little to read an answer of 60 KB.
const LITTLE_FUEL: u64 = 2_000_000;

/// Seal keys are there, and nothing is connected.
async fn fixture() -> InProcess {
    let fixture = InProcess::new(&Options::default()).await;
    let keys = Keyring::generate().expect("keys");
    fixture.secrets.store_seal_keys(&keys).expect("are stored");
    fixture
}

fn freshbooks_rule(fault: Fault) -> FaultRule {
    FaultRule::new(ml_connector_sandbox::System::FreshBooks, fault).path("/auth/oauth/token")
}

/// How often a refresh token was presented that was spent.
fn spent_presentations(fixture: &InProcess) -> u32 {
    let sandbox = fixture.deployment.sandbox.shared.lock();
    sandbox.freshbooks.spent_token_presentations_max()
}

fn credential_in(batch: &[Write]) -> Option<&StoredCredential> {
    batch.iter().find_map(|write| match write {
        Write::Credential(stored) => Some(stored),
        _ => None,
    })
}

fn is_answer(batch: &[Write]) -> bool {
    credential_in(batch).is_some_and(|stored| !stored.sealed_answer.is_empty())
}

fn is_new_pair(batch: &[Write]) -> bool {
    let stored = credential_in(batch);
    stored.is_some_and(|stored| stored.sealed_answer.is_empty() && stored.credential.generation > 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_after_the_request_has_left_loses_nothing() {
    for fails in [is_answer, is_new_pair] {
        let fixture = fixture().await;
        let process = Process::start(&fixture);
        process.connect_freshbooks(&fixture).await;
        process.store.fail_when(fails);
        let refreshing = process.begin_refresh();
        // One whose caller is cut off, as at the end of a run; and one who comes meanwhile.
        let cut_off = process.begin_refresh();
        until("the disk has failed for a while", async || {
            process.store.failures() >= 5
        })
        .await;
        refreshing.abort();
        cut_off.abort();
        assert_eq!(process.credential(System::Freshbooks).generation, 1);
        process.store.heal();
        until("the pair is in use", async || {
            process.credential(System::Freshbooks).generation == 2
        })
        .await;
        let next = process.refresh().await.expect("the new pair is good");
        assert_eq!(
            (next.generation, &next.status),
            (3, &CredentialStatus::Live)
        );
        process.kill();
        let process = Process::start(&fixture);
        assert_eq!(process.credential(System::Freshbooks), next);
        process.refresh().await.expect("it is good after a restart");
        assert_eq!(spent_presentations(&fixture), 0);
        process.kill();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_every_step_of_a_renewal_presents_a_spent_token_once_at_most() {
    // The commits of a renewal: the intent, the answer, the new pair.
    for (step, expected) in [(0, Ok(0)), (1, Err(1)), (2, Ok(0)), (3, Ok(0))] {
        let fixture = fixture().await;
        let process = Process::start(&fixture);
        process.connect_freshbooks(&fixture).await;
        kill_at(process, step).await;

        let process = Process::start(&fixture);
        let refreshed = process.refresh().await;
        let life = process.credential(System::Freshbooks).status;
        let seen = match life {
            CredentialStatus::Live => Ok(spent_presentations(&fixture)),
            _ => Err(spent_presentations(&fixture)),
        };
        assert_eq!(seen, expected, "step {step}: {refreshed:?}");
        assert_eq!(refreshed.is_ok(), expected.is_ok(), "step {step}");
        process.kill();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_twice_is_not_asked_for_again_but_needs_a_person() {
    let fixture = fixture().await;
    let process = Process::start(&fixture);
    process.connect_freshbooks(&fixture).await;
    kill_at(process, 1).await;
    kill_at(Process::start(&fixture), 1).await;
    let process = Process::start(&fixture);
    let refused = process.refresh().await.expect_err("is not asked for");
    let said = "run `ml-connector connect freshbooks`";
    assert!(refused.to_string().contains(said), "{refused}");
    let requests = fixture.deployment.sandbox.shared.lock().stats().total;
    process.refresh().await.expect_err("is not asked for");
    let after = fixture.deployment.sandbox.shared.lock().stats().total;
    assert_eq!((requests, spent_presentations(&fixture)), (after, 1));
    process.connect_freshbooks(&fixture).await;
    process.refresh().await.expect("is renewed again");
    process.kill();
}

/// Begins a renewal and kills the process before this commit of it.
async fn kill_at(process: Process, step: u64) {
    let mut commits = 0;
    process.store.fail_when(move |batch| {
        let is_after = credential_in(batch).is_some() && commits >= step;
        commits += u64::from(credential_in(batch).is_some());
        is_after
    });
    let refreshing = process.begin_refresh();
    until("it comes to this step", async || {
        process.store.failures() > 0 || refreshing.is_finished()
    })
    .await;
    process.kill();
}

/// A second connection, `bolt`, beside `acme`: another account that leads into the same company.
fn add_connection(fixture: &mut InProcess) {
    let json = &fixture.config.connections[0].json;
    let json = json.replace("zQ7pLm", "bolt42");
    let name = "bolt".to_string();
    fixture
        .config
        .connections
        .push(ConnectionConfig { name, json });
    for (secret, value) in [
        ("bolt.freshbooks-client-secret", "sandbox-freshbooks-secret"),
        ("bolt.concur-client-secret", "sandbox-concur-secret"),
    ] {
        fixture.deployment.installation.write_secret(secret, value);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_read_closes_its_connection_alone_until_it_can_be() {
    let mut fixture = fixture().await;
    add_connection(&mut fixture);
    let enough_fuel = fixture.config.limits.component_fuel_max;
    let process = Process::start(&fixture);
    process.connect_freshbooks(&fixture).await;
    process.connect_concur("acme", &fixture).await;
    process.connect_concur("bolt", &fixture).await;
    process.kill();

    fixture.config.limits.component_fuel_max = LITTLE_FUEL;
    let process = Process::start(&fixture);
    let padded = freshbooks_rule(Fault::Padded { bytes: 60_000 }).times(1);
    fixture.deployment.sandbox.shared.lock().add_fault(padded);
    for _ in 0..2 {
        let refused = process.refresh().await.expect_err("it traps");
        let said = refused.to_string();
        for part in [
            "cannot be read",
            "the component trapped",
            "connect freshbooks",
        ] {
            assert!(said.contains(part), "{said}");
        }
    }
    process.kill();

    // Everything starts, and what is closed is told with what helps.
    let process = Process::start(&fixture);
    assert!(!process.has_access("acme", System::Freshbooks));
    assert!(process.has_access("acme", System::Concur));
    assert!(process.has_access("bolt", System::Concur));
    process.kill();
    let status = fixture.deployment.installation.run(&["status"]);
    for part in ["cannot be read", "connect freshbooks --connection acme"] {
        assert!(status.out.contains(part), "{}", status.out);
    }

    // Wider limits: the answer is still there.
    fixture.config.limits.component_fuel_max = enough_fuel;
    let process = Process::start(&fixture);
    assert!(process.has_access("acme", System::Freshbooks));
    process.refresh().await.expect("the pair is good");
    assert_eq!(spent_presentations(&fixture), 0);
    process.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_connects_anew_what_cannot_be_read() {
    let mut fixture = fixture().await;
    let process = Process::start(&fixture);
    process.connect_freshbooks(&fixture).await;
    process.kill();
    fixture.config.limits.component_fuel_max = LITTLE_FUEL;
    let process = Process::start(&fixture);
    let padded = freshbooks_rule(Fault::Padded { bytes: 60_000 }).times(1);
    fixture.deployment.sandbox.shared.lock().add_fault(padded);
    process.refresh().await.expect_err("it traps");
    process.kill();

    let process = Process::start(&fixture);
    let wrong = "no-such-code".to_string();
    let refused = process.connect("acme", Grant::AuthorizationCode, wrong);
    refused.await.expect_err("there is no such code");
    let stored = process.store.credential("acme", System::Freshbooks).await;
    let stored = stored.expect("is read").expect("is stored");
    assert!(
        !stored.sealed_answer.is_empty(),
        "a refused code drops no answer"
    );

    process.connect_freshbooks(&fixture).await;
    process.refresh().await.expect("the pair is good");
    assert_eq!(spent_presentations(&fixture), 0);
    process.kill();
    assert!(Process::start(&fixture).has_access("acme", System::Freshbooks));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_beside_the_tokens_costs_none() {
    let fixture = fixture().await;
    let process = Process::start(&fixture);
    let padded = freshbooks_rule(Fault::Padded { bytes: 3_900_000 });
    fixture.deployment.sandbox.shared.lock().add_fault(padded);
    process.connect_freshbooks(&fixture).await;
    for _ in 0..2 {
        process.refresh().await.expect("is renewed");
    }
    assert_eq!(spent_presentations(&fixture), 0);
    process.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_cannot_be_read_harm_their_own_connection_alone() {
    let mut fixture = fixture().await;
    add_connection(&mut fixture);
    let process = Process::start(&fixture);
    process.connect_freshbooks(&fixture).await;
    process.refresh().await.expect("is renewed");
    process.connect_concur("bolt", &fixture).await;
    process.kill();

    let process = Process::start_with(&fixture, |store| store.with_unreadable("acme"));
    assert!(process.has_access("bolt", System::Concur));
    let CredentialStatus::Dead(why) = process.credential(System::Freshbooks).status else {
        panic!("it is not closed");
    };
    assert!(
        why.contains("cannot be read") && why.contains("connect freshbooks"),
        "{why}"
    );
    // It replaces the row, whose generation is not known.
    process.connect_freshbooks(&fixture).await;
    process.kill();
    let process = Process::start(&fixture);
    process.refresh().await.expect("is renewed");
    process.kill();
}
