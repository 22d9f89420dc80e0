//! What people do that leads to documents: they approve, issue, run, recall and resubmit.

use super::content::Content;
use super::content::cash_advance::generate_cash_advance;
use super::content::generate_report::generate_report;
use super::content::invoice::{generate_invoice, invoice_of_request};
use super::content::payroll::Payroll;
use super::content::report::ExpenseReport;
use super::options::{
    AdvanceOptions, Change, DocumentBulk, Filing, InvoiceOptions, PayrollOptions, ReportOptions,
    Resubmission,
};
use super::records::{CannotDo, Filed};
use super::{DocStatus, DocType, Queue};
use crate::concur::Concur;
use crate::http::Millis;
use crate::random::Random;

impl Concur {
    /// An expense report is approved.
    pub fn approve_report(&mut self, options: &ReportOptions, now: Millis) -> Filed {
        let (seed, key) = self.queue.next_draw(options.seed);
        let report = generate_report(options, seed, key, now);
        self.file_content(Content::Expense(report), options.filing.clone(), now)
    }

    /// A supplier invoice that was entered in Concur is approved.
    pub fn approve_invoice(&mut self, options: &InvoiceOptions, now: Millis) -> Filed {
        let (seed, key) = self.queue.next_draw(options.seed);
        let invoice = generate_invoice(options, seed, key, now);
        self.file_content(Content::Invoice(invoice), options.filing.clone(), now)
    }

    /// A payment request is approved and becomes an invoice document: none if there is no such
    /// request, it is deleted or the integration is off. Approving again without a recall files
    /// nothing new.
    pub fn approve_payment_request_with(
        &mut self,
        id: &str,
        filing: &Filing,
        now: Millis,
    ) -> Option<Filed> {
        if !self.approve_payment_request_alone(id, now) {
            return None;
        }
        self.file_payment_request(id, filing, now)
    }

    /// Files the document of an approved request.
    pub(crate) fn file_payment_request(
        &mut self,
        id: &str,
        filing: &Filing,
        now: Millis,
    ) -> Option<Filed> {
        if !self.config.financial.enabled {
            return None;
        }
        let source = self.queue.source_position_of_type(id, DocType::Invoice);
        if let Some(source) = source.filter(|source| !self.queue.sources[*source].recalled) {
            return Some(self.filed_at(self.queue.newest_document(source)));
        }
        let request = self.requests.get(id)?;
        let owner = request.owner.and_then(|at| self.config.employees.get(at));
        let owner = owner.map(|employee| employee.employee_id.clone());
        let (_, key) = self.queue.next_draw(None);
        let invoice = invoice_of_request(request, key, owner.unwrap_or_default());
        Some(self.file_content(Content::Invoice(invoice), filing.clone(), now))
    }

    /// A cash advance is issued.
    pub fn issue_cash_advance(&mut self, options: &AdvanceOptions, now: Millis) -> Filed {
        let (seed, _) = self.queue.next_draw(options.seed);
        let advance = generate_cash_advance(options, seed, now);
        self.file_content(Content::CashAdvance(advance), options.filing.clone(), now)
    }

    /// The payroll is run for a report; none if there is no report of the id given.
    pub fn run_payroll(&mut self, options: &PayrollOptions, now: Millis) -> Option<Filed> {
        let report = match &options.report {
            Some(id) => {
                let source = self.queue.source_position_of_type(id, DocType::Expense)?;
                let newest = &self.queue.documents[self.queue.newest_document(source)];
                let Content::Expense(report) = &newest.content else {
                    return None;
                };
                report.clone()
            }
            None => {
                let drawn = ReportOptions {
                    currency: options.currency.clone(),
                    filing: options.filing.clone(),
                    ..ReportOptions::default()
                };
                let (seed, key) = self.queue.next_draw(options.seed);
                generate_report(&drawn, seed, key, now)
            }
        };
        let payroll = Payroll {
            report,
            paid_out: !options.record_only,
        };
        Some(self.file_content(Content::Payroll(payroll), options.filing.clone(), now))
    }

