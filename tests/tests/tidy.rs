//! What CONTRIBUTING.md promises about how the code looks, checked. `cargo run --package
//! ml-connector-measure` prints the same figures as a table.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ml_connector_measure::{Package, Source, Word};
use ml_connector_tests::built;

/// Columns of a line of Rust; rustfmt.toml has the same for code, but leaves comments alone.
const WIDTH_MAX: usize = 100;
/// Columns of a line of WIT, whose documentation is shown in narrow places.
const WIT_WIDTH_MAX: usize = 80;
/// Lines of a file without its test modules.
const FILE_LINES_MAX: usize = 400;
/// Lines of a function; nine in ten have to be shorter than [`FUNCTION_LINES_P90`].
const FUNCTION_LINES_MAX: usize = 70;
/// Where the middle function has to be below.
const FUNCTION_LINES_MEDIAN: usize = 10;
/// What nine functions in ten have to be below.
const FUNCTION_LINES_P90: usize = 40;
/// How many of a hundred doc comments may have three words or fewer.
const EMPTY_DOCS_PERCENT_MAX: f64 = 1.0;

#[test]
fn no_line_is_too_wide() {
    let mut found = Vec::new();
    for source in sources() {
        for (number, line) in numbered(&source.text) {
            let is_text = source.lines.is_raw_text(number);
            if is_too_wide(line, WIDTH_MAX) && !is_text {
                found.push(at(
                    &source.path,
                    number,
                    &format!("{} columns", columns(line)),
                ));
            }
        }
    }
    for path in wit_files() {
        let text = read(&path);
        for (number, line) in numbered(&text) {
            if is_too_wide(line, WIT_WIDTH_MAX) {
                found.push(at(&path, number, &format!("{} columns", columns(line))));
            }
        }
    }
    none(found, "lines are wider than 100 columns (Rust) or 80 (WIT)");
}

#[test]
fn no_file_is_too_long() {
    let code = sources().filter(|source| !source.is_test);
    let found = code
        .filter(|source| source.lines_before_tests() > FILE_LINES_MAX)
        .map(|source| {
            let lines = source.lines_before_tests();
            format!("{}: {lines} lines", source.path.display())
        })
        .collect();
    none(found, "files have more than 400 lines before their tests");
}

#[test]
fn no_function_is_too_long() {
    let mut found = Vec::new();
    for source in sources() {
        for function in &source.functions {
            if function.lines > FUNCTION_LINES_MAX {
                let what = format!("`{}` has {} lines", function.name, function.lines);
                found.push(at(&source.path, function.line, &what));
            }
        }
    }
    none(found, "functions have more than 70 lines");
}

#[test]
fn most_functions_are_short() {
    let mut found = Vec::new();
    for package in packages() {
        let lines = package.summary().function_lines;
        if lines.median >= FUNCTION_LINES_MEDIAN || lines.p90 >= FUNCTION_LINES_P90 {
            found.push(format!(
                "{}: the middle function has {} lines, nine in ten have up to {}",
                package.name, lines.median, lines.p90
            ));
        }
    }
    none(
        found,
        "packages have functions of 10 lines in the middle, or of 40 at nine in ten",
    );
}

#[test]
fn documentation_says_something() {
    let mut found = Vec::new();
    for package in packages() {
        let summary = package.summary();
        if summary.empty_docs_percent >= EMPTY_DOCS_PERCENT_MAX {
            found.push(format!(
                "{}: {:.1} % of {} doc comments",
                package.name, summary.empty_docs_percent, summary.docs
            ));
            found.extend(empty_docs(package));
        }
    }
    none(
        found,
        "doc comments have three words or fewer, which is more than 1 %",
    );
}

#[test]
fn every_public_item_and_every_file_is_documented() {
    let mut found = Vec::new();
    for source in sources().filter(|source| !source.is_test) {
        if source.lines.docs(1, 1) == 0 {
            found.push(at(&source.path, 1, "no `//!` says what the file is"));
        }
        for item in &source.public_items {
            if !item.is_documented && !item.is_test {
                found.push(at(&source.path, item.line, &format!("`{}`", item.name)));
            }
        }
    }
    none(found, "public items have no documentation");
}

#[test]
fn the_component_has_no_floats_no_clock_and_no_unordered_collections() {
    let component = packages()
        .iter()
        .find(|package| package.name == "component");
    let mut found = Vec::new();
    for source in &component.expect("is measured").sources {
        for word in banned_words(&source.words_outside_tests()) {
            found.push(at(&source.path, word.line, &format!("`{}`", word.text)));
        }
    }
    none(
        found,
        "words stand in component/ that make it inexact or unrepeatable",
    );
}

