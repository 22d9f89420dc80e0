//! What each allocation of an invoice comes to.
//!
//! It is documented neither whether `amountGross` is the allocation's or the whole line's, nor
//! whether it contains shipping and tax, nor whether those of the header are in the rows. So each
//! reading is tried, and only one that comes to the invoice's own total counts.

use alloc::vec::Vec;

use rust_decimal::Decimal;

use super::Row;
use super::header::Header;
use crate::financial::posting::{Posting, shares};
use crate::money;

/// What the rows come to.
pub(in crate::financial) struct Amounts {
    /// One for each row, in the currency's digits.
    pub(in crate::financial) of_rows: Vec<Decimal>,
    /// Where their tax is from.
    pub(in crate::financial) tax_from: TaxFrom,
}

/// Where the tax in the amounts of rows is from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::financial) enum TaxFrom {
    /// The rows' own amounts contain the rows' own taxes.
    Gross,
    /// The rows' own taxes were added.
    Rows,
    /// The header's tax was spread over the rows.
    Header,
    /// There is none in them.
    Nowhere,
}

impl TaxFrom {
    /// Whether a row's amount contains the row's own taxes, as far as its parts say.
    pub(in crate::financial) fn is_inside(self, parts: &Parts, minor_units: u32) -> bool {
        match self {
            Self::Gross => parts.agree(minor_units),
            Self::Rows => true,
            Self::Header | Self::Nowhere => false,
        }
    }

    /// The tax of the header that is posted for itself, beside these amounts.
    fn apart(self, header: &Header) -> Decimal {
        match self {
            Self::Header => header.tax_apart(),
            Self::Gross | Self::Rows | Self::Nowhere => Decimal::ZERO,
        }
    }
}

/// One amount for each row. With the header's taxes that are posted for themselves they come to
/// the invoice's total, or the difference is reported.
pub(in crate::financial) fn read(
    total: Option<Decimal>,
    header: &Header,
    parts: &[Parts],
    posting: &Posting,
) -> Amounts {
    let minor_units = posting.minor_units();
    let found = total.and_then(|total| find(total, parts, header, minor_units));
    let (amounts, tax_from) = found.unwrap_or_else(|| {
        let likely = parts.iter().map(Parts::likely).collect();
        (likely, TaxFrom::Rows)
    });
    let total = total.map(|total| total - tax_from.apart(header));
    Amounts {
        of_rows: posting.rounded(&amounts, total),
        tax_from,
    }
}

/// What a row says of its amount, with all its digits.
pub(in crate::financial) struct Parts {
    gross: Option<Decimal>,
    net: Option<Decimal>,
    shipping: Decimal,
    tax: Decimal,
}

impl Parts {
    pub(in crate::financial) fn read(row: &Row, posting: &mut Posting) -> Self {
        let [l, a] = row.at;
        let place = format_args!("/lineItem/{l}/allocation/{a}/journal");
        let journal = row.journal;
        let mut read =
            |name, amount| posting.optional_amount(format_args!("{place}/{name}"), amount);
        let taxes = journal.taxes.0.iter();
        let tax = taxes.filter_map(|tax| read("tax", &tax.amount)).sum();
        Self {
            gross: read("amountGross", &journal.gross),
            net: read("amountNet", &journal.net),
            shipping: read("amountShipping", &journal.shipping).unwrap_or_default(),
            tax,
        }
    }

    /// Whether the gross amount is what the parts come to, as far as there are both.
    fn agree(&self, minor_units: u32) -> bool {
        let (Some(gross), Some(net)) = (self.gross, self.net) else {
            return true;
        };
        (gross - net - self.shipping - self.tax).abs() <= money::cent(minor_units)
    }

    fn likely(&self) -> Decimal {
        let sum = self.net.unwrap_or_default() + self.shipping + self.tax;
        self.gross.unwrap_or(sum)
    }
}

/// The amounts in the first reading that comes to the total, and where their tax is from.
fn find(
    total: Decimal,
    parts: &[Parts],
    header: &Header,
    minor_units: u32,
) -> Option<(Vec<Decimal>, TaxFrom)> {
    let amounts =
        |of: &dyn Fn(&Parts) -> Option<Decimal>| parts.iter().map(of).collect::<Option<Vec<_>>>();
    let gross = amounts(&|part| part.gross);
    let full = amounts(&|part| Some(part.net? + part.shipping + part.tax));
    let taxed = amounts(&|part| Some(part.gross? + part.tax));
    let taxed_and_shipped = amounts(&|part| Some(part.gross? + part.shipping + part.tax));
    let without_tax = amounts(&|part| Some(part.net? + part.shipping));
    let without_shipping = amounts(&|part| Some(part.net? + part.tax));
    let net = amounts(&|part| part.net);
    let shipping = header.shipping;
    let own = [
        (&gross, Decimal::ZERO, TaxFrom::Gross),
        (&full, Decimal::ZERO, TaxFrom::Rows),
        (&taxed, Decimal::ZERO, TaxFrom::Rows),
        (&taxed_and_shipped, Decimal::ZERO, TaxFrom::Rows),
        (&gross, shipping, TaxFrom::Gross),
    ];
    let spread = header.taxes().into_iter().flat_map(|tax| {
        let tax_from = if tax.is_zero() {
            TaxFrom::Nowhere
        } else {
            TaxFrom::Header
        };
        [
            (&gross, tax, tax_from),
            (&gross, shipping + tax, tax_from),
            (&without_tax, tax, tax_from),
            (&net, shipping + tax, tax_from),
        ]
    });
    let shipped = [(&without_shipping, shipping, TaxFrom::Rows)];
    let readings = own.into_iter().chain(shipped).chain(spread);
    readings
        .into_iter()
        .find_map(|(amounts, spread, tax_from)| {
            let apart = tax_from.apart(header);
            let amounts = amounts.clone()?;
            let closed = closing(amounts, spread - apart, total - apart, minor_units)?;
            Some((closed, tax_from))
        })
}

/// The amounts with something of the header spread over them, if that comes to the total. The
/// header is spread over lines with positive amounts (source: concur-invoice-extract-mapping).
fn closing(
    mut amounts: Vec<Decimal>,
    spread: Decimal,
    total: Decimal,
    minor_units: u32,
) -> Option<Vec<Decimal>> {
    let sum: Decimal = amounts.iter().sum();
    if (sum + spread - total).abs() >= money::cent(minor_units) {
        return None;
    }
    let spread = money::round(spread, minor_units);
    if spread.is_zero() {
        return Some(amounts);
    }
    let positive: Vec<_> = amounts
        .iter()
        .map(|amount| (*amount).max(Decimal::ZERO))
        .collect();
    let negative: Vec<_> = amounts
        .iter()
        .map(|amount| (*amount).min(Decimal::ZERO))
        .collect();
    let given = shares(spread, &positive, minor_units)
        .or_else(|| shares(spread, &negative, minor_units))?;
    for (amount, share) in amounts.iter_mut().zip(given) {
        *amount += share;
    }
    Some(amounts)
}
