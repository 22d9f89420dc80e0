//! How an invoice is written as a document (source: concur-financial-invoice-document).

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::generate::stamp;
use super::invoice::{ApprovedInvoice, InvoiceLine};
use super::json_tree::{JsonTree, ObjectBuilder, WriteOptions};
use crate::concur::config::account_of_expense_type;
use crate::concur::financial::config::{FinancialConfig, InvoiceDates, InvoiceGross};
use crate::money::Currency;

/// The invoice as the whole of a document.
pub(crate) fn invoice_view(
    invoice: &ApprovedInvoice,
    header: &WriteOptions,
    switches: &FinancialConfig,
) -> JsonTree {
    let lines = invoice.lines.iter().zip(1..);
    let lines = lines.map(|(line, number)| line_view(line, number, invoice, header, switches));
    let mut owner = ObjectBuilder::new(header.nulls);
    owner
        .put("employeeId", &invoice.owner)
        .put("employeeFirstName", "Ada")
        .put("employeeLastName", "Clerk")
        .put("employeeMI", JsonTree::Null)
        .numbered_fields("employeeCustom", 21, &[(6, Some("9999"))])
        .numbered_fields("employeeOrgUnit", 6, &[]);
    let [code, name, address] = &invoice.vendor;
    let mut vendor = ObjectBuilder::new(header.nulls);
    vendor
        .put("vendorCode", code)
        .put("vendorName", name)
        .put("vendorRemitToAddressCode", address)
        .nulls(&[
            "vendorShipFromAddressCode",
            "vendorContactFirstName",
            "vendorContactLastName",
        ]);
    let mut document = ObjectBuilder::new(header.nulls);
    document
        .put("requestHeader", header_view(invoice, header, switches))
        .put("ownerEmployee", owner.build())
        .put("vendor", vendor.build())
        .put("lineItem", lines.collect::<Vec<_>>());
    document.build()
}

fn header_view(
    invoice: &ApprovedInvoice,
    header: &WriteOptions,
    switches: &FinancialConfig,
) -> JsonTree {
    let ledger = invoice.entity.ledger.as_deref().unwrap_or("DEFAULT");
    let day = |day: Option<Date>| day.map(|day| write_day(day, switches.invoice_dates));
    let net: Decimal = invoice.lines.iter().map(|line| line.net).sum();
    let customs: Vec<(u8, Option<&str>)> = invoice
        .customs
        .iter()
        .map(|(at, text)| (*at, Some(text.as_str())))
        .collect();
    let mut block = ObjectBuilder::new(header.nulls);
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
        .put("ledgerCode", ledger.to_owned())
        .put("externalPolicyId", invoice.entity.policy.as_ref())
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
        .numbered_fields("requestCustom", 24, &customs)
        .numbered_fields("requestOrgUnit", 6, &[])
        .put("revisionNumber", header.revision.to_string())
        .put("versionId", "4");
    block.build()
}

fn write_day(day: Date, form: InvoiceDates) -> String {
    match form {
        InvoiceDates::Slashes => format!("{:02}/{:02}/{}", day.month(), day.day(), day.year()),
        InvoiceDates::Iso => day.to_string(),
        InvoiceDates::YearFirst => day.strftime("%Y/%m/%d").to_string(),
        InvoiceDates::DateTime => format!("{day}T00:00:00.000Z"),
    }
}

fn line_view(
    line: &InvoiceLine,
    number: u64,
    invoice: &ApprovedInvoice,
    header: &WriteOptions,
    switches: &FinancialConfig,
) -> JsonTree {
    let mut block = ObjectBuilder::new(header.nulls);
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
        .numbered_fields("lineItemCustom", 20, &[])
        .put(
            "allocation",
            allocation_views(line, number, invoice.currency, header, switches),
        );
    block.build()
}

/// The allocations, each part rounded and the last one taking what is left.
fn allocation_views(
    line: &InvoiceLine,
    number: u64,
    currency: Currency,
    header: &WriteOptions,
    switches: &FinancialConfig,
) -> JsonTree {
    let account = account_of_expense_type(&line.expense_type);
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
        let mut block = ObjectBuilder::new(header.nulls);
        block
            .put("allocationKey", number * 100 + at as u64)
            .put("allocationPercentage", *percentage)
            .put("allocationAccountCode", account)
            .numbered_fields("allocationCustom", 20, &[(1, code.as_deref())])
            .put("journal", journal_view(account, parts, whole, switches));
        rows.push(block.build());
    }
    rows.into()
}

fn journal_view(
    account: &'static str,
    [net, tax, shipping]: [Decimal; 3],
    whole: [Decimal; 3],
    switches: &FinancialConfig,
) -> JsonTree {
    let shown = !tax.is_zero() && !switches.invoice_tax_in_header;
    let mut row = ObjectBuilder::new(true);
    row.put("amountTax", tax)
        .put("taxCode", "H13")
        .put("taxField", "VAT1");
    let taxed = if switches.invoice_tax_in_header {
        Decimal::ZERO
    } else {
        whole[1]
    };
    let mut block = ObjectBuilder::new(true);
    block
        .put("accountCode", account)
        .put("amountNet", net)
        .put("amountShipping", shipping)
        .put("amountGross", whole[0] + taxed + whole[2])
        .put("tax", shown.then(|| vec![row.build()]));
    block.build()
}