#[test]
fn the_code_map_names_every_module_and_only_what_exists() {
    let root = built::root();
    let mapped = mapped_paths(&read(&root.join("ARCHITECTURE.md")));
    let mut found = Vec::new();
    for module in top_modules(&root, "component/src").chain(top_modules(&root, "host/src")) {
        if is_for_tests(&module) {
            continue;
        }
        let inside = format!("{module}/");
        if !mapped
            .iter()
            .any(|path| *path == module || path.starts_with(&inside))
        {
            found.push(format!("missing: {module}"));
        }
    }
    for path in &mapped {
        let exists = root.join(path).exists() || root.join(format!("{path}.rs")).exists();
        if !exists {
            found.push(format!("does not exist: {path}"));
        }
    }
    none(
        found,
        "the code map in ARCHITECTURE.md and the folders differ",
    );
}

#[test]
fn no_path_of_one_machine_stands_in_a_file() {
    // In two pieces each, so that this file does not find itself.
    let private = [
        concat!("../", "shared"),
        concat!("/wo", "rk/"),
        concat!("/ho", "me/"),
    ];
    // The directories of SAP's samples and API descriptions beside the checkout, which README.md
    // and CONTRIBUTING.md explain.
    let documented = [
        "contracts/data/financial-documents",
        "contracts/data/schemas",
    ];
    let root = built::root();
    let mut found = Vec::new();
    for path in text_files(&root) {
        let text = read(&path);
        let short = path.strip_prefix(&root).unwrap_or(&path).to_path_buf();
        for (number, line) in numbered(&text) {
            let is_documented = documented.iter().any(|path| line.contains(path));
            let is_default = short == Path::new(".ci/run") && is_documented;
            if private.iter().any(|path| line.contains(path)) && !is_default {
                found.push(at(&short, number, line.trim()));
            }
        }
    }
    none(found, "files name a path that other machines do not have");
}

/// Fails with the list of what was found, each on its own line.
fn none(found: Vec<String>, what: &str) {
    let count = found.len();
    assert!(
        found.is_empty(),
        "{count} {what}:\n  {}\n",
        found.join("\n  ")
    );
}

fn at(path: &Path, line: usize, what: &str) -> String {
    format!("{}:{line}: {what}", path.display())
}

fn packages() -> &'static [Package] {
    static PACKAGES: OnceLock<Vec<Package>> = OnceLock::new();
    PACKAGES.get_or_init(|| {
        ml_connector_measure::packages(&built::root()).expect("the sources can be measured")
    })
}

fn sources() -> impl Iterator<Item = &'static Source> {
    packages().iter().flat_map(|package| &package.sources)
}

fn empty_docs(package: &Package) -> Vec<String> {
    let mut found = Vec::new();
    for source in &package.sources {
        for doc in source
            .docs
            .iter()
            .filter(|doc| doc.is_empty() && !doc.is_test)
        {
            found.push(at(&source.path, doc.line, doc.text.trim()));
        }
    }
    found
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
}

fn columns(line: &str) -> usize {
    line.chars().count()
}

/// Whether a line is too wide and could be broken: one long word, such as an address, cannot.
fn is_too_wide(line: &str, width_max: usize) -> bool {
    if columns(line) <= width_max {
        return false;
    }
    let text = line
        .trim_start()
        .trim_start_matches(['/', '!', ' ', '"', '-']);
    let words: Vec<_> = text.split_whitespace().collect();
    words.len() > 1
}

/// Types that make results differ from one run or machine to the next, and numbers that round.
fn banned_words(words: &[Word]) -> Vec<&Word> {
    let banned = ["HashMap", "HashSet", "SystemTime", "f32", "f64"];
    let is_float = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_digit())
            && !text.starts_with("0x")
            && (text.contains('.') || text.ends_with("f32") || text.ends_with("f64"))
    };
    let mut found: Vec<_> = words
        .iter()
        .filter(|word| banned.contains(&word.text.as_str()) || is_float(&word.text))
        .collect();
    // The contract's own `Instant` is a number that is passed in; only the standard library's is a
    // clock.
    let path = ["std", ":", ":", "time"];
    let clocks = words.windows(path.len()).filter(|window| {
        window
            .iter()
            .zip(path)
            .all(|(word, text)| word.text == text)
    });
    found.extend(clocks.map(|window| &window[3]));
    found
}

