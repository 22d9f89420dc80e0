//! What code and documents say of each other: cited sources, decisions, metrics.
//!
//! A comment cites a row of `docs/sources.md` by its anchor, in parentheses that begin with the
//! word "source" and a colon; anchors are separated by commas, and a semicolon begins a remark.
//! Standards are cited by name and number.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const VENDORS: [&str; 2] = ["freshbooks-", "concur-"];
/// Said of a row that was read and is not cited.
const NOT_CITED: &str = "not cited";

#[test]
fn every_citation_has_a_row() {
    let rows = rows();
    let missing: Vec<_> = citations()
        .into_iter()
        .filter(|(anchor, _)| !rows.contains_key(anchor))
        .collect();
    assert!(
        missing.is_empty(),
        "without a row in docs/sources.md: {missing:?}"
    );
}

#[test]
fn every_row_is_cited_or_says_that_it_is_not() {
    let citations = citations();
    for (anchor, row) in rows() {
        let is_cited = citations.contains_key(&anchor);
        assert_ne!(is_cited, row.contains(NOT_CITED), "{anchor}");
    }
}

#[test]
fn vendors_are_cited_in_one_form() {
    let vague = [
        "FreshBooks docs",
        "FreshBooks' docs",
        "Concur docs",
        "Concur's docs",
    ];
    for (path, comments) in comments_of_code() {
        let is_vague = vague.iter().any(|text| comments.contains(text));
        assert!(!is_vague, "{path}: cite an anchor of docs/sources.md");
    }
}

#[test]
fn documents_name_only_anchors_that_have_a_row() {
    let rows = rows();
    // Fields of the contract such as `freshbooks-business-id` look like anchors.
    let contract: String = files("wit", &["wit"])
        .iter()
        .map(|path| read(path))
        .collect();
    let is_field = |word: &str| contract.contains(&format!("{word}:"));
    for path in files("docs", &["md"]) {
        let text = read(&path);
        for word in quoted(&text).filter(|word| is_anchor(word) && !is_field(word)) {
            assert!(rows.contains_key(word), "{}: {word}", path.display());
        }
    }
}

#[test]
fn every_decision_is_in_the_index() {
    let index = read(&root().join("docs/decisions/README.md"));
    for path in files("docs/decisions", &["md"]) {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let is_listed = name == "README.md" || index.contains(&format!("({name})"));
        assert!(is_listed, "docs/decisions/README.md lacks {name}");
    }
}

/// A decision ends with paragraphs such as "**Test**: `a_name`", "**Switch**: `a_name`" and "**To
/// undo**: `a_name` in `component/src/a_file.rs`".
#[test]
fn what_a_decision_names_exists() {
    let code: String = code().into_iter().map(|(_, text)| text).collect();
    let mut missing = Vec::new();
    for path in files("docs/decisions", &["md"]) {
        let text = read(&path);
        for paragraph in text.split("\n\n") {
            let prefix = match paragraph.split_once(':') {
                Some(("**Test**", _)) => "fn ",
                Some(("**Switch**" | "**To undo**", _)) => "",
                _ => continue,
            };
            let is_there = |name: &&str| match name.ends_with(".rs") {
                true => root().join(name).exists(),
                false => !is_identifier(name) || code.contains(&format!("{prefix}{name}")),
            };
            let absent = quoted(paragraph).filter(|name| !is_there(name));
            missing.extend(absent.map(|name| format!("{}: {prefix}{name}", path.display())));
        }
    }
    assert!(missing.is_empty(), "named and not there: {missing:#?}");
}

#[test]
fn every_metric_is_explained() {
    let guide = read(&root().join("docs/operating.md"));
    let code = read(&root().join("host/src/metrics.rs"));
    let registered: BTreeSet<_> = code
        .split(".register(")
        .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
        .map(|name| format!("ml_connector_{name}"))
        .collect();
    let explained = quoted(&guide).filter(|word| word.starts_with("ml_connector_"));
    let explained: BTreeSet<_> = explained
        .map(|word| word.trim_end_matches("_total").to_string())
        .collect();
    assert!(!registered.is_empty());
    assert_eq!(explained, registered, "docs/operating.md");
}

