//! Invoices, out of an approved payment request or entered freely, as documents (Concur docs, invoice document).

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::Oddity;
use super::document::Header;
use super::draw::{DAY_MS, Draw, invoice_account, percentages, stamp, tax};
use super::options::InvoiceOptions;
use super::switches::{FinancialSwitches, InvoiceDates, InvoiceGross};
use super::tree::{Members, Tree};
use crate::calendar::{parse_day, plus_days, utc_day};
use crate::concur::payment_requests::{Line as RequestLine, PaymentRequest};
use crate::http::Millis;
use crate::money::{Currency, parse_decimal};

/// An approved invoice.
#[derive(Clone, Debug)]
pub(super) struct Invoice {
    pub(super) id: String,
    pub(super) key: u64,
    pub(super) title: String,
    pub(super) number: String,
    pub(super) day: Option<Date>,
    pub(super) due: Option<Date>,
    pub(super) submitted: Millis,
    pub(super) currency: Currency,
    pub(super) total: Decimal,
    pub(super) shipping: Decimal,
    pub(super) tax: Decimal,
    /// Custom fields of the header by number.
    pub(super) customs: Vec<(u8, String)>,
    pub(super) owner: String,
    pub(super) vendor: [String; 3],
    pub(super) lines: Vec<Line>,
}

/// A line of an invoice.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) description: String,
    pub(super) expense_type: String,
    pub(super) quantity: Decimal,
    pub(super) unit_price: Decimal,
    pub(super) net: Decimal,
    pub(super) tax: Decimal,
    pub(super) shipping: Decimal,
    /// Percentages with their cost codes.
    pub(super) shares: Vec<(Decimal, Option<String>)>,
}

impl Line {
    fn gross(&self) -> Decimal {
        self.net + self.tax + self.shipping
    }
}

/// Draws an invoice that was entered in Concur.
pub(super) fn draw_invoice(options: &InvoiceOptions, seed: u64, key: u64, now: Millis) -> Invoice {
    let long = options.filing.oddities.contains(&Oddity::LongDigits);
    let mut draw = Draw::new(seed, options.currency.as_deref(), long);
    let count = options
        .lines
        .unwrap_or(1 + draw.random.below(4) as u8)
        .max(1);
    let sign = if options.credit_memo {
        -Decimal::ONE
    } else {
        Decimal::ONE
    };
    let lines: Vec<Line> = (0..count).map(|_| draw_line(&mut draw, sign)).collect();
    let number = format!("N-{}", draw.random.below(100_000));
    let day = utc_day(now.saturating_sub(DAY_MS * (1 + draw.random.below(20))));
    Invoice {
        id: draw.hex(20),
        key,
        title: format!("{number} Northwind Paper"),
        number,
        day: Some(day),
        due: Some(plus_days(day, 30)),
        submitted: now.saturating_sub(DAY_MS),
        currency: draw.currency,
        total: lines.iter().map(Line::gross).sum(),
        shipping: lines.iter().map(|line| line.shipping).sum(),
        tax: lines.iter().map(|line| line.tax).sum(),
        customs: Vec::new(),
        owner: draw.employee().id.to_owned(),
        vendor: ["V-2001".into(), "Northwind Paper Ltd".into(), "MAIN".into()],
        lines,
    }
}

/// Adds a line to an invoice that was corrected.
pub(super) fn extend_invoice(invoice: &mut Invoice, seed: u64, now: Millis) {
    let mut draw = Draw::new(seed, Some(invoice.currency.code()), false);
    let line = draw_line(&mut draw, Decimal::ONE);
    invoice.total += line.gross();
    invoice.tax += line.tax;
    invoice.shipping += line.shipping;
    invoice.lines.push(line);
    invoice.submitted = now;
}

/// The invoice that an approved payment request is. Its total is what its header says, right or wrong.
pub(super) fn from_request(request: &PaymentRequest, key: u64, owner: String) -> Invoice {
    let text = |name: &str| request.header.get(name).to_owned();
    let amount = |name: &str| parse_decimal(request.header.get(name)).unwrap_or_default();
    let currency = Currency::parse(request.header.get("CurrencyCode")).unwrap_or(Currency::euro());
    let vendor = |name: &str| request.vendor.texts.get(name).to_owned();
    let mut lines: Vec<Line> = request.lines.iter().map(request_line).collect();
    let taxed: Decimal = lines.iter().map(|line| line.tax).sum();
    spread(&mut lines, amount("TaxAmount") - taxed, currency, |line| {
        &mut line.tax
    });
    spread(&mut lines, amount("ShippingAmount"), currency, |line| {
        &mut line.shipping
    });
    Invoice {
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
        vendor: [
            vendor("VendorCode"),
            vendor("VendorName"),
            vendor("AddressCode"),
        ],
        lines,
    }
}

