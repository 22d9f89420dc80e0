//! Expenses beside the expense entries that they became, and beside the documents that those come
//! back in.

use ml_connector::reconcile::report::{Finding, FindingKind, Report};
use ml_connector::service::Running;
use ml_connector_sandbox::concur::{EntryByHand, Filing, ReportRecord};
use ml_connector_sandbox::freshbooks::RecordKind;
use ml_connector_sandbox::server;
use ml_connector_tests::fixtures::service::{InProcess, confirmed};
use ml_connector_tests::fixtures::waiting::until;
use ml_connector_tests::fixtures::{Options, settings};
use serde_json::json;

use super::{change, compared, fields};

#[tokio::test(flavor = "multi_thread")]
async fn an_expense_changed_on_either_side_is_found_and_named() {
    let (fixture, service, ids) = synced().await;
    let clean = compared(&fixture).await;
    assert_eq!(clean.findings, [], "{clean:?}");
    assert_eq!(
        sums(&clean),
        [
            "2026-01 EUR 1 50.00 1 50.00",
            "2026-02 CAD 3 121.00 3 121.00"
        ]
    );

    // A person changes the amount in SAP Concur.
    let [one, two] = [ids[0], ids[1]].map(|id| v4_id_of(&fixture, id));
    let now = server::now();
    change(&fixture, |concur| {
        concur.edit_entry_by_hand(&one, &amount("41.00"), now)
    });
    let finding = only_finding(&fixture).await;
    assert_eq!(finding.kind, FindingKind::Different);
    assert_eq!(source(&finding), ids[0].to_string());
    assert_eq!(fields(&finding), ["TransactionAmount"]);
    assert_eq!(finding.differences[0].source.as_deref(), Some("40"));
    assert_eq!(finding.differences[0].target.as_deref(), Some("41"));
    change(&fixture, |concur| {
        concur.edit_entry_by_hand(&one, &amount("40.00"), now)
    });

    // A person changes an expense in FreshBooks, and no webhook says so.
    {
        let mut sandbox = fixture.deployment.sandbox.shared.lock();
        let freshbooks = &mut sandbox.freshbooks;
        freshbooks.config_mut().webhooks.silent = true;
        let changed = json!({"date": "2026-02-20", "vendor": "Other Cabs"});
        let changed = freshbooks.update(RecordKind::Expense, ids[1], &changed, now);
        changed.expect("is changed");
    }
    let finding = only_finding(&fixture).await;
    assert_eq!(finding.kind, FindingKind::Different);
    assert_eq!(source(&finding), ids[1].to_string());
    assert_eq!(fields(&finding), ["Description", "TransactionDate"]);

    entries_deleted_copied_and_typed(&fixture, &one, &two).await;
    service.shutdown().await;
}

