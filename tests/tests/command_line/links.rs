//! `links`: the crosswalk listed, made and broken by hand, and as a file.

use ml_connector::contract::runs::Link;
use ml_connector::contract::types::{ObjectRef, System};
use ml_connector::store::Write;
use ml_connector_tests::fixtures::command::Output;
use ml_connector_tests::fixtures::{Deployment, Installation, Options};
use serde_json::{Value, json};

use super::morning::after_a_morning;

/// Its run has ended as parked.
const INVOICE: &str = "freshbooks/invoice/778121";
const REQUEST: &str = "concur/payment-request/5F2C";

fn run(installation: &Installation, arguments: &[&str]) -> Output {
    installation.run(&[&["links"], arguments].concat())
}

fn done(installation: &Installation, arguments: &[&str]) -> String {
    let output = run(installation, arguments);
    assert_eq!(output.code, 0, "{output:?}");
    output.out
}

fn read(installation: &Installation, arguments: &[&str]) -> Value {
    let text = done(installation, &[arguments, &["--json"]].concat());
    serde_json::from_str(&text).expect("JSON")
}

/// Source and target of each link.
fn pairs(installation: &Installation) -> Vec<(String, String)> {
    let list = read(installation, &["--limit", "10000"]);
    let list = list.as_array().expect("an array").iter();
    let text = |value: &Value| value.as_str().expect("a text").to_string();
    list.map(|link| (text(&link["source"]), text(&link["target"])))
        .collect()
}

fn refused(installation: &Installation, arguments: &[&str], why: &str) {
    let output = run(installation, arguments);
    assert_eq!(output.code, 2, "{output:?}");
    assert!(output.err.contains(why), "{output:?}");
}

#[test]
fn a_pair_is_adopted_shown_and_broken_with_who_did_it() {
    let installation = after_a_morning();
    assert_eq!(done(&installation, &[]), "No link matches.\n");
    let by = ["--by", "Zoë Martin"];
    let adopted = done(
        &installation,
        &[&["adopt", REQUEST, INVOICE], &by[..]].concat(),
    );
    assert!(
        adopted.contains(&format!("Linked: {INVOICE} and {REQUEST}.")),
        "{adopted}"
    );
    assert!(adopted.contains("Then: ml-connector replay 2"), "{adopted}");
    let both = [
        (REQUEST.to_string(), INVOICE.to_string()),
        (INVOICE.to_string(), REQUEST.to_string()),
    ];
    let mut found = pairs(&installation);
    found.sort();
    assert_eq!(found, both);
    let listed = done(&installation, &["--find", "NORTHWIND", "--kind", "invoice"]);
    let row: Vec<&str> = listed
        .lines()
        .nth(1)
        .expect("a row")
        .split_whitespace()
        .collect();
    let expected = [INVOICE, REQUEST, "2093", "Northwind", "Paper"];
    assert_eq!(row[..5], expected, "{listed}");
    assert!(listed.contains("a person"), "{listed}");

    let broken = read(&installation, &["break", INVOICE, "--yes"]);
    assert_eq!(
        broken["broken"][0],
        json!({"source": INVOICE, "target": REQUEST})
    );
    assert_eq!(broken["broken"].as_array().map(Vec::len), Some(2));
    assert_eq!(pairs(&installation), []);

    let changes = read(&installation, &["--changes"]);
    let told: Vec<_> = changes.as_array().expect("an array").iter().collect();
    let what: Vec<_> = told.iter().map(|change| &change["what"]).collect();
    assert_eq!(what, ["broken", "broken", "adopted", "adopted"]);
    assert_eq!(
        (&told[3]["by"], &told[0]["by"]),
        (&json!("Zoë Martin"), &Value::Null)
    );
    assert!(
        told[0]["uid"].is_u64() && told[0]["at_ms"].is_u64(),
        "{changes}"
    );
    let shown = installation.run(&["show", "2"]).out;
    assert!(shown.contains("5F2C was adopted ") && shown.contains("by Zoë Martin (user "));
    assert!(shown.contains("5F2C was broken "), "{shown}");
}

#[test]
fn what_cannot_be_linked_or_broken_is_refused_with_what_helps() {
    let installation = after_a_morning();
    done(&installation, &["adopt", INVOICE, REQUEST]);
    let again = done(&installation, &["adopt", INVOICE, REQUEST]);
    assert!(again.contains("linked already"), "{again}");
    for (one, other, why) in [
        (
            INVOICE,
            "concur/payment-request/77AA",
            "links break freshbooks/invoice/778121",
        ),
        (
            "freshbooks/bill/9",
            REQUEST,
            "links break concur/payment-request/5F2C",
        ),
        (INVOICE, "concur/vendor/V1|A", "do not become each other"),
        (
            "freshbooks/invoice/778122",
            "concur/payment-request/77AA",
            "run 3",
        ),
        (
            "concur/financial-document/invoice/B0",
            "freshbooks/bill/9",
            "no run has read",
        ),
    ] {
        refused(&installation, &["adopt", one, other], why);
    }
    refused(&installation, &["break", INVOICE], "--yes");
    refused(
        &installation,
        &["break", "freshbooks/invoice/1", "--yes"],
        "links --find 1",
    );
    assert_eq!(pairs(&installation).len(), 2, "nothing was changed");
}