/// The help of a metric is the beginning of what the guide says of it.
#[test]
fn the_help_of_a_metric_is_what_the_guide_says() {
    let guide = read(&root().join("docs/operating.md"));
    let code = read(&root().join("host/src/metrics.rs"));
    for registered in code.split(".register(").skip(1) {
        let mut texts = registered.split('"');
        let (Some(name), Some(help)) = (texts.nth(1), texts.nth(1)) else {
            panic!("not a metric: {registered}");
        };
        if registered.trim_start().starts_with('"') {
            let parts = help.split("\\\n").map(str::trim_start);
            let help = parts.collect::<String>();
            let row = [
                format!("| `ml_connector_{name}` |"),
                format!("| `ml_connector_{name}_total` |"),
            ];
            let mut rows = guide.lines();
            let row = rows.find(|line| {
                line.matches('|').count() == 6 && row.iter().any(|head| line.starts_with(head))
            });
            let row = row.unwrap_or_else(|| panic!("docs/operating.md has no row of {name}"));
            let told = row.split('|').nth(3).unwrap_or_default().trim();
            assert!(told.starts_with(&help), "{name}: {help:?} and {told:?}");
        }
    }
}

/// The rows of `docs/sources.md`, by anchor.
fn rows() -> BTreeMap<String, String> {
    let text = read(&root().join("docs/sources.md"));
    let row = |line: &str| {
        let anchor = line.strip_prefix("| `")?.split('`').next()?;
        Some((anchor.to_string(), line.to_string()))
    };
    text.lines().filter_map(row).collect()
}

/// The anchors that comments cite, each with a file that does.
fn citations() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (path, comments) in comments_of_code() {
        for anchor in vendor_anchors(&comments).chain(standards(&comments)) {
            found.insert(anchor, path.clone());
        }
    }
    found
}

fn vendor_anchors(comments: &str) -> impl Iterator<Item = String> {
    let inside = comments
        .split("(source:")
        .skip(1)
        .filter_map(|rest| rest.split([')', ';']).next());
    let parts = inside.flat_map(|inside| inside.split(','));
    parts.filter_map(|part| part.split_whitespace().next().map(str::to_string))
}

fn standards(comments: &str) -> impl Iterator<Item = String> {
    let rest = comments.split("RFC ").skip(1);
    rest.filter_map(|rest| {
        let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
        (!number.is_empty()).then(|| format!("rfc-{number}"))
    })
}

/// The comments of each file, a comment of several lines as one line.
fn comments_of_code() -> impl Iterator<Item = (String, String)> {
    code().into_iter().map(|(path, text)| {
        let lines = text.lines().map(|line| {
            let comment = line.trim_start().strip_prefix("//");
            comment.map_or("\n", |comment| {
                comment.trim_start_matches(['/', '!']).trim()
            })
        });
        (path, lines.collect::<Vec<_>>().join(" "))
    })
}

fn code() -> Vec<(String, String)> {
    let folders = ["component", "host", "tests", "wit"];
    let paths = folders
        .iter()
        .flat_map(|folder| files(folder, &["rs", "wit"]));
    paths
        .map(|path| (path.display().to_string(), read(&path)))
        .collect()
}

/// The files below a folder that have one of these extensions.
fn files(folder: &str, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|why| panic!("{folder:?}: {why}"));
        for path in entries.map(|entry| entry.expect("can be listed").path()) {
            let extension = path.extension().and_then(|extension| extension.to_str());
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if extension.is_some_and(|extension| extensions.contains(&extension)) {
                found.push(path);
            }
        }
    }
    found
}

/// What stands between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn is_anchor(word: &str) -> bool {
    let is_plain = |letter: char| letter == '-' || letter.is_ascii_alphanumeric();
    VENDORS.iter().any(|vendor| word.starts_with(vendor)) && word.chars().all(is_plain)
}

fn is_identifier(word: &str) -> bool {
    word.chars()
        .all(|letter| letter == '_' || letter.is_ascii_lowercase() || letter.is_ascii_digit())
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
