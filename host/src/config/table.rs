//! Reads one table of the settings file and gathers what is wrong with it.

use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::fault::{Faults, join};
use super::json;

/// A table of the file, the keys of it that were asked for, and where errors go.
pub(super) struct Table<'t, 'f> {
    // Nothing for a table that is not in the file: it counts as empty.
    table: Option<&'t DeTable<'t>>,
    path: String,
    span: Range<usize>,
    known: Vec<&'static str>,
    // Its keys are names that a person chose.
    open: bool,
    pub(super) faults: &'f mut Faults,
}

/// A key as it stands in the file.
pub(super) type Key<'t> = Spanned<DeString<'t>>;

/// A value as it stands in the file.
pub(super) type Item<'t> = Spanned<DeValue<'t>>;

impl<'t, 'f> Table<'t, 'f> {
    pub(super) fn root(table: &'t DeTable<'t>, faults: &'f mut Faults) -> Self {
        Self::over(Some(table), String::new(), 0..0, faults)
    }

    fn over(
        table: Option<&'t DeTable<'t>>,
        path: String,
        span: Range<usize>,
        faults: &'f mut Faults,
    ) -> Self {
        Self {
            table,
            path,
            span,
            known: Vec::new(),
            open: false,
            faults,
        }
    }

    /// Reports the keys that were not read.
    pub(super) fn finish(self) {
        for key in &self.known {
            self.faults.known.push(join(&self.path, key));
        }
        if self.open {
            return;
        }
        for key in self.table.into_iter().flat_map(|table| table.keys()) {
            let name = key.get_ref().as_ref();
            if !self.known.contains(&name) && !super::secret_key::is_secret(name) {
                let message = unknown(name, &self.known);
                self.faults
                    .add(&key.span(), join(&self.path, name), message);
            }
        }
    }

    /// A table inside; a missing one counts as empty.
    pub(super) fn table<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Table<'t, '_>) -> T,
    ) -> T {
        let mut inner = self.inner(key);
        let value = read(&mut inner);
        inner.finish();
        value
    }

    fn inner(&mut self, key: &'static str) -> Table<'t, '_> {
        let entry = self.take(key);
        let path = join(&self.path, key);
        let (table, span) = match entry {
            Some((name, value)) => match value.get_ref() {
                DeValue::Table(table) => (Some(table), name.span()),
                _ => {
                    self.report(key, "expected a table");
                    (None, name.span())
                }
            },
            None => (None, self.span.clone()),
        };
        Table::over(table, path, span, self.faults)
    }

    /// The tables of a table whose keys are names that a person chose.
    pub(super) fn named_tables(&mut self) -> Vec<(&'t Key<'t>, &'t DeTable<'t>)> {
        self.open = true;
        let mut tables = Vec::new();
        for (name, value) in self.table.into_iter().flatten() {
            match value.get_ref() {
                DeValue::Table(table) => tables.push((name, table)),
                _ => self.report_at(&value.span(), name.get_ref(), "expected a table"),
            }
        }
        tables
    }

    /// A text that must be there.
    pub(super) fn text(&mut self, key: &'static str) -> String {
        if !self.contains(key) {
            self.known.push(key);
            self.report(key, "must be set");
            return String::new();
        }
        self.optional_text(key).unwrap_or_default()
    }

    /// A text with a default.
    pub(super) fn text_or(&mut self, key: &'static str, default: &str) -> String {
        self.optional_text(key)
            .unwrap_or_else(|| default.to_string())
    }

    /// A text that need not be there, but is not empty.
    pub(super) fn optional_text(&mut self, key: &'static str) -> Option<String> {
        let (_, value) = self.take(key)?;
        match value.get_ref().as_str() {
            Some(text) if !text.trim().is_empty() => Some(text.to_string()),
            Some(_) => {
                self.report(key, "must not be empty");
                None
            }
            None => {
                self.report(key, "expected text in quotes");
                None
            }
        }
    }

    /// A list of texts, empty by default.
    pub(super) fn texts(&mut self, key: &'static str) -> Vec<String> {
        let Some((_, value)) = self.take(key) else {
            return Vec::new();
        };
        let items = value.get_ref().as_array();
        let texts = items.and_then(|items| {
            let texts = items.iter().map(|item| item.get_ref().as_str());
            texts.map(|text| text.map(str::to_string)).collect()
        });
        texts.unwrap_or_else(|| {
            self.report(key, "expected a list of texts in quotes");
            Vec::new()
        })
    }

    /// One of the choices; the first is the default.
    pub(super) fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)]) -> T {
        let default = choices[0].1;
        let Some(text) = self.optional_text(key) else {
            return default;
        };
        match choices.iter().find(|(name, _)| *name == text) {
            Some((_, choice)) => *choice,
            None => {
                let names: Vec<_> = choices
                    .iter()
                    .map(|(name, _)| format!("{name:?}"))
                    .collect();
                self.report(key, &format!("expected one of {}", names.join(", ")));
                default
            }
        }
    }

    /// A whole number in a range, with a default.
    pub(super) fn whole(
        &mut self,
        key: &'static str,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> u64 {
        let Some((_, value)) = self.take(key) else {
            return default;
        };
        let number = value.get_ref().as_integer().and_then(json::whole);
        let number = number.and_then(|number| u64::try_from(number).ok());
        number
            .filter(|number| range.contains(number))
            .unwrap_or_else(|| {
                let (least, most) = (range.start(), range.end());
                self.report(
                    key,
                    &format!("expected a whole number from {least} to {most}"),
                );
                default
            })
    }

    /// A text that a function understands, with a default; the error says what was expected.
    pub(super) fn parsed_or<T>(
        &mut self,
        key: &'static str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> T {
        let Some(text) = self.optional_text(key) else {
            return default;
        };
        parse(&text).unwrap_or_else(|expected| {
            self.report(key, &format!("expected {expected}"));
            default
        })
    }

    /// Whether the file has the key.
    pub(super) fn contains(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// Reports a key, at its own line or, where it is missing, at the table's.
    pub(super) fn report(&mut self, key: &str, message: &str) {
        let own = self.table.and_then(|table| table.get_key_value(key));
        let span = own.map_or(self.span.clone(), |(name, _)| name.span());
        self.report_at(&span, key, message);
    }

    /// Reports the table as a whole.
    pub(super) fn report_whole(&mut self, message: &str) {
        self.faults
            .add(&self.span.clone(), self.path.clone(), message.to_string());
    }

    pub(super) fn report_at(&mut self, span: &Range<usize>, key: &str, message: &str) {
        self.faults
            .add(span, join(&self.path, key), message.to_string());
    }

    fn take(&mut self, key: &'static str) -> Option<(&'t Key<'t>, &'t Item<'t>)> {
        self.known.push(key);
        self.table?.get_key_value(key)
    }
}

fn unknown(name: &str, known: &[&str]) -> String {
    // Jaro-Winkler: below this a suggestion misleads more often than it helps.
    const NEAR: f64 = 0.75;
    let likeness = |key: &&&str| strsim::jaro_winkler(name, key);
    let nearest = known
        .iter()
        .filter(|key| likeness(key) >= NEAR)
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match nearest {
        Some(key) => format!("unknown key; did you mean {key}?"),
        None => format!("unknown key; known here: {}", known.join(", ")),
    }
}