fn draw_line(draw: &mut Draw, sign: Decimal) -> Line {
    let kinds = ["OFFSP", "PROFS", "TRVL"];
    let quantity = Decimal::from(1 + draw.random.below(9));
    let unit_price = draw.amount();
    let net = quantity * unit_price * sign;
    let rate = Decimal::from(tax(draw.currency, false, 100).rate) / Decimal::ONE_HUNDRED;
    let taxed = draw.chance(70);
    let shipped = draw.chance(20);
    let shares = percentages(1 + draw.random.below(3));
    let codes = shares
        .into_iter()
        .map(|share| (share, Some(draw.project().to_owned())));
    let shares = codes.collect();
    Line {
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

fn request_line(line: &RequestLine) -> Line {
    let text = |name: &str| line.texts.get(name).to_owned();
    let share = |allocation: &crate::concur::payment_request_body::Allocation| {
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
    Line {
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

/// Spreads an amount of the header over the lines with positive amounts; the last one takes what rounding leaves.
fn spread(
    lines: &mut [Line],
    amount: Decimal,
    currency: Currency,
    part: impl Fn(&mut Line) -> &mut Decimal,
) {
    let mut positive: Vec<&mut Line> = lines
        .iter_mut()
        .filter(|line| line.net > Decimal::ZERO)
        .collect();
    let total: Decimal = positive.iter().map(|line| line.net).sum();
    let (mut left, count) = (amount, positive.len());
    for (at, line) in positive.iter_mut().enumerate() {
        let share = if at + 1 == count {
            left
        } else {
            currency.round(amount * line.net / total)
        };
        left -= share;
        *part(line) += share;
    }
}

/// The whole document.
pub(super) fn invoice_view(
    invoice: &Invoice,
    header: &Header,
    switches: &FinancialSwitches,
) -> Tree {
    let lines = invoice.lines.iter().zip(1..);
    let lines = lines.map(|(line, number)| line_view(line, number, invoice, header, switches));
    let mut owner = Members::new(header.nulls);
    owner
        .put("employeeId", &invoice.owner)
        .put("employeeFirstName", "Ada")
        .put("employeeLastName", "Clerk")
        .put("employeeMI", Tree::Null)
        .numbered("employeeCustom", 21, &[(6, Some("9999"))])
        .numbered("employeeOrgUnit", 6, &[]);
    let [code, name, address] = &invoice.vendor;
    let mut vendor = Members::new(header.nulls);
    vendor
        .put("vendorCode", code)
        .put("vendorName", name)
        .put("vendorRemitToAddressCode", address)
        .nulls(&[
            "vendorShipFromAddressCode",
            "vendorContactFirstName",
            "vendorContactLastName",
        ]);
    let mut document = Members::new(header.nulls);
    document
        .put("requestHeader", header_view(invoice, header, switches))
        .put("ownerEmployee", owner.done())
        .put("vendor", vendor.done())
        .put("lineItem", lines.collect::<Vec<_>>());
    document.done()
}

fn header_view(invoice: &Invoice, header: &Header, switches: &FinancialSwitches) -> Tree {
    let day = |day: Option<Date>| day.map(|day| written(day, switches.invoice_dates));
    let net: Decimal = invoice.lines.iter().map(|line| line.net).sum();
    let customs: Vec<(u8, Option<&str>)> = invoice
        .customs
        .iter()
        .map(|(at, text)| (*at, Some(text.as_str())))
        .collect();
    let mut block = Members::new(header.nulls);
    block
        .put("requestId", &invoice.id)
        .put("reqKey", invoice.key)
        .put("requestTitle", &invoice.title)
        .nulls(&["requestDescription"])
        .put("vendorInvoiceNumber", &invoice.number)
        .put("invoiceDate", day(invoice.day))
        .put("paymentDueDate", day(invoice.due))
        .put("submitDate", stamp(invoice.submitted))
        .put("requestCreationDate", stamp(invoice.submitted))
        .nulls(&["invoiceReceivedDate", "postingDate", "processCompleteDate"])
        .put("currencyAlphaCode", invoice.currency.code().to_owned())
        .put("requestTotal", invoice.total)
        .put("amountNetInvoice", net)
        .put("amountShippingTotal", invoice.shipping)
        .put("amountTax", invoice.tax)
        .put("ledgerCode", "DEFAULT")
        .put("payMethodType", "CLIENT")
        .nulls(&[
            "poNumber",
            "multiplePurchaseOrder",
            "invoicePayIndicator",
            "vendorTaxId",
        ])
        .put("isTest", "N")
        .nulls(&[
            "clearingAccountCode",
            "discountPercentage",
            "discountTermsDays",
        ])
        .put("netPaymentTermDays", "30")
        .numbered("requestCustom", 24, &customs)
        .numbered("requestOrgUnit", 6, &[])
        .put("revisionNumber", header.revision.to_string())
        .put("versionId", "4");
    block.done()
}

fn written(day: Date, form: InvoiceDates) -> String {
    match form {
        InvoiceDates::Slashes => format!("{:02}/{:02}/{}", day.month(), day.day(), day.year()),
        InvoiceDates::Iso => day.to_string(),
        InvoiceDates::DateTime => format!("{day}T00:00:00.000Z"),
    }
}

fn line_view(
    line: &Line,
    number: u64,
    invoice: &Invoice,
    header: &Header,
    switches: &FinancialSwitches,
) -> Tree {
    let mut block = Members::new(header.nulls);
    block
        .put("lineItemSequenceOrder", number)
        .put("lineItemDescription", &line.description)
        .put("lineItemQuantity", line.quantity)
        .put("lineItemUnitPrice", line.unit_price)
        .put("expenseTypeCode", format!("{:<7}", line.expense_type))
        .put("expenseTypeName", "Office supplies")
        .nulls(&[
            "lineItemCode",
            "lineItemPurchaseOrderNumber",
            "poLineNumber",
            "externalLineItemId",
        ])
        .put("receiptNumbers", Vec::new())
        .numbered("lineItemCustom", 20, &[])
        .put(
            "allocation",
            allocations(line, number, invoice.currency, header, switches),
        );
    block.done()
}

/// The allocations, each part rounded and the last one taking what is left.
fn allocations(
    line: &Line,
    number: u64,
    currency: Currency,
    header: &Header,
    switches: &FinancialSwitches,
) -> Tree {
    let account = invoice_account(&line.expense_type);
    let (mut net, mut tax, mut shipping) = (line.net, line.tax, line.shipping);
    let mut rows = Vec::new();
    for (at, (percentage, code)) in line.shares.iter().enumerate() {
        let last = at + 1 == line.shares.len();
        let part = |whole: Decimal, left: &mut Decimal| {
            let share = currency.round(whole * percentage / Decimal::ONE_HUNDRED);
            let share = if last { *left } else { share };
            *left -= share;
            share
        };
        let parts = [
            part(line.net, &mut net),
            part(line.tax, &mut tax),
            part(line.shipping, &mut shipping),
        ];
        let whole = match switches.invoice_gross {
            InvoiceGross::PerAllocation => parts,
            InvoiceGross::PerLine => [line.net, line.tax, line.shipping],
        };
        let mut block = Members::new(header.nulls);
        block
            .put("allocationKey", number * 100 + at as u64)
            .put("allocationPercentage", *percentage)
            .put("allocationAccountCode", account)
            .numbered("allocationCustom", 20, &[(1, code.as_deref())])
            .put("journal", journal(account, parts, whole, switches));
        rows.push(block.done());
    }
    rows.into()
}

fn journal(
    account: &'static str,
    [net, tax, shipping]: [Decimal; 3],
    whole: [Decimal; 3],
    switches: &FinancialSwitches,
) -> Tree {
    let shown = !tax.is_zero() && !switches.invoice_tax_in_header;
    let mut row = Members::new(true);
    row.put("amountTax", tax)
        .put("taxCode", "H13")
        .put("taxField", "VAT1");
    let taxed = if switches.invoice_tax_in_header {
        Decimal::ZERO
    } else {
        whole[1]
    };
    let mut block = Members::new(true);
    block
        .put("accountCode", account)
        .put("amountNet", net)
        .put("amountShipping", shipping)
        .put("amountGross", whole[0] + taxed + whole[2])
        .put("tax", shown.then(|| vec![row.done()]));
    block.done()
}
