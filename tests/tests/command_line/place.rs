//! What an operator can do to the store's files, and what the commands say then.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use ml_connector::contract::types::System;
use ml_connector::seal::Keyring;
use ml_connector::store::sqlite::SqliteStore;
use ml_connector::store::{Store, Write};
use ml_connector_tests::fixtures::command::RunningCommand;
use ml_connector_tests::fixtures::installation::{SETTINGS_FILE, STORE_FILE};
use ml_connector_tests::fixtures::waiting::until;
use ml_connector_tests::fixtures::{Deployment, Installation, Options, http};

fn mark() -> Write {
    Write::Mark {
        name: "last".to_string(),
        value: "1".to_string(),
    }
}

/// An installation that was at work and has stopped.
fn stopped() -> Installation {
    let installation = Installation::new();
    for system in ["freshbooks", "concur"] {
        installation.write_secret(&format!("acme.{system}-client-secret"), "x");
    }
    let keys = Keyring::generate().expect("keys");
    installation.write_secret("seal.keys", keys.reveal());
    installation.commit(vec![mark()]);
    installation
}

fn says(installation: &Installation, said: &str) {
    for arguments in [&["serve"][..], &["status"], &["replay", "--parked"]] {
        let output = installation.run(arguments);
        assert_eq!(output.code, 6, "{arguments:?}: {output:?}");
        assert!(output.err.contains(said), "{arguments:?}: {output:?}");
    }
}

#[test]
fn a_store_that_is_gone_or_lacks_something_is_not_taken_for_a_new_or_older_one() {
    let gone = stopped();
    // The service knows of the store and its keys from now on.
    assert_eq!(gone.run(&["replay", "--parked"]).code, 0);
    fs::remove_file(gone.path(STORE_FILE)).expect("is there");
    says(&gone, "is gone or empty, and ");
    let emptied = stopped();
    emptied.write(STORE_FILE, "");
    says(&emptied, "is gone or empty, and ");
    // All its files are gone, as when a disk is not mounted; the keys are elsewhere.
    fs::remove_file(gone.path("ml-connector.sqlite.commits")).expect("is there");
    says(&gone, "Is its disk mounted?");
    let check = gone.run(&["check"]);
    assert!(check.out.contains("wrong  store: "), "{}", check.out);
    assert!(check.out.contains("Is its disk mounted?"), "{}", check.out);
    assert!(!gone.path(STORE_FILE).exists(), "nothing was made");
    fs::remove_file(gone.path("secrets/stores")).expect("is there");
    let anew = gone.run(&["status"]);
    assert!(anew.err.contains("there is no store"), "{anew:?}");

    let older = stopped();
    let copy = fs::read(older.path(STORE_FILE)).expect("is there");
    older.commit(vec![mark()]);
    fs::write(older.path(STORE_FILE), copy).expect("is written");
    says(&older, "lacks 1 of ");
    let cut = stopped();
    let file = fs::OpenOptions::new()
        .write(true)
        .open(cut.path(STORE_FILE));
    file.and_then(|file| file.set_len(8_192)).expect("is cut");
    says(&cut, "cut short");
}

