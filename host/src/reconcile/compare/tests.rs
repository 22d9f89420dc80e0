use super::*;
use crate::contract::runs::Facts;
use crate::contract::types::{ObjectRef, System};
use crate::reconcile::record::{FieldIn, Fields, PackedFacts};

fn object(system: System, id: &str) -> ObjectRef {
    let kind = match system {
        System::Freshbooks => "invoice",
        System::Concur => "payment-request",
    };
    ObjectRef {
        system,
        kind: kind.to_owned(),
        id: id.to_owned(),
    }
}

fn record(system: System, id: &str, marker: &str, amount: &str) -> Record {
    let facts = Facts {
        number: Some(id.to_owned()),
        party: None,
        amount: Some(amount.to_owned()),
        currency: Some("CAD".to_owned()),
        date: Some("2026-02-27".to_owned()),
    };
    let total = FieldIn {
        name: "Total",
        value: amount,
        any_case: false,
    };
    Record {
        object: Key::of(&object(system, id)),
        marker: (!marker.is_empty()).then(|| marker.into()),
        facts: PackedFacts::of(&facts),
        content: Holding::Fields(Fields::new([total])),
    }
}

fn source(id: &str, link: Option<&str>) -> Source {
    Source {
        record: record(System::Freshbooks, id, &format!("m{id}"), "5.00"),
        link: link.map(|id| Key::of(&object(System::Concur, id))),
        left_out: None,
        standing: Standing::Settled,
    }
}

fn target(id: &str, marker: &str, link: Option<&str>) -> Target {
    Target {
        record: record(System::Concur, id, marker, "5.00"),
        link: link.map(|id| Key::of(&object(System::Freshbooks, id))),
    }
}

fn note(code: &str) -> Note {
    Note {
        code: code.to_owned(),
        message: format!("it is {code}"),
    }
}

fn kinds(sources: Vec<Source>, targets: Vec<Target>) -> Vec<&'static str> {
    let sides = Sides {
        sources,
        targets,
        ..Sides::default()
    };
    let findings = compare("flow", &sides).findings.into_iter();
    findings.map(|finding| finding.kind.as_str()).collect()
}

#[test]
fn what_is_the_same_is_joined_by_link_back_link_or_marker() {
    let none: [&str; 0] = [];
    assert_eq!(
        kinds(vec![source("1", Some("A"))], vec![target("A", "", None)]),
        none
    );
    assert_eq!(
        kinds(vec![source("1", None)], vec![target("A", "", Some("1"))]),
        none
    );
    assert_eq!(
        kinds(vec![source("1", None)], vec![target("A", "m1", None)]),
        none
    );
    let all = target("A", "m1", Some("1"));
    assert_eq!(kinds(vec![source("1", Some("A"))], vec![all]), none);
}

#[test]
fn what_is_on_one_side_only_is_missing_or_foreign() {
    assert_eq!(kinds(vec![source("1", None)], vec![]), ["missing"]);
    assert_eq!(kinds(vec![source("1", Some("A"))], vec![]), ["missing"]);
    assert_eq!(kinds(vec![], vec![target("A", "", None)]), ["foreign"]);
    let mut deleted = target("A", "m1", Some("1"));
    deleted.record.content = Holding::Gone(note("deleted"));
    let linked = source("1", Some("A"));
    assert_eq!(kinds(vec![linked], vec![deleted.clone()]), ["missing"]);
    assert_eq!(kinds(vec![], vec![deleted]), [""; 0]);
    let mut gone = source("1", Some("A"));
    gone.record.content = Holding::Gone(note("deleted"));
    let left = target("A", "m1", Some("1"));
    assert_eq!(kinds(vec![gone.clone()], vec![left]), ["missing"]);
    assert_eq!(kinds(vec![gone], vec![]), [""; 0]);
}

#[test]
fn two_records_of_one_document_and_one_of_two_are_doubled() {
    let twice = vec![target("A", "m1", Some("1")), target("B", "m1", None)];
    assert_eq!(kinds(vec![source("1", Some("A"))], twice), ["doubled"]);
    let shared = vec![source("1", Some("A")), source("2", Some("A"))];
    assert_eq!(
        kinds(shared, vec![target("A", "m1", Some("1"))]),
        ["doubled"]
    );
}

#[test]
fn a_difference_names_the_field_and_both_values() {
    let mut changed = target("A", "m1", Some("1"));
    changed.record = record(System::Concur, "A", "m1", "5.01");
    let sides = Sides {
        sources: vec![source("1", Some("A")), source("2", Some("B"))],
        targets: vec![changed, target("B", "m2", Some("2"))],
        ..Sides::default()
    };
    let compared = compare("flow", &sides);
    let [finding] = compared.findings.as_slice() else {
        panic!("finds one: {compared:?}");
    };
    assert_eq!(finding.kind, FindingKind::Different);
    let expected = Difference {
        field: "Total".to_owned(),
        source: Some("5.00".to_owned()),
        target: Some("5.01".to_owned()),
    };
    assert_eq!(finding.differences, [expected]);
    let [totals] = compared.totals.as_slice() else {
        panic!("are of one month: {compared:?}");
    };
    assert_eq!((totals.sources, totals.targets, totals.same), (2, 2, 1));
    let sums = (totals.source_amount.as_str(), totals.target_amount.as_str());
    assert_eq!(sums, ("10.00", "10.01"));
    assert_eq!(
        (totals.month.as_str(), totals.currency.as_str()),
        ("2026-02", "CAD")
    );
}