async fn entries_deleted_copied_and_typed(fixture: &InProcess, one: &str, two: &str) {
    let copy = EntryByHand {
        customs: record(fixture, one).customs,
        ..amount("40.00")
    };
    let now = server::now();
    let report = sams_report(fixture);
    let day = |entry: EntryByHand| EntryByHand {
        day: Some("2026-02-11".into()),
        ..entry
    };
    change(fixture, |concur| concur.delete_entry_by_hand(two, now));
    change(fixture, |concur| {
        let copied = concur.add_entry_by_hand(&report, &day(copy), now);
        let typed = concur.add_entry_by_hand(&report, &day(amount("9.00")), now);
        copied.is_some() && typed.is_some()
    });
    let found = compared(fixture).await.findings;
    let mut kinds: Vec<_> = found.iter().map(|one| one.kind).collect();
    kinds.sort();
    let mut expected = [
        FindingKind::Missing,
        FindingKind::Doubled,
        FindingKind::Foreign,
    ];
    expected.sort();
    assert_eq!(kinds, expected, "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn expenses_that_come_back_in_a_document_are_none_of_its_entry() {
    let (fixture, service, _) = synced().await;
    let report = sams_report(&fixture);
    let by_hand = EntryByHand {
        day: Some("2026-02-12".into()),
        amount: Some("7.00".into()),
        ..EntryByHand::default()
    };
    let now = server::now();
    change(&fixture, |concur| {
        concur.add_entry_by_hand(&report, &by_hand, now).is_some()
            && concur.submit_expense_report(&report, now)
            && concur.approve_expense_report(&report, &Filing::default(), now)
    });
    fixture.deployment.sandbox.shared.wake();
    until("the document is confirmed", async || {
        confirmed(&service, "financial-document").await.len() == 1
    })
    .await;
    let entry = {
        let sandbox = fixture.deployment.sandbox.shared.lock();
        let [entry] = sandbox
            .freshbooks
            .journal_entries()
            .try_into()
            .expect("one");
        entry.id
    };
    let report = super::compared_between(&fixture, ("2020-01-01", "2030-12-31")).await;
    let foreign = |finding: &&Finding| finding.kind == FindingKind::Foreign;
    // The entry that the employee typed is none that came from FreshBooks.
    assert_eq!(
        report.findings.iter().filter(foreign).count(),
        1,
        "{report:?}"
    );
    assert_eq!(report.findings.len(), 1, "{report:?}");
    let mut documents = report.totals.iter();
    let document = documents.find(|totals| totals.flow == "financial-documents");
    let document = document.expect("is compared");
    assert_eq!(
        (document.same, document.source_amount.as_str()),
        (1, "7.00")
    );
    // Changed by hand, the entry is found beside the rest of its document.
    {
        let mut sandbox = fixture.deployment.sandbox.shared.lock();
        assert!(sandbox.freshbooks.raise_journal_entry(entry, 1.into()));
    }
    let report = super::compared_between(&fixture, ("2020-01-01", "2030-12-31")).await;
    let different = report.findings.iter();
    let different = different.filter(|one| one.kind == FindingKind::Different);
    assert_eq!(different.count(), 1, "{report:?}");
    service.shutdown().await;
}

/// A service that has carried four expenses over: three of February, two of them Sam's and one
/// Zoë's, and one of January in euros. Their ids, in this order.
async fn synced() -> (InProcess, Running, Vec<u64>) {
    let mut options = Options::both_ways(1);
    options.connection["expense"] = settings::expense("resend");
    let fixture = InProcess::new(&options).await;
    let service = fixture.start().await;
    fixture.deployment.connect().await.expect("connected");
    until("webhooks of three kinds are registered", async || {
        confirmed(&service, "callback").await.len() == 3
    })
    .await;
    let expense = |staff: u64, amount: &str, code: &str, date: &str| {
        json!({"staffid": staff, "categoryid": 3344, "date": date, "vendor": "City Cabs",
            "amount": {"amount": amount, "code": code}})
    };
    let all = [
        expense(2, "40.00", "CAD", "2026-02-11"),
        expense(2, "41.00", "CAD", "2026-02-11"),
        expense(3, "40.00", "CAD", "2026-02-28"),
        expense(2, "50.00", "EUR", "2026-01-31"),
    ];
    let ids: Vec<u64> = {
        let mut sandbox = fixture.deployment.sandbox.shared.lock();
        let freshbooks = &mut sandbox.freshbooks;
        let made = all
            .iter()
            .map(|one| freshbooks.create_expense(one, server::now()));
        made.map(|id| id.expect("is created")).collect()
    };
    fixture.deployment.sandbox.shared.wake();
    until("all are carried over", async || {
        confirmed(&service, "expense").await.len() == ids.len()
    })
    .await;
    (fixture, service, ids)
}

fn reports(fixture: &InProcess) -> Vec<ReportRecord> {
    let sandbox = fixture.deployment.sandbox.shared.lock();
    sandbox.concur.expense_reports()
}

fn amount(amount: &str) -> EntryByHand {
    EntryByHand {
        amount: Some(amount.into()),
        ..EntryByHand::default()
    }
}

async fn only_finding(fixture: &InProcess) -> Finding {
    let found: [Finding; 1] = compared(fixture).await.findings.try_into().expect("is one");
    let [finding] = found;
    finding
}

/// The id of Sam's report of February.
fn sams_report(fixture: &InProcess) -> String {
    let mut reports = reports(fixture).into_iter();
    let own = reports.find(|one| one.name.contains("2026-02") && one.owner.starts_with("sam."));
    own.expect("is there").id
}

fn record(fixture: &InProcess, v4_id: &str) -> ml_connector_sandbox::concur::EntryRecord {
    let entries = reports(fixture)
        .into_iter()
        .flat_map(|report| report.entries);
    let mut own = entries.filter(|entry| entry.expense_id == v4_id);
    own.next().expect("is there")
}

/// The id by which people find the entry of an expense.
fn v4_id_of(fixture: &InProcess, expense: u64) -> String {
    use ml_connector_component::contract::types::ObjectRef;
    let object = ObjectRef::freshbooks("expense", expense.to_string());
    let marker = ml_connector_component::marker::marker_for("acme", &object, "expense-entry");
    let entries = reports(fixture)
        .into_iter()
        .flat_map(|report| report.entries);
    let mut own = entries.filter(|entry| entry.customs.get("Custom3") == Some(&marker));
    own.next().expect("is there").expense_id
}

fn source(finding: &Finding) -> &str {
    finding.source.as_ref().map_or("", |source| &source.id)
}

fn sums(report: &Report) -> Vec<String> {
    let totals = report.totals.iter();
    let totals = totals.filter(|totals| totals.flow == "expenses");
    let sums = totals.map(|one| {
        format!(
            "{} {} {} {} {} {}",
            one.month, one.currency, one.sources, one.source_amount, one.targets, one.target_amount
        )
    });
    sums.collect()
}
