//! What must be true in the end.

use std::collections::{BTreeMap, BTreeSet};

use ml_connector_component::contract::runs::{Change, Ending};
use ml_connector_component::marker;
use ml_connector_sandbox::concur::{DocStatus, DocType, DocumentRecord};
use ml_connector_sandbox::freshbooks::RecordKind;
use ml_connector_tests::books::{self, Books};
use ml_connector_tests::sim::object;
use rust_decimal::Decimal;

use super::RoundTrip;
use crate::shared::story;

impl RoundTrip {
    fn marker(kind: &str, id: u64, target: &str) -> String {
        marker::marker_for("acme", &object(kind, &id.to_string()), target)
    }

    /// Each document has at most one payment request, and each payment request with a marker is of
    /// a document that a person made.
    pub(super) fn check_outgoing(&self) {
        let mut there: BTreeMap<String, usize> = BTreeMap::new();
        for request in self.sim.sandbox.concur.payment_requests() {
            let marker = request.customs.get("Custom24").cloned();
            *there.entry(marker.expect("is ours")).or_default() += 1;
        }
        let of = |(kind, id): &(&str, u64)| Self::marker(kind, *id, "payment-request");
        let known: BTreeSet<String> = self.documents.iter().map(of).collect();
        for (marker, count) in there {
            assert!(known.contains(&marker), "{marker} went in a circle");
            assert_eq!(count, 1, "{marker} is doubled");
        }
    }

    /// The entries of SAP Concur that carry a marker: the marker, the report, who paid, the amount.
    fn entries(&self) -> Vec<(String, String, Decimal)> {
        let reports = self.sim.sandbox.concur.expense_reports().into_iter();
        let open = reports.filter(|report| !report.deleted);
        let entries = open.flat_map(|report| {
            let id = report.id.clone();
            report
                .entries
                .into_iter()
                .map(move |entry| (id.clone(), entry))
        });
        let marked = entries.filter_map(|(report, entry)| {
            let marker = entry.customs.get("Custom3")?.clone();
            Some((marker, report, entry.posted.parse().expect("is money")))
        });
        marked.collect()
    }

    /// The marker of each expense, with its id.
    fn expense_markers(&self) -> BTreeMap<String, u64> {
        let markers = self.expenses.iter();
        markers
            .map(|id| (Self::marker("expense", *id, "expense-entry"), *id))
            .collect()
    }

    pub(super) fn check_expenses(&self) {
        let markers = self.expense_markers();
        let mut of_expense: BTreeMap<u64, Vec<Decimal>> = BTreeMap::new();
        for (marker, _, amount) in self.entries() {
            let id = markers.get(&marker);
            let id = id.unwrap_or_else(|| panic!("{marker} is of no expense that a person made"));
            of_expense.entry(*id).or_default().push(amount);
        }
        for id in &self.expenses {
            let there = of_expense.remove(id).unwrap_or_default();
            let story = || story(&self.sim, |run| run.task.object.id == id.to_string());
            assert!(
                there.len() <= 1,
                "expense {id} is doubled: {there:?}\n{}",
                story()
            );
            let ending = self.sim.store.ending("expense", &id.to_string());
            match ending.expect("was looked at") {
                Ending::Confirmed(confirmed) if confirmed.change == Change::Withdrawn => {
                    assert_eq!(there, [], "expense {id} is not withdrawn\n{}", story());
                }
                Ending::Confirmed(_) => {
                    let shown = self.sim.sandbox.freshbooks.expense(*id, self.sim.now);
                    let shown = shown.expect("is there");
                    let amount = shown["amount"]["amount"].as_str().expect("is text");
                    let amount: Decimal = amount.parse().expect("is money");
                    assert_eq!(there, [amount], "expense {id}\n{}", story());
                }
                Ending::Parked(stop) | Ending::Rejected(stop) => {
                    assert!(!stop.remedy.is_empty(), "{stop:?}");
                }
                Ending::Unchanged(_) => {}
                Ending::Conflict(conflict) => panic!("expense {id}: {conflict:?}"),
            }
        }
    }

    /// What was posted of a document and the expenses that its confirmation names come to its
    /// total; what is ours is named, and nothing else.
    pub(super) fn check_document(&self, books: &Books, document: &DocumentRecord) {
        let posted = books.marked(document);
        assert!(posted.len() <= 1, "{document:?} is doubled: {posted:?}");
        let is_own_request = self.is_own_request(&document.source_id);
        assert!(
            !is_own_request || posted.is_empty(),
            "{document:?} came back: {posted:?}"
        );
        if document.status != DocStatus::PostingConfirmedSuccess || is_own_request {
            return;
        }
        if document.doc_type != DocType::Expense {
            return;
        }
        let named = document.postings.iter();
        let named: BTreeSet<u64> = named
            .filter_map(|posting| posting.document_number.strip_prefix("expense-"))
            .map(|id| id.parse().expect("is an id"))
            .collect();
        let markers = self.expense_markers();
        let entries = self.entries().into_iter();
        let own: BTreeMap<u64, Decimal> = entries
            .filter(|(_, report, _)| *report == document.source_id)
            .map(|(marker, _, amount)| (markers[&marker], amount))
            .collect();
        assert_eq!(named, own.keys().copied().collect(), "{document:?}");
        let costs: Decimal = posted.iter().map(|entry| books::costs(entry)).sum();
        let total = costs + own.values().sum::<Decimal>();
        assert_eq!(total, document.approved, "{document:?} {posted:?} {own:?}");
        assert_eq!(
            document.postings.len(),
            named.len() + posted.len(),
            "{document:?}"
        );
    }

    fn is_own_request(&self, id: &str) -> bool {
        let requests = self.sim.sandbox.concur.payment_requests();
        requests.iter().any(|request| request.id == id)
    }

    /// Suppliers' invoices have one bill or entry each, and no other bill was made.
    pub(super) fn check_bills(&self, documents: &[DocumentRecord]) {
        let bills = self
            .sim
            .sandbox
            .freshbooks
            .ids(RecordKind::Bill)
            .into_iter();
        let by_people = |id: &u64| self.documents.contains(&("bill", *id));
        let made = bills.filter(|id| {
            let bill = self.sim.sandbox.freshbooks.bill(*id, self.sim.now);
            !by_people(id) && bill.is_some_and(|bill| bill["vis_state"] == 0)
        });
        let suppliers = documents.iter().filter(|document| {
            document.doc_type == DocType::Invoice && !self.is_own_request(&document.source_id)
        });
        let (made, suppliers) = (made.count(), suppliers.count());
        assert!(made <= suppliers, "{made} bills of {suppliers} invoices");
    }

    /// Paid and taken back by turns, and nothing that was paid in SAP Concur.
    pub(super) fn check_payments(&self) {
        let mut paid: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
        for payment in self.sim.sandbox.concur.invoice_payments() {
            let (ours, theirs) = paid.entry(&payment.request_id).or_default();
            let is_paid = payment.status == "PAID";
            if payment.made_in_concur {
                *theirs = is_paid;
                continue;
            }
            assert!(!is_paid || !(*ours || *theirs), "paid twice: {payment:?}");
            *ours = is_paid;
        }
    }
}
