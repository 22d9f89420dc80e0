//! Invoices as they were approved: out of a payment request, or entered freely in Concur.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::generate::{DAY_MS, Generator, country_tax, percentages};
use crate::calendar::{parse_day, plus_days, utc_day};
use crate::concur::financial::Oddity;
use crate::concur::financial::options::{EntityOptions, InvoiceOptions};
use crate::concur::invoice::body::LineAllocation;
use crate::concur::invoice::payment_requests::{PaymentRequest, RequestLine};
use crate::http::Millis;
use crate::money::{Currency, parse_decimal};

/// An approved supplier invoice, before it becomes a document.
#[derive(Clone, Debug)]
pub(crate) struct ApprovedInvoice {
    pub(crate) id: String,
    pub(crate) key: u64,
    pub(crate) title: String,
    pub(crate) number: String,
    pub(crate) day: Option<Date>,
    pub(crate) due: Option<Date>,
    pub(crate) submitted: Millis,
    pub(crate) currency: Currency,
    pub(crate) total: Decimal,
    pub(crate) shipping: Decimal,
    pub(crate) tax: Decimal,
    /// Custom fields of the header by number.
    pub(crate) customs: Vec<(u8, String)>,
    pub(crate) owner: String,
    pub(crate) entity: EntityOptions,
    pub(crate) vendor: [String; 3],
    pub(crate) lines: Vec<InvoiceLine>,
}

/// A line of an invoice.
#[derive(Clone, Debug)]
pub(crate) struct InvoiceLine {
    pub(crate) description: String,
    pub(crate) expense_type: String,
    pub(crate) quantity: Decimal,
    pub(crate) unit_price: Decimal,
    pub(crate) net: Decimal,
    pub(crate) tax: Decimal,
    pub(crate) shipping: Decimal,
    /// Percentages with their cost codes.
    pub(crate) shares: Vec<(Decimal, Option<String>)>,
}

impl InvoiceLine {
    fn gross(&self) -> Decimal {
        self.net + self.tax + self.shipping
    }
}

/// Draws an invoice that was entered in Concur.
pub(crate) fn generate_invoice(
    options: &InvoiceOptions,
    seed: u64,
    key: u64,
    now: Millis,
) -> ApprovedInvoice {
    let long = options.filing.oddities.contains(&Oddity::LongDigits);
    let mut draw = Generator::new(seed, options.currency.as_deref(), long);
    let count = options
        .lines
        .unwrap_or(1 + draw.random.below(4) as u8)
        .max(1);
    let sign = if options.credit_memo {
        -Decimal::ONE
    } else {
        Decimal::ONE
    };
    let lines: Vec<InvoiceLine> = (0..count).map(|_| generate_line(&mut draw, sign)).collect();
    let number = format!("N-{}", draw.random.below(100_000));
    let day = utc_day(now.saturating_sub(DAY_MS * (1 + draw.random.below(20))));
    ApprovedInvoice {
        id: draw.hex(20),
        key,
        title: format!("{number} Northwind Paper"),
        number,
        day: Some(day),
        due: Some(plus_days(day, 30)),
        submitted: now.saturating_sub(DAY_MS),
        currency: draw.currency,
        total: lines.iter().map(InvoiceLine::gross).sum(),
        shipping: lines.iter().map(|line| line.shipping).sum(),
        tax: lines.iter().map(|line| line.tax).sum(),
        customs: Vec::new(),
        owner: draw.pick_employee().id.into_owned(),
        entity: options.entity.clone(),
        vendor: ["V-2001".into(), "Northwind Paper Ltd".into(), "MAIN".into()],
        lines,
    }
}

/// Adds a line to an invoice that was corrected.
pub(crate) fn extend_invoice(invoice: &mut ApprovedInvoice, seed: u64, now: Millis) {
    let mut draw = Generator::new(seed, Some(invoice.currency.code()), false);
    let line = generate_line(&mut draw, Decimal::ONE);
    invoice.total += line.gross();
    invoice.tax += line.tax;
    invoice.shipping += line.shipping;
    invoice.lines.push(line);
    invoice.submitted = now;
}