/// The modules and folders that lie directly in `folder`, without ending.
fn top_modules(root: &Path, folder: &'static str) -> impl Iterator<Item = String> {
    let entries = std::fs::read_dir(root.join(folder)).expect("the folder is there");
    let names: BTreeSet<String> = entries
        .map(|entry| entry.expect("can be listed").path())
        .filter(|path| path.is_dir() || path.extension().is_some_and(|kind| kind == "rs"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_string()))
        .filter(|name| name != "lib" && name != "main")
        .collect();
    names
        .into_iter()
        .map(move |name| format!("{folder}/{name}"))
}

fn is_for_tests(module: &str) -> bool {
    let file = Path::new(module).with_extension("rs");
    sources().any(|source| source.is_test && source.path == file)
}

/// Every path in the first column of the table under "Code map", without ending: `a/{b,c}.rs` is
/// two, and a path without a folder is one beside the path before it.
fn mapped_paths(architecture: &str) -> Vec<String> {
    let (_, map) = architecture
        .split_once("## Code map")
        .expect("has a code map");
    let map = map.split("\n## ").next().unwrap_or_default();
    let mut paths = Vec::new();
    for row in map.lines().filter(|line| line.starts_with("| `")) {
        let column = row
            .trim_start_matches('|')
            .split('|')
            .next()
            .unwrap_or_default();
        let mut folder = String::new();
        for path in column.split('`').skip(1).step_by(2).flat_map(expand) {
            let path = path
                .trim_end_matches('*')
                .trim_end_matches('/')
                .trim_end_matches(".rs");
            let full = match path.rsplit_once('/') {
                Some((parent, _)) => {
                    folder = parent.to_string();
                    path.to_string()
                }
                None if folder.is_empty() => path.to_string(),
                None => format!("{folder}/{path}"),
            };
            paths.push(full);
        }
    }
    paths
}

fn expand(path: &str) -> Vec<String> {
    let Some((before, (names, after))) = path
        .split_once('{')
        .and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    else {
        return vec![path.to_string()];
    };
    let names = names.split(',').map(str::trim);
    names.map(|name| format!("{before}{name}{after}")).collect()
}

fn wit_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    find(&built::root().join("wit"), &mut files);
    files.retain(|path| path.extension().is_some_and(|kind| kind == "wit"));
    files
}

/// Every file of the repository that is text.
fn text_files(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    find(root, &mut files);
    files.retain(|path| std::fs::read_to_string(path).is_ok());
    files
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("can be listed").path();
        let is_made = path
            .file_name()
            .is_some_and(|name| name == "target" || name == ".git");
        if is_made {
            continue;
        }
        if path.is_dir() {
            find(&path, files);
        } else {
            files.push(path);
        }
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("the file can be read")
}

/// Tests of these checks.
#[cfg(test)]
mod checks {
    use super::*;

    #[test]
    fn a_long_word_may_be_wide_and_a_long_sentence_may_not() {
        let address = format!("    // https://example.com/{}", "a".repeat(90));
        assert!(!is_too_wide(&address, WIDTH_MAX));
        assert!(is_too_wide(&format!("    // see {address}"), WIDTH_MAX));
        assert!(!is_too_wide(&"a b ".repeat(25), WIDTH_MAX));
        assert!(is_too_wide(&"a b ".repeat(26), WIDTH_MAX));
    }

    #[test]
    fn floats_and_clocks_are_found_and_instants_of_the_contract_are_not() {
        let words = |text: &str| {
            let texts = text.split(' ').map(str::to_string);
            texts.map(|text| Word { text, line: 1 }).collect::<Vec<_>>()
        };
        let found = |text: &str| banned_words(&words(text)).len();
        assert_eq!(found("let x : f64 = 1.5 ;"), 2);
        assert_eq!(found("use std : : time : : Instant"), 1);
        assert_eq!(found("now : Instant , 0xf64 , 12 , tuple . 0"), 0);
    }

    #[test]
    fn the_code_map_is_read_with_braces_stars_and_neighbours() {
        let text = "## Code map\n\n| Where | What |\n|---|---|\n| `a/src/runs.rs`, `runs/` | x |\n\
                    | `a/src/{b,c}*` and `d.rs` | `e.rs` |\n\n## Next\n| `f.rs` | |\n";
        let expected = ["a/src/runs", "a/src/runs", "a/src/b", "a/src/c", "a/src/d"];
        assert_eq!(mapped_paths(text), expected);
    }
}