#[test]
fn a_known_difference_is_told_from_a_quiet_one() {
    let mut stopped = source("1", None);
    stopped.standing = Standing::Stopped {
        code: "tax-unmapped".to_owned(),
        message: "a tax has no code".to_owned(),
    };
    let sides = Sides {
        sources: vec![stopped],
        ..Sides::default()
    };
    let finding = compare("flow", &sides).findings.remove(0);
    assert_eq!(finding.kind, FindingKind::Parked);
    assert_eq!(finding.code.as_deref(), Some("tax-unmapped"));
    let mut open = source("1", None);
    open.standing = Standing::Open;
    assert_eq!(kinds(vec![open.clone()], vec![]), ["waiting"]);
    let done = vec![target("A", "m1", None)];
    assert_eq!(kinds(vec![open], done), [""; 0]);
}

#[test]
fn what_is_foreign_and_on_another_day_is_not_told() {
    let mut sides = Sides {
        targets: vec![target("A", "m1", None)],
        days: Some(("2026-02-27".to_owned(), "2026-02-27".to_owned())),
        ..Sides::default()
    };
    assert_eq!(compare("flow", &sides).findings.len(), 1);
    sides.days = Some(("2026-02-28".to_owned(), "2026-03-27".to_owned()));
    assert_eq!(compare("flow", &sides).findings, []);
}

#[test]
fn drafts_are_left_out_until_they_are_linked() {
    let mut draft = source("1", None);
    draft.left_out = Some(note("draft"));
    assert_eq!(kinds(vec![draft.clone()], vec![]), [""; 0]);
    draft.link = Some(Key::of(&object(System::Concur, "A")));
    assert_eq!(kinds(vec![draft], vec![]), ["missing"]);
}

#[test]
fn what_lies_beyond_the_end_of_a_list_is_not_compared_and_never_missing() {
    let sides = Sides {
        sources: vec![source("1", None), source("2", Some("B"))],
        targets: Vec::new(),
        targets_cut: Some(note("list-too-long")),
        days: None,
    };
    let findings = compare("flow", &sides).findings;
    let kinds: Vec<&str> = findings.iter().map(|one| one.kind.as_str()).collect();
    // What a link leads to was read by itself.
    assert_eq!(kinds, ["missing", "not-compared"]);
    let mut unreadable = source("1", Some("A"));
    unreadable.record.content = Holding::Unreadable(note("tax-unmapped"));
    let there = vec![target("A", "m1", Some("1"))];
    assert_eq!(self::kinds(vec![unreadable], there), ["not-compared"]);
}

/// What 100,000 records a side cost.
#[test]
#[ignore = "a measurement; CONTRIBUTING.md has its command"]
fn capacity_of_a_comparison() {
    const RECORDS: usize = 100_000;
    let mut sources = Vec::with_capacity(RECORDS);
    let mut targets = Vec::with_capacity(RECORDS);
    for (source, target) in (0..RECORDS).map(pair) {
        sources.push(source);
        targets.push(target);
    }
    let sides = Sides {
        sources,
        targets,
        ..Sides::default()
    };
    let began = std::time::Instant::now();
    let compared = compare("payment-requests", &sides);
    let took = began.elapsed();
    assert_eq!(compared.findings.len(), RECORDS / 1_000);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    println!(
        "{RECORDS} records a side: compared in {} ms, {} in all (goals 30 s, 256 MiB)",
        took.as_millis(),
        peak.unwrap_or("no figure"),
    );
    println!(
        "requests that they need: {} pages of FreshBooks, {} of SAP Concur, {RECORDS} payment \
         requests",
        RECORDS / 100,
        RECORDS / 1_000
    );
    assert!(took.as_secs() < 30, "{took:?}");
}

/// A record on both sides, with three lines; one in a thousand differs.
fn pair(at: usize) -> (Source, Target) {
    let (id, marker) = (format!("{at}"), format!("mlc-{at:020}"));
    let total = match at % 1_000 {
        0 => "1078.01",
        _ => "1078.00",
    };
    let line = |name: &str| {
        format!(
            "Description {name} {at}; ExpenseTypeCode OFFSP; Quantity 10; UnitPrice 60; Tax 78; \
             TaxCode H13; 100 % PRJ_A"
        )
    };
    let lines = ["Copy paper A4", "Toner", "Envelopes"].map(line);
    let holding = |total: &str, vendor: &str| {
        let header = [
            ("Name", "INV-2093 Northwind Paper Ltd"),
            ("InvoiceNumber", id.as_str()),
            ("InvoiceDate", "2026-02-27"),
            ("CurrencyCode", "CAD"),
            ("InvoiceAmount", total),
            ("TaxAmount", "78"),
            ("CountryCode", "CA"),
            ("Vendor", vendor),
        ];
        let lines = lines.iter().map(|line| ("Line", line.as_str()));
        let fields = header.into_iter().chain(lines);
        Holding::Fields(Fields::new(fields.map(|(name, value)| FieldIn {
            name,
            value,
            any_case: false,
        })))
    };
    let mut source = source(&id, Some(&id));
    source.record = record(System::Freshbooks, &id, &marker, "1078.00");
    let mut facts = source.record.facts.facts();
    facts.party = Some("Northwind Paper Ltd".to_owned());
    source.record.facts = PackedFacts::of(&facts);
    source.record.content = holding("1078.00", "FB-C41|MAIN");
    let mut target = target(&id, &marker, Some(&id));
    target.record.facts = source.record.facts.clone();
    target.record.content = holding(total, "FB-C41|MAIN");
    (source, target)
}
