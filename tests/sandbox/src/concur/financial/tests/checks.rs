//! Whether a document adds up and has the types of the published schema. Amounts are read as they
//! are written, digit by digit.

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::money::Currency;

/// The values that the published schema allows.
const DOC_TYPES: [&str; 7] = [
    "expense",
    "invoice",
    "cashadvance",
    "payroll",
    "obligation",
    "requestobligation",
    "reportobligation",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Expense {
    report: ReportBlock,
    expense_entry: Vec<EntryBlock>,
    cash_advance_application: Vec<ApplicationBlock>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReportBlock {
    employee_currency_alpha_code: String,
    total_approved_amount: Box<RawValue>,
    cash_advance_returns_amount: Box<RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EntryBlock {
    entry_approved_amount: Box<RawValue>,
    report_entry_transaction_amount: Box<RawValue>,
    entry_exchange_rate: Box<RawValue>,
    entry_exchange_rate_direction: String,
    entry_is_personal: String,
    allocation: Vec<AllocationBlock>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AllocationBlock {
    allocation_percentage: Option<Box<RawValue>>,
    journal: Vec<RowBlock>,
    tax: Vec<TaxBlock>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RowBlock {
    journal_payer: String,
    journal_payee: String,
    amount_gross: Box<RawValue>,
    amount_net_of_tax: Box<RawValue>,
    amount_net_of_reclaim: Box<RawValue>,
    tax_guid: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TaxBlock {
    tax_guid: String,
    amount_tax: Box<RawValue>,
    amount_reclaim: Box<RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApplicationBlock {
    cash_advance_application_amount: Box<RawValue>,
}

fn exact(raw: &RawValue) -> Decimal {
    let text = raw.get();
    let read = text.parse().or_else(|_| Decimal::from_scientific(text));
    read.unwrap_or_else(|_| panic!("{text}"))
}

/// A text that is an expense document in every detail.
pub(super) fn check_expense(text: &str, approved: Decimal) {
    let document: Expense = serde_json::from_str(text).expect("an expense document");
    let code = &document.report.employee_currency_alpha_code;
    let currency = Currency::parse(code).expect("a currency");
    let mut total = Decimal::ZERO;
    let mut payable = Decimal::ZERO;
    for entry in &document.expense_entry {
        let mut gross = Decimal::ZERO;
        for allocation in &entry.allocation {
            gross += check_allocation(allocation, currency);
            let to_employee = allocation
                .journal
                .iter()
                .filter(|row| row.journal_payee == "EMPL");
            payable += to_employee
                .map(|row| exact(&row.amount_gross))
                .sum::<Decimal>();
        }
        assert_eq!(gross, exact(&entry.entry_approved_amount));
        check_entry(entry, currency);
        total += gross;
    }
    assert_eq!(total, exact(&document.report.total_approved_amount));
    assert_eq!(total, approved);
    let amounts = document.cash_advance_application.iter();
    let applied: Vec<Decimal> = amounts
        .map(|one| exact(&one.cash_advance_application_amount))
        .collect();
    assert!(applied.iter().all(|amount| amount.is_sign_negative()));
    let used: Decimal = applied.iter().sum::<Decimal>().abs();
    let returned = exact(&document.report.cash_advance_returns_amount);
    assert!(used - returned <= payable.max(Decimal::ZERO));
}

fn check_entry(entry: &EntryBlock, currency: Currency) {
    let shares = entry
        .allocation
        .iter()
        .map(|one| one.allocation_percentage.as_deref());
    if entry.entry_is_personal == "Y" {
        assert_eq!(exact(&entry.entry_approved_amount), Decimal::ZERO);
        assert_eq!(entry.allocation[0].journal[1].journal_payer, "EMPL");
        assert!(shares.into_iter().all(|share| share.is_none()));
        return;
    }
    let shares: Decimal = shares
        .map(|share| exact(share.expect("a percentage")))
        .sum();
    assert_eq!(shares, Decimal::ONE_HUNDRED);
    let (spent, rate) = (
        exact(&entry.report_entry_transaction_amount),
        exact(&entry.entry_exchange_rate),
    );
    let worth = match entry.entry_exchange_rate_direction.as_str() {
        "M" => spent * rate,
        _ => spent / rate,
    };
    assert_eq!(currency.round(worth), exact(&entry.entry_approved_amount));
}

/// Returns the gross amount of an allocation whose taxes are those of its rows.
fn check_allocation(allocation: &AllocationBlock, currency: Currency) -> Decimal {
    let mut sums = [Decimal::ZERO; 3];
    for row in &allocation.journal {
        let gross = exact(&row.amount_gross);
        assert_eq!(currency.round(gross), gross);
        sums[0] += gross;
        sums[1] += gross - exact(&row.amount_net_of_tax);
        sums[2] += gross - exact(&row.amount_net_of_reclaim);
        let known = |guid: &String| allocation.tax.iter().any(|tax| tax.tax_guid == *guid);
        assert!(row.tax_guid.iter().all(known));
        assert!(row.journal_payer == "COMP" || row.journal_payee == "COMP");
    }
    let tax: Decimal = allocation
        .tax
        .iter()
        .map(|tax| exact(&tax.amount_tax))
        .sum();
    let back: Decimal = allocation
        .tax
        .iter()
        .map(|tax| exact(&tax.amount_reclaim))
        .sum();
    assert_eq!((sums[1], sums[2]), (tax, back));
    sums[0]
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InvoiceBlock {
    request_header: HeaderBlock,
    line_item: Vec<LineBlock>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HeaderBlock {
    request_total: Box<RawValue>,
}

#[derive(Deserialize)]
struct LineBlock {
    allocation: Vec<ShareBlock>,
}

#[derive(Deserialize)]
struct ShareBlock {
    journal: JournalBlock,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JournalBlock {
    amount_net: Box<RawValue>,
    amount_shipping: Box<RawValue>,
    amount_gross: Box<RawValue>,
    tax: Option<Vec<ShareTaxBlock>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShareTaxBlock {
    amount_tax: Box<RawValue>,
}

pub(super) fn check_invoice(text: &str, approved: Decimal) {
    let document: InvoiceBlock = serde_json::from_str(text).expect("an invoice document");
    let (mut gross, mut parts) = (Decimal::ZERO, Decimal::ZERO);
    for journal in document.line_item.iter().flat_map(|line| &line.allocation) {
        let journal = &journal.journal;
        let taxes = journal.tax.iter().flatten();
        gross += exact(&journal.amount_gross);
        parts += exact(&journal.amount_net) + exact(&journal.amount_shipping);
        parts += taxes.map(|tax| exact(&tax.amount_tax)).sum::<Decimal>();
    }
    let total = exact(&document.request_header.request_total);
    assert_eq!((gross, parts, total), (approved, approved, approved));
}

/// The envelope and the types of the published schema.
pub(super) fn check_schema(reply: &Value) {
    for item in reply["content"].as_array().expect("content") {
        for name in [
            "id",
            "docType",
            "companyId",
            "entityId",
            "companyUuid",
            "docStatus",
        ] {
            assert!(item[name].is_string(), "{name}");
        }
        assert!(DOC_TYPES.contains(&item["docType"].as_str().unwrap_or_default()));
        assert!(item["document"].is_object() && item["links"].is_array());
    }
    for link in reply["links"].as_array().expect("links") {
        assert!(link["rel"].is_string() && link["href"].is_string());
    }
    for name in ["size", "totalElements", "totalPages", "number"] {
        assert!(reply["page"][name].is_u64(), "{name}");
    }
}
