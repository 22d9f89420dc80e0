//! A store that an earlier version left behind, taken over by the present one.
//!
//! The store was made by the service at the commit that its directory's README names, and is never
//! made again: that is the point. Histories need not replay (then runs start over); what has ended
//! stays as it is, and what is under way ends with one record each.

mod remotes;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ml_connector::contract::credentials::AccessSpan;
use ml_connector::contract::types::{ObjectRef, System};
use ml_connector::credentials::stored_bearer;
use ml_connector::seal::{Keyring, Purpose};
use ml_connector::secrets::Secret;
use ml_connector::store::sqlite::SqliteStore;
use ml_connector::store::{Run, RunFilter, RunState, Store, StoredCredential, Write};
use ml_connector_component::contract::types as logic;
use ml_connector_component::marker;
use ml_connector_sandbox::concur::DocStatus;
use ml_connector_sandbox::server;
use ml_connector_tests::books::Books;
use ml_connector_tests::built;
use ml_connector_tests::fixtures::installation::{Installation, SETTINGS_FILE, STORE_FILE};
use ml_connector_tests::fixtures::waiting::reached;
use ml_connector_tests::fixtures::{Deployment, Options};
use ml_connector_tests::logic::convert;
use serde::Deserialize;
use serde_json::json;

use self::remotes::{Tokens, What};

/// What is known of a store, from `expected.json`.
#[derive(Deserialize)]
struct Expected {
    /// Every run, numbered from 1.
    runs: Vec<ExpectedRun>,
    /// Target by source, as `system/kind/id`.
    links: BTreeMap<String, String>,
    callbacks: usize,
    gates: Vec<String>,
    /// The object of the run that was killed during a write.
    unanswered: String,
    /// The object of the notice without a decision.
    undecided: String,
}

#[derive(Deserialize)]
struct ExpectedRun {
    run: u64,
    object: String,
    /// How it ended, or why it waits.
    standing: String,
}

impl ExpectedRun {
    fn has_ended(&self) -> bool {
        let endings = ["confirmed", "unchanged", "rejected", "parked", "conflict"];
        endings.contains(&self.standing.as_str())
    }
}

fn fixture() -> PathBuf {
    built::root().join("tests/data/store-v2")
}

fn expected() -> Expected {
    let text = fs::read_to_string(fixture().join("expected.json")).expect("is there");
    serde_json::from_str(&text).expect("is JSON")
}

/// Copies the store and its keys to where the program expects them.
fn copy_store(installation: &Installation) {
    let copy = |from: &str, to: &Path| {
        fs::copy(fixture().join(from), to).expect("is copied");
    };
    let store = installation.path(STORE_FILE);
    copy(STORE_FILE, &store);
    fs::set_permissions(&store, fs::Permissions::from_mode(0o600)).expect("is set");
    let keys = fs::read_to_string(fixture().join("seal.keys")).expect("is there");
    installation.write_secret("seal.keys", &keys);
}

fn keyring() -> Keyring {
    let keys = fs::read_to_string(fixture().join("seal.keys")).expect("is there");
    Keyring::parse(&Secret::new(keys)).expect("are keys")
}

fn name(object: &ObjectRef) -> String {
    let system = match object.system {
        System::Freshbooks => "freshbooks",
        System::Concur => "concur",
    };
    format!("{system}/{}/{}", object.kind, object.id)
}

fn object(name: &str) -> ObjectRef {
    let mut parts = name.splitn(3, '/');
    let mut part = || parts.next().expect("three parts").to_string();
    ObjectRef {
        system: match part().as_str() {
            "freshbooks" => System::Freshbooks,
            _ => System::Concur,
        },
        kind: part(),
        id: part(),
    }
}

/// How a run ended, such as `confirmed`.
fn ending(run: &Run) -> Option<String> {
    let kind = run.completion.as_ref()?.kind();
    let word = serde_json::to_value(kind).expect("is JSON");
    Some(word.as_str()?.to_lowercase())
}

async fn all_runs(store: &SqliteStore) -> BTreeMap<u64, Run> {
    let runs = store.runs(RunFilter::default()).await.expect("are read");
    runs.into_iter().map(|run| (run.id, run)).collect()
}

