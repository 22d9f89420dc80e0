//! What the lines of a payment request come to: net amounts, taxes and the discount, which add up
//! to the document's total.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::{SHOWN_CHARS_MAX, Work};
use crate::freshbooks::{Line as Source, place};
use crate::money::{self, NUMBER_BOUND};
use crate::text::shortened;

/// Lines of one document. Neither system documents a bound; the body of so many stays well below a
/// megabyte.
const LINES_MAX: usize = 500;
const DISCOUNT_POINTER: &str = "/discount_total";

/// A line with its money.
pub(super) struct Priced<'a> {
    /// The document's line; the first that it reduces for a discount.
    pub(super) source: &'a Source,
    pub(super) is_discount: bool,
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
            self.report_line_count();
            return Vec::new();
        }
        let mut priced: Vec<_> = (0..)
            .zip(&document.lines)
            .map(|(index, line)| self.price(index, line))
            .collect();
        if !document.discount.is_zero() {
            let discounts = self.discounts(&priced);
            priced.extend(discounts);
        } else if !self.adds_up(&priced) {
            self.take_stated_taxes(&mut priced);
        }
        self.close(&mut priced);
        priced
    }

    /// Lines that the answer leaves out, or that cannot be read, are reported already.
    fn report_line_count(&mut self) {
        let mut problems = self.document.problems.iter();
        if problems.any(|problem| problem.pointer.starts_with("/lines")) {
            return;
        }
        let name = self.document.kind.name();
        let message = match self.document.lines.len() {
            0 => format!("the {name} has no line; add one in FreshBooks"),
            count => format!(
                "the {name} has {count} lines, and at most {LINES_MAX} can be carried over; split \
                 it in FreshBooks"
            ),
        };
        self.report("/lines", "line-count", message);
    }

    fn price(&mut self, index: u32, line: &'a Source) -> Priced<'a> {
        let pointer = format!("/lines/{index}");
        let net = self.net(&pointer, line);
        self.check_amount(&pointer, net);
        let tax_exact = tax_of(line, net);
        Priced {
            source: line,
            is_discount: false,
            pointer,
            net,
            tax_exact,
            tax: self.precision.round(tax_exact),
        }
    }

    fn net(&mut self, pointer: &str, line: &Source) -> Decimal {
        let (quantity, unit_cost) = (line.quantity, line.unit_cost);
        let product = quantity.checked_mul(unit_cost);
        let Some(product) = product.filter(|product| product.abs() < NUMBER_BOUND) else {
            let message = format!(
                "{quantity} x {unit_cost} in {} is not an amount below {NUMBER_BOUND}; correct its \
                 quantity or price in FreshBooks",
                place(pointer)
            );
            self.report(pointer, "amount-too-large", message);
            return line.amount.unwrap_or_default();
        };
        let net = line.amount.unwrap_or_else(|| self.precision.round(product));
        // Where an amount is unreadable, its problem says all there is to say.
        let is_known = self.document.amounts_known;
        if is_known && (net - product).abs() > self.precision.cent() {
            let place = place(pointer);
            let message = match line.has_quantity {
                true => format!(
                    "{quantity} x {unit_cost} is {}, but FreshBooks shows {net} for {place}; \
                     correct its quantity or price in FreshBooks",
                    money::plain(product)
                ),
                false => format!(
                    "{place} has no quantity, so that 1 was taken, but FreshBooks shows {net} for \
                     it and a price of {unit_cost}; enter its quantity in FreshBooks"
                ),
            };
            self.report(pointer, "line-amount-mismatch", message);
        }
        net
    }

    /// FreshBooks takes the discount off before taxes, in the same share from every line. SAP
    /// Concur has one pair of tax codes for a line, so each set of taxes has a discount of its own.
    fn discounts(&mut self, lines: &[Priced<'a>]) -> Vec<Priced<'a>> {
        let discount = self.document.discount;
        self.check_amount(DISCOUNT_POINTER, discount);
        let net: Decimal = lines.iter().map(|line| line.net).sum();
        if discount > net {
            let message = format!(
                "the discount {discount} is more than the lines' {net}; correct it in FreshBooks"
            );
            self.report(DISCOUNT_POINTER, "discount-too-large", message);
        }
        let share = discount.checked_div(net).unwrap_or_default();
        let share = share.clamp(Decimal::ZERO, Decimal::ONE);
        let mut groups: Vec<Vec<&Priced<'a>>> = Vec::new();
        for line in lines {
            match groups.iter_mut().find(|group| line.is_taxed_as(group[0])) {
                Some(group) => group.push(line),
                None => groups.push(vec![line]),
            }
        }
        self.discount_groups(&groups, share)
    }

    /// The running totals are what is rounded, so that the parts add up to the whole discount.
    fn discount_groups(&self, groups: &[Vec<&Priced<'a>>], share: Decimal) -> Vec<Priced<'a>> {
        let (mut before, mut after) = (Totals::default(), Totals::default());
        let mut discounts = Vec::new();
        for (index, group) in groups.iter().enumerate() {
            let given = (before, after);
            for line in group {
                before.net += line.net;
                before.tax += line.tax;
                before.tax_exact += line.tax_exact;
            }
            let is_last = index + 1 == groups.len();
            after.net = match is_last {
                true => self.document.discount,
                false => self.precision.round(before.net * share),
            };
            after.tax_exact = before.tax_exact * share;
            after.tax = self.precision.round(before.tax_exact - after.tax_exact) - before.tax;
            discounts.push(Priced {
                source: group[0].source,
                is_discount: true,
                pointer: DISCOUNT_POINTER.to_string(),
                net: given.1.net - after.net,
                tax_exact: given.1.tax_exact - after.tax_exact,
                tax: after.tax - given.1.tax,
            });
        }
        discounts.retain(|line| !line.net.is_zero() || !line.tax.is_zero());
        discounts
    }

    /// Takes the taxes that the lines state in money where they state them all: a person can have
    /// changed them, so that they are not their percentage any more.
    fn take_stated_taxes(&self, lines: &mut [Priced]) {
        for line in lines {
            let stated = line.source.taxes.iter().map(|tax| tax.amount);
            if let Some(stated) = stated.sum::<Option<Decimal>>() {
                line.tax_exact = stated;
                line.tax = self.precision.round(stated);
            }
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
        if !self.adds_up(lines) {
            self.report_mismatch(lines);
            return;
        }
        let gap = self.gap(lines);
        let cent = self.precision.cent();
        let step = if gap.is_sign_negative() { -cent } else { cent };
        let mut taxed: Vec<&mut Priced> = lines.iter_mut().filter(|line| line.is_taxed()).collect();
        taxed.sort_by_key(|line| (line.tax - line.tax_exact) * step);
        let steps = (gap / step).round().to_usize().unwrap_or_default();
        for line in taxed.into_iter().take(steps) {
            line.tax += step;
        }
        self.check_stated_sums(lines);
    }

    /// What a bill says beside its total that lines and taxes come to must be what is sent. A total
    /// that agrees with the lines says nothing about a sum that does not: one of the two is wrong.
    fn check_stated_sums(&mut self, lines: &[Priced]) {
        let document = self.document;
        let Some(at) = document.kind.sums() else {
            return;
        };
        let taxed = lines.iter().filter(|line| line.is_taxed()).count();
        let rounded = lines.iter().filter(|line| line.source.amount.is_none());
        let tax = lines.iter().map(|line| line.tax).sum();
        let net = lines.iter().map(|line| line.net).sum();
        let rounded = rounded.count();
        self.check_stated(at.tax, "taxes", document.stated_tax, tax, taxed);
        self.check_stated(
            at.net,
            "lines before taxes",
            document.stated_net,
            net,
            rounded,
        );
    }

    /// `roundings`: as many cents may lie between the two.
    fn check_stated(
        &mut self,
        pointer: &str,
        what: &str,
        stated: Option<Decimal>,
        sum: Decimal,
        roundings: usize,
    ) {
        let allowed = self.precision.cent() * Decimal::from(roundings);
        let Some(stated) = stated.filter(|stated| (stated - sum).abs() > allowed) else {
            return;
        };
        let name = self.document.kind.name();
        let message = format!(
            "FreshBooks shows {stated} for the {what} of the {name}, but its lines come to \
             {}; correct lines and taxes in FreshBooks, or save the {name} there again so that \
             it is added up anew",
            self.precision.wire(sum)
        );
        self.report(pointer, "sum-mismatch", message);
    }

    fn gap(&self, lines: &[Priced]) -> Decimal {
        self.document.total - sum(lines)
    }

    fn adds_up(&self, lines: &[Priced]) -> bool {
        let taxed = lines.iter().filter(|line| line.is_taxed()).count();
        self.gap(lines).abs() <= self.precision.cent() * Decimal::from(taxed)
    }

    fn report_mismatch(&mut self, lines: &[Priced]) {
        let (kind, total) = (self.document.kind, self.document.total);
        let message = format!(
            "lines, taxes and discount come to {}, but FreshBooks shows a total of {total}: a \
             difference of {}; correct lines and taxes in FreshBooks, or save the {} there again \
             so that it is added up anew",
            sum(lines),
            self.gap(lines),
            kind.name()
        );
        self.report(kind.places().total, "total-mismatch", message);
    }

    pub(super) fn check_amount(&mut self, pointer: &str, amount: Decimal) {
        if !self.precision.fits(amount) {
            let message = format!(
                "{amount} for {} has more than {} digits after the point, the most that can be \
                 carried over in {}; change quantity or price in FreshBooks so that it comes out \
                 even",
                place(pointer),
                self.precision.decimals_max(),
                shortened(&self.document.currency, SHOWN_CHARS_MAX)
            );
            self.report(pointer, "too-precise", message);
        }
    }
}

/// What the lines come to so far, or what is taken off them.
#[derive(Default, Clone, Copy)]
struct Totals {
    net: Decimal,
    tax: Decimal,
    tax_exact: Decimal,
}

impl Priced<'_> {
    /// Whether both have the same taxes in the same order.
    pub(super) fn is_taxed_as(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.source.taxes, &other.source.taxes);
        ours.iter()
            .map(|tax| &tax.name)
            .eq(theirs.iter().map(|tax| &tax.name))
    }

    fn is_taxed(&self) -> bool {
        !self.tax_exact.is_zero()
    }
}

fn sum(lines: &[Priced]) -> Decimal {
    lines.iter().map(|line| line.net + line.tax).sum()
}

fn tax_of(line: &Source, net: Decimal) -> Decimal {
    let mut total = Decimal::ZERO;
    for tax in &line.taxes {
        let base = if line.compound { net + total } else { net };
        total += match tax.percent {
            Some(percent) => base.checked_mul(percent).unwrap_or_default() / Decimal::ONE_HUNDRED,
            None => tax.amount.unwrap_or_default(),
        };
    }
    total
}
