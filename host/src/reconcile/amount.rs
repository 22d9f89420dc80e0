//! Sums of amounts: whole numbers of the smallest unit, never a float.

use std::fmt;

/// Digits after the point that an amount can have; currencies have at most four.
const DECIMALS_MAX: usize = 8;

/// A sum of amounts of one currency, exact to the last digit that any of them has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    units: i128,
    decimals: u32,
}

impl Amount {
    /// Reads a decimal such as `-1130.00`; nothing for what is none, or has more than eight digits
    /// after the point or more than 30 before it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (is_negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let fits = (1..=22).contains(&whole.len()) && part.len() <= DECIMALS_MAX;
        if !fits || !are_digits(whole) || !are_digits(part) {
            return None;
        }
        let units: i128 = format!("{whole}{part}").parse().ok()?;
        Some(Self {
            units: if is_negative { -units } else { units },
            decimals: u32::try_from(part.len()).ok()?,
        })
    }

    /// Adds another amount of the same currency.
    pub fn add(&mut self, other: Self) {
        let decimals = self.decimals.max(other.decimals);
        self.units = self.scaled(decimals).saturating_add(other.scaled(decimals));
        self.decimals = decimals;
    }

    fn scaled(self, decimals: u32) -> i128 {
        let factor = 10_i128.saturating_pow(decimals - self.decimals);
        self.units.saturating_mul(factor)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = 10_u128.pow(self.decimals);
        let sign = if self.units < 0 { "-" } else { "" };
        let (whole, part) = (
            self.units.unsigned_abs() / unit,
            self.units.unsigned_abs() % unit,
        );
        match self.decimals {
            0 => write!(formatter, "{sign}{whole}"),
            decimals => write!(
                formatter,
                "{sign}{whole}.{part:0width$}",
                width = decimals as usize
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact_whatever_the_digits() {
        let mut sum = Amount::default();
        for amount in ["0.10", "0.2", "-5", "1130.005", "-0.005"] {
            sum.add(Amount::parse(amount).expect("is an amount"));
        }
        assert_eq!(sum.to_string(), "1125.300");
        let negative = Amount::parse("-0.05").expect("is an amount");
        assert_eq!(negative.to_string(), "-0.05");
        assert_eq!(Amount::default().to_string(), "0");
    }

    #[test]
    fn what_is_no_amount_is_none() {
        let long = "1".repeat(23);
        for text in ["", "-", ".", ".5", "1,5", "1e5", "+1", "1.123456789", &long] {
            assert_eq!(Amount::parse(text), None, "{text}");
        }
    }
}
