//! Whatever a remote or a document says, a terminal is told nothing by it.

use ml_connector::contract::runs::{Ending, StartReason};
use ml_connector::store::Write;
use ml_connector_tests::fixtures::Installation;

use super::morning::{after_a_morning, end, failure, start};

/// Escape, a window title, control sequences of both kinds, a bell, and text turned around.
const HOSTILE: &str = "a\u{1b}[2J\u{1b}]0;title\u{7}b\u{9b}31mc\u{202e}d\u{2066}e\rf";

const ESCAPED: &str = "a\\u001b[2J\\u001b]0;title\\u0007b\\u009b31mc\\u202ed\\u2066e\\u000df";

fn is_harmless(text: &str) -> bool {
    let is_bidi = |one: char| matches!(one, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_acted_on = |one: char| is_bidi(one) || (one.is_control() && one != '\n');
    !text.chars().any(is_acted_on)
}

#[test]
fn what_a_remote_said_is_shown_as_text() {
    let installation = after_a_morning();
    let run = installation
        .commit(vec![start("9", StartReason::Notice)])
        .runs[0];
    let mut ended = end(run, Ending::Parked(failure("tax-unmapped", HOSTILE)));
    if let Write::End { completion, .. } = &mut ended {
        completion.facts.party = Some(HOSTILE.to_string());
    }
    installation.commit(vec![ended]);
    for arguments in [
        &["runs"][..],
        &["runs", "--json"],
        &["show", &run.to_string()],
        &["show", &run.to_string(), "--json"],
        &["status"],
    ] {
        let output = installation.run(arguments);
        assert_eq!(output.code, 0, "{output:?}");
        assert!(is_harmless(&output.out), "{arguments:?}: {:?}", output.out);
        if arguments.len() == 2 && arguments[0] == "show" {
            assert!(output.out.contains(ESCAPED), "{}", output.out);
        }
    }
}

#[test]
fn what_a_document_says_is_shown_as_text() {
    let installation = Installation::new();
    let hostile = serde_json::to_string(HOSTILE).expect("JSON");
    let invoice = include_str!("invoice.json").replace("Northwind", hostile.trim_matches('"'));
    installation.write("invoice.json", &invoice);
    for arguments in [
        &["preview", "invoice.json"][..],
        &["preview", "--json", "invoice.json"],
    ] {
        let output = installation.run(arguments);
        assert!(is_harmless(&output.out), "{:?}", output.out);
    }
    let file = format!("{HOSTILE}.toml");
    let output = installation.run(&["check", "--config", &file]);
    assert!(
        is_harmless(&output.err) && output.err.contains("\\u202e"),
        "{:?}",
        output.err
    );
}
