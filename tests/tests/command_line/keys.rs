//! The seal keys: rotated, lost, wrong and put back, as docs/operating.md tells it.

use ml_connector::seal::Keyring;
use ml_connector::sealed::{Place, SealedText, sealed_texts};
use ml_connector::secrets::Secret;
use ml_connector::store::{Store, Write};
use ml_connector_sandbox::server;
use ml_connector_tests::fixtures::command::RunningCommand;
use ml_connector_tests::fixtures::{Deployment, Installation, Options, documents};

use super::morning::{after_a_morning, live};

const KEYS: &str = "secrets/seal.keys";

/// More than one request of `keys reseal` takes.
const CONNECTIONS: usize = 130;

fn sealed(installation: &Installation) -> Vec<SealedText> {
    let store = installation.store().expect("opens");
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let texts = runtime.expect("runtime").block_on(sealed_texts(&store));
    texts.expect("are read")
}

/// The keys as the file has them.
fn keyring(installation: &Installation) -> Keyring {
    Keyring::parse(&Secret::new(installation.read(KEYS))).expect("are keys")
}

/// How many sealed texts there are of each key; all of them open.
fn opened(installation: &Installation, ids: &[u8]) -> Vec<usize> {
    let (texts, keyring) = (sealed(installation), keyring(installation));
    for text in &texts {
        text.check(&keyring).expect("opens");
    }
    let of = |id: &u8| {
        texts
            .iter()
            .filter(|text| text.key_id() == Some(*id))
            .count()
    };
    ids.iter().map(of).collect()
}

#[test]
fn a_rotation_that_is_killed_in_between_is_finished_by_the_next_one() {
    let installation = Installation::new();
    for secret in ["acme.freshbooks-client-secret", "acme.concur-client-secret"] {
        installation.write_secret(secret, "x");
    }
    let keys = Keyring::generate().expect("keys");
    installation.write_secret("seal.keys", keys.reveal());
    let old = Keyring::parse(&keys).expect("keys");
    let names = (1..CONNECTIONS).map(|number| format!("gone-{number:03}"));
    let names: Vec<String> = std::iter::once("acme".to_string()).chain(names).collect();
    installation.commit(names.iter().map(|name| live(name, &old)).collect());

    let added = installation.run(&["keys", "add"]);
    assert_eq!(added.code, 0, "{}", added.err);
    assert!(
        added.out.starts_with("Key 2 is the first line"),
        "{}",
        added.out
    );
    let check = installation.run(&["check"]);
    let needed = format!("later  sealed secrets: {CONNECTIONS} of {CONNECTIONS} still need key 1");
    assert!(check.out.contains(&needed), "{}", check.out);

    let mut resealing = RunningCommand::start(installation.command(&["keys", "reseal"]));
    let progress = resealing.line_with("connections are left");
    let progress = progress.expect("it shows how far it is");
    assert!(
        progress.starts_with("Sealed 50 anew so far; 80 connections"),
        "{progress}"
    );
    resealing.kill();
    let [new, left] = opened(&installation, &[2, 1])[..] else {
        panic!("two keys");
    };
    assert!(new >= 50 && new + left == CONNECTIONS, "{new} and {left}");

    let finished = installation.run(&["keys", "reseal"]);
    assert_eq!(finished.code, 0, "{}", finished.err);
    for part in ["anew with key 2", "needs key 1 any more: remove its line"] {
        assert!(finished.out.contains(part), "{}", finished.out);
    }
    let file = installation.read(KEYS);
    let newest = file.lines().next().expect("a line");
    installation.write_secret("seal.keys", newest);
    assert_eq!(opened(&installation, &[2, 1]), [CONNECTIONS, 0]);
    let check = installation.run(&["check"]);
    let fine = format!("ok     sealed secrets: {CONNECTIONS} sealed secrets looked at");
    assert!(check.out.contains(&fine), "{}", check.out);
}

#[test]
fn what_does_not_open_is_named_and_no_key_is_called_removable() {
    let installation = Installation::new();
    let keys = Keyring::generate().expect("keys");
    installation.write_secret("seal.keys", keys.reveal());
    let (ours, other) = (Keyring::parse(&keys), Keyring::generate());
    let other = Keyring::parse(&other.expect("keys")).expect("keys");
    installation.commit(vec![
        live("acme", &other),
        live("bolt", &ours.expect("keys")),
    ]);
    assert_eq!(installation.run(&["keys", "add"]).code, 0);
    let output = installation.run(&["keys", "reseal"]);
    assert_eq!(output.code, 4, "{}", output.err);
    let named = "Does not open and stays as it is: the tokens of FreshBooks for acme";
    assert!(output.out.contains(named), "{}", output.out);
    assert!(output.out.contains("Sealed 1 anew"), "{}", output.out);
    assert!(!output.out.contains("any more"), "{}", output.out);
}

