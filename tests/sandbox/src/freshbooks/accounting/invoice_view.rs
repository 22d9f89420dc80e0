//! How an invoice is written.

use rust_decimal::Decimal;
use serde::Serialize;

use super::invoices::Invoice;
use super::lines::PricedLine;
use crate::calendar::{eastern_day, eastern_stamp};
use crate::freshbooks::api::resource::ViewContext;
use crate::freshbooks::config::FreshBooksConfig;
use crate::money::Money;
use crate::sparse_fields::WrittenFields;

/// An invoice as it is written.
#[derive(Serialize)]
pub(crate) struct InvoiceView<'a> {
    id: u64,
    invoiceid: u64,
    accountid: &'a str,
    accounting_systemid: &'a str,
    ownerid: u64,
    sentid: u64,
    estimateid: u64,
    parent: u64,
    customerid: u64,
    invoice_number: &'a str,
    create_date: jiff::civil::Date,
    due_date: jiff::civil::Date,
    due_offset_days: u16,
    date_paid: Option<jiff::civil::Date>,
    generation_date: Option<&'a str>,
    fulfillment_date: Option<&'a str>,
    currency_code: &'a str,
    #[serde(flatten)]
    texts: WrittenFields<'a>,
    current_organization: &'a str,
    amount: Money,
    outstanding: Money,
    paid: Money,
    discount_value: String,
    discount_total: Money,
    deposit_amount: Option<Money>,
    deposit_percentage: Option<&'a str>,
    deposit_status: &'static str,
    status: u8,
    v3_status: &'static str,
    display_status: &'static str,
    payment_status: &'static str,
    autobill_status: Option<&'a str>,
    dispute_status: Option<&'static str>,
    show_attachments: bool,
    auto_bill: bool,
    ext_archive: u8,
    gmail: bool,
    created_at: String,
    updated: String,
    version: String,
    vis_state: u8,
    uuid: String,
    address: &'static str,
    description: Option<&'a str>,
    discount_description: Option<&'a str>,
    net_paid_amount: Money,
    basecampid: u64,
    last_order_status: Option<&'a str>,
    return_uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_gateways: Option<[u64; 0]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<Vec<InvoiceLineView<'a>>>,
}

/// A line of an invoice as it is written.
#[derive(Serialize)]
#[expect(
    non_snake_case,
    reason = "the wire names of line taxes are in camel case"
)]
pub(crate) struct InvoiceLineView<'a> {
    lineid: u64,
    invoiceid: u64,
    r#type: u8,
    name: &'a str,
    description: &'a str,
    qty: String,
    unit_cost: Money,
    amount: Money,
    taxName1: Option<&'a str>,
    taxAmount1: String,
    taxNumber1: Option<&'a str>,
    taxName2: Option<&'a str>,
    taxAmount2: String,
    taxNumber2: Option<&'a str>,
    compounded_tax: bool,
    expenseid: u64,
    taskno: u64,
    modern_project_id: Option<u64>,
    modern_time_entries: [u64; 0],
    retainer_id: Option<u64>,
    date: Option<&'a str>,
    updated: String,
}

impl<'a> InvoiceView<'a> {
    /// The invoice, with lines if they are to be shown.
    pub(crate) fn new(invoice: &'a Invoice, showing: &ViewContext<'a>) -> Self {
        let config = &showing.machine.config;
        let head = &invoice.head;
        let money = |amount: Decimal| Money(amount, invoice.currency);
        let v3_status = invoice.v3_status(eastern_day(showing.now));
        let discount = invoice.totals.discount;
        let discount = if config.negative_discount_total && !discount.is_zero() {
            -discount
        } else {
            discount
        };
        let updated = eastern_stamp(head.updated);
        Self {
            id: head.id,
            invoiceid: head.id,
            accountid: &config.account_id,
            accounting_systemid: &config.account_id,
            ownerid: 1,
            sentid: 1,
            estimateid: 0,
            parent: 0,
            customerid: invoice.customer,
            invoice_number: &invoice.number,
            create_date: invoice.create_date,
            due_date: invoice.due_date(),
            due_offset_days: invoice.due_offset_days,
            date_paid: invoice.date_paid,
            generation_date: None,
            fulfillment_date: None,
            currency_code: invoice.currency.code(),
            texts: invoice.texts.members(config.unwritten_texts_null),
            current_organization: invoice.texts.get("organization"),
            amount: money(invoice.totals.total()),
            outstanding: money(invoice.outstanding()),
            paid: money(invoice.paid),
            discount_value: invoice.discount_percent.normalize().to_string(),
            discount_total: money(discount),
            deposit_amount: None,
            deposit_percentage: None,
            deposit_status: "none",
            status: invoice.status,
            v3_status,
            display_status: v3_status,
            payment_status: invoice.payment_status(),
            autobill_status: None,
            dispute_status: (invoice.status == 0).then_some("disputed"),
            show_attachments: false,
            auto_bill: false,
            ext_archive: 0,
            gmail: false,
            created_at: eastern_stamp(head.created),
            version: format!("{updated}.{:06}", head.updated % 1000 * 1000),
            updated,
            vis_state: head.vis_state,
            uuid: format!("00000000-0000-4000-9000-{:012x}", head.id),
            address: "",
            description: invoice.lines.first().map(|line| &*line.description),
            discount_description: None,
            net_paid_amount: money(invoice.paid),
            basecampid: 0,
            last_order_status: None,
            return_uri: None,
            allowed_gateways: showing.includes("allowed_gateways").then_some([]),
            lines: line_views(invoice, showing),
        }
    }
}

/// The lines, if they are to be shown.
fn line_views<'a>(
    invoice: &'a Invoice,
    showing: &ViewContext<'a>,
) -> Option<Vec<InvoiceLineView<'a>>> {
    let config = &showing.machine.config;
    let is_shown =
        showing.includes("lines") || showing.single && !config.single_invoice_needs_include;
    let view = |line| InvoiceLineView::new(line, invoice, config);
    is_shown.then(|| invoice.lines.iter().map(view).collect())
}

impl<'a> InvoiceLineView<'a> {
    fn new(line: &'a PricedLine, invoice: &Invoice, config: &FreshBooksConfig) -> Self {
        let currency = invoice.currency;
        let absent_tax = config.absent_tax_names_empty.then_some("");
        let name = |at: usize| {
            let tax = line.taxes[at].as_ref();
            tax.map_or(absent_tax, |tax| Some(&*tax.name))
        };
        let percent = |at: usize| match &line.taxes[at] {
            Some(tax) => tax.percent.normalize().to_string(),
            None => "0".into(),
        };
        Self {
            lineid: line.id,
            invoiceid: invoice.head.id,
            r#type: line.kind,
            name: &line.name,
            description: &line.description,
            qty: line.quantity.normalize().to_string(),
            unit_cost: Money(line.unit_cost, currency),
            amount: Money(line.net(config.digits(currency)), currency),
            taxName1: name(0),
            taxAmount1: percent(0),
            taxNumber1: None,
            taxName2: name(1),
            taxAmount2: percent(1),
            taxNumber2: None,
            compounded_tax: line.compounded,
            expenseid: line.expense,
            taskno: 1,
            modern_project_id: line.project,
            modern_time_entries: [],
            retainer_id: None,
            date: None,
            updated: eastern_stamp(invoice.head.updated),
        }
    }
}