#[tokio::test]
async fn what_is_stored_is_read() {
    let (installation, expected) = (Installation::new(), expected());
    copy_store(&installation);
    let store = SqliteStore::open(installation.path(STORE_FILE)).expect("opens");

    let runs = all_runs(&store).await;
    assert_eq!(runs.len(), expected.runs.len());
    for known in &expected.runs {
        let run = &runs[&known.run];
        assert_eq!(name(&run.object), known.object);
        let ended = known.has_ended().then(|| known.standing.clone());
        assert_eq!(ending(run), ended);
    }
    assert_links(&store, &expected).await;

    let callbacks = store.callbacks("acme").await.expect("are read");
    assert_eq!(callbacks.len(), expected.callbacks);
    for callback in &callbacks {
        let purpose = Purpose::Verifier {
            connection: "acme",
            callback: &callback.id,
        };
        let opened = keyring().open(&purpose, &callback.sealed_verifier);
        opened.expect("the verifier opens");
    }
    for system in [System::Freshbooks, System::Concur] {
        let bearer = stored_bearer(&keyring(), &credential(&store, system).await);
        assert!(bearer.expect("the tokens open").is_some(), "{system:?}");
    }
    let gates = store.gates("acme").await.expect("are read");
    assert_eq!(gates.len(), expected.gates.len());
    let undecided = store
        .undecided_notices(9, Vec::new())
        .await
        .expect("are read");
    let objects: Vec<String> = undecided
        .iter()
        .map(|notice| name(&notice.object))
        .collect();
    assert_eq!(objects, [expected.undecided]);
    assert_eq!(store.oddities(9).await.expect("are read").len(), 1);
    assert!(store.inbox().await.expect("is read").events[0].events > 0);
}

/// The links that were there are there, and lead where they led.
async fn assert_links(store: &SqliteStore, expected: &Expected) {
    assert_eq!(links(store, expected).await, expected.links);
}

/// The same after the vendors were set up anew: webhooks were registered again, in whichever order
/// their two runs came, and their ids say nothing.
async fn assert_links_of_documents(store: &SqliteStore, expected: &Expected) {
    let of_documents = |links: &BTreeMap<String, String>| {
        let mut links = links.clone();
        links.retain(|source, _| !source.starts_with("freshbooks/callback/"));
        links
    };
    let stored = links(store, expected).await;
    assert_eq!(of_documents(&stored), of_documents(&expected.links));
    assert_eq!(stored.len(), expected.links.len());
}

/// Where the objects lead that had a link in the older store.
async fn links(store: &SqliteStore, expected: &Expected) -> BTreeMap<String, String> {
    let sources: Vec<ObjectRef> = expected.links.keys().map(|source| object(source)).collect();
    let statuses = store
        .object_statuses("acme", &sources)
        .await
        .expect("are read");
    statuses
        .iter()
        .filter_map(|status| {
            let link = status.link.as_ref()?;
            Some((name(&link.source), name(&link.target)))
        })
        .collect()
}