/// A deployment that was connected, and has stopped.
async fn stopped() -> Deployment {
    let deployment = Deployment::connected(&Options::default()).await;
    let mut deployment = deployment.expect("is at work");
    deployment.stop().expect("stops");
    deployment
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_finishes_a_rotation_at_its_start() {
    let mut deployment = stopped().await;
    assert_eq!(deployment.installation.run(&["keys", "add"]).code, 0);
    deployment.start().await.expect("starts");
    let is_done = || {
        deployment
            .log()
            .contains("the older ones may go from `seal.keys`")
    };
    deployment
        .until("everything is sealed anew", is_done)
        .await
        .expect("comes");
    let output = deployment.installation.run(&["keys", "reseal"]);
    assert!(
        output.out.starts_with("Sealed 0 anew with key 2"),
        "{}",
        output.out
    );
    deployment.stop().expect("stops");

    let file = deployment.installation.read(KEYS);
    let newest = file.lines().next().expect("a line");
    deployment.installation.write_secret("seal.keys", newest);
    deployment.start().await.expect("starts");
    let status = deployment.installation.run(&["status", "--check"]);
    assert_eq!(status.code, 0, "{}", status.out);
    deployment.stop().expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_and_lost_keys_keep_nobody_from_connecting_and_the_right_ones_bring_all_back() {
    let mut deployment = stopped().await;
    let right = deployment.installation.read(KEYS);
    let wrong = Keyring::generate().expect("keys");
    deployment
        .installation
        .write_secret("seal.keys", wrong.reveal());
    assert_check_names_what_does_not_open(&deployment.installation);
    deployment.start().await.expect("starts");
    assert_status(&deployment.installation, 4, "do not open");
    deployment.stop().expect("stops");

    // The right one is put back: all is as it was.
    deployment.installation.write_secret("seal.keys", &right);
    deployment.start().await.expect("starts");
    deployment.registered().await.expect("is registered");
    arrives(&deployment, "2093");
    deployment.stop().expect("stops");

    std::fs::remove_file(deployment.installation.path(KEYS)).expect("is removed");
    assert_the_missing_file_is_named_and_made(&deployment.installation);
    deployment.start().await.expect("starts");
    assert_status(
        &deployment.installation,
        4,
        "sealed with key 1, which is not in",
    );
    deployment.connect().await.expect("connects");
    let verified = deployment.until("webhooks are verified anew", || {
        std::thread::scope(|scope| {
            let counting = scope.spawn(|| verifiers_that_open(&deployment.installation));
            counting.join().expect("is read") == 2
        })
    });
    verified.await.expect("comes");
    arrives(&deployment, "2094");
    deployment.stop().expect("stops");
}

/// With the secrets of both apps and a checkpoint that this key has made.
fn with_checkpoint(keys: &str) -> Installation {
    let installation = after_a_morning();
    for secret in ["acme.freshbooks-client-secret", "acme.concur-client-secret"] {
        installation.write_secret(secret, "x");
    }
    installation.write_secret("seal.keys", keys);
    let keyring = keyring(&installation);
    let store = installation.store().expect("opens");
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let heads = runtime.expect("runtime").block_on(store.chain_heads());
    let [head]: [_; 1] = heads.expect("are read").try_into().expect("one chain");
    drop(store);
    installation.commit(vec![Write::Checkpoint {
        checkpoint: keyring.checkpoint(&head).expect("is made"),
        connection: head.connection,
    }]);
    installation
}

#[test]
fn checkpoints_of_a_lost_key_are_begun_anew_by_a_command_that_says_what_is_lost() {
    let keys = Keyring::generate().expect("keys");
    let installation = with_checkpoint(keys.reveal());
    let fine = installation.run(&["keys", "forget-checkpoints"]);
    assert_eq!(fine.code, 0, "{fine:?}");
    assert!(fine.out.contains("nothing was changed"), "{fine:?}");

    std::fs::remove_file(installation.path(KEYS)).expect("is removed");
    let added = installation.run(&["keys", "add"]);
    assert!(added.out.contains("with key 2"), "{added:?}");
    let command = "`ml-connector keys forget-checkpoints`";
    assert!(added.out.contains(command), "{added:?}");
    let check = installation.run(&["check", "--store"]);
    let finding = "wrong  checkpoint of acme: its checkpoint cannot be checked: key 1, which made \
                   it, is not in `seal.keys`";
    assert!(check.out.contains(finding), "{}", check.out);
    assert!(check.out.contains(command), "{}", check.out);

    let begun = installation.run(&["keys", "forget-checkpoints", "--connection", "other"]);
    assert!(begun.out.contains("nothing was changed"), "{begun:?}");
    let begun = installation.run(&["keys", "forget-checkpoints"]);
    assert_eq!(begun.code, 0, "{begun:?}");
    assert!(
        begun.out.starts_with("Begun anew: the checkpoint of acme"),
        "{begun:?}"
    );
    assert!(begun.out.contains("they alone vouch"), "{begun:?}");
    assert!(
        begun.err.contains("keys forget-checkpoints"),
        "is logged: {begun:?}"
    );
    let check = installation.run(&["check", "--store"]);
    assert!(
        check.out.contains("ok     checkpoint of acme"),
        "{}",
        check.out
    );
    let again = installation.run(&["keys", "forget-checkpoints", "--json"]);
    assert_eq!(again.out.trim(), r#"{"begun":{}}"#);
}

#[test]
fn a_key_that_is_made_beside_checkpoints_is_not_taken_for_the_one_that_made_them() {
    let installation = with_checkpoint(Keyring::generate().expect("keys").reveal());
    std::fs::remove_file(installation.path(KEYS)).expect("is removed");
    // The store holds no token, so that the keys are made anew.
    let replayed = installation.run(&["replay", "--parked"]);
    assert_eq!(replayed.code, 0, "{replayed:?}");
    assert!(installation.read(KEYS).starts_with("2:"));
    let check = installation.run(&["check", "--store"]);
    assert!(
        check.out.contains("key 1, which made it, is not in"),
        "{}",
        check.out
    );
    assert!(!check.out.contains("no seal key made it"), "{}", check.out);
}

#[test]
fn keys_are_neither_needed_nor_made_where_nothing_is_sealed() {
    let installation = after_a_morning();
    let output = installation.run(&["keys", "reseal"]);
    assert_eq!(output.code, 0, "{output:?}");
    assert!(output.out.starts_with("Nothing is sealed"), "{output:?}");
    assert!(!installation.path(KEYS).exists());
}

fn assert_status(installation: &Installation, code: u8, part: &str) {
    let status = installation.run(&["status", "--check"]);
    assert_eq!(status.code, i32::from(code), "{}", status.out);
    assert!(status.out.contains(part), "{}", status.out);
}

fn assert_check_names_what_does_not_open(installation: &Installation) {
    let check = installation.run(&["check"]);
    assert_eq!(check.code, 4, "{}", check.out);
    for part in [
        "wrong  FreshBooks credential of acme: the stored tokens of FreshBooks do not open",
        "wrong  SAP Concur credential of acme: the stored tokens of SAP Concur do not open",
        "Restore `seal.keys` from your backup",
        "later  webhook verifier",
    ] {
        assert!(
            check.out.contains(part),
            "{part} is missing:\n{}",
            check.out
        );
    }
}

fn assert_the_missing_file_is_named_and_made(installation: &Installation) {
    for command in [
        &["serve"][..],
        &["connect", "concur"],
        &["check"],
        &["status"],
        &["keys", "reseal"],
    ] {
        let output = installation.run_with(command, &[], "some-token\n");
        let said = format!("{}{}", output.out, output.err);
        for part in [
            "seal.keys is missing",
            "from your backup",
            "`ml-connector keys add`",
        ] {
            assert!(said.contains(part), "{command:?}: {said}");
        }
        // That alone would not help.
        assert!(
            !said.contains("Run: ml-connector connect"),
            "{command:?}: {said}"
        );
    }
    let added = installation.run(&["keys", "add"]);
    assert_eq!(added.code, 0, "{}", added.err);
    assert!(added.out.contains("with key 2"), "{}", added.out);
    // Another key does not open more, which is said again.
    let again = installation.run(&["keys", "add"]);
    assert!(
        again.out.starts_with("Key 3 is the first line"),
        "{}",
        again.out
    );
    for part in [
        "ml-connector connect freshbooks --connection acme",
        "ml-connector connect concur --connection acme",
    ] {
        for output in [&added, &again] {
            assert!(output.out.contains(part), "{}", output.out);
        }
    }
}

fn verifiers_that_open(installation: &Installation) -> usize {
    let (texts, keyring) = (sealed(installation), keyring(installation));
    let opening = texts.iter().filter(|text| text.check(&keyring).is_ok());
    opening
        .filter(|text| matches!(text.place, Place::Verifier(_)))
        .count()
}

/// A person sends an invoice, whose webhook is believed.
fn arrives(deployment: &Deployment, number: &str) {
    let id = {
        let (mut sandbox, now) = (deployment.sandbox.shared.lock(), server::now());
        let client = sandbox.freshbooks.create_client(&documents::client(), now);
        let invoice = documents::invoice(client.expect("client"), number);
        sandbox.freshbooks.create_invoice(&invoice, now)
    };
    deployment.sandbox.shared.wake();
    let object = format!("freshbooks/invoice/{}", id.expect("invoice"));
    let run = deployment.ended(&object, "confirmed");
    assert_eq!(run["reason"], "notice", "{run}");
}
