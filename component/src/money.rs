//! Money: decimal, never a float, with the digits of its currency or of the system that wrote it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::str::FromStr;

use iso_currency::Currency;
use rust_decimal::{Decimal, RoundingStrategy};

/// Amounts stay below this (10^15), so that no sum of them can overflow: a [`Decimal`] holds 28
/// digits, which leaves room for eight after the point and a hundred thousand addends.
pub(crate) const NUMBER_BOUND: Decimal = Decimal::from_parts(2_764_472_320, 232_830, 0, false, 0);

/// The digits after the point that FreshBooks writes, whatever the currency's own number of them
/// (source: freshbooks-sdks).
pub(crate) const WRITTEN_DECIMALS: u32 = 2;

/// The number of digits after the point that amounts in this currency have, or nothing if ISO 4217
/// does not know the code. Codes are upper case.
#[must_use]
pub(crate) fn minor_units(currency: &str) -> Option<u32> {
    let currency = Currency::from_code(currency)?;
    Some(currency.exponent().map_or(0, u32::from))
}

/// Reads a decimal number exactly: sign, digits, a point, digits, and at most an exponent, such as
/// `0E-8`. At most 28 digits.
#[must_use]
pub(crate) fn parse(text: &str) -> Option<Decimal> {
    let text = text.trim();
    let plain = !text.is_empty() && text.len() <= 40;
    if !plain {
        return None;
    }
    if text.contains(['e', 'E']) {
        Decimal::from_scientific(text).ok()
    } else if text
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+'))
    {
        Decimal::from_str_exact(text)
            .or_else(|_| Decimal::from_str(text))
            .ok()
            .filter(|_| digits(text) <= 28)
    } else {
        None
    }
}

/// Whether an amount has no more digits after the point than these.
#[must_use]
pub(crate) fn fits(amount: Decimal, decimals: u32) -> bool {
    amount.normalize().scale() <= decimals
}

/// Rounds half away from zero to so many digits after the point, as invoices do.
#[must_use]
pub(crate) fn round(amount: Decimal, decimals: u32) -> Decimal {
    amount.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero)
}

/// An amount as SAP Concur takes it: a decimal string with exactly so many digits after the point.
/// To a host:
///
/// ```
/// use ml_connector_component::contract::mapping::Translation;
/// use ml_connector_component::mapping::preview;
/// use ml_connector_component::settings::Settings;
///
/// # const SETTINGS: &str =
/// #     include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/settings/minimal.json"));
/// let settings = Settings::load("acme", SETTINGS).expect("is right");
/// let invoice = r#"{"id": 7, "invoice_number": "2093", "customerid": 41, "country": "CA",
///     "create_date": "2026-02-27", "currency_code": "CAD",
///     "amount": {"amount": "5.0", "code": "CAD"},
///     "lines": [{"name": "Paper", "unit_cost": {"amount": "5.0", "code": "CAD"}}]}"#;
/// for (code, wire) in [("CAD", "5.00"), ("JPY", "5"), ("KWD", "5.000")] {
///     let invoice = invoice.replace("CAD", code);
///     let translations = preview(&settings, "invoice", &invoice).expect("translates");
///     let [Translation::Record(record), _vendor] = translations.as_slice() else {
///         panic!("an invoice is a payment request and a vendor");
///     };
///     assert!(record.json.contains(&format!(r#""TotalPrice":"{wire}""#)), "{}", record.json);
/// }
/// ```
#[must_use]
pub(crate) fn wire(amount: Decimal, decimals: u32) -> String {
    let mut amount = round(amount, decimals);
    amount.rescale(decimals);
    if amount.is_zero() {
        amount.set_sign_positive(true);
    }
    amount.to_string()
}

/// A number that is no amount, such as a quantity or a percentage: a decimal string without
/// trailing zeros.
#[must_use]
pub(crate) fn plain(number: Decimal) -> String {
    number.normalize().to_string()
}

/// The smallest amount with so many digits after the point, such as 0.01 with two.
#[must_use]
pub(crate) fn cent(decimals: u32) -> Decimal {
    Decimal::new(1, decimals)
}

/// Amounts rounded so that they add up to a total: each is rounded down, and what is then missing
/// goes, one minor unit each, to those that lost the most, the first of equals first. Nothing if
/// that does not reach the total.
#[must_use]
pub(crate) fn by_largest_remainder(
    amounts: &[Decimal],
    total: Decimal,
    minor_units: u32,
) -> Option<Vec<Decimal>> {
    let down = |amount: &Decimal| {
        amount.round_dp_with_strategy(minor_units, RoundingStrategy::ToNegativeInfinity)
    };
    let mut rounded: Vec<Decimal> = amounts.iter().map(down).collect();
    let mut losses: Vec<(Decimal, usize)> = (0..amounts.len())
        .map(|place| (rounded[place] - amounts[place], place))
        .filter(|(loss, _)| !loss.is_zero())
        .collect();
    losses.sort();
    let mut missing = total - rounded.iter().sum::<Decimal>();
    for (_, place) in losses {
        if missing.is_sign_positive() && !missing.is_zero() {
            rounded[place] += cent(minor_units);
            missing -= cent(minor_units);
        }
    }
    missing.is_zero().then_some(rounded)
}

fn digits(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use proptest::prelude::*;

    #[test]
    fn minor_units_follow_iso_4217() {
        let known = [("EUR", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4)];
        for (code, units) in known {
            assert_eq!(minor_units(code), Some(units), "{code}");
        }
        assert_eq!(minor_units("EURO"), None);
        assert_eq!(minor_units("eur"), None);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            " ",
            "1,5",
            "1.2.3",
            "NaN",
            "inf",
            "0x10",
            "1_000",
            "--1",
            "12345678901234567890123456789",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn odd_but_right_numbers_are_read() {
        for (text, value) in [
            ("0E-8", "0"),
            ("-10.000", "-10"),
            (" 7.5 ", "7.5"),
            ("1130.00000000", "1130"),
            ("+2", "2"),
            ("1.5e2", "150"),
        ] {
            let parsed = parse(text).unwrap_or_else(|| panic!("{text} is read"));
            assert_eq!(plain(parsed), value);
        }
    }

    #[test]
    fn the_wire_form_has_the_currency_s_digits() {
        let amount = parse("1130").expect("is a number");
        assert_eq!(wire(amount, 2), "1130.00");
        assert_eq!(wire(amount, 0), "1130");
        assert_eq!(wire(parse("-0.00").expect("is a number"), 2), "0.00");
        assert_eq!(wire(parse("2.5").expect("is a number"), 0), "3");
    }

    proptest! {
        #[test]
        fn a_wire_amount_reads_back_the_same(minor in -99_999_999_999_i64..=99_999_999_999,
            units in 0_u32..=4) {
            let amount = Decimal::new(minor, units);
            prop_assert_eq!(parse(&wire(amount, units)), Some(amount));
            prop_assert!(fits(amount, units));
        }

        #[test]
        fn parse_never_panics(text in ".{0,60}") {
            let _ = parse(&text);
            let _ = parse(&format!("1e{text}"));
        }
    }
}