#[test]
fn a_list_is_imported_as_a_whole_or_not_at_all() {
    let installation = after_a_morning();
    done(&installation, &["adopt", INVOICE, REQUEST]);
    let file = installation.path("links.csv");
    let file = file.to_str().expect("UTF-8");
    let good = "source,target,note\n\
        freshbooks/client/1,concur/vendor/V1|MAIN,\n\
        freshbooks/bill-vendor/2,concur/vendor/V1|MAIN,one firm\n";
    let bad = "freshbooks/invoice/778121,concur/payment-request/77AA,linked to another\n\
        freshbooks/bill/9,concur/payment-request/5F2C,of another\n\
        freshbooks/invoice/778122,concur/payment-request/77AB,under way\n\
        freshbooks/estimate/1,concur/payment-request/77AC,unknown kind\n\
        freshbooks/client/1,concur/vendor/V1|MAIN,twice\n\
        freshbooks/client/1,concur/vendor/V2|MAIN,two targets\n\
        concur/financial-document/invoice/B1,freshbooks/journal-entry/5\n\
        freshbooks/invoice/50,concur/payment-request/88AA,\n\
        freshbooks/invoice/51,concur/payment-request/88AA,two sources\n\
        nothing,,\n";
    installation.write("links.csv", &format!("{good}{bad}"));
    for dry_run in [&["--dry-run"][..], &[]] {
        let output = run(
            &installation,
            &[&["import", file, "--json"], dry_run].concat(),
        );
        assert_eq!(output.code, 1, "{output:?}");
        let answer: Value = serde_json::from_str(&output.out).expect("JSON");
        let problems = answer["problems"].as_array().expect("an array");
        let lines: Vec<_> = problems.iter().map(|problem| &problem["line"]).collect();
        assert_eq!(lines, [4, 5, 6, 7, 8, 9, 10, 12, 13], "{answer:#}");
    }
    let output = run(&installation, &["import", file]);
    assert!(
        output
            .out
            .contains("9 rows are wrong, so nothing was imported."),
        "{output:?}"
    );
    assert_eq!(pairs(&installation).len(), 2, "nothing was stored");

    installation.write("links.csv", good);
    let checked = read(&installation, &["import", file, "--dry-run"]);
    assert_eq!(checked, json!({"made": 2, "known": 0, "dry_run": true}));
    assert_eq!(pairs(&installation).len(), 2, "nothing was stored");
    let imported = done(&installation, &["import", file, "--by", "Zoë"]);
    assert!(imported.starts_with("2 links were made"), "{imported}");
    let changes = read(&installation, &["--changes", "--limit", "1"]);
    assert_eq!(changes[0]["what"], "imported");

    // What was exported says nothing new, in the same store and after a round of a spreadsheet.
    let exported = installation.path("exported.csv");
    let exported = exported.to_str().expect("UTF-8");
    let written = read(&installation, &["export", "--output", exported]);
    assert_eq!(written, json!({"links": 4}));
    refused(
        &installation,
        &["export", "--output", exported],
        "cannot write",
    );
    let known = read(&installation, &["import", exported]);
    assert_eq!(known, json!({"made": 0, "known": 4, "dry_run": false}));
    let other = after_a_morning();
    let made = read(&other, &["import", exported]);
    assert_eq!(
        (&made["made"], pairs(&other)),
        (&json!(4), pairs(&installation))
    );
}

#[test]
fn links_are_paged_by_the_source_of_the_last() {
    let installation = after_a_morning();
    let link = |system, kind: &str, id: String| ObjectRef {
        system,
        kind: kind.to_string(),
        id,
    };
    let links = (0..120).map(|id| Link {
        source: link(System::Freshbooks, "client", id.to_string()),
        target: link(System::Concur, "vendor", format!("V{id}|MAIN")),
        version: None,
        content_hash: None,
    });
    installation.commit(vec![Write::Links {
        connection: "acme".to_string(),
        links: links.collect(),
        unlinks: Vec::new(),
        run: Some(1),
        at: 1_772_355_600_000,
    }]);
    let mut after: Vec<String> = Vec::new();
    let (mut pages, mut rows) = (0, 0);
    loop {
        let arguments: Vec<&str> = after.iter().map(String::as_str).collect();
        let page = done(&installation, &arguments);
        pages += 1;
        rows += page.lines().filter(|line| line.contains("run 1")).count();
        let Some((_, next)) = page.split_once("--after '") else {
            break;
        };
        let source = next.trim_end().trim_end_matches('\'');
        after = vec!["--after".to_string(), source.to_string()];
    }
    assert_eq!((pages, rows), (3, 120));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_service_changes_links_and_logs_who() {
    let mut deployment = Deployment::started(&Options::default())
        .await
        .expect("starts");
    let installation = &deployment.installation;
    done(
        installation,
        &["adopt", "freshbooks/client/1", "concur/vendor/V1|MAIN"],
    );
    let broken = done(installation, &["break", "freshbooks/client/1", "--yes"]);
    assert!(broken.contains("No longer linked"), "{broken}");
    deployment.stop().expect("stops");
    let log = deployment.log();
    for told in [
        "command=\"links adopt\" connection=\"acme\" \
         about=\"freshbooks/client/1 concur/vendor/V1|MAIN\" done=true",
        "command=\"links break\" connection=\"acme\" about=\"freshbooks/client/1\" done=true",
    ] {
        assert!(log.contains(told), "{told} is missing: {log}");
    }
}
