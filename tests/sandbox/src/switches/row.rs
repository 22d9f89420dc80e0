//! One row of a covering array: a reading of every switch.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::{default_values, pointer};
use crate::SandboxConfig;

/// The readings that differ from the defaults, by the name of their switch. It is written, and
/// read, as `name=value` with blanks between them; the value is JSON or a word, without blanks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row(pub BTreeMap<String, Value>);

impl Row {
    /// The same with another reading of one switch.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// The default configuration with these readings.
    ///
    /// # Errors
    ///
    /// If there is no member of a name, or it takes no such value.
    pub fn config(&self) -> Result<SandboxConfig, String> {
        let mut config = default_values();
        for (name, value) in &self.0 {
            let place = config.pointer_mut(&pointer(name));
            *place.ok_or_else(|| format!("there is no switch {name}"))? = value.clone();
        }
        serde_json::from_value(config).map_err(|error| error.to_string())
    }

    /// The smallest part of the row for which this is true too, as far as leaving out one reading
    /// after the other finds it.
    #[must_use]
    pub fn reduced(&self, is_true: impl Fn(&Self) -> bool) -> Self {
        let mut least = self.clone();
        for name in self.0.keys() {
            let mut without = least.clone();
            without.0.remove(name);
            if is_true(&without) {
                least = without;
            }
        }
        least
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, value)) in self.0.iter().enumerate() {
            let blank = if at > 0 { " " } else { "" };
            match value {
                Value::String(word) => write!(f, "{blank}{name}={word}")?,
                other => write!(f, "{blank}{name}={other}")?,
            }
        }
        Ok(())
    }
}

impl FromStr for Row {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut row = Self::default();
        for reading in text.split_whitespace() {
            let (name, value) = reading
                .split_once('=')
                .ok_or_else(|| format!("{reading}: expected name=value"))?;
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
            row = row.with(name, value);
        }
        row.config()?;
        Ok(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let row = Row::default()
            .with("concur.token.refresh", "rotate_strict")
            .with("freshbooks.hidden_rows", 2)
            .with("concur.financial.always", vec!["text"]);
        let text = row.to_string();
        let expected = r#"concur.financial.always=["text"] concur.token.refresh=rotate_strict freshbooks.hidden_rows=2"#;
        assert_eq!(text, expected);
        assert_eq!(text.parse::<Row>(), Ok(row));
    }

    #[test]
    fn a_name_or_value_that_does_not_exist_is_refused() {
        for text in [
            "freshbooks.newest=true",
            "concur.token.refresh=true",
            "seed",
        ] {
            assert!(text.parse::<Row>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_does_not_matter_is_left_out() {
        let row = Row::default().with("a", 1).with("b", 2).with("c", 3);
        let matters = |row: &Row| row.0.contains_key("a") && row.0.contains_key("c");
        assert_eq!(row.reduced(matters).to_string(), "a=1 c=3");
    }
}
