//! The third part of the demo: expenses and payments go to SAP Concur, and approved reports come
//! back without being booked twice.

use std::collections::BTreeSet;

use ml_connector_sandbox::concur::{DocStatus, EntryByHand, Filing};
use ml_connector_sandbox::{Sandbox, server};
use serde_json::json;

use super::announce;
use super::summary::table;
use crate::fixtures::Deployment;

const EXPENSES: usize = 24;
/// What employees type into the same reports, at the same prices.
const TYPED: usize = 4;
/// Invoices that are paid in FreshBooks.
const PAID: usize = 10;
const DAYS: [&str; 3] = ["2026-09-14", "2026-10-05", "2026-10-27"];

/// How expenses and payments ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spending {
    /// Expenses in FreshBooks.
    pub expenses: usize,
    /// Entries of SAP Concur that carry our marker.
    pub entries: usize,
    /// Reports that came back approved and are confirmed.
    pub reports: usize,
    /// Expenses that those confirmations name.
    pub named: usize,
    /// Lines that employees typed: posted in journal entries.
    pub typed: usize,
    /// Payments that SAP Concur was told of.
    pub payments: usize,
    /// More than one entry or payment of one thing.
    pub duplicates: usize,
}

impl Spending {
    /// Whether everything arrived once, and nothing is booked twice.
    #[must_use]
    pub fn is_in_order(&self) -> bool {
        let counted = [self.expenses, self.entries, self.named];
        counted == [EXPENSES; 3] && self.payments == PAID && self.duplicates == 0
    }

    pub(super) fn print(&self) {
        let title = "Expenses and payments";
        let mut counts = table(title, "records");
        for (name, count) in [
            ("expenses in FreshBooks", self.expenses),
            (
                "entries on reports in SAP Concur, with a marker",
                self.entries,
            ),
            ("typed into the same reports by employees", self.typed),
            ("reports came back approved, confirmed", self.reports),
            ("expenses named by them, not booked again", self.named),
            ("payments confirmed to SAP Concur", self.payments),
            ("duplicates", self.duplicates),
        ] {
            counts.add_row(vec![name.to_string(), count.to_string()]);
        }
        println!("\n{counts}");
    }
}

/// Creates expenses and pays invoices, approves the reports, and waits until all have ended.
///
/// # Errors
///
/// One sentence for a person.
pub async fn synchronize(deployment: &Deployment) -> Result<Spending, String> {
    announce(&format!(
        "{EXPENSES} expenses are entered in FreshBooks, and {PAID} invoices are paid.\n\
         {TYPED} expenses of the same price are typed into the reports in SAP Concur, and the\n\
         reports are approved."
    ));
    act(deployment, spend)?;
    let entries = || of_sandbox(deployment).entries == EXPENSES;
    deployment
        .until("the expenses are on reports", entries)
        .await?;
    act(deployment, approve)?;
    let all = || {
        let now = of_sandbox(deployment);
        now.named == EXPENSES && now.payments == PAID
    };
    deployment
        .until("reports and payments are confirmed", all)
        .await?;
    Ok(of_sandbox(deployment))
}

fn act(
    deployment: &Deployment,
    does: impl FnOnce(&mut Sandbox) -> Result<(), String>,
) -> Result<(), String> {
    does(&mut deployment.sandbox.shared.lock())?;
    deployment.sandbox.shared.wake();
    Ok(())
}

fn spend(sandbox: &mut Sandbox) -> Result<(), String> {
    let now = server::now();
    for number in 0..EXPENSES {
        let amount = format!("{}.40", 10 + number % 5);
        let expense = json!({
            "staffid": 2, "categoryid": if number % 3 == 0 { 3342 } else { 3344 },
            "date": DAYS[number % DAYS.len()], "vendor": format!("City Cabs {number}"),
            "amount": {"amount": amount, "code": "CAD"},
        });
        let created = sandbox.freshbooks.create_expense(&expense, now);
        created.map_err(|declined| format!("FreshBooks declined an expense: {declined:?}"))?;
    }
    let mut paid = 0;
    for id in extracted_invoices(sandbox) {
        if paid < PAID && sandbox.freshbooks.pay_invoice(id, None, now).is_ok() {
            paid += 1;
        }
    }
    match paid {
        PAID => Ok(()),
        _ => Err(format!("only {paid} invoices could be paid")),
    }
}

/// The invoices whose payment requests came back as documents and were confirmed.
fn extracted_invoices(sandbox: &Sandbox) -> Vec<u64> {
    let documents = sandbox.concur.documents().into_iter();
    let confirmed = documents.filter(|one| one.status == DocStatus::PostingConfirmedSuccess);
    let numbers = confirmed.flat_map(|document| document.postings);
    let ids = numbers.filter_map(|one| one.document_number.strip_prefix("invoice-")?.parse().ok());
    ids.collect()
}

fn approve(sandbox: &mut Sandbox) -> Result<(), String> {
    let now = server::now();
    let concur = &mut sandbox.concur;
    let reports = concur.expense_reports();
    for number in 0..TYPED {
        let typed = EntryByHand {
            payment_type: Some("COPD".to_string()),
            amount: Some("10.40".to_string()),
            ..EntryByHand::default()
        };
        let report = &reports[number % reports.len()].id;
        let added = concur.add_entry_by_hand(report, &typed, now);
        added.ok_or("an entry could not be typed")?;
    }
    for report in &reports {
        let is_approved = concur.submit_expense_report(&report.id, now)
            && concur.approve_expense_report(&report.id, &Filing::default(), now);
        if !is_approved {
            return Err(format!("report {} could not be approved", report.name));
        }
    }
    Ok(())
}

/// Counts what the sandbox holds.
fn of_sandbox(deployment: &Deployment) -> Spending {
    let sandbox = deployment.sandbox.shared.lock();
    let concur = &sandbox.concur;
    let reports = concur.expense_reports();
    let entries = reports.iter().flat_map(|report| &report.entries);
    let (ours, typed): (Vec<_>, Vec<_>) =
        entries.partition(|entry| entry.customs.contains_key("Custom3"));
    let markers: BTreeSet<_> = ours.iter().map(|entry| &entry.customs["Custom3"]).collect();
    let documents = concur.documents();
    let of_reports = documents.iter().filter(|document| {
        reports.iter().any(|report| report.id == document.source_id)
            && document.status == DocStatus::PostingConfirmedSuccess
    });
    let (confirmed, postings): (Vec<_>, Vec<_>) = of_reports
        .map(|document| (document, &document.postings))
        .unzip();
    let named = postings.into_iter().flatten();
    let named = named.filter(|posting| posting.document_number.starts_with("expense-"));
    let payments: Vec<_> = concur.invoice_payments().iter().collect();
    let paid: BTreeSet<_> = payments.iter().map(|payment| &payment.request_id).collect();
    Spending {
        expenses: EXPENSES,
        entries: ours.len(),
        reports: confirmed.len(),
        named: named.count(),
        typed: typed.len(),
        payments: payments.len(),
        duplicates: ours.len() - markers.len() + payments.len() - paid.len(),
    }
}
