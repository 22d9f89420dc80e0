//! One file: its lines, functions, documentation, public items and words.

use std::path::PathBuf;

use proc_macro2::{TokenStream, TokenTree};

use crate::lines::Lines;
use crate::reader;

/// A file of Rust.
#[derive(Debug, Clone)]
pub struct Source {
    /// Where it is, from the root of the repository.
    pub path: PathBuf,
    /// Its text, as it lies on the disk.
    pub text: String,
    /// What stands on each line.
    pub lines: Lines,
    /// Whether the whole file is compiled for tests only.
    pub is_test: bool,
    /// Lines of modules inside the file that are compiled for tests only, as `from..=to`.
    pub test_lines: Vec<(usize, usize)>,
    /// Every function with a body, methods and nested functions included, closures not.
    pub functions: Vec<Function>,
    /// Every doc comment, of public and private items alike.
    pub docs: Vec<Doc>,
    /// Everything that is marked `pub`, with public fields, and variants of public enums.
    pub public_items: Vec<PublicItem>,
    /// Modules that this file declares for tests only and that are files of their own.
    pub(crate) test_modules: Vec<String>,
}

/// A function with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name, without its type's.
    pub name: String,
    /// The line of its signature.
    pub line: usize,
    /// From the signature's line to that of the closing brace.
    pub lines: usize,
    /// Whether it is compiled for tests only.
    pub is_test: bool,
}

/// The doc comment of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doc {
    /// Its first line, counted from one.
    pub line: usize,
    /// What it says, on one line if that is all it has.
    pub text: String,
    /// Whether it stands in code that is compiled for tests only.
    pub is_test: bool,
}

impl Doc {
    /// Whether it has at most three words, which say no more than the item's name does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.split_whitespace().count() <= 3
    }

    /// How many examples in Rust it has: fenced blocks without a language, or with Rust's marks.
    #[must_use]
    pub fn examples(&self) -> usize {
        let fences = self
            .text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("```"));
        let opening = fences.step_by(2);
        opening
            .filter(|marks| {
                let known = [
                    "rust",
                    "no_run",
                    "should_panic",
                    "compile_fail",
                    "ignore",
                    "",
                ];
                marks.split(',').all(|mark| known.contains(&mark.trim()))
            })
            .count()
    }
}

/// Something that is marked `pub`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicItem {
    /// Its name; fields and variants have their type's before them.
    pub name: String,
    /// Where it is declared.
    pub line: usize,
    /// Whether it has a doc comment.
    pub is_documented: bool,
    /// Whether it is compiled for tests only.
    pub is_test: bool,
}

/// A word of the program: an identifier, a keyword, a literal or a sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// As it is written.
    pub text: String,
    /// The line that it begins on, counted from one.
    pub line: usize,
}

impl Source {
    /// Reads a file's text.
    pub(crate) fn parse(path: PathBuf, text: String) -> syn::Result<Self> {
        let tokens: TokenStream = text.parse().map_err(syn::Error::from)?;
        let file = syn::parse_file(&text)?;
        let mut source = Self {
            path,
            lines: Lines::of(&text, tokens),
            text,
            is_test: false,
            test_lines: Vec::new(),
            functions: Vec::new(),
            docs: Vec::new(),
            public_items: Vec::new(),
            test_modules: Vec::new(),
        };
        reader::read(&file, &mut source);
        Ok(source)
    }

    /// How many lines the file has without the modules inside it that are for tests only.
    #[must_use]
    pub fn lines_before_tests(&self) -> usize {
        let of_tests: usize = self.test_lines.iter().map(|(from, to)| to - from + 1).sum();
        self.lines.total() - of_tests
    }

    /// Every word of the program outside tests, without comments, documentation and the text of
    /// strings.
    #[must_use]
    pub fn words_outside_tests(&self) -> Vec<Word> {
        let mut words = Vec::new();
        if let Ok(tokens) = self.text.parse()
            && !self.is_test
        {
            collect_words(tokens, &mut words);
        }
        words.retain(|word| {
            let mut tests = self.test_lines.iter();
            !tests.any(|(from, to)| (*from..=*to).contains(&word.line))
        });
        words
    }

    /// Marks the whole file as one for tests.
    pub(crate) fn mark_as_test(&mut self) {
        self.is_test = true;
        self.functions
            .iter_mut()
            .for_each(|found| found.is_test = true);
        self.docs.iter_mut().for_each(|found| found.is_test = true);
        self.public_items
            .iter_mut()
            .for_each(|found| found.is_test = true);
    }
}

fn collect_words(tokens: TokenStream, words: &mut Vec<Word>) {
    for token in tokens {
        let line = token.span().start().line;
        if let TokenTree::Group(group) = token {
            collect_words(group.stream(), words);
            continue;
        }
        let text = token.to_string();
        if !text.contains('"') {
            words.push(Word { text, line });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"//! Head of the file.

/// Open to all.
pub enum Choice {
    /// Its one case.
    One { named: u8 },
    Two,
}

pub struct Pair {
    /// The left of the two.
    pub left: u8,
    right: u8,
}

impl Pair {
    /// Adds.
    ///
    /// ```
    /// assert!(true);
    /// ```
    /// ```text
    /// no example
    /// ```
    pub fn sum(&self) -> u8 {
        self.left + self.right
    }
}

#[cfg(test)]
mod harness;

#[cfg(any(test, feature = "suite"))]
mod tests {
    pub fn helper() {}

    #[test]
    fn works() {
        helper();
    }
}
"#;

    fn parsed() -> Source {
        Source::parse("made/up.rs".into(), TEXT.to_string()).expect("is Rust")
    }

    #[test]
    fn public_items_have_fields_and_variants_and_no_private_ones() {
        let source = parsed();
        let outside_tests = source.public_items.iter().filter(|item| !item.is_test);
        let found: Vec<_> = outside_tests
            .map(|item| (item.name.as_str(), item.is_documented))
            .collect();
        let expected = [
            ("Choice", true),
            ("Choice::One", true),
            ("Choice::Two", false),
            ("Pair", false),
            ("Pair::left", true),
            ("Pair::sum", true),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn functions_are_measured_from_signature_to_brace() {
        let source = parsed();
        let found: Vec<_> = source
            .functions
            .iter()
            .map(|function| (function.name.as_str(), function.lines, function.is_test))
            .collect();
        assert_eq!(
            found,
            [("sum", 3, false), ("helper", 1, true), ("works", 3, true)]
        );
    }

    #[test]
    fn tests_are_told_from_code() {
        let source = parsed();
        assert_eq!(source.test_modules, ["harness"]);
        assert_eq!(source.test_lines.len(), 1);
        assert_eq!(source.lines_before_tests(), TEXT.lines().count() - 9);
    }

    #[test]
    fn short_docs_and_examples_are_counted() {
        let source = parsed();
        let empty: Vec<_> = source.docs.iter().filter(|doc| doc.is_empty()).collect();
        assert_eq!(empty.len(), 2);
        assert_eq!(source.docs.iter().map(Doc::examples).sum::<usize>(), 1);
    }

    #[test]
    fn words_leave_out_strings_and_comments() {
        let text = "// HashMap\nfn f() -> f64 { g(\"HashMap\", 1.5) }\n".to_string();
        let source = Source::parse("made/up.rs".into(), text).expect("is Rust");
        let words: Vec<_> = source
            .words_outside_tests()
            .into_iter()
            .map(|word| word.text)
            .collect();
        assert!(words.contains(&"f64".to_string()) && words.contains(&"1.5".to_string()));
        assert!(!words.contains(&"HashMap".to_string()));
    }
}
