//! A package in figures, and the table of them.

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use crate::package::Package;
use crate::source::Source;

/// A row of the table. What is for tests only counts in `test_code_ratio` alone.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Summary {
    /// The package, as its folder is called.
    pub name: String,
    /// How many files there are, without those for tests.
    pub files: usize,
    /// Lines of a file, blank ones and documentation included, test modules inside it not.
    pub file_lines: Percentiles,
    /// How many functions with a body.
    pub functions: usize,
    /// Lines of a function, from its signature to its closing brace.
    pub function_lines: Percentiles,
    /// Functions of more than 70 lines.
    pub functions_over_70: usize,
    /// Lines of documentation for each line of code.
    pub doc_code_ratio: f64,
    /// Lines of comments for each line of code.
    pub comment_code_ratio: f64,
    /// Lines of test code for each line of code.
    pub test_code_ratio: f64,
    /// Everything marked `pub`: items, fields, variants, methods.
    pub public_items: usize,
    /// How many of these have a doc comment, in percent.
    pub public_documented_percent: f64,
    /// How many doc comments there are.
    pub docs: usize,
    /// How many of these have three words or fewer, in percent.
    pub empty_docs_percent: f64,
    /// Examples in Rust within doc comments.
    pub doc_examples: usize,
}

/// Where the middle, the tail and the end of many lengths are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Percentiles {
    /// Half of them are no longer.
    pub median: usize,
    /// Nine in ten are no longer.
    pub p90: usize,
    /// Ninety-nine in a hundred are no longer.
    pub p99: usize,
    /// None is longer than this one.
    pub max: usize,
}

impl Percentiles {
    /// Of any lengths, in any order; all zero if there are none.
    #[must_use]
    pub fn of(mut lengths: Vec<usize>) -> Self {
        lengths.sort_unstable();
        let at = |percent: usize| {
            let rank = (lengths.len() * percent).div_ceil(100).max(1);
            lengths.get(rank - 1).copied().unwrap_or_default()
        };
        Self {
            median: at(50),
            p90: at(90),
            p99: at(99),
            max: at(100),
        }
    }
}

impl Summary {
    pub(crate) fn of(package: &Package) -> Self {
        let code: Vec<_> = package
            .sources
            .iter()
            .filter(|source| !source.is_test)
            .collect();
        let lines = Count::of(package);
        let function_lines = function_lines(&code);
        let mut summary = Self {
            name: package.name.to_string(),
            files: code.len(),
            file_lines: Percentiles::of(file_lines(&code)),
            functions: function_lines.len(),
            functions_over_70: function_lines.iter().filter(|lines| **lines > 70).count(),
            function_lines: Percentiles::of(function_lines),
            doc_code_ratio: ratio(lines.docs, lines.code),
            comment_code_ratio: ratio(lines.comments, lines.code),
            test_code_ratio: ratio(lines.test_code, lines.code),
            ..Self::default()
        };
        summary.count_public_items(&code);
        summary.count_docs(&code);
        summary
    }

    fn count_public_items(&mut self, code: &[&Source]) {
        let items = code.iter().flat_map(|source| &source.public_items);
        let items: Vec<_> = items.filter(|item| !item.is_test).collect();
        let documented = items.iter().filter(|item| item.is_documented).count();
        self.public_items = items.len();
        self.public_documented_percent = percent(documented, items.len());
    }

    fn count_docs(&mut self, code: &[&Source]) {
        let docs = code.iter().flat_map(|source| &source.docs);
        let docs: Vec<_> = docs.filter(|doc| !doc.is_test).collect();
        let empty = docs.iter().filter(|doc| doc.is_empty()).count();
        self.docs = docs.len();
        self.empty_docs_percent = percent(empty, docs.len());
        self.doc_examples = docs.iter().map(|doc| doc.examples()).sum();
    }
}

fn file_lines(code: &[&Source]) -> Vec<usize> {
    code.iter()
        .map(|source| source.lines_before_tests())
        .collect()
}

fn function_lines(code: &[&Source]) -> Vec<usize> {
    let functions = code.iter().flat_map(|source| &source.functions);
    let outside_tests = functions.filter(|function| !function.is_test);
    outside_tests.map(|function| function.lines).collect()
}

/// Lines of a package.
#[derive(Default)]
struct Count {
    code: usize,
    docs: usize,
    comments: usize,
    test_code: usize,
}

impl Count {
    fn of(package: &Package) -> Self {
        let mut count = Self {
            test_code: package.outer_test_code,
            ..Self::default()
        };
        for source in &package.sources {
            count.add(source);
        }
        count
    }

    fn add(&mut self, source: &Source) {
        let lines = &source.lines;
        if source.is_test {
            self.test_code += lines.code(1, usize::MAX);
            return;
        }
        self.code += lines.code(1, usize::MAX);
        self.docs += lines.docs(1, usize::MAX);
        self.comments += lines.comments(1, usize::MAX);
        for (from, to) in source.test_lines.iter().copied() {
            self.code -= lines.code(from, to);
            self.docs -= lines.docs(from, to);
            self.comments -= lines.comments(from, to);
            self.test_code += lines.code(from, to);
        }
    }
}

/// How much of `whole` is `part`; nothing of nothing.
#[expect(clippy::float_arithmetic, reason = "a figure for people to read")]
fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    part as f64 / whole as f64
}

#[expect(clippy::float_arithmetic, reason = "a figure for people to read")]
fn percent(part: usize, whole: usize) -> f64 {
    100.0 * ratio(part, whole)
}

/// The rows as an aligned table.
#[must_use]
pub fn table(rows: &[Summary]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "",
        "files",
        "lines/file",
        "functions",
        "lines/function",
        "> 70",
        "doc/code",
        "comment/code",
        "test/code",
        "pub",
        "documented",
        "docs",
        "empty",
        "examples",
    ]);
    for row in rows {
        table.add_row(cells(row));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

fn cells(row: &Summary) -> [String; 14] {
    let (file, function) = (row.file_lines, row.function_lines);
    [
        row.name.clone(),
        row.files.to_string(),
        format!("{} / {} / {}", file.median, file.p90, file.max),
        row.functions.to_string(),
        format!(
            "{} / {} / {} / {}",
            function.median, function.p90, function.p99, function.max
        ),
        row.functions_over_70.to_string(),
        format!("{:.2}", row.doc_code_ratio),
        format!("{:.3}", row.comment_code_ratio),
        format!("{:.2}", row.test_code_ratio),
        row.public_items.to_string(),
        format!("{:.0} %", row.public_documented_percent),
        row.docs.to_string(),
        format!("{:.1} %", row.empty_docs_percent),
        row.doc_examples.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_lengths_that_occur() {
        let lengths = Percentiles::of((1..=200).rev().collect());
        let expected = Percentiles {
            median: 100,
            p90: 180,
            p99: 198,
            max: 200,
        };
        assert_eq!(lengths, expected);
        assert_eq!(Percentiles::of(vec![7]).median, 7);
        assert_eq!(Percentiles::of(Vec::new()), Percentiles::default());
    }

    #[test]
    fn nothing_has_a_ratio_of_zero() {
        assert_eq!(ratio(3, 0), 0.0);
        assert_eq!(ratio(1, 4), 0.25);
    }
}
