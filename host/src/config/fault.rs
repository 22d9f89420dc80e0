//! What is wrong with a settings file, and where.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::json::Places;
use crate::contract::types::Problem;

/// One thing that is wrong with a settings file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The line in the file, from 1. For a key that is missing: the line of the table that lacks
    /// it.
    pub line: usize,
    /// The key from the top of the file, such as `limits.shutdown_grace_s`; empty for a syntax
    /// error.
    pub key: String,
    /// What was expected, one plain sentence.
    pub message: String,
}

/// Why a settings file cannot be used. Its text is meant for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read at all.
    #[error(
        "cannot read the settings file {}: {why}; name it with --config or ML_CONNECTOR_CONFIG",
        file.display()
    )]
    Unreadable {
        /// Its path as it was given.
        file: PathBuf,
        /// The operating system's reason, such as `No such file or directory`.
        why: String,
    },
    /// Something in it is wrong: all of it, in the order of the file; never empty.
    #[error("{}", Listing(file, faults))]
    Wrong {
        /// Its path as it was given.
        file: PathBuf,
        /// One for each error, at its line.
        faults: Vec<Fault>,
    },
}

struct Listing<'a>(&'a Path, &'a [Fault]);

impl fmt::Display for Listing<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(file, faults) = self;
        for (index, fault) in faults.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(out, "{newline}{}:{}: ", file.display(), fault.line)?;
            if !fault.key.is_empty() {
                write!(out, "{}: ", fault.key)?;
            }
            write!(out, "{}", fault.message)?;
        }
        Ok(())
    }
}

/// Where the lines of a text begin.
#[derive(Debug)]
pub(super) struct LineIndex(Vec<usize>);

impl LineIndex {
    pub(super) fn new(text: &str) -> Self {
        let after_newlines = text.match_indices('\n').map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(after_newlines).collect())
    }

    pub(super) fn line(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset)
    }
}

/// Gathers what is wrong.
#[derive(Debug)]
pub(super) struct Faults {
    file: PathBuf,
    lines: LineIndex,
    found: Vec<Fault>,
    /// Every key that was asked for, so that a test can hold the example file against it.
    pub(super) known: Vec<String>,
}

impl Faults {
    pub(super) fn new(file: &Path, lines: LineIndex) -> Self {
        Self {
            file: file.to_path_buf(),
            lines,
            found: Vec::new(),
            known: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        self.lines.line(span.start)
    }

    pub(super) fn add(&mut self, span: &Range<usize>, key: String, message: String) {
        let line = self.line(span);
        self.found.push(Fault { line, key, message });
    }

    // Only the message of the parser is told, never the text around it: it may hold a secret.
    pub(super) fn syntax(&mut self, error: &toml::de::Error) {
        let span = error.span().unwrap_or(0..0);
        self.add(
            &span,
            String::new(),
            format!("not TOML: {}", error.message()),
        );
    }

    /// A problem that the component found, unless the host has something to say about the same key.
    pub(super) fn component(&mut self, connection: &str, problem: &Problem, places: &Places) {
        let key = dotted(connection, &problem.pointer);
        if self.found.iter().any(|fault| fault.key == key) {
            return;
        }
        let line = self.line(&places.span(&problem.pointer));
        self.found.push(Fault {
            line,
            key,
            message: problem.message.clone(),
        });
    }

    pub(super) fn into_error(mut self) -> SettingsError {
        self.found.sort();
        SettingsError::Wrong {
            file: self.file,
            faults: self.found,
        }
    }
}

fn dotted(connection: &str, pointer: &str) -> String {
    let mut key = format!("connections.{connection}");
    for token in pointer.split('/').skip(1) {
        key = join(&key, &token.replace("~1", "/").replace("~0", "~"));
    }
    key
}

/// A key below another one, quoted as TOML needs it.
pub(super) fn join(path: &str, key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let quoted = if !key.is_empty() && key.chars().all(bare) {
        key.to_string()
    } else {
        format!("{key:?}")
    };
    if path.is_empty() {
        quoted
    } else {
        format!("{path}.{quoted}")
    }
}
