//! A TOML table as JSON, and where each of its values stands.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::fault::{Faults, join};
use super::secret_key;

/// Where in the file each value of a table stands, by JSON Pointer (RFC 6901).
#[derive(Debug, Default)]
pub(super) struct Places(BTreeMap<String, Range<usize>>);

impl Places {
    /// The place of a value, or of the nearest table around it where it is missing.
    pub(super) fn span(&self, pointer: &str) -> Range<usize> {
        let mut pointer = pointer;
        loop {
            if let Some(span) = self.0.get(pointer) {
                return span.clone();
            }
            match pointer.rfind('/') {
                Some(end) => pointer = &pointer[..end],
                None => return 0..0,
            }
        }
    }
}

/// Makes JSON of a table, and reports values that JSON cannot hold exactly. Secrets are left out.
pub(super) struct JsonConversion<'f> {
    faults: &'f mut Faults,
    places: Places,
}

impl<'f> JsonConversion<'f> {
    pub(super) fn convert(
        key: &str,
        span: Range<usize>,
        table: &DeTable<'_>,
        faults: &'f mut Faults,
    ) -> (Value, Places) {
        let mut translation = Self {
            faults,
            places: Places::default(),
        };
        translation.places.0.insert(String::new(), span);
        let value = translation.table(key, "", table);
        (value, translation.places)
    }

    fn table(&mut self, key: &str, pointer: &str, table: &DeTable<'_>) -> Value {
        let mut object = Map::new();
        for (name, value) in table {
            let name_text = name.get_ref().as_ref();
            if secret_key::is_secret(name_text) {
                continue;
            }
            let pointer = format!(
                "{pointer}/{}",
                name_text.replace('~', "~0").replace('/', "~1")
            );
            self.places.0.insert(pointer.clone(), name.span());
            let value = self.value(&join(key, name_text), &pointer, value);
            object.insert(name_text.to_string(), value);
        }
        Value::Object(object)
    }

    fn value(&mut self, key: &str, pointer: &str, value: &Spanned<DeValue<'_>>) -> Value {
        match value.get_ref() {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Boolean(flag) => Value::Bool(*flag),
            DeValue::Datetime(datetime) => Value::String(datetime.to_string()),
            DeValue::Table(table) => self.table(key, pointer, table),
            DeValue::Integer(integer) => match whole(integer) {
                Some(number) => Value::from(number),
                None => self.unfit(key, value, "expected a whole number that fits in 64 bits"),
            },
            DeValue::Float(_) => {
                self.unfit(key, value, "expected a whole number, or text in quotes")
            }
            DeValue::Array(items) => {
                let items = items.iter().enumerate().map(|(index, item)| {
                    let pointer = format!("{pointer}/{index}");
                    self.places.0.insert(pointer.clone(), item.span());
                    self.value(&format!("{key}[{index}]"), &pointer, item)
                });
                Value::Array(items.collect())
            }
        }
    }

    fn unfit(&mut self, key: &str, value: &Spanned<DeValue<'_>>, expected: &str) -> Value {
        self.faults
            .add(&value.span(), key.to_string(), expected.to_string());
        Value::Null
    }
}

/// The value of a TOML integer.
pub(super) fn whole(integer: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}
