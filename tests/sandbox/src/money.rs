//! Amounts with their currency. Decimal throughout: no binary float comes near money.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// A currency code of three upper-case letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Currency([u8; 3]);

impl Currency {
    /// Reads a code; anything but three upper-case ASCII letters is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let code: [u8; 3] = text.as_bytes().try_into().ok()?;
        code.iter()
            .all(u8::is_ascii_uppercase)
            .then_some(Self(code))
    }

    /// The euro, where a configured code is none.
    pub(crate) fn euro() -> Self {
        Self(*b"EUR")
    }

    /// The code as text.
    pub(crate) fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// How many digits its smallest unit has behind the point (ISO 4217).
    pub(crate) fn minor_digits(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG"
            | b"RWF" | b"UGX" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
    }

    /// Rounds to the smallest unit, half away from zero.
    pub(crate) fn round(self, amount: Decimal) -> Decimal {
        rounded(amount, self.minor_digits())
    }
}

/// An amount as FreshBooks writes it: `{"amount":"10.00","code":"USD"}` with at least two digits
/// behind the point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Money(pub(crate) Decimal, pub(crate) Currency);

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Money", 2)?;
        object.serialize_field("amount", &self.text())?;
        object.serialize_field("code", self.1.code())?;
        object.end()
    }
}

impl Money {
    /// The amount alone, such as `10.00`: at least two digits behind the point.
    pub(crate) fn text(&self) -> String {
        let digits = self.0.normalize().scale().max(2);
        let mut amount = self.0;
        amount.rescale(digits);
        amount.to_string()
    }
}

/// Serializes an amount as plain text, for the records of test oracles.
pub(crate) fn as_text<S: Serializer>(amount: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(amount)
}

/// Reads a decimal out of a JSON string or number; exponents and blanks are none.
pub(crate) fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::String(text) => parse_decimal(text),
        Value::Number(number) => parse_decimal(&number.to_string()),
        _ => None,
    }
}

/// Reads a plain decimal such as `-12.50`.
pub(crate) fn parse_decimal(text: &str) -> Option<Decimal> {
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'));
    if plain { text.parse().ok() } else { None }
}

/// The amount with exactly this many decimals, rounded half away from zero.
pub(crate) fn fixed(amount: Decimal, digits: u32) -> String {
    let mut rounded = rounded(amount, digits);
    rounded.rescale(digits);
    rounded.to_string()
}

/// Rounds to so many digits behind the point, half away from zero.
pub(crate) fn rounded(amount: Decimal, digits: u32) -> Decimal {
    amount.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(amount: &str, code: &str) -> Value {
        let amount = parse_decimal(amount).expect("a decimal");
        json!(Money(amount, Currency::parse(code).expect("a code")))
    }

    #[test]
    fn money_is_written_with_two_digits_or_more() {
        assert_eq!(
            written("10", "USD"),
            json!({"amount": "10.00", "code": "USD"})
        );
        assert_eq!(
            written("1200", "JPY"),
            json!({"amount": "1200.00", "code": "JPY"})
        );
        assert_eq!(
            written("1.5", "KWD"),
            json!({"amount": "1.50", "code": "KWD"})
        );
        assert_eq!(
            written("0.3333", "EUR"),
            json!({"amount": "0.3333", "code": "EUR"})
        );
    }

    #[test]
    fn rounding_is_by_smallest_unit() {
        let round = |text: &str, code: &str| {
            let amount = parse_decimal(text).expect("a decimal");
            Currency::parse(code)
                .expect("a code")
                .round(amount)
                .to_string()
        };
        assert_eq!(round("1.005", "EUR"), "1.01");
        assert_eq!(round("-1.005", "EUR"), "-1.01");
        assert_eq!(round("1.5", "JPY"), "2");
        assert_eq!(round("1.0005", "KWD"), "1.001");
    }

    #[test]
    fn only_plain_decimals_are_read() {
        assert!(decimal(&json!("12.50")).is_some());
        assert!(decimal(&json!(12)).is_some());
        for wrong in [
            json!("1e3"),
            json!(""),
            json!(" 1"),
            json!("1,5"),
            json!(null),
        ] {
            assert!(decimal(&wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn currency_codes_are_upper_case() {
        assert!(Currency::parse("EUR").is_some());
        assert!(Currency::parse("eur").is_none());
        assert!(Currency::parse("EURO").is_none());
    }
}
