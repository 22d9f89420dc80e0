//! Reads tables of settings and gathers what is wrong with them.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::checks::{Check, day};
use crate::contract::types::Problem;
use crate::text::pointer_token;

/// The longest settings text in bytes: room for a mapping of ten thousand names.
pub(super) const TEXT_BYTES_MAX: usize = 1_048_576;

/// One table, the keys of it that were asked for, and the problems so far.
pub(super) struct Reader {
    table: Map<String, Value>,
    pointer: String,
    known: BTreeSet<String>,
    problems: Vec<Problem>,
}

impl Reader {
    pub(super) fn new(json: &str) -> Result<Self, Vec<Problem>> {
        if json.len() > TEXT_BYTES_MAX {
            return Err(vec![whole(
                "too-long",
                "the settings are longer than 1 MiB".to_string(),
            )]);
        }
        match serde_json::from_str(json) {
            Ok(Value::Object(table)) => Ok(Self::over(table, String::new())),
            Ok(_) => Err(vec![whole(
                "not-a-table",
                "the settings must be a JSON object".to_string(),
            )]),
            Err(error) => Err(vec![whole(
                "not-json",
                format!("the settings are not JSON: {error}"),
            )]),
        }
    }

    /// The text with its keys in order, for the version.
    pub(super) fn canonical(&self) -> String {
        Value::Object(self.table.clone()).to_string()
    }