    /// Many documents at once, of every shape; returns how many.
    pub fn approve_bulk(&mut self, bulk: &DocumentBulk, now: Millis) -> u64 {
        let mut random = Random::new(bulk.seed, "concur/financial/bulk");
        let currency = &bulk.currency;
        for _ in 0..bulk.reports {
            let options = ReportOptions {
                currency: currency.clone(),
                seed: Some(random.next()),
                ..ReportOptions::default()
            };
            self.approve_report(&options, now);
        }
        for _ in 0..bulk.invoices {
            let options = InvoiceOptions {
                currency: currency.clone(),
                seed: Some(random.next()),
                ..InvoiceOptions::default()
            };
            self.approve_invoice(&options, now);
        }
        for _ in 0..bulk.cash_advances {
            let options = AdvanceOptions {
                currency: currency.clone(),
                seed: Some(random.next()),
                ..AdvanceOptions::default()
            };
            self.issue_cash_advance(&options, now);
        }
        for _ in 0..bulk.payrolls {
            let options = PayrollOptions {
                currency: currency.clone(),
                seed: Some(random.next()),
                ..PayrollOptions::default()
            };
            self.run_payroll(&options, now);
        }
        let total = [
            bulk.reports,
            bulk.invoices,
            bulk.cash_advances,
            bulk.payrolls,
        ];
        total.into_iter().map(u64::from).sum()
    }

    /// A person recalls a report, invoice or cash advance: possible while its document is READY, or
    /// after a failed posting.
    pub fn recall(&mut self, source_id: &str, now: Millis) -> Result<(), CannotDo> {
        self.queue.release_delayed(now);
        let source = self
            .queue
            .source_position(source_id)
            .ok_or(CannotDo::Unknown)?;
        self.queue.recall(source, &self.config.financial, now)?;
        self.reopen(source_id, false, now);
        Ok(())
    }

    /// A person resubmits what was recalled, and it is approved again: a new document for the same
    /// source.
    pub fn resubmit(
        &mut self,
        source_id: &str,
        options: &Resubmission,
        now: Millis,
    ) -> Result<Filed, CannotDo> {
        self.queue.release_delayed(now);
        let source = self
            .queue
            .source_position(source_id)
            .ok_or(CannotDo::Unknown)?;
        let newest = &self.queue.documents[self.queue.newest_document(source)];
        if !self.queue.sources[source].recalled && !options.even_if_not_recalled {
            return Err(CannotDo::InState(newest.status));
        }
        let mut content = newest.content.clone();
        if let Some(report) = self.approved_report(source_id, now) {
            content = Content::Expense(report);
            self.approve_again(source_id, now);
        }
        if options.change == Change::Amounts {
            let (seed, _) = self.queue.next_draw(None);
            content.change_total(seed, now);
        }
        Ok(self.file_content(content, options.filing.clone(), now))
    }

    /// Puts a document into a state that no call leads to, such as VOID; false if there is no such
    /// document.
    pub fn force_document_status(&mut self, id: &str, status: DocStatus, now: Millis) -> bool {
        let found = self.queue.position_of(id);
        if let Some(at) = found {
            self.queue.set_status(at, status, now);
        }
        found.is_some()
    }

    /// Files the document of a report that calls and people wrote.
    pub(crate) fn file_expense_content(
        &mut self,
        report: ExpenseReport,
        filing: Filing,
        now: Millis,
    ) -> Filed {
        self.file_content(Content::Expense(report), filing, now)
    }

    fn file_content(&mut self, content: Content, filing: Filing, now: Millis) -> Filed {
        let source = self
            .queue
            .source_position_of_type(content.source_id(), content.doc_type());
        let revision = self.queue.next_revision(source, &self.config.financial);
        let at = self.queue.file_document(content, filing, revision, now);
        self.filed_at(at)
    }

    fn filed_at(&self, at: usize) -> Filed {
        let document = &self.queue.documents[at];
        Filed {
            doc_type: document.doc_type,
            source_id: document.content.source_id().to_owned(),
            document_id: document.id.clone(),
            currency: document.content.currency().to_owned(),
            approved: document.content.approved(),
        }
    }
}

