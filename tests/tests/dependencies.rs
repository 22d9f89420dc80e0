//! What `deny.toml` allows, checked against the lock file without the network: licences, banned
//! packages, and packages in two versions. The forge runs `cargo deny` with the same file, which
//! also asks for advisories.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use ml_connector_tests::built;
use serde::Deserialize;

#[derive(Deserialize)]
struct Rules {
    licenses: Licences,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licences {
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Rule>,
    skip: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
    #[serde(default)]
    wrappers: Vec<String>,
}

/// A package that is compiled for this machine, by this repository or its tests.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Used {
    name: String,
    version: String,
    licence: String,
}

#[test]
fn every_licence_is_allowed() {
    let allowed = rules().licenses.allow;
    let found: Vec<_> = used()
        .into_iter()
        .filter(|package| !is_allowed(&package.licence, &allowed))
        .map(|package| format!("{} {}: {}", package.name, package.version, package.licence))
        .collect();
    assert_eq!(
        found,
        Vec::<String>::new(),
        "deny.toml does not allow these licences"
    );
}

#[test]
fn no_banned_package_is_used() {
    let used = used();
    let rules = rules();
    let banned = |package: &&Used| {
        let mut rules = rules.bans.deny.iter();
        rules.any(|rule| rule.name == package.name && rule.wrappers.is_empty())
    };
    let found: Vec<_> = used
        .iter()
        .filter(banned)
        .map(|package| &package.name)
        .collect();
    assert_eq!(
        found,
        Vec::<&String>::new(),
        "deny.toml bans these and says what to use instead"
    );
}

#[test]
fn a_package_in_two_versions_has_a_reason() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in used() {
        versions
            .entry(package.name)
            .or_default()
            .insert(package.version);
    }
    versions.retain(|_, versions| versions.len() > 1);
    let mut excused = BTreeSet::new();
    for rule in rules().bans.skip {
        let (name, version) = rule.name.split_once('@').expect("is written name@version");
        let prefix = format!("{version}.");
        let known = versions.get_mut(name).is_some_and(|found| {
            let before = found.len();
            found.retain(|found| !found.starts_with(&prefix));
            found.len() < before
        });
        assert!(
            known,
            "deny.toml skips {}, which is no longer a duplicate: remove it",
            rule.name
        );
        excused.insert(name.to_string());
    }
    versions.retain(|_, versions| versions.len() > 1);
    let found: Vec<_> = versions.into_iter().collect();
    assert_eq!(
        found,
        Vec::new(),
        "compiled twice; agree on one version, or give a reason in deny.toml"
    );
}

#[test]
fn every_rule_says_why() {
    let bans = rules().bans;
    let mut rules = bans.deny.iter().chain(&bans.skip);
    assert!(rules.all(|rule| !rule.reason.trim().is_empty()));
}

fn rules() -> Rules {
    let text = std::fs::read_to_string(built::root().join("deny.toml")).expect("is there");
    toml::from_str(&text).expect("has licences and bans")
}

fn used() -> BTreeSet<Used> {
    let output = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_string()))
        .args([
            "tree",
            "--workspace",
            "--offline",
            "--locked",
            "--edges",
            "normal,build,dev",
        ])
        .args(["--prefix", "none", "--format", "{p}|{l}|"])
        .current_dir(built::root())
        .output()
        .expect("cargo starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let used: BTreeSet<_> = text.lines().filter_map(package).collect();
    assert!(
        used.iter().any(|package| package.name == "wasmtime"),
        "cargo tree said: {text}"
    );
    used
}

/// Reads `name v1.2.3 (where)|licence|`.
fn package(line: &str) -> Option<Used> {
    let mut parts = line.split('|');
    let mut words = parts.next()?.split_whitespace();
    Some(Used {
        name: words.next()?.to_string(),
        version: words.next()?.trim_start_matches('v').to_string(),
        licence: parts.next()?.to_string(),
    })
}

/// Whether an SPDX expression can be met: one of its alternatives, with all of its parts. Old
/// packages write `/` for `OR`.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let expression = expression.trim();
    let (head, tail) = split_outside_brackets(expression, " AND ");
    if let Some(tail) = tail {
        return is_allowed(head, allowed) && is_allowed(tail, allowed);
    }
    let inner = expression
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'));
    let inner = inner.unwrap_or(expression);
    inner
        .split('/')
        .flat_map(|part| part.split(" OR "))
        .any(|one| allowed.contains(one.trim()))
}

fn split_outside_brackets<'a>(text: &'a str, word: &str) -> (&'a str, Option<&'a str>) {
    let is_outside = |at: &usize| {
        let before = &text[..*at];
        before.matches('(').count() == before.matches(')').count()
    };
    let found = text.match_indices(word).map(|(at, _)| at).find(is_outside);
    found.map_or((text, None), |at| {
        (&text[..at], Some(&text[at + word.len()..]))
    })
}

#[test]
fn expressions_of_licences_are_read() {
    let allowed = ["MIT", "ISC", "Apache-2.0"].map(str::to_string).into();
    for good in [
        "MIT",
        "GPL-3.0 OR MIT",
        "MIT/Zlib",
        "Apache-2.0 AND ISC",
        "(MIT OR X) AND ISC",
    ] {
        assert!(is_allowed(good, &allowed), "{good}");
    }
    for bad in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "(X OR Y) AND ISC",
        "ISC AND (X OR Y)",
    ] {
        assert!(!is_allowed(bad, &allowed), "{bad}");
    }
}