async fn credential(store: &SqliteStore, system: System) -> StoredCredential {
    let credential = store.credential("acme", system).await.expect("is read");
    credential.expect("is there")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unanswered_write_that_arrived_is_adopted() {
    take_over(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unanswered_write_that_was_lost_is_sent_again_once() {
    take_over(false).await;
}

/// Starts the present service with the old store, between vendors that hold what they held then,
/// and waits until every run has ended.
async fn take_over(unanswered_arrived: bool) {
    let expected = expected();
    let mut deployment = Deployment::new(&Options::both_ways(900))
        .await
        .expect("set up");
    copy_store(&deployment.installation);
    write_settings(&deployment);
    prepare_remotes(&deployment, unanswered_arrived);
    hand_over_tokens(&deployment).await;
    let before = {
        let store = SqliteStore::open(deployment.installation.path(STORE_FILE));
        all_runs(&store.expect("opens")).await
    };

    deployment.start().await.expect("starts");
    let documents = [
        "invoice",
        "bill",
        "financial-document",
        "client",
        "bill-vendor",
    ];
    let mut seen = String::new();
    let ended = reached("every run of a document has ended", async || {
        let runs = deployment.latest_runs().await.unwrap_or_default();
        let open = runs.iter().filter(|run| run.state != RunState::Ended);
        seen = open.map(|run| format!("{run:?}\n")).collect();
        let mut ours = runs
            .iter()
            .filter(|run| documents.contains(&run.object.kind.as_str()));
        let is_decided = runs
            .iter()
            .any(|run| name(&run.object) == expected.undecided);
        is_decided && ours.all(|run| run.state == RunState::Ended)
    })
    .await;
    assert!(ended.is_ok(), "{ended:?}\n{seen}");
    deployment.stop().expect("stops");

    let store = deployment.installation.store().expect("opens");
    let after = all_runs(&store).await;
    for known in &expected.runs {
        let run = &after[&known.run];
        if known.has_ended() {
            assert_eq!(
                run.completion, before[&known.run].completion,
                "{}",
                known.object
            );
        } else {
            let ending = ending(run);
            assert_eq!(ending.as_deref(), Some("confirmed"), "{run:?}");
        }
    }
    assert_links_of_documents(&store, &expected).await;
    assert_one_record_each(&deployment, &expected);
}

/// The old settings, with the names in capitals replaced.
fn write_settings(deployment: &Deployment) {
    let present = deployment.installation.read(SETTINGS_FILE);
    let present: toml::Table = toml::from_str(&present).expect("is TOML");
    let address = |table: &toml::Value| table["listen"].as_str().expect("an address").to_string();
    let component = built::component().to_str().expect("UTF-8");
    let urls = &deployment.sandbox.urls;
    let mut text = fs::read_to_string(fixture().join(SETTINGS_FILE)).expect("is there");
    for (name, value) in [
        ("COMPONENT", component),
        ("RECEIVER", &address(&present["receiver"])),
        ("EVENTS", &address(&present["receiver"]["events"])),
        ("FRESHBOOKS", &urls.freshbooks),
    ] {
        text = text.replace(name, value);
    }
    for (host, url) in &urls.concur {
        text = text.replace(&format!("CONCUR_{}", host.to_uppercase()), url);
    }
    deployment.installation.write(SETTINGS_FILE, &text);
}

fn prepare_remotes(deployment: &Deployment, unanswered_arrived: bool) {
    let tokens = remotes::concur_tokens(&deployment.sandbox);
    for step in remotes::steps(&fixture()) {
        let is_unanswered = matches!(
            step.what,
            What::Request {
                unanswered: true,
                ..
            }
        );
        if unanswered_arrived || !is_unanswered {
            remotes::play(&deployment.sandbox, &tokens, &step);
        }
    }
}

/// The new sandbox did not hand out the tokens in the store. So others take their place: sealed
/// with the old keys, for as long as new ones are good.
async fn hand_over_tokens(deployment: &Deployment) {
    let store = SqliteStore::open(deployment.installation.path(STORE_FILE)).expect("opens");
    let sandbox = &deployment.sandbox;
    for (system, tokens) in [
        (System::Freshbooks, remotes::freshbooks_tokens(sandbox)),
        (System::Concur, remotes::concur_tokens(sandbox)),
    ] {
        let stored = credential(&store, system).await;
        let stored = with_tokens(stored, &tokens, &sandbox.urls.concur["us2"]);
        let written = store.commit(vec![Write::Credential(stored)]).await;
        written.expect("is committed");
    }
}

fn with_tokens(mut stored: StoredCredential, tokens: &Tokens, base: &str) -> StoredCredential {
    let purpose = Purpose::Tokens {
        connection: "acme",
        system: stored.credential.system,
        generation: stored.credential.generation,
    };
    let text = json!({"access_token": tokens.access, "refresh_token": tokens.refresh});
    let sealed = keyring().seal(&purpose, &text.to_string());
    stored.sealed_tokens = sealed.expect("is sealed");
    let credential = &mut stored.credential;
    if credential.system == System::Concur {
        credential.base = Some(base.to_string());
        credential.refresh_expires = Some(server::now() + 180 * 86_400_000);
    }
    credential.access = Some(AccessSpan {
        issued: server::now(),
        expires: server::now() + 3_600_000,
    });
    stored
}

/// Each invoice and bill that was confirmed has one payment request, each report one entry.
fn assert_one_record_each(deployment: &Deployment, expected: &Expected) {
    let sandbox = deployment.sandbox.shared.lock();
    let requests = sandbox.concur.payment_requests();
    let count = |source: &str| {
        let object: logic::ObjectRef = convert(&object(source));
        let marker = marker::marker_for("acme", &object, "payment-request");
        let ours = requests
            .iter()
            .filter(|request| request.customs.get("Custom24") == Some(&marker));
        ours.count()
    };
    let unfinished = expected.runs.iter().filter(|run| !run.has_ended());
    let invoices = unfinished
        .map(|run| run.object.as_str())
        .filter(|object| object.starts_with("freshbooks/invoice/"));
    for source in invoices.chain([expected.unanswered.as_str(), &expected.undecided]) {
        assert_eq!(count(source), 1, "{source}");
    }
    for source in expected.links.keys() {
        if source.contains("/invoice/9") || source.contains("/bill/7") {
            assert_eq!(count(source), 1, "{source}");
        }
    }
    let books = Books::of(&sandbox);
    for document in sandbox.concur.documents() {
        let is_posted = document.status == DocStatus::PostingConfirmedSuccess;
        let entries = books.marked(&document).len();
        assert_eq!(entries, usize::from(is_posted), "{document:?}");
        if is_posted {
            assert_eq!(document.postings.len(), 1, "{document:?}");
        }
    }
}
