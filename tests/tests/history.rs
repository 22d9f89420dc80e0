//! The example of a history file, `tests/vectors/history-example.json`: it replays, it is what a
//! run of today makes, and a file that was altered does not replay.
//!
//! The example is a run of an invoice in virtual time, whose host stopped after it had recorded the
//! write of the payment request and before it had the answer. A change of what runs demand changes
//! it too: `cargo test --workspace --test history -- --ignored` writes it anew.

use std::path::PathBuf;

use ml_connector::portable_history::{Attempt, PortableHistory, SettingsVersion};
use ml_connector_component::settings::Settings;
use ml_connector_sandbox::Millis;
use ml_connector_tests::built;
use ml_connector_tests::fixtures::{command, documents, settings};
use ml_connector_tests::logic::{Backend, CONNECTION, convert};
use ml_connector_tests::sim::store::{RunState, StoredRun};
use ml_connector_tests::sim::{Sim, object};
use serde_json::{Map, Value, json};

/// More moments than a run has at which its host could stop.
const MOMENTS_MAX: u64 = 100;
const DAY_MS: Millis = 86_400_000;

fn file() -> PathBuf {
    built::root().join("tests/vectors/history-example.json")
}

fn stored() -> String {
    std::fs::read_to_string(file()).expect("the example is there")
}

/// The history of the first run that has a write without an outcome and ended confirmed.
fn example() -> String {
    let run = (0..MOMENTS_MAX).find_map(interrupted_at);
    let run = run.expect("the host stopped between a write and its answer");
    let RunState::Ended(ended) = &run.state else {
        panic!("it has ended");
    };
    let json = settings::connection("park").to_string();
    let settings = Settings::load(CONNECTION, &json).expect("are right");
    let id = Map::from_iter([("id".to_string(), json!(1))]);
    let history = PortableHistory {
        component_hash: None,
        mapping_hash: None,
        connection: CONNECTION.to_string(),
        run: id,
        earlier: Vec::new(),
        last: Attempt {
            settings: SettingsVersion {
                version: settings.version,
                json,
            },
            task: convert(&run.task),
            entries: run.history.iter().map(convert).collect(),
            previous_hashes: Vec::new(),
        },
        completion: Some(convert(&ended.completion)),
    };
    let value = history.to_json().expect("is JSON");
    serde_json::to_string_pretty(&value).expect("is JSON") + "\n"
}

/// The invoice's run, if a stop at this moment leaves its last write without an outcome.
fn interrupted_at(moment: u64) -> Option<StoredRun> {
    let mut sim = Sim::connected(Backend::Native, "park");
    let freshbooks = &mut sim.sandbox.freshbooks;
    let client = freshbooks.create_client(&documents::client(), sim.now);
    let invoice = documents::invoice(client.expect("is created"), "2093");
    let id = freshbooks.create_invoice(&invoice, sim.now);
    let invoice = object("invoice", &id.expect("is created").to_string());
    sim.crash_at([moment]);
    sim.run_for(DAY_MS);
    let run = sim
        .store
        .runs
        .into_values()
        .find(|run| run.task.object == invoice)?;
    let is_interrupted = run.history.iter().any(|entry| entry.outcome.is_none());
    let is_there = sim.sandbox.concur.payment_request_count() == 1;
    (is_interrupted && is_there).then_some(run)
}

/// What `history check` exits with for a file with this text.
fn check(text: &str) -> command::Output {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("history.json");
    std::fs::write(&file, text).expect("is written");
    let component = built::component().to_str().expect("UTF-8");
    let file = file.to_str().expect("UTF-8");
    command::run(&["history", "check", file, "--component", component])
}

#[test]
fn the_example_replays_through_the_component() {
    let output = check(&stored());
    assert_eq!(output.code, 0, "{output:?}");
}

#[test]
fn the_example_is_what_a_run_makes() {
    let differs = "write it anew: cargo test --workspace --test history -- --ignored";
    assert!(stored() == example(), "{differs}");
}

#[test]
fn an_altered_history_does_not_replay() {
    let text = stored();
    let mut amount: Value = serde_json::from_str(&text).expect("is JSON");
    amount["completion"]["facts"]["amount"] = json!("1.00");
    let mut answer: Value = serde_json::from_str(&text).expect("is JSON");
    let entries = answer["entries"].as_array_mut().expect("a list");
    entries.remove(0);
    for altered in [amount, answer] {
        let output = check(&altered.to_string());
        assert_eq!(output.code, 1, "{output:?}");
    }
}

#[test]
#[ignore = "writes the example anew; the head of this file has its command"]
fn the_example_is_written() {
    std::fs::write(file(), example()).expect("is written");
}