/// The invoice of an approved payment request. Its total is the header's amount, whether the lines
/// add up to it or not.
pub(crate) fn invoice_of_request(
    request: &PaymentRequest,
    key: u64,
    owner: String,
) -> ApprovedInvoice {
    let text = |name: &str| request.header.get(name).to_owned();
    let non_empty = |name: &str| Some(text(name)).filter(|text| !text.is_empty());
    let amount = |name: &str| parse_decimal(request.header.get(name)).unwrap_or_default();
    let currency = Currency::parse(request.header.get("CurrencyCode")).unwrap_or(Currency::euro());
    let vendor = |name: &str| request.vendor.texts.get(name).to_owned();
    let mut lines: Vec<InvoiceLine> = request.lines.iter().map(request_line).collect();
    if lines.iter().all(|line| line.tax.is_zero()) {
        spread_over_lines(&mut lines, amount("TaxAmount"), currency, |line| {
            &mut line.tax
        });
    }
    spread_over_lines(&mut lines, amount("ShippingAmount"), currency, |line| {
        &mut line.shipping
    });
    ApprovedInvoice {
        id: request.id.clone(),
        key,
        title: text("Name"),
        number: text("InvoiceNumber"),
        day: parse_day(request.header.get("InvoiceDate")),
        due: parse_day(request.header.get("PaymentDueDate")),
        submitted: request.submitted.unwrap_or(request.created),
        currency,
        total: amount("InvoiceAmount"),
        shipping: amount("ShippingAmount"),
        tax: lines.iter().map(|line| line.tax).sum(),
        customs: (1..=24)
            .map(|number| (number, text(&format!("Custom{number}"))))
            .filter(|(_, text)| !text.is_empty())
            .collect(),
        owner,
        entity: EntityOptions {
            ledger: non_empty("LedgerCode"),
            policy: non_empty("ExternalPolicyId"),
            country: None,
        },
        vendor: [
            vendor("VendorCode"),
            vendor("VendorName"),
            vendor("AddressCode"),
        ],
        lines,
    }
}

fn generate_line(draw: &mut Generator, sign: Decimal) -> InvoiceLine {
    let kinds = ["OFFSP", "PROFS", "TRVL"];
    let quantity = Decimal::from(1 + draw.random.below(9));
    let unit_price = draw.amount();
    let net = quantity * unit_price * sign;
    let rate = Decimal::from(country_tax(draw.currency, false, 100).rate) / Decimal::ONE_HUNDRED;
    let taxed = draw.percent_chance(70);
    let shipped = draw.percent_chance(20);
    let shares = percentages(1 + draw.random.below(3));
    let codes = shares
        .into_iter()
        .map(|share| (share, Some(draw.pick_project().to_owned())));
    let shares = codes.collect();
    InvoiceLine {
        description: "Copy paper".into(),
        expense_type: (*draw.random.pick(&kinds)).to_owned(),
        quantity: quantity * sign,
        unit_price,
        net,
        tax: if taxed {
            draw.currency.round(net * rate)
        } else {
            Decimal::ZERO
        },
        shipping: if shipped {
            draw.amount() * sign
        } else {
            Decimal::ZERO
        },
        shares,
    }
}

fn request_line(line: &RequestLine) -> InvoiceLine {
    let text = |name: &str| line.texts.get(name).to_owned();
    let share = |allocation: &LineAllocation| {
        let code = allocation.texts.get("Custom1").to_owned();
        (
            allocation.percentage,
            Some(code).filter(|code| !code.is_empty()),
        )
    };
    let mut shares: Vec<_> = line.allocations.iter().map(share).collect();
    if shares.is_empty() {
        shares.push((Decimal::ONE_HUNDRED, None));
    }
    InvoiceLine {
        description: text("Description"),
        expense_type: text("ExpenseTypeCode"),
        quantity: parse_decimal(line.texts.get("Quantity")).unwrap_or(Decimal::ONE),
        unit_price: line.amount("UnitPrice"),
        net: line.amount("TotalPrice"),
        tax: line.amount("Tax"),
        shipping: Decimal::ZERO,
        shares,
    }
}

/// Spreads an amount of the header over the lines with positive amounts; the last one takes what
/// rounding leaves.
fn spread_over_lines(
    lines: &mut [InvoiceLine],
    amount: Decimal,
    currency: Currency,
    part: impl Fn(&mut InvoiceLine) -> &mut Decimal,
) {
    let mut positive: Vec<&mut InvoiceLine> = lines
        .iter_mut()
        .filter(|line| line.net > Decimal::ZERO)
        .collect();
    let total: Decimal = positive.iter().map(|line| line.net).sum();
    let (mut left, count) = (amount, positive.len());
    for (at, line) in positive.iter_mut().enumerate() {
        let share = if at + 1 == count {
            left
        } else {
            currency.round(line.net / total * amount)
        };
        left -= share;
        *part(line) += share;
    }
}
