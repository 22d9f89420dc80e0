//! Every code that the component can produce stands in `wit/`, and none stands there that it
//! cannot.
//!
//! The sources are searched for literals in the form of a code; what is none is listed here.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Literals in the form of a code that are none: kinds, choices of settings, headers, codes of
/// token failures (which are the remote's, and named in no list), parts of hosts.
const NO_CODES: [&str; 43] = [
    "as-marked",
    "auto-paid",
    "bill-vendor",
    "cash-advance",
    "content-type",
    "emea-impl",
    "event-subscription",
    "expense-document",
    "expense-entry",
    "expense-entry-form",
    "expense-month-end",
    "expense-report",
    "expense-report-queue",
    "expense-report-submission",
    "financial-document",
    "financial-documents",
    "financial-queue",
    "geolocation-missing",
    "geolocation-refused",
    "idempotency-id",
    "invoice-month-end",
    "journal-entry",
    "last-expense",
    "leave-out",
    "list-code",
    "list-item",
    "next-open-day",
    "obligation-document",
    "payment-request",
    "payment-request-form",
    "payment-requests",
    "payment-state",
    "project-expense-row",
    "project-expenses",
    "quick-expense",
    "reference-list",
    "report-end",
    "retry-after",
    "unreadable-answer",
    "us-impl",
    "user-defined",
    "when-in-doubt",
    "x-api-version",
];

/// Codes of one word: they look like any other word, and are searched for among the literals alone.
const ONE_WORD: [&str; 11] = [
    "ambiguous",
    "cancelled",
    "draft",
    "empty",
    "linked",
    "missing",
    "recalled",
    "refused",
    "reimbursed",
    "unbalanced",
    "unmapped",
];

/// The places of `wit/` that list codes: the file, a line before the list, and the line after it.
const LISTS: [(&str, &str, &str); 10] = [
    (
        "runs.wit",
        "/// Stable kebab-case code. One of",
        "code: string",
    ),
    (
        "runs.wit",
        "/// It needed no write. The code is",
        "unchanged(note)",
    ),
    (
        "types.wit",
        "/// Stable kebab-case code for programs, such as `tax-unmapped`.",
        "code: string",
    ),
    (
        "webhooks.wit",
        "/// Authentic but not understood;",
        "unreadable(note)",
    ),
    (
        "events.wit",
        "/// Not understood, or of another company:",
        "unreadable(note)",
    ),
    (
        "reconciliation.wit",
        "/// It was deleted there, and may still be shown.",
        "gone(note)",
    ),
    (
        "reconciliation.wit",
        "/// It is there and cannot be compared",
        "unreadable(note)",
    ),
    (
        "reconciliation.wit",
        "/// Why no run carries this source over",
        "left-out: option",
    ),
    (
        "reconciliation.wit",
        "/// Why the list goes on beyond the end",
        "cut: option",
    ),
    (
        "reconciliation.wit",
        "/// error's code is",
        "read-list: func",
    ),
];

#[test]
fn every_code_is_documented_and_every_documented_code_can_come() {
    let documented = documented_codes();
    let literals = source_literals();
    let undocumented: Vec<_> = literals
        .iter()
        .filter(|literal| literal.contains('-') && !NO_CODES.contains(&literal.as_str()))
        .filter(|literal| !documented.contains(*literal))
        .collect();
    assert!(undocumented.is_empty(), "not in wit/: {undocumented:?}");
    for code in ONE_WORD {
        assert!(documented.contains(code), "not in wit/: {code}");
    }
    let impossible: Vec<_> = documented.difference(&literals).collect();
    assert!(impossible.is_empty(), "in wit/ alone: {impossible:?}");
}

fn documented_codes() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
    let mut codes = BTreeSet::new();
    for (file, begins, ends) in LISTS {
        let text = fs::read_to_string(folder.join(file)).expect("is there");
        let start = text
            .find(begins)
            .unwrap_or_else(|| panic!("{file} has no {begins}"));
        let list = text[start..].split(ends).next().unwrap_or_default();
        let quoted = list
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|word| is_code(word));
        codes.extend(quoted.map(str::to_owned));
    }
    codes
}

/// Every string literal in the form of a code outside of tests and comments.
fn source_literals() -> BTreeSet<String> {
    let mut literals = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("is a folder") {
            let path = entry.expect("is there").path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            if path.is_dir() && name != "tests" {
                folders.push(path);
            } else if name.ends_with(".rs") && name != "tests.rs" {
                let text = fs::read_to_string(&path).expect("is text");
                let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
                let code = code
                    .split("#[cfg(test)]\npub(crate) mod ")
                    .next()
                    .unwrap_or_default();
                let lines = code
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("//"));
                for line in lines {
                    let quoted = line
                        .split('"')
                        .skip(1)
                        .step_by(2)
                        .filter(|word| is_code(word));
                    literals.extend(quoted.map(str::to_owned));
                }
            }
        }
    }
    literals
}

/// Lower-case words of letters, joined by hyphens.
fn is_code(text: &str) -> bool {
    text.split('-')
        .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()))
}