#[test]
fn everything_that_is_made_is_for_its_owner_alone_and_checked_alike() {
    let installation = stopped();
    for name in [
        STORE_FILE,
        "ml-connector.sqlite.commits",
        "secrets/seal.keys",
    ] {
        let mode = fs::metadata(installation.path(name))
            .expect("is there")
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let key = "[receiver]\ntls_certificate = \"c.pem\"\ntls_key = \"k.pem\"";
    installation.change_settings("[receiver]", key);
    installation.write("c.pem", "");
    installation.write("k.pem", "");
    let exposed = fs::Permissions::from_mode(0o640);
    fs::set_permissions(installation.path("k.pem"), exposed).expect("is set");
    let check = installation.run(&["check"]);
    assert!(check.out.contains("receiver TLS: "), "{}", check.out);
    assert!(check.out.contains("run `chmod 600 "), "{}", check.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_service_is_kept_out_under_every_name_and_commands_find_the_first() {
    let deployment = Deployment::started(&Options::default()).await;
    let mut deployment = deployment.expect("starts");
    let installation = &deployment.installation;
    symlink(installation.path(STORE_FILE), installation.path("link")).expect("is made");
    let address = deployment.receiver_url.trim_start_matches("http://");
    let settings = installation
        .read(SETTINGS_FILE)
        .replace(address, "127.0.0.1:0");
    let linked = format!("{settings}\n[store]\npath = \"link\"\n");
    installation.write("linked.toml", &linked);
    let second = installation.refused_service(&["--config", "linked.toml"]);
    assert_eq!(second.code, 6, "{second:?}");
    assert!(second.err.contains("is used by another"), "{second:?}");
    let asked = installation.run(&["replay", "--parked", "--config", "linked.toml"]);
    assert_eq!(asked.code, 0, "the service was found: {asked:?}");
    deployment.stop().expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_lost_its_store_is_not_ready_though_nothing_is_written() {
    let deployment = Deployment::started(&Options::default()).await;
    let mut deployment = deployment.expect("starts");
    let store = deployment.installation.path(STORE_FILE);
    let aside = deployment.installation.path("aside");
    let url = format!("{}/readyz", deployment.receiver_url);
    let ready = async || http::get(&url).await.expect("an answer");
    assert_eq!(ready().await.status, 200);
    fs::rename(&store, &aside).expect("is moved");
    let answer = ready().await;
    assert_eq!(answer.status, 503, "at once: {answer:?}");
    assert!(answer.body.contains("not where it was"), "{answer:?}");
    fs::rename(&aside, &store).expect("is moved back");
    until("it is ready again", async || ready().await.status == 200).await;
    deployment.stop().expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_name_of_the_store_is_said_while_the_service_runs() {
    let deployment = Deployment::started(&Options::default()).await;
    let mut deployment = deployment.expect("starts");
    let (store, link) = (STORE_FILE, "hard-link");
    let path = |name: &str| deployment.installation.path(name);
    fs::hard_link(path(store), path(link)).expect("is made");
    until("the log says it", async || {
        deployment.log().contains("has several names (hard links)")
    })
    .await;
    let check = deployment.installation.run(&["check"]);
    assert!(check.out.contains("wrong  store: "), "{}", check.out);
    assert!(check.out.contains("hard links"), "{}", check.out);
    let health = http::get(&format!("{}/readyz", deployment.receiver_url)).await;
    assert_eq!(
        health.expect("an answer").status,
        200,
        "nothing is lost yet"
    );
    fs::remove_file(path(link)).expect("is there");
    deployment.stop().expect("stops");
    deployment.start().await.expect("starts");
    // The address is taken too, which is not what helps.
    let second = deployment.installation.refused_service(&[]);
    assert_eq!(second.code, 6, "{second:?}");
    assert!(
        second.err.contains("a service that runs already"),
        "{second:?}"
    );
    assert!(!second.err.contains("receiver.listen"), "{second:?}");
    deployment.stop().expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_acknowledged_once_the_store_was_removed() {
    let deployment = Deployment::started(&Options::default()).await;
    let mut deployment = deployment.expect("starts");
    let store = deployment.installation.path(STORE_FILE);
    let aside = deployment.installation.path("aside");
    fs::rename(&store, &aside).expect("is moved");
    // Without anything to store too, within seconds.
    until("the log says it", async || {
        deployment.log().contains("was removed, moved or replaced")
    })
    .await;
    let output = deployment.installation.run(&["replay", "--parked"]);
    assert_eq!(output.code, 6, "{output:?}");
    assert!(output.err.contains("is gone or empty"), "{output:?}");
    fs::rename(&aside, &store).expect("is moved back");
    until("the log says that it is back", async || {
        deployment.log().contains("the store is back in its place")
    })
    .await;
    let health = http::get(&format!("{}/healthz", deployment.receiver_url)).await;
    assert_eq!(health.expect("an answer").status, 200);
    deployment.stop().expect("stops");
}

/// What a process has open under a name that is gone, copied as docs/operating.md says.
fn rescue(process: u32, name: &str, to: &Path) {
    let open = fs::read_dir(format!("/proc/{process}/fd")).expect("is there");
    let deleted = format!("{name} (deleted)");
    let leads_there = |file: &fs::DirEntry| {
        let target = fs::read_link(file.path()).unwrap_or_default();
        target.to_string_lossy().ends_with(&deleted)
    };
    let file = open.flatten().find(leads_there).expect("is open");
    fs::copy(file.path(), to).expect("is copied");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_deleted_under_a_service_is_rescued() {
    let deployment = Deployment::started(&Options::default()).await;
    let mut deployment = deployment.expect("starts");
    deployment.connect_concur().expect("connects");
    let process = deployment.process_id().expect("runs");
    let (store, log) = (STORE_FILE, "ml-connector.sqlite-wal");
    for name in [store, log] {
        fs::remove_file(deployment.installation.path(name)).expect("is there");
    }
    until("the log says it", async || {
        deployment.log().contains("was removed, moved or replaced")
    })
    .await;
    rescue(process, store, &deployment.installation.path("rescued"));
    rescue(process, log, &deployment.installation.path("rescued-wal"));
    // Neither may hide what only the service still has.
    for arguments in [["restore", "rescued"], ["backup", "copy"]] {
        let refused = deployment.installation.run(&arguments);
        assert_eq!(refused.code, 6, "{refused:?}");
        assert!(refused.err.contains("do not stop it"), "{refused:?}");
    }
    deployment.stop().expect("stops");
    let installation = &deployment.installation;
    assert_eq!(installation.run(&["status"]).code, 6);
    let restored = installation.run(&["restore", "rescued"]);
    assert_eq!(restored.code, 0, "{restored:?}");
    let store = installation.store().expect("opens");
    let credential = store.credential("acme", System::Concur).await;
    assert!(credential.expect("is read").is_some());
}

#[test]
fn a_command_waits_for_a_service_that_is_starting_or_stopping() {
    let installation = stopped();
    // As a service that has the store and does not answer yet.
    let holder = SqliteStore::open(installation.path(STORE_FILE)).expect("opens");
    let waiting = RunningCommand::start(installation.command(&["replay", "--parked"]));
    std::thread::sleep(Duration::from_secs(1));
    drop(holder);
    let output = waiting.end();
    assert_eq!(output.code, 0, "{output:?}");
}