impl Queue {
    /// A seed, the one given if there is one, and a key.
    pub(crate) fn next_draw(&mut self, seed: Option<u64>) -> (u64, u64) {
        let drawn = self.random.next();
        (seed.unwrap_or(drawn), 4001 + self.documents.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rust_decimal::Decimal;
    use serde_json::{Value, json};

    use super::*;
    use crate::test_support::concur::ConcurHarness;

    fn read(harness: &ConcurHarness, id: &str) -> Value {
        let text = harness.machine.document_text(id).expect("the document");
        serde_json::from_str(&text).expect("JSON")
    }

    fn fail(harness: &mut ConcurHarness) -> Filed {
        let filed = harness
            .machine
            .approve_report(&ReportOptions::default(), harness.now);
        harness.acknowledge(&[&filed.document_id], "FRESHBOOKS-01");
        harness.confirm(&filed.document_id, false, json!({}));
        filed
    }

    #[test]
    fn a_failed_report_comes_back_with_a_new_id_and_revision() {
        let mut harness = ConcurHarness::new();
        let filed = fail(&mut harness);
        let again = Resubmission {
            change: Change::Amounts,
            ..Resubmission::default()
        };
        let early = harness
            .machine
            .resubmit(&filed.source_id, &again, harness.now);
        assert_eq!(
            early,
            Err(CannotDo::InState(DocStatus::PostingConfirmedFailure))
        );
        assert_eq!(
            harness.machine.recall(&filed.source_id, harness.now),
            Ok(())
        );
        let old = harness
            .machine
            .document(&filed.document_id)
            .expect("the document");
        assert_eq!(
            (old.status, old.payment_status),
            (DocStatus::PostingConfirmedFailure, "Not Paid")
        );
        let second = harness
            .machine
            .resubmit(&filed.source_id, &again, harness.now)
            .expect("filed");
        assert_eq!(second.source_id, filed.source_id);
        assert!(second.document_id != filed.document_id && second.approved > filed.approved);
        let listed = harness.expenses("");
        assert_eq!(
            (
                listed.len(),
                &listed[0]["document"]["report"]["revisionNumber"]
            ),
            (1, &json!("2"))
        );
        let all = format!("?docId={}&ignoreDocumentStatus=yes", filed.source_id);
        assert_eq!(harness.expenses(&all).len(), 2);
    }

    #[test]
    fn switches_change_recalls_and_revisions() {
        let mut harness = ConcurHarness::new();
        harness.machine.config.financial.recall_marks_failed = true;
        harness.machine.config.financial.revision_stays = true;
        let filed = fail(&mut harness);
        assert_eq!(
            harness.machine.recall(&filed.source_id, harness.now),
            Ok(())
        );
        assert_eq!(
            harness
                .machine
                .document(&filed.document_id)
                .expect("the document")
                .status,
            DocStatus::Recalled
        );
        let same = Resubmission::default();
        let second = harness
            .machine
            .resubmit(&filed.source_id, &same, harness.now)
            .expect("filed");
        assert_eq!(second.approved, filed.approved);
        assert_eq!(
            read(&harness, &second.document_id)["report"]["revisionNumber"],
            "1"
        );
    }

    #[test]
    fn a_posted_report_comes_back_only_by_force() {
        let mut harness = ConcurHarness::new();
        let filed = harness
            .machine
            .approve_report(&ReportOptions::default(), harness.now);
        harness.acknowledge(&[&filed.document_id], "FRESHBOOKS-01");
        harness.confirm(&filed.document_id, true, json!({}));
        let posted = Err(CannotDo::InState(DocStatus::PostingConfirmedSuccess));
        assert_eq!(
            harness.machine.recall(&filed.source_id, harness.now),
            posted
        );
        let forced = Resubmission {
            even_if_not_recalled: true,
            ..Resubmission::default()
        };
        assert!(
            harness
                .machine
                .resubmit(&filed.source_id, &forced, harness.now)
                .is_ok()
        );
        assert_eq!(
            harness.machine.recall("unknown", harness.now),
            Err(CannotDo::Unknown)
        );
    }

    #[test]
    fn approved_payment_requests_become_invoices_of_the_same_id() {
        let mut harness = ConcurHarness::new();
        harness.vendor("FB-1");
        let id = harness.posted(json!({"ShippingAmount": "20.00", "InvoiceAmount": "1150.00"}));
        assert!(harness.machine.approve_payment_request(&id, harness.now));
        let body = harness.financial("invoice", "", None).value();
        let document = &body["content"][0]["document"];
        let header = &document["requestHeader"];
        assert_eq!(
            (&header["requestId"], &header["requestCustom5Code"]),
            (&json!(id), &json!("FB:778120"))
        );
        assert_eq!(
            (&header["invoiceDate"], &header["requestTotal"]),
            (&json!("02/27/2026"), &json!(1150))
        );
        let line = &document["lineItem"][0];
        assert_eq!(line["expenseTypeCode"], "OFFSP  ");
        let allocation = &line["allocation"][1];
        assert_eq!(
            (
                &allocation["allocationCustom1Code"],
                &allocation["allocationPercentage"]
            ),
            (&json!("PRJ_B"), &json!(40))
        );
        assert_eq!(
            allocation["journal"],
            json!({"accountCode": "6400", "amountNet": 240, "amountShipping": 4.8,
            "amountGross": 276, "tax": [{"amountTax": 31.2, "taxCode": "H13", "taxField": "VAT1"}]})
        );
        assert_eq!(document["vendor"]["vendorCode"], "FB-1");
        assert_eq!(document["ownerEmployee"]["employeeId"], "E-17");
    }

    #[test]
    fn payment_requests_file_once_until_they_are_recalled() {
        let mut harness = ConcurHarness::new();
        harness.vendor("FB-1");
        let id = harness.posted(json!({}));
        let approve = |harness: &mut ConcurHarness| {
            let filed =
                harness
                    .machine
                    .approve_payment_request_with(&id, &Filing::default(), harness.now);
            filed.expect("filed").document_id
        };
        let first = approve(&mut harness);
        assert_eq!(approve(&mut harness), first);
        assert!(harness.machine.recall_payment_request(&id, harness.now));
        let second = approve(&mut harness);
        assert_ne!(second, first);
        assert_eq!(
            read(&harness, &second)["requestHeader"]["revisionNumber"],
            "2"
        );
        let body = json!({"ids": [second], "systemId": ""});
        harness.financial("invoice", "/acknowledgements", Some(body));
        assert!(!harness.machine.recall_payment_request(&id, harness.now));
        harness.machine.config.financial.enabled = false;
        let other = harness.posted(json!({"InvoiceNumber": "2"}));
        assert!(harness.machine.approve_payment_request(&other, harness.now));
        assert_eq!(harness.machine.documents().len(), 2);
    }

    #[test]
    fn a_report_is_of_the_entity_that_was_asked_for_and_its_days_are_midnights() {
        use crate::concur::financial::{EntityOptions, ReportDays, Shape};
        let mut harness = ConcurHarness::new();
        let options = ReportOptions {
            entity: EntityOptions {
                ledger: Some("GP".into()),
                policy: Some("P1".into()),
                country: Some("DE".into()),
            },
            entries: vec![Shape::Cash],
            ..ReportOptions::default()
        };
        let id = harness
            .machine
            .approve_report(&options, harness.now)
            .document_id;
        let document = read(&harness, &id);
        let named = ["ledgerCode", "policyId", "homeCountryCode"];
        let named = named.map(|name| document["report"][name].clone());
        assert_eq!(named, [json!("GP"), json!("P1"), json!("DE")]);
        for (form, end) in [
            (ReportDays::Utc, "T00:00:00.000Z"),
            (ReportDays::Pacific, "T07:00:00.000Z"),
        ] {
            harness.machine.config.financial.report_days = form;
            let document = read(&harness, &id);
            for day in [
                &document["report"]["reportUserDefinedDate"],
                &document["expenseEntry"][0]["entryDate"],
            ] {
                assert!(day.as_str().is_some_and(|day| day.ends_with(end)), "{day}");
            }
        }
    }

    #[test]
    fn invoice_documents_follow_their_switches() {
        use crate::concur::financial::{InvoiceDates, InvoiceGross};
        let mut harness = ConcurHarness::new();
        harness.vendor("FB-1");
        let id = harness.posted(json!({}));
        let filed =
            harness
                .machine
                .approve_payment_request_with(&id, &Filing::default(), harness.now);
        let id = filed.expect("filed").document_id;
        let switches = &mut harness.machine.config.financial;
        switches.invoice_gross = InvoiceGross::PerLine;
        switches.invoice_dates = InvoiceDates::Iso;
        let document = read(&harness, &id);
        let gross = |document: &Value, at: usize| {
            document["lineItem"][0]["allocation"][at]["journal"]["amountGross"].clone()
        };
        assert_eq!(
            (gross(&document, 0), gross(&document, 1)),
            (json!(678), json!(678))
        );
        assert_eq!(document["requestHeader"]["invoiceDate"], "2026-02-27");
        harness.machine.config.financial.invoice_dates = InvoiceDates::YearFirst;
        let document = read(&harness, &id);
        assert_eq!(document["requestHeader"]["invoiceDate"], "2026/02/27");
        let switches = &mut harness.machine.config.financial;
        switches.invoice_gross = InvoiceGross::PerAllocation;
        switches.invoice_dates = InvoiceDates::DateTime;
        switches.invoice_tax_in_header = true;
        let document = read(&harness, &id);
        assert_eq!(
            (gross(&document, 0), &document["requestHeader"]["amountTax"]),
            (json!(360), &json!(130))
        );
        assert_eq!(
            document["lineItem"][0]["allocation"][0]["journal"]["tax"],
            json!(null)
        );
        assert_eq!(
            document["requestHeader"]["invoiceDate"],
            "2026-02-27T00:00:00.000Z"
        );
    }

    #[test]
    fn a_report_uses_up_an_issued_advance() {
        let mut harness = ConcurHarness::new();
        let cad = Some("CAD".to_owned());
        let advance = AdvanceOptions {
            currency: cad.clone(),
            amount: Some(Decimal::from(300)),
            ..AdvanceOptions::default()
        };
        let advance = harness.machine.issue_cash_advance(&advance, harness.now);
        let report = ReportOptions {
            currency: cad,
            advance: Some(crate::concur::financial::AdvanceUse {
                id: Some(advance.source_id.clone()),
                returned: true,
            }),
            ..ReportOptions::default()
        };
        let report = harness.machine.approve_report(&report, harness.now);
        let document = read(&harness, &report.document_id);
        assert_eq!(
            document["cashAdvanceApplication"][0]["cashAdvanceId"],
            advance.source_id.as_str()
        );
        assert!(
            document["report"]["cashAdvanceReturnsAmount"]
                .as_f64()
                .is_some_and(|amount| amount > 0.0)
        );
        let data = read(&harness, &advance.document_id);
        assert_eq!(
            (
                &data["cashAdvanceData"]["paymentMethod"],
                &data["journalData"][0]["debitOrCredit"]
            ),
            (&json!(0), &json!("DR"))
        );
        assert_eq!(data["journalData"][0]["amount"], 300);
    }

    #[test]
    fn payroll_shares_the_id_of_its_report() {
        let mut harness = ConcurHarness::new();
        let report = harness
            .machine
            .approve_report(&ReportOptions::default(), harness.now);
        let options = PayrollOptions {
            report: Some(report.source_id.clone()),
            record_only: true,
            ..PayrollOptions::default()
        };
        let payroll = harness
            .machine
            .run_payroll(&options, harness.now)
            .expect("filed");
        assert_eq!(
            (&payroll.source_id, payroll.approved),
            (&report.source_id, report.approved)
        );
        let document = read(&harness, &payroll.document_id);
        let wage = &document["expenseEntry"][0]["payrollData"][0];
        assert_eq!(
            (&wage["wageType"], &wage["payrollPayIndicator"]),
            (&json!("M010"), &json!("N"))
        );
        assert!(
            !harness
                .machine
                .document_text(&payroll.document_id)
                .expect("text")
                .contains("journal")
        );
        let unknown = PayrollOptions {
            report: Some("x".into()),
            ..PayrollOptions::default()
        };
        assert_eq!(harness.machine.run_payroll(&unknown, harness.now), None);
    }

    #[test]
    fn totals_and_news_follow_the_documents() {
        let mut harness = ConcurHarness::new();
        let first = fail(&mut harness);
        let second = harness
            .machine
            .approve_invoice(&InvoiceOptions::default(), harness.now);
        let failed = harness
            .machine
            .approved_totals(&[DocStatus::PostingConfirmedFailure]);
        assert_eq!(
            failed,
            BTreeMap::from([(first.currency.clone(), first.approved)])
        );
        let all = harness.machine.approved_totals(&[]);
        let total: Decimal = all.values().sum();
        assert_eq!(total, first.approved + second.approved);
        let news = harness.machine.take_ready();
        let ids: Vec<&String> = news.iter().map(|one| &one.source_id).collect();
        assert_eq!(ids, [&first.source_id, &second.source_id]);
        assert!(harness.machine.take_ready().is_empty());
        assert_eq!(harness.machine.document_counts()[&DocStatus::Ready], 1);
    }

    #[test]
    fn the_same_seed_gives_the_same_document() {
        let text = || {
            let mut harness = ConcurHarness::new();
            let options = ReportOptions {
                seed: Some(5),
                ..ReportOptions::default()
            };
            let filed = harness.machine.approve_report(&options, harness.now);
            harness.machine.document_text(&filed.document_id)
        };
        assert_eq!(text(), text());
    }
}
