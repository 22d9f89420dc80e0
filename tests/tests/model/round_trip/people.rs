//! What people do in both systems.

use ml_connector_sandbox::concur::{EntryByHand, Filing, InvoiceOptions, ReportOptions, Shape};
use ml_connector_sandbox::freshbooks::RecordKind;
use ml_connector_tests::fixtures::documents;
use serde_json::json;

use super::{AMOUNTS, DAYS, RoundTrip, Step, expense};

impl RoundTrip {
    pub(super) fn bill(&mut self, step: &Step) {
        let now = self.sim.now;
        let freshbooks = &mut self.sim.sandbox.freshbooks;
        let number = format!("N-{}", self.documents.len());
        match step {
            Step::Invoice => {
                let invoice = documents::invoice(self.client, &number);
                let created = freshbooks.create_invoice(&invoice, now);
                self.documents
                    .push(("invoice", created.expect("is created")));
            }
            Step::Bill => {
                let created = freshbooks.create_bill(&documents::bill(self.vendor, &number), now);
                self.documents.push(("bill", created.expect("is created")));
            }
            Step::Pay(which) => {
                let paid = match self.documents.get(*which) {
                    Some(("invoice", id)) => freshbooks
                        .pay_invoice(*id, None, now)
                        .map(|id| (RecordKind::Payment, id)),
                    Some((_, id)) => freshbooks
                        .pay_bill(*id, None, now)
                        .map(|id| (RecordKind::BillPayment, id)),
                    None => return,
                };
                // What is paid already is declined.
                self.payments.extend(paid);
            }
            Step::TakeBack(which) => {
                if let Some((kind, id)) = self.payments.get(*which) {
                    freshbooks.delete(*kind, *id, now);
                }
            }
            _ => {}
        }
    }

    pub(super) fn spend(&mut self, step: &Step) {
        let now = self.sim.now;
        let freshbooks = &mut self.sim.sandbox.freshbooks;
        let kind = RecordKind::Expense;
        match step {
            Step::Expense(day, amount) => {
                let created = freshbooks.create_expense(&expense(*day, *amount), now);
                self.expenses.push(created.expect("is created"));
            }
            Step::ChangeExpense(which, amount) => {
                if let Some(id) = self.expenses.get(*which) {
                    let amount = expense(0, *amount)["amount"].clone();
                    let _ = freshbooks.update(kind, *id, &json!({"amount": amount}), now);
                }
            }
            Step::DeleteExpense(which) => {
                if let Some(id) = self.expenses.get(*which) {
                    freshbooks.delete(kind, *id, now);
                }
            }
            _ => {}
        }
    }

    pub(super) fn work_in_concur(&mut self, step: &Step) {
        let now = self.sim.now;
        let concur = &mut self.sim.sandbox.concur;
        let report = |which: usize| {
            let reports = concur.expense_reports().into_iter();
            let mut open = reports.filter(|report| !report.deleted);
            open.nth(which).map(|report| report.id)
        };
        let request = |which: usize| {
            let requests = concur.payment_requests();
            requests.get(which).map(|request| request.id.clone())
        };
        match step {
            Step::TypeEntry(which, amount, is_company_paid) => {
                let typed = EntryByHand {
                    payment_type: is_company_paid.then(|| "COPD".to_string()),
                    amount: Some(AMOUNTS[*amount].to_string()),
                    day: Some(DAYS[0].to_string()),
                    ..EntryByHand::default()
                };
                if let Some(id) = report(*which) {
                    concur.add_entry_by_hand(&id, &typed, now);
                }
            }
            Step::Report(which, approves) => {
                if let Some(id) = report(*which) {
                    concur.submit_expense_report(&id, now);
                    let _ = match approves {
                        true => concur.approve_expense_report(&id, &Filing::default(), now),
                        false => concur.send_back_expense_report(&id, now),
                    };
                }
            }
            Step::OtherReport => {
                let options = ReportOptions {
                    currency: Some("CAD".to_string()),
                    entries: vec![Shape::CompanyPaid, Shape::Cash],
                    ..ReportOptions::default()
                };
                concur.approve_report(&options, now);
            }
            Step::Supplier => {
                let options = InvoiceOptions {
                    currency: Some("CAD".to_string()),
                    ..InvoiceOptions::default()
                };
                concur.approve_invoice(&options, now);
            }
            Step::ApproveRequest(which) => {
                if let Some(id) = request(*which) {
                    concur.approve_payment_request(&id, now);
                }
            }
            Step::Extract(which) => {
                if let Some(id) = request(*which) {
                    concur.extract_payment_request(&id, now);
                }
            }
            Step::PayInConcur(which) => {
                if let Some(id) = request(*which) {
                    concur.pay_in_concur(&id, "CHECK", now);
                }
            }
            _ => {}
        }
    }
}
