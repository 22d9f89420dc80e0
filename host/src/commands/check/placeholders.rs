//! Values of the example settings, and of any other template, that were never filled in: they are
//! legal, and nobody means them.

use ml_connector::config::Config;
use serde_json::Value;

use super::super::exit;
use super::{Finding, Verdict};

/// The account and business of the example settings.
const EXAMPLE_ACCOUNT: &str = "AbC123";
const EXAMPLE_BUSINESS: u64 = 1_234_567;

/// Domains that nobody can have (RFC 2606, RFC 6761).
const RESERVED_DOMAINS: [&str; 6] = [
    "example",
    "test",
    "invalid",
    "example.com",
    "example.net",
    "example.org",
];

/// What people write where a value is to be filled in.
const TEMPLATE_WORDS: [&str; 8] = [
    "your",
    "change",
    "changeme",
    "replace",
    "replaceme",
    "todo",
    "fixme",
    "placeholder",
];

/// The tables of a connection that everyone has to fill in. The others are mappings, where such a
/// word may be a name or a code.
const FILLED_IN: [&str; 4] = ["freshbooks", "concur", "payment_request", "financial"];

/// All that look like it.
pub(super) fn check(config: &Config) -> Vec<Finding> {
    let mut found = Vec::new();
    let events = config.events.as_ref();
    for (key, url) in [
        ("receiver.public_url", Some(&config.public_url)),
        (
            "receiver.events.public_url",
            events.map(|one| &one.public_url),
        ),
    ] {
        found.extend(url.and_then(|url| finding(key, &Value::from(url.as_str()))));
    }
    for connection in &config.connections {
        let table: Value = serde_json::from_str(&connection.json).unwrap_or_default();
        for part in FILLED_IN {
            let values = table[part].as_object().into_iter().flatten();
            for (name, value) in values {
                let key = format!("connections.{}.{part}.{name}", connection.name);
                found.extend(finding(&key, value));
            }
        }
        found.extend(unmapped(&connection.name, &table));
    }
    found
}

fn finding(key: &str, value: &Value) -> Option<Finding> {
    let (verdict, code, what) = match value {
        Value::String(text) if is_template(text) => {
            (Verdict::Wrong, exit::SETTINGS, "is to be filled in")
        }
        Value::String(text) if names_reserved_domain(text) => (
            Verdict::Warning,
            exit::OK,
            "is in a domain that is reserved for examples",
        ),
        Value::String(text) if key.ends_with(".account_id") && text == EXAMPLE_ACCOUNT => (
            Verdict::Warning,
            exit::OK,
            "is the one of the example settings",
        ),
        Value::Number(number)
            if key.ends_with(".business_id") && number.as_u64() == Some(EXAMPLE_BUSINESS) =>
        {
            (
                Verdict::Warning,
                exit::OK,
                "is the one of the example settings",
            )
        }
        _ => return None,
    };
    let message = format!("{value} {what}: set your own");
    Some(Finding::new(key, verdict, code, message))
}

/// Such as `YOUR_CLIENT_ID`, `your-freshbooks-client-id`, `<client id>`, `changeme` or zeros.
fn is_template(text: &str) -> bool {
    const FILLER_LENGTH_MIN: usize = 8;
    let lower = text.trim().to_ascii_lowercase();
    let written = lower.replace(['-', '_'], "");
    let is_only = |one: char| written.chars().all(|other| other == one);
    let is_filler = written.len() >= FILLER_LENGTH_MIN && (is_only('0') || is_only('x'));
    let words: Vec<&str> = lower
        .split(|one: char| !one.is_ascii_alphanumeric())
        .collect();
    let begins = words
        .first()
        .is_some_and(|word| TEMPLATE_WORDS.contains(word));
    is_filler || begins && !lower.contains(' ') || lower.starts_with('<') && lower.ends_with('>')
}

/// A URL or an address of electronic mail there.
fn names_reserved_domain(text: &str) -> bool {
    let host = match (text.split_once("://"), text.split_once('@')) {
        (Some((_, rest)), _) => rest.split(['/', ':', '?']).next().unwrap_or_default(),
        (None, Some((_, domain))) => domain,
        (None, None) => return false,
    };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let is_below = |domain: &str| {
        let rest = host.strip_suffix(domain);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    RESERVED_DOMAINS.into_iter().any(is_below)
}

/// A connection that maps no expense type parks every document.
fn unmapped(connection: &str, table: &Value) -> Option<Finding> {
    let mapped = &table["expense_types"];
    let is_empty = |key: &str| match &mapped[key] {
        Value::Object(entries) => entries.is_empty(),
        value => value.is_null(),
    };
    let parks_all = ["default", "by_item", "by_category"]
        .into_iter()
        .all(is_empty);
    parks_all.then(|| {
        Finding::new(
            format!("connections.{connection}.expense_types"),
            Verdict::Warning,
            exit::OK,
            "is empty, so that every invoice and bill will park; set default, by_item or \
             by_category",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_filled_in_is_seen_and_nothing_else() {
        for text in [
            "your-freshbooks-client-id",
            "YOUR_CLIENT_ID",
            "<client id>",
            "changeme",
            "CHANGE-ME",
            "TODO",
            "00000000-0000-0000-0000-000000000000",
            "xxxxxxxxxxxx",
        ] {
            assert!(is_template(text), "{text}");
        }
        for text in [
            "",
            "0",
            "our-app",
            "Yourdon Consulting",
            "Your items",
            "00000000-0000-0000-0000-000000000001",
            "5d1b6d0e-0000-4000-8000-000000000001",
            "aaaaaaaaaa",
            "01027",
            "change of address",
        ] {
            assert!(!is_template(text), "{text}");
        }
        for text in [
            "https://sync.example.test",
            "https://example.com/x",
            "http://a.invalid:80",
            "ap.clerk@example.org",
        ] {
            assert!(names_reserved_domain(text), "{text}");
        }
        for text in [
            "https://sync.myexample.com",
            "https://test.acme.com",
            "a@latest",
            "example.com",
            "http://127.0.0.1:1",
        ] {
            assert!(!names_reserved_domain(text), "{text}");
        }
    }
}