    /// All problems, unknown keys included.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        let unknown: Vec<String> = self
            .table
            .keys()
            .filter(|key| !self.known.contains(*key))
            .cloned()
            .collect();
        for key in unknown {
            let known: Vec<_> = self.known.iter().map(String::as_str).collect();
            let message = format!("unknown key; known here: {}", known.join(", "));
            self.report(&key, "unknown-key", message);
        }
        self.problems
    }

    /// A problem of this table as a whole.
    pub(super) fn problem(&mut self, code: &str, message: String) {
        self.problems.push(Problem {
            pointer: self.pointer.clone(),
            code: code.to_string(),
            message,
        });
    }

    /// A problem of what is named from here, such as `freshbooks/scopes`.
    pub(super) fn problem_at(&mut self, place: &str, code: &str, message: String) {
        self.at(place, code, message);
    }

    /// A table inside, if there is one with anything in it.
    pub(super) fn filled_table<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
        self.known.insert(key.to_string());
        let is_empty = |value: &Value| value.as_object().is_some_and(Map::is_empty);
        let is_filled = self.table.get(key).is_some_and(|value| !is_empty(value));
        is_filled.then(|| self.table(key, read))
    }

    /// A table inside; a missing one counts as empty.
    pub(super) fn table<T>(&mut self, key: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let table = match self.take(key) {
            Some(Value::Object(table)) => table,
            Some(_) => {
                self.report(key, "wrong-type", "expected a table".to_string());
                Map::new()
            }
            None => Map::new(),
        };
        let mut inner = Self::over(table, self.place(key));
        let value = read(&mut inner);
        self.problems.extend(inner.finish());
        value
    }

    /// A text that must be there and not be empty.
    pub(super) fn text(&mut self, key: &str) -> String {
        self.optional_text(key).unwrap_or_else(|| {
            if !self.reported(key) {
                self.report(key, "missing", "must be set".to_string());
            }
            String::new()
        })
    }

    /// A text with a default.
    pub(super) fn text_or(&mut self, key: &str, default: &str) -> String {
        self.optional_text(key)
            .unwrap_or_else(|| default.to_string())
    }

    /// A text that need not be there, but is not empty.
    pub(super) fn optional_text(&mut self, key: &str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) if !text.trim().is_empty() => Some(text),
            Value::String(_) => {
                self.report(key, "empty", "must not be empty".to_string());
                None
            }
            _ => {
                self.report(key, "wrong-type", "expected text in quotes".to_string());
                None
            }
        }
    }

    /// A text with a default and a check.
    pub(super) fn checked_or(
        &mut self,
        key: &str,
        default: &str,
        check: impl Fn(&str) -> Check,
    ) -> String {
        let text = self.text_or(key, default);
        if let Err(expected) = check(&text) {
            self.report(key, "wrong-value", format!("expected {expected}"));
        }
        text
    }

    /// A text that need not be there, with a check.
    pub(super) fn optional_checked(
        &mut self,
        key: &str,
        check: impl Fn(&str) -> Check,
    ) -> Option<String> {
        let text = self.optional_text(key)?;
        if let Err(expected) = check(&text) {
            self.report(key, "wrong-value", format!("expected {expected}"));
        }
        Some(text)
    }

    /// A calendar day `YYYY-MM-DD` that need not be there.
    pub(super) fn optional_day(&mut self, key: &str) -> Option<Date> {
        self.optional_checked(key, day)?.parse().ok()
    }

    /// One of the choices; the first is the default.
    pub(super) fn choice(&mut self, key: &str, choices: &[&'static str]) -> &'static str {
        let default = choices.first().copied().unwrap_or_default();
        let Some(text) = self.optional_text(key) else {
            return default;
        };
        match choices.iter().find(|choice| **choice == text) {
            Some(choice) => choice,
            None => {
                self.report(
                    key,
                    "wrong-value",
                    format!("expected one of {}", choices.join(", ")),
                );
                default
            }
        }
    }

    /// A whole number in a range, with a default; a default outside the range makes the key
    /// mandatory.
    pub(super) fn whole(&mut self, key: &str, default: u64, range: RangeInclusive<u64>) -> u64 {
        let expected = format!(
            "expected a whole number from {} to {}",
            range.start(),
            range.end()
        );
        match self.take(key) {
            None if range.contains(&default) => default,
            None => {
                self.report(key, "missing", format!("must be set; {expected}"));
                *range.start()
            }
            Some(value) => match value.as_u64().filter(|number| range.contains(number)) {
                Some(number) => number,
                None => {
                    self.report(key, "wrong-value", expected);
                    default.clamp(*range.start(), *range.end())
                }
            },
        }
    }

    /// A switch, `true` or `false`, with a default.
    pub(super) fn flag(&mut self, key: &str, default: bool) -> bool {
        match self.take(key) {
            None => default,
            Some(Value::Bool(flag)) => flag,
            Some(_) => {
                self.report(key, "wrong-type", "expected true or false".to_string());
                default
            }
        }
    }

    /// Whether anything in this table is wrong so far.
    pub(super) fn has_problems(&self) -> bool {
        !self.problems.is_empty()
    }

    /// A list of texts in which numbers count as their digits; a missing one is empty.
    pub(super) fn texts_or_numbers(
        &mut self,
        key: &str,
        check: impl Fn(&str) -> Check,
    ) -> Vec<String> {
        if let Some(Value::Array(items)) = self.table.get_mut(key) {
            for item in items.iter_mut().filter(|item| item.is_number()) {
                *item = Value::String(item.to_string());
            }
        }
        self.texts(key, check)
    }

    /// A list of texts; a missing one is empty.
    pub(super) fn texts(&mut self, key: &str, check: impl Fn(&str) -> Check) -> Vec<String> {
        let Some(Value::Array(items)) = self.take_as(key, Value::is_array, "expected a list")
        else {
            return Vec::new();
        };
        let mut texts = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let place = format!("{key}/{index}");
            texts.extend(self.member(place, item, &check));
        }
        texts
    }

    /// A list of tables; a missing one is empty.
    pub(super) fn tables<T>(&mut self, key: &str, read: impl Fn(&mut Self) -> T) -> Vec<T> {
        let Some(Value::Array(items)) = self.take_as(key, Value::is_array, "expected a list")
        else {
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let Value::Object(table) = item else {
                self.at(
                    &format!("{key}/{index}"),
                    "wrong-type",
                    "expected a table".to_string(),
                );
                continue;
            };
            let mut inner = Self::over(table, format!("{}/{index}", self.place(key)));
            tables.push(read(&mut inner));
            self.problems.extend(inner.finish());
        }
        tables
    }

    /// A table of texts; a missing one is empty.
    pub(super) fn map(
        &mut self,
        key: &str,
        check: impl Fn(&str) -> Check,
    ) -> BTreeMap<String, String> {
        let Some(Value::Object(members)) = self.take_as(key, Value::is_object, "expected a table")
        else {
            return BTreeMap::new();
        };
        let mut map = BTreeMap::new();
        for (name, value) in members {
            let place = format!("{key}/{}", pointer_token(&name));
            map.extend(self.member(place, value, &check).map(|text| (name, text)));
        }
        map
    }

    fn over(table: Map<String, Value>, pointer: String) -> Self {
        Self {
            table,
            pointer,
            known: BTreeSet::new(),
            problems: Vec::new(),
        }
    }

    fn member(
        &mut self,
        place: String,
        value: Value,
        check: impl Fn(&str) -> Check,
    ) -> Option<String> {
        let Value::String(text) = value else {
            self.at(&place, "wrong-type", "expected text in quotes".to_string());
            return None;
        };
        if let Err(expected) = check(&text) {
            self.at(&place, "wrong-value", format!("expected {expected}"));
            return None;
        }
        Some(text)
    }

    fn take(&mut self, key: &str) -> Option<Value> {
        self.known.insert(key.to_string());
        self.table.get(key).cloned()
    }

    fn take_as(&mut self, key: &str, is: impl Fn(&Value) -> bool, expected: &str) -> Option<Value> {
        let value = self.take(key)?;
        if is(&value) {
            return Some(value);
        }
        self.report(key, "wrong-type", expected.to_string());
        None
    }

    fn report(&mut self, key: &str, code: &str, message: String) {
        self.at(&pointer_token(key), code, message);
    }

    fn at(&mut self, place: &str, code: &str, message: String) {
        let pointer = format!("{}/{place}", self.pointer);
        self.problems.push(Problem {
            pointer,
            code: code.to_string(),
            message,
        });
    }

    fn place(&self, key: &str) -> String {
        format!("{}/{}", self.pointer, pointer_token(key))
    }

    fn reported(&self, key: &str) -> bool {
        let place = self.place(key);
        self.problems.iter().any(|problem| problem.pointer == place)
    }
}

fn whole(code: &str, message: String) -> Problem {
    Problem {
        pointer: String::new(),
        code: code.to_string(),
        message,
    }
}
