//! What each allocation of an invoice comes to.
//!
//! It is documented neither whether `amountGross` is the allocation's or the whole line's, nor
//! whether shipping and tax of the header are in the rows. So each reading is tried, and only one
//! that comes to the invoice's own total counts.

use alloc::vec::Vec;

use rust_decimal::Decimal;

use super::Row;
use crate::concur::document_schema::InvoiceDocument;
use crate::financial::posting::{Posting, shares};

/// One amount for each row. They come to the invoice's total, or the difference is reported.
pub(in crate::financial) fn amounts_of_rows(
    document: &InvoiceDocument,
    rows: &[Row],
    posting: &mut Posting,
) -> Vec<Decimal> {
    let at = format_args!("/requestHeader/requestTotal");
    let total = posting.optional_amount(at, &document.header.total);
    let header = Header::read(document, posting);
    let parts: Vec<_> = rows.iter().map(|row| Parts::read(row, posting)).collect();
    let found = total.and_then(|total| find(total, &parts, header, posting.minor_units()));
    let amounts = found.unwrap_or_else(|| parts.iter().map(Parts::likely).collect());
    posting.count(amounts.iter().sum());
    posting.check_total(at, total);
    amounts
}

/// What the header says of shipping and tax.
#[derive(Clone, Copy)]
struct Header {
    shipping: Decimal,
    tax: Decimal,
}

impl Header {
    fn read(document: &InvoiceDocument, posting: &mut Posting) -> Self {
        let header = &document.header;
        let shipping_at = format_args!("/requestHeader/amountShippingTotal");
        let shipping = posting.optional_amount(shipping_at, &header.shipping);
        let tax_at = format_args!("/requestHeader/amountTax");
        let tax = posting.optional_amount(tax_at, &header.tax);
        Self {
            shipping: shipping.unwrap_or_default(),
            tax: tax.unwrap_or_default(),
        }
    }
}

/// What a row says of its amount.
struct Parts {
    gross: Option<Decimal>,
    net: Option<Decimal>,
    shipping: Decimal,
    tax: Decimal,
}

impl Parts {
    fn read(row: &Row, posting: &mut Posting) -> Self {
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

    fn likely(&self) -> Decimal {
        let sum = self.net.unwrap_or_default() + self.shipping + self.tax;
        self.gross.unwrap_or(sum)
    }
}

/// The amounts in the first reading that comes to the total.
fn find(total: Decimal, parts: &[Parts], header: Header, minor_units: u32) -> Option<Vec<Decimal>> {
    let amounts =
        |of: &dyn Fn(&Parts) -> Option<Decimal>| parts.iter().map(of).collect::<Option<Vec<_>>>();
    let gross = amounts(&|part| part.gross);
    let full = amounts(&|part| Some(part.net? + part.shipping + part.tax));
    let without_tax = amounts(&|part| Some(part.net? + part.shipping));
    let without_shipping = amounts(&|part| Some(part.net? + part.tax));
    let net = amounts(&|part| part.net);
    let Header { shipping, tax } = header;
    let readings = [
        (gross.clone(), Decimal::ZERO),
        (full, Decimal::ZERO),
        (gross.clone(), shipping),
        (gross.clone(), tax),
        (gross, shipping + tax),
        (without_tax, tax),
        (without_shipping, shipping),
        (net, shipping + tax),
    ];
    readings
        .into_iter()
        .find_map(|(amounts, spread)| closing(amounts?, spread, total, minor_units))
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
    if sum + spread != total {
        return None;
    }
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
