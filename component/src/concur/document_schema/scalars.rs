//! The scalars of a document, each read once into what it means.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rust_decimal::Decimal;
use serde::de::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::money::{self, NUMBER_BOUND};

/// A code, a name or an id: text without white space around it; nothing if it is null, empty or no
/// scalar.
#[derive(Debug, Clone, Default)]
pub(crate) struct Code<'a>(Option<Cow<'a, str>>);

impl<'a> Code<'a> {
    pub(crate) fn text(&self) -> Option<Cow<'a, str>> {
        self.0.clone()
    }

    pub(crate) fn is_missing(&self) -> bool {
        self.0.is_none()
    }

    /// This code, or the other where this one is missing.
    pub(crate) fn or<'c>(&'c self, other: &'c Self) -> &'c Self {
        if self.is_missing() { other } else { self }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Code<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Self(text(raw)))
    }
}

/// An amount, a rate or a total, as it was written and as the number that it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Amount<'a> {
    written: Code<'a>,
    number: Option<Decimal>,
}

impl<'a> Amount<'a> {
    /// As the document writes it; nothing if it has none.
    pub(crate) fn written(&self) -> Option<Cow<'a, str>> {
        self.written.text()
    }

    pub(crate) fn is_missing(&self) -> bool {
        self.written.is_missing()
    }

    /// The number; nothing if it is missing, or no decimal number below [`NUMBER_BOUND`].
    pub(crate) fn number(&self) -> Option<Decimal> {
        self.number
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Amount<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Code::deserialize(deserializer)?;
        let number = written.0.as_deref().and_then(money::parse);
        Ok(Self {
            number: number.filter(|number| number.abs() < NUMBER_BOUND),
            written,
        })
    }
}

/// Yes or no: `Y` as documented, and what other writers put there. Any other text is a no.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Flag(Option<bool>);

impl Flag {
    pub(crate) fn is_yes(self) -> bool {
        self.0 == Some(true)
    }

    /// Whether it says no, and is not just missing.
    pub(crate) fn is_no(self) -> bool {
        self.0 == Some(false)
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = Code::deserialize(deserializer)?;
        let is_yes = |text: &str| matches!(text, "Y" | "y" | "true" | "1");
        Ok(Self(code.0.as_deref().map(is_yes)))
    }
}

/// The texts of a list of scalars, or of one scalar.
#[derive(Debug, Clone, Default)]
pub(crate) struct Codes<'a>(pub(crate) Vec<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Codes<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Ok(Self(if raw.get().starts_with('[') {
            let items = serde_json::from_str::<Vec<Option<&RawValue>>>(raw.get());
            let items = items.unwrap_or_default().into_iter().flatten();
            items.filter_map(text).collect()
        } else {
            text(raw).into_iter().collect()
        }))
    }
}

/// A scalar's text without white space around it; nothing if it is null, empty or no scalar.
fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    let raw = raw.get();
    let text = match raw.as_bytes().first()? {
        b'"' => unquoted(raw)?,
        b'{' | b'[' | b'n' => return None,
        _ => Cow::Borrowed(raw),
    };
    let text = match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_string()),
    };
    (!text.is_empty()).then_some(text)
}

fn unquoted(raw: &str) -> Option<Cow<'_, str>> {
    if raw.contains('\\') {
        return serde_json::from_str::<String>(raw).ok().map(Cow::Owned);
    }
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    Some(Cow::Borrowed(inner))
}
