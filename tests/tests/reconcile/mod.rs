//! Both systems compared by the real service: clean after a sync, and then exactly what a person
//! has done by hand.

mod expenses;
mod published;

use std::collections::BTreeMap;

use ml_connector::admin::{AdminReply, AdminRequest};
use ml_connector::config::ReconcileSchedule;
use ml_connector::reconcile::report::{Difference, Finding, FindingKind, Report};
use ml_connector::reconcile::schedule::last_comparison;
use ml_connector::service::Running;
use ml_connector_sandbox::concur::{Concur, ReportOptions};
use ml_connector_sandbox::freshbooks::RecordKind;
use ml_connector_sandbox::{Sandbox, server};
use ml_connector_tests::fixtures::service::{InProcess, confirmed};
use ml_connector_tests::fixtures::waiting::until;
use ml_connector_tests::fixtures::{Options, documents};
use serde_json::{Value, json};

const QUARTER: [&str; 4] = ["--from", "2026-01-01", "--to", "2026-03-31"];

#[tokio::test(flavor = "multi_thread")]
async fn a_record_changed_by_hand_is_found_and_named_and_nothing_else() {
    let fixture = synced().await;
    let (fixture, service) = (&fixture.0, &fixture.1);
    let clean = compared(fixture).await;
    assert_eq!(clean.findings, [], "{clean:?}");
    let sums: Vec<(&str, &str, u64, &str, u64, &str)> = clean.totals.iter().map(sums).collect();
    let february = ("2026-02", "CAD", 3, "3234.00", 3, "3234.00");
    let january = ("2026-01", "EUR", 1, "1071.00", 1, "1071.00");
    assert_eq!(sums, [january, february]);
    assert_eq!(clean.totals[1].left_out, 1, "the draft");

    let one = id_of(fixture, "INV-1");
    change(fixture, |concur| {
        concur.edit_payment_request(&one, "InvoiceAmount", "1078.50", server::now())
    });
    let [finding] = compared(fixture).await.findings.try_into().expect("is one");
    assert_eq!(finding.kind, FindingKind::Different);
    assert_eq!(finding.number.as_deref(), Some("INV-1"));
    let difference = Difference {
        field: "InvoiceAmount".into(),
        source: Some("1078".into()),
        target: Some("1078.5".into()),
    };
    assert_eq!(finding.differences, [difference]);

    // Beyond the days that are compared, a link leads to it.
    change(fixture, |concur| {
        concur.edit_payment_request(&one, "InvoiceAmount", "1078.00", server::now())
            && concur.edit_payment_request(&one, "InvoiceDate", "2025-02-27", server::now())
    });
    let [finding] = compared(fixture).await.findings.try_into().expect("is one");
    assert_eq!(finding.differences[0].field, "InvoiceDate");
    assert_eq!(finding.differences[0].target.as_deref(), Some("2025-02-27"));
    change(fixture, |concur| {
        concur.edit_payment_request(&one, "InvoiceDate", "2026-02-27", server::now())
    });

    // Changed in FreshBooks, and SAP Concur takes no change of it any more.
    let two = id_of(fixture, "INV-2");
    change(fixture, |concur| {
        concur.approve_payment_request(&two, server::now())
    });
    change_invoice(fixture, "INV-2", &json!({"currency_code": "USD"}));
    until_parked(service).await;
    until("the difference is a known one", async || {
        let findings = compared(fixture).await.findings;
        findings.iter().any(|one| one.kind == FindingKind::Parked)
    })
    .await;
    let [finding] = compared(fixture).await.findings.try_into().expect("is one");
    assert_eq!(finding.kind, FindingKind::Parked);
    assert_eq!(finding.code.as_deref(), Some("update-refused"));
    let named: Vec<&str> = fields(&finding);
    assert!(named.contains(&"CurrencyCode"), "{finding:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_doubled_or_typed_by_hand_is_told_apart_and_only_reads_are_sent() {
    let (fixture, _service) = synced().await;
    let [one, two, three] = ["INV-1", "INV-2", "INV-3"].map(|number| id_of(&fixture, number));
    let now = server::now();
    change(&fixture, |concur| concur.delete_payment_request(&one, now));
    let copy = |concur: &mut Concur, id: &str| concur.copy_payment_request(id, now);
    change(&fixture, |concur| copy(concur, &two).is_some());
    change(&fixture, |concur| {
        let typed = copy(concur, &three).expect("is copied");
        concur.edit_payment_request(&typed, "Custom24", "", now)
            && concur.edit_payment_request(&typed, "InvoiceNumber", "TYPED-1", now)
    });
    let before = writes(&fixture);
    let report = compared(&fixture).await;
    assert_eq!(writes(&fixture), before, "nothing but reads is sent");
    let found: BTreeMap<Option<&str>, FindingKind> = report
        .findings
        .iter()
        .map(|finding| (finding.number.as_deref(), finding.kind))
        .collect();
    let expected = BTreeMap::from([
        (Some("INV-1"), FindingKind::Missing),
        (Some("INV-2"), FindingKind::Doubled),
        (Some("TYPED-1"), FindingKind::Foreign),
    ]);
    assert_eq!(found, expected);
    let doubled = report.findings.iter();
    let doubled = doubled.filter(|one| one.kind == FindingKind::Doubled);
    assert_eq!(doubled.map(|one| one.targets.len()).sum::<usize>(), 2);
    the_command_says_the_same(&fixture);
}

/// As a table, as a file and as JSON, with an exit code of its own.
fn the_command_says_the_same(fixture: &InProcess) {
    let installation = &fixture.deployment.installation;
    let arguments = |more: &[&'static str]| [&["reconcile"], &QUARTER[..], more].concat();
    let shown = installation.run(&arguments(&["--csv", "found.csv"]));
    assert_eq!(shown.code, 8, "{shown:?}");
    for part in [
        "payment-requests",
        "3234.00",
        "missing",
        "TYPED-1",
        "reads only",
    ] {
        assert!(shown.out.contains(part), "{part}: {}", shown.out);
    }
    let file = installation.read("found.csv");
    assert_eq!(file.lines().count(), 4, "{file}");
    let json = installation.run(&arguments(&["--json"]));
    let report: Value = serde_json::from_str(&json.out).expect("is JSON");
    assert_eq!(report["findings"].as_array().map(Vec::len), Some(3));
    assert_eq!(report["clean"], false);
    let none = installation.run(&["reconcile", "--from", "2020-01-01", "--to", "2020-01-31"]);
    assert_eq!(none.code, 0, "{none:?}");
    for (wrong, code, part) in [
        (
            &["--from", "2026-02-02", "--to", "2026-02-01"],
            2,
            "earlier",
        ),
        (
            &["--from", "2026-02-30", "--to", "2026-02-01"],
            2,
            "a day such as",
        ),
    ] {
        let refused = installation.run(&[&["reconcile"], &wrong[..]].concat());
        assert_eq!(refused.code, code, "{refused:?}");
        assert!(refused.err.contains(part), "{refused:?}");
    }
    let unknown = installation.run(&arguments(&["--flow", "weather"]));
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(unknown.err.contains("payment-requests"), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_service_nothing_is_compared() {
    let fixture = InProcess::new(&Options::default()).await;
    let refused = fixture
        .deployment
        .installation
        .run(&[&["reconcile"], &QUARTER[..]].concat());
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("ml-connector serve"), "{refused:?}");
    let service = fixture.start().await;
    let reply = fixture.ask(asked((QUARTER[1], QUARTER[3]))).await;
    let AdminReply::ReconcileBegun { job } = reply else {
        panic!("has not begun: {reply:?}");
    };
    let AdminReply::Refused { message, .. } = ended(&fixture, job).await else {
        panic!("is not connected");
    };
    assert!(
        message.contains("ml-connector connect freshbooks"),
        "{message}"
    );
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_changed_by_hand_is_found_beside_its_document() {
    let fixture = InProcess::new(&Options::both_ways(1)).await;
    let service = fixture.start_connected().await;
    {
        let mut sandbox = fixture.deployment.sandbox.shared.lock();
        for seed in [1, 2] {
            let report = ReportOptions {
                seed: Some(seed),
                ..ReportOptions::default()
            };
            sandbox.concur.approve_report(&report, server::now());
        }
    }
    fixture.deployment.sandbox.shared.wake();
    let entries = || {
        let sandbox = fixture.deployment.sandbox.shared.lock();
        sandbox.freshbooks.journal_entries()
    };
    until("both documents are confirmed", async || {
        let confirmed = confirmed(&service, "financial-document").await;
        confirmed.len() == 2 && entries().len() == 2
    })
    .await;
    let days = ("2020-01-01", "2030-12-31");
    let report = compared_between(&fixture, days).await;
    assert_eq!(report.findings, [], "{report:?}");
    let documents = report.totals.iter();
    let documents = documents.filter(|totals| totals.flow == "financial-documents");
    let counts = documents.map(|totals| {
        assert_eq!(totals.source_amount, totals.target_amount, "{totals:?}");
        (totals.sources, totals.targets, totals.same)
    });
    let sum = counts.reduce(|one, other| (one.0 + other.0, one.1 + other.1, one.2 + other.2));
    assert_eq!(sum, Some((2, 2, 2)));

    let changed = entries()[0].id;
    {
        let mut sandbox = fixture.deployment.sandbox.shared.lock();
        assert!(sandbox.freshbooks.raise_journal_entry(changed, 1.into()));
    }
    let report = compared_between(&fixture, days).await;
    let [finding] = report.findings.try_into().expect("is one");
    assert_eq!(finding.kind, FindingKind::Different);
    assert_eq!(finding.targets[0].id, changed.to_string());
    assert_eq!(fields(&finding), ["details", "details"]);
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_on_the_schedule_is_stored_shown_and_counted() {
    let mut fixture = InProcess::new(&Options::default()).await;
    fixture.config.reconcile = Some(ReconcileSchedule {
        every_days: 1,
        lookback_days: 3_660,
    });
    let service = fixture.start().await;
    let store = &service.parts().services.store;
    let last = async || last_comparison(&**store, "acme").await.expect("is read");
    until("one was made", async || last().await.is_some()).await;
    let failed = last().await.expect("is there");
    let why = failed.failure.expect("is not connected");
    assert!(why.contains("ml-connector connect freshbooks"), "{why}");
    let counted = r#"ml_connector_compared_records{connection="acme",what="failed"} 1"#;
    until("it is counted", async || {
        let text = service.parts().services.metrics.text();
        text.contains(counted)
    })
    .await;
    let shown = fixture.deployment.installation.run(&["status"]);
    assert!(shown.out.contains("Both systems compared"), "{shown:?}");
    service.shutdown().await;
}

/// A service that has carried three invoices and a bill over, beside a draft.
async fn synced() -> (InProcess, Running) {
    let fixture = InProcess::new(&Options::default()).await;
    let service = fixture.start_connected().await;
    let client = fixture.create_client();
    for number in ["INV-1", "INV-2", "INV-3"] {
        fixture.create_invoice(client, number);
    }
    {
        let mut sandbox = fixture.deployment.sandbox.shared.lock();
        let Sandbox { freshbooks, .. } = &mut *sandbox;
        let vendor = freshbooks.create_bill_vendor(&documents::bill_vendor(), server::now());
        let bill = documents::bill(vendor.expect("a vendor"), "B-1");
        freshbooks
            .create_bill(&bill, server::now())
            .expect("a bill");
        let mut draft = documents::invoice(client, "DRAFT-1");
        draft["status"] = json!(1);
        freshbooks
            .create_invoice(&draft, server::now())
            .expect("a draft");
    }
    fixture.deployment.sandbox.shared.wake();
    fixture.until_payment_requests(4).await;
    until("all is carried over", async || {
        let report = compared(&fixture).await;
        report.is_clean() && report.findings.is_empty()
    })
    .await;
    (fixture, service)
}

fn asked((from, to): (&str, &str)) -> AdminRequest {
    AdminRequest::Reconcile {
        connection: "acme".into(),
        from: from.into(),
        to: to.into(),
        flows: Vec::new(),
    }
}

async fn compared(fixture: &InProcess) -> Report {
    compared_between(fixture, (QUARTER[1], QUARTER[3])).await
}

async fn compared_between(fixture: &InProcess, days: (&str, &str)) -> Report {
    let reply = fixture.ask(asked(days)).await;
    let AdminReply::ReconcileBegun { job } = reply else {
        panic!("has not begun: {reply:?}");
    };
    match ended(fixture, job).await {
        AdminReply::Reconciled { report, .. } => report,
        reply => panic!("is not compared: {reply:?}"),
    }
}

async fn ended(fixture: &InProcess, job: u64) -> AdminReply {
    loop {
        let look = AdminRequest::ReconcileStand { job, after: 0 };
        match fixture.ask(look).await {
            AdminReply::Reconciling(_) => {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            reply => return reply,
        }
    }
}

fn sums(totals: &ml_connector::reconcile::report::Totals) -> (&str, &str, u64, &str, u64, &str) {
    (
        &totals.month,
        &totals.currency,
        totals.sources,
        &totals.source_amount,
        totals.targets,
        &totals.target_amount,
    )
}

fn fields(finding: &Finding) -> Vec<&str> {
    let differences = finding.differences.iter();
    differences.map(|one| one.field.as_str()).collect()
}

fn id_of(fixture: &InProcess, number: &str) -> String {
    let requests = fixture.payment_requests();
    let mut requests = requests.iter();
    let found = requests.find(|request| request["number"] == number);
    let id = found.and_then(|request| request["id"].as_str());
    id.expect("is carried over").to_owned()
}

/// A person changes something in SAP Concur.
fn change(fixture: &InProcess, change: impl FnOnce(&mut Concur) -> bool) {
    let mut sandbox = fixture.deployment.sandbox.shared.lock();
    assert!(change(&mut sandbox.concur), "can be changed");
}

/// A person changes an invoice in FreshBooks, which sends a webhook.
fn change_invoice(fixture: &InProcess, number: &str, fields: &Value) {
    let mut sandbox = fixture.deployment.sandbox.shared.lock();
    let freshbooks = &mut sandbox.freshbooks;
    let ids = freshbooks.ids(RecordKind::Invoice);
    let id = ids.into_iter().find(|id| {
        let invoice = freshbooks.invoice(*id, server::now());
        invoice.is_some_and(|invoice| invoice["invoice_number"] == number)
    });
    let id = id.expect("is there");
    let changed = freshbooks.update(RecordKind::Invoice, id, fields, server::now());
    changed.expect("is changed");
    drop(sandbox);
    fixture.deployment.sandbox.shared.wake();
}

async fn until_parked(service: &Running) {
    use ml_connector::contract::runs::EndingKind;
    use ml_connector_tests::fixtures::service::ended;
    until("the change is refused", async || {
        !ended(service, EndingKind::Parked).await.is_empty()
    })
    .await;
}

/// How many requests that are no reads both systems have had.
fn writes(fixture: &InProcess) -> u64 {
    let sandbox = fixture.deployment.sandbox.shared.lock();
    let calls = sandbox.stats().calls.iter();
    let written = calls.filter(|(call, _)| !call.contains(" GET "));
    written.map(|(_, count)| count).sum()
}
