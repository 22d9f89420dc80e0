//! What we send to SAP Concur, compared with the descriptions of its API that SAP publishes: names
//! of query parameters and of everything in a body, their types, and what is required.
//!
//! The descriptions are SAP's, so they are not in this repository: `ML_CONNECTOR_SCHEMAS` names a
//! folder with them (CONTRIBUTING.md). Every call that we make has a line in [`CALLS`]; one that
//! has none fails, and so does one that nobody makes any more.

mod body;
mod calls;
mod operation;
mod recording;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

pub use self::calls::{CALLS, Call, Described, Sender};
use self::operation::Operation;
pub use self::recording::{Sent, from_exchange_log, note, record};

/// How the requests of a call compare with what is published.
#[derive(Debug, Default)]
struct Compared {
    requests: usize,
    /// Why there is nothing to compare them with; empty if there is.
    not_compared: String,
    problems: BTreeSet<String>,
}

/// Prints a line for each call, and compares all that one sender has sent.
///
/// # Panics
///
/// If a call has no line in [`CALLS`], if one of the sender's is not among them, or if one is not
/// as it is published.
pub fn assert_as_published(sender: Sender, sent: &[Sent]) {
    let Some(folder) = std::env::var_os("ML_CONNECTOR_SCHEMAS").map(PathBuf::from) else {
        println!("not compared: ML_CONNECTOR_SCHEMAS names no folder with SAP's descriptions");
        return;
    };
    let mut table: BTreeMap<(&str, &str), Compared> = BTreeMap::new();
    let mut wrong = BTreeSet::new();
    for one in sent {
        let Some(call) = CALLS.iter().find(|call| call.is_of(one)) else {
            let (method, path) = (&one.method, one.path());
            wrong.insert(format!(
                "{method} {path} has no line in tests/src/published/calls.rs"
            ));
            continue;
        };
        let row = table.entry((call.path, call.method)).or_default();
        row.requests += 1;
        match Operation::of(call, &folder) {
            Ok(operation) => {
                row.problems.extend(operation.problems(call, one));
                row.not_compared = operation.not_compared(one);
            }
            Err(why) => row.not_compared = why,
        }
    }
    print(&table);
    for call in CALLS.iter().filter(|call| call.sender == sender) {
        if !table.contains_key(&(call.path, call.method)) {
            wrong.insert(format!("{} {} was not made", call.method, call.path));
        }
    }
    for ((path, method), row) in table {
        let problems = row.problems.into_iter();
        wrong.extend(problems.map(|problem| format!("{method} {path}: {problem}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn print(table: &BTreeMap<(&str, &str), Compared>) {
    for ((path, method), row) in table {
        let verdict = match (row.problems.len(), row.not_compared.as_str()) {
            (0, "") => "as published".to_string(),
            (0, why) => format!("not compared: {why}"),
            (count, _) => format!("{count} PROBLEMS"),
        };
        println!("{:>6} x {method:<6} {path:<88} {verdict}", row.requests);
    }
}
