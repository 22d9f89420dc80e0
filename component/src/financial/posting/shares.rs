//! An amount in parts that add up to it.

use alloc::vec::Vec;

use rust_decimal::Decimal;

use crate::money;

/// Shares of an amount by weight, rounded so that they add up to it. One share needs no weight.
pub(in crate::financial) fn shares(
    amount: Decimal,
    weights: &[Decimal],
    minor_units: u32,
) -> Option<Vec<Decimal>> {
    if weights.len() == 1 {
        return Some(alloc::vec![amount]);
    }
    let total: Decimal = weights.iter().sum();
    let mut shares = Vec::new();
    let (mut weight, mut given) = (Decimal::ZERO, Decimal::ZERO);
    for own in weights {
        weight += own;
        let part = weight.checked_div(total)?.checked_mul(amount)?;
        let part = money::round(part, minor_units);
        shares.push(part - given);
        given = part;
    }
    (given == amount).then_some(shares)
}
