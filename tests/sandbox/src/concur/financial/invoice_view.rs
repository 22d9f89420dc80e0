//! How an invoice is written as a document (Concur docs, invoice document).

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::document::Header;
use super::draw::{invoice_account, stamp};
use super::invoices::{Invoice, Line};
use super::switches::{FinancialSwitches, InvoiceDates, InvoiceGross};
use super::tree::{Members, Tree};
use crate::money::Currency;

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
            let share = currency.round(whole / Decimal::ONE_HUNDRED * percentage);
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
