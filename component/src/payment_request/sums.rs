//! What the lines of a payment request come to: net amounts, taxes and the discount, which add up
//! to the document's total.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::{SHOWN_CHARS_MAX, Work};
use crate::freshbooks::Line as Source;
use crate::money::{self, NUMBER_BOUND};
use crate::text::shortened;

/// Lines of one document. Neither system documents a bound; the body of so many stays well below a
/// megabyte.
const LINES_MAX: usize = 500;

/// A line with its money.
pub(super) struct Priced<'a> {
    /// The document's line; none for the discount.
    pub(super) source: Option<&'a Source>,
    pub(super) pointer: String,
    pub(super) net: Decimal,
    /// Before it is rounded.
    pub(super) tax_exact: Decimal,
    pub(super) tax: Decimal,
}

impl<'a> Work<'a> {
    /// The lines with their net amounts and taxes, which add up to the document's total.
    pub(super) fn priced(&mut self) -> Vec<Priced<'a>> {
        let document = self.document;
        if document.lines.is_empty() || document.lines.len() > LINES_MAX {
            let message = format!(
                "the document has {} lines; 1 to {LINES_MAX} can be carried over, so change it in \
                 FreshBooks",
                document.lines.len()
            );
            self.report("/lines", "line-count", message);
            return Vec::new();
        }
        let mut priced: Vec<_> = (0..)
            .zip(&document.lines)
            .map(|(index, line)| self.price(index, line))
            .collect();
        if !document.discount.is_zero() {
            let discount = self.discount(&priced);
            priced.push(discount);
        }
        self.close(&mut priced);
        priced
    }

    fn price(&mut self, index: u32, line: &'a Source) -> Priced<'a> {
        let pointer = format!("/lines/{index}");
        let net = self.net(&pointer, line);
        self.check_amount(&pointer, net);
        let tax_exact = tax_of(line, net);
        Priced {
            source: Some(line),
            pointer,
            net,
            tax_exact,
            tax: money::round(tax_exact, self.minor_units),
        }
    }

    fn net(&mut self, pointer: &str, line: &Source) -> Decimal {
        let product = line.quantity.checked_mul(line.unit_cost);
        let Some(product) = product.filter(|product| product.abs() < NUMBER_BOUND) else {
            let message = format!(
                "{} x {} is not an amount below {NUMBER_BOUND}",
                line.quantity, line.unit_cost
            );
            self.report(pointer, "amount-too-large", message);
            return line.amount.unwrap_or_default();
        };
        let net = line
            .amount
            .unwrap_or_else(|| money::round(product, self.minor_units));
        if (net - product).abs() > money::cent(self.minor_units) {
            let message = format!(
                "{} x {} is not the line's amount {net}",
                line.quantity, line.unit_cost
            );
            self.report(pointer, "line-amount-mismatch", message);
        }
        net
    }

    /// FreshBooks takes the discount off before taxes, in the same share from every line.
    fn discount(&mut self, lines: &[Priced]) -> Priced<'a> {
        let pointer = "/discount_total".to_string();
        let discount = self.document.discount;
        self.check_amount(&pointer, discount);
        let net: Decimal = lines.iter().map(|line| line.net).sum();
        let tax: Decimal = lines.iter().map(|line| line.tax).sum();
        let tax_before: Decimal = lines.iter().map(|line| line.tax_exact).sum();
        if discount > net {
            let message = format!("the discount {discount} is more than the lines' {net}");
            self.report(&pointer, "discount-too-large", message);
        }
        let share = discount.checked_div(net).unwrap_or_default();
        let share = share.clamp(Decimal::ZERO, Decimal::ONE);
        let tax_after = money::round(tax_before * (Decimal::ONE - share), self.minor_units);
        Priced {
            source: None,
            pointer,
            net: -discount,
            tax_exact: -(tax_before * share),
            tax: tax_after - tax,
        }
    }

    /// Makes the lines add up to the document's total, or says that they do not.
    ///
    /// Whether FreshBooks rounds each line's tax or each tax of the whole invoice is not
    /// documented. The two differ by at most a cent for each taxed line, so that much is put on the
    /// lines whose own rounding went the other way.
    fn close(&mut self, lines: &mut [Priced]) {
        if !self.document.amounts_known {
            return;
        }
        let sum: Decimal = lines.iter().map(|line| line.net + line.tax).sum();
        let gap = self.document.total - sum;
        let cent = money::cent(self.minor_units);
        let mut taxed: Vec<&mut Priced> = lines
            .iter_mut()
            .filter(|line| !line.tax_exact.is_zero())
            .collect();
        if gap.abs() > cent * Decimal::from(taxed.len()) {
            let message = format!(
                "the lines, taxes and discount come to {sum}, the document's total is {}: a \
                 difference of {gap}",
                self.document.total
            );
            self.report("", "total-mismatch", message);
            return;
        }
        let step = if gap.is_sign_negative() { -cent } else { cent };
        taxed.sort_by_key(|line| (line.tax - line.tax_exact) * step);
        let steps = (gap / step).round().to_usize().unwrap_or_default();
        for line in taxed.into_iter().take(steps) {
            line.tax += step;
        }
    }

    pub(super) fn check_amount(&mut self, pointer: &str, amount: Decimal) {
        if !money::fits(amount, self.minor_units) {
            let message = format!(
                "{amount} has more digits after the point than {} allows ({}); correct it in \
                 FreshBooks",
                shortened(&self.document.currency, SHOWN_CHARS_MAX),
                self.minor_units
            );
            self.report(pointer, "too-precise", message);
        }
    }
}

fn tax_of(line: &Source, net: Decimal) -> Decimal {
    let mut total = Decimal::ZERO;
    for tax in &line.taxes {
        let base = if line.compound { net + total } else { net };
        let part = base.checked_mul(tax.percent).unwrap_or_default() / Decimal::ONE_HUNDRED;
        total += part;
    }
    total
}
