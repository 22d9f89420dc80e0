use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::world::{World, ended};
use crate::contract::runs::{
    Action, Completion, Demand, Ending, EndingKind, Link, ObjectStatus, StartReason,
};
use crate::contract::types::ObjectRef;
use crate::runs::tests::{Driven, object, settings_with, task};
use crate::settings::tests::with_expenses;

const INVOICES: &str = "/accounting/account/zQ7pLm/invoices/invoices";
const HEAD: &str = "invoice/2026-01-01..2026-01-31";

fn row(id: u32, issued: &str) -> Value {
    json!({"id": id, "updated": "v", "create_date": issued})
}

fn listing(rows: &[Value], pages: u32) -> World {
    let mut world = World::new();
    world.settings = settings_with(
        "\"currencies\"",
        r#""backfill": {"runs_under_way_max": 2}, "currencies""#,
    );
    world.ends_as = Some(EndingKind::Unchanged);
    let list = json!({"invoices": rows, "pages": pages});
    world.freshbooks.insert(INVOICES.to_string(), list);
    world
}

fn backfill(id: &str) -> ObjectRef {
    object("backfill", id)
}

fn step(world: &mut World, id: &str) -> Driven {
    world.run(&task("backfill", id, StartReason::Backfill))
}

/// A world whose back-fill stands at a page.
fn standing_at(mut world: World, page: &str, counts: &str) -> World {
    world.keep(ObjectStatus {
        link: Some(Link {
            source: backfill(HEAD),
            target: backfill(page),
            version: Some(counts.to_string()),
            content_hash: None,
        }),
        ..crate::runs::tests::unknown(&backfill(HEAD))
    });
    world
}

fn stands_at(world: &World) -> (String, Value) {
    let link = world.link(&backfill(HEAD)).expect("stands somewhere");
    let counts = link.version.expect("has counts");
    (
        link.target.id,
        serde_json::from_str(&counts).expect("is JSON"),
    )
}

fn started(world: &World) -> Vec<String> {
    let tasks = world.tasks.iter();
    tasks
        .map(|task| {
            assert_eq!(task.reason, StartReason::Backfill);
            format!("{} {}", task.object.kind, task.object.id)
        })
        .collect()
}

fn code(Completion { ending, .. }: &Completion) -> &str {
    match ending {
        Ending::Unchanged(note) => &note.code,
        Ending::Parked(failure) => &failure.code,
        Ending::Confirmed(_) => "confirmed",
        other => panic!("ends otherwise: {other:?}"),
    }
}

#[test]
fn it_begins_with_the_first_page_and_goes_on_where_it_stands() {
    let mut world = listing(&[], 1);
    step(&mut world, HEAD);
    assert_eq!(stands_at(&world).0, format!("{HEAD}/1/1"));
    assert_eq!(started(&world), [format!("backfill {HEAD}/1/1")]);
    let mut world = standing_at(listing(&[], 1), &format!("{HEAD}/2/7"), "{}");
    // It was cancelled, and is no more.
    world.linked(&backfill(&format!("{HEAD}/cancel")), "backfill", HEAD, "");
    step(&mut world, HEAD);
    assert_eq!(started(&world), [format!("backfill {HEAD}/2/7")]);
    assert_eq!(world.link(&backfill(&format!("{HEAD}/cancel"))), None);
    // One whose page is under way is not disturbed, and one that is complete begins anew.
    step(&mut world, HEAD);
    assert_eq!(started(&world).len(), 1);
    let mut world = standing_at(listing(&[], 1), HEAD, r#"{"listed":5}"#);
    step(&mut world, HEAD);
    assert_eq!(stands_at(&world).0, format!("{HEAD}/1/1"));
    assert_eq!(stands_at(&world).1["listed"], 0);
}

#[test]
fn a_page_starts_what_nobody_has_looked_at_a_few_at_a_time() {
    let rows = [
        row(1, "2025-12-31"),
        row(2, "2026-01-01"),
        row(3, "2026-01-31"),
        row(4, "2026-02-01"),
        row(5, "2026-01-05"),
        row(6, "2026-01-05"),
        row(7, "2026-01-05"),
        row(8, "2026-01-05"),
        // A date that cannot be read: its run says so.
        row(9, "soon"),
    ];
    let page = format!("{HEAD}/1/1");
    let mut world = standing_at(listing(&rows, 3), &page, "{}");
    world.linked(&object("invoice", "5"), "payment-request", "P5", "");
    world.keep(ended(&object("invoice", "6"), EndingKind::Parked, "v"));
    world.keep(ObjectStatus {
        active: true,
        ..crate::runs::tests::unknown(&object("invoice", "7"))
    });
    world.keep(ended(&object("invoice", "8"), EndingKind::Unchanged, ""));
    let driven = step(&mut world, &page);
    assert_eq!(
        started(&world),
        [
            "invoice 2".to_string(),
            "invoice 3".into(),
            "invoice 8".into(),
            "invoice 9".into(),
            format!("backfill {HEAD}/1/2")
        ]
    );
    let (next, counts) = stands_at(&world);
    assert_eq!(next, format!("{HEAD}/1/2"));
    assert_eq!(
        counts,
        json!({"pass": 1, "pages": 3, "pages_done": 1, "listed": 7, "started": 4, "carried": 1,
            "unchanged": 4, "before_cut_over": 0, "typed_by_hand": 0, "stopped": 1,
            "under_way": 1, "started_in_pass": 4})
    );
    assert_eq!(most_under_way(&driven), 2);
    assert_eq!(
        driven.sends()[0].0.request.path_with_query,
        format!(
            "{INVOICES}?page=1&per_page=100&sort=invoice_date_asc&search%5Bdate_min%5D=2026-01-01&\
             search%5Bdate_max%5D=2026-02-01"
        )
    );
}

/// How many runs a page had started and not yet waited for.
fn most_under_way(driven: &Driven) -> usize {
    let (mut under_way, mut most) = (0, 0);
    for entry in &driven.history {
        match &entry.demand {
            Demand::Perform(effect) => {
                if let Action::Save(changes) = &effect.action {
                    let tasks = changes.tasks.iter();
                    under_way += tasks.filter(|task| task.object.kind != "backfill").count();
                    most = most.max(under_way);
                }
            }
            Demand::Wait(_) => under_way -= 1,
            Demand::Done(_) => {}
        }
    }
    most
}

#[test]
fn a_list_of_several_pages_is_read_again_until_it_shows_nothing_new() {
    let counts = r#"{"pass":1,"started_in_pass":2,"listed":2,"unchanged":2,"started":2}"#;
    let last = format!("{HEAD}/1/2");
    let rows = [row(1, "2026-01-05")];
    let mut world = standing_at(listing(&rows, 2), &last, counts);
    world.keep(ended(&object("invoice", "1"), EndingKind::Unchanged, "v"));
    step(&mut world, &last);
    assert_eq!(stands_at(&world).0, format!("{HEAD}/2/1"));
    assert_eq!(stands_at(&world).1["started_in_pass"], 0);
    // What the second pass shows again is not counted again.
    step(&mut world, &format!("{HEAD}/2/1"));
    assert_eq!(stands_at(&world).0, format!("{HEAD}/2/2"));
    assert_eq!(stands_at(&world).1["listed"], 3);
    let driven = step(&mut world, &format!("{HEAD}/2/2"));
    assert_eq!(stands_at(&world).0, HEAD);
    let Ending::Confirmed(confirmation) = driven.completion.ending else {
        panic!("is confirmed");
    };
    assert_eq!(
        confirmation.message,
        "complete: each invoice dated from 2026-01-01 to 2026-01-31: 3 listed, 2 runs started, 3 \
         that needed nothing"
    );
    // A document that a deletion has moved to a page that was done is found by the pass after it.
    let mut world = standing_at(world, &format!("{HEAD}/2/2"), counts);
    world.freshbooks.insert(
        INVOICES.to_string(),
        json!({"invoices": [row(9, "2026-01-05")], "pages": 2}),
    );
    step(&mut world, &format!("{HEAD}/2/2"));
    assert_eq!(stands_at(&world).0, format!("{HEAD}/3/1"));
}

#[test]
fn a_cancelled_back_fill_starts_nothing_more() {
    let page = format!("{HEAD}/1/1");
    let mut world = standing_at(listing(&[row(1, "2026-01-05")], 3), &page, "{}");
    step(&mut world, &format!("{HEAD}/cancel"));
    let driven = step(&mut world, &page);
    assert_eq!(code(&driven.completion), "cancelled");
    assert_eq!(started(&world), Vec::<String>::new());
    assert_eq!(stands_at(&world).0, page);
}

#[test]
fn a_page_that_is_not_next_does_nothing() {
    let mut world = standing_at(listing(&[row(1, "2026-01-05")], 9), HEAD, "{}");
    let driven = step(&mut world, &format!("{HEAD}/1/3"));
    assert_eq!(code(&driven.completion), "not-its-turn");
    assert_eq!(started(&world), Vec::<String>::new());
    assert!(driven.sends().is_empty());
}

#[test]
fn what_an_earlier_cut_over_left_is_looked_at_again() {
    let page = format!("{HEAD}/1/1");
    let rows = [row(1, "2026-01-05"), row(2, "2026-01-25")];
    let mut world = standing_at(listing(&rows, 1), &page, "{}");
    world.settings = settings_with(
        "\"currencies\"",
        r#""cut_over": "2026-01-15", "currencies""#,
    );
    for id in ["1", "2"] {
        let mut left = ended(&object("invoice", id), EndingKind::Unchanged, "v");
        if let Some(last) = &mut left.last {
            last.code = Some("before-cut-over".into());
        }
        world.keep(left);
    }
    step(&mut world, &page);
    assert_eq!(started(&world), vec!["invoice 2".to_string()]);
    assert_eq!(stands_at(&world).1["before_cut_over"], 1);
}

#[test]
fn what_is_no_back_fill_and_what_is_not_enabled_is_said() {
    let mut world = listing(&[], 1);
    let driven = step(&mut world, "client/2026-01-01..");
    assert_eq!(code(&driven.completion), "unknown-backfill");
    world.settings = settings_with(
        "\"currencies\"",
        r#""bill": {"enabled": false}, "currencies""#,
    );
    let driven = step(&mut world, "bill/2026-01-01..");
    assert_eq!(code(&driven.completion), "not-enabled");
}

#[test]
fn expenses_are_brought_across_by_their_own_dates() {
    let page = "expense/2026-01-01..2026-01-31/1/1";
    let head = backfill("expense/2026-01-01..2026-01-31");
    let expense = |id: u32, date: &str| json!({"id": id, "updated": "v", "date": date});
    let rows = [
        expense(1, "2025-12-31"),
        expense(2, "2026-01-01"),
        expense(3, "2026-02-01"),
        expense(4, "2026-01-31"),
    ];
    let world = |settings| {
        let mut world = World::new();
        world.settings = settings;
        world.ends_as = Some(EndingKind::Unchanged);
        let path = "/accounting/account/zQ7pLm/expenses/expenses".to_string();
        let list = json!({"expenses": rows, "pages": 1});
        world.freshbooks.insert(path, list);
        world.keep(ObjectStatus {
            link: Some(Link {
                source: head.clone(),
                target: backfill(page),
                version: Some("{}".into()),
                content_hash: None,
            }),
            ..crate::runs::tests::unknown(&head)
        });
        world
    };
    let mut enabled = world(Rc::new(with_expenses("")));
    let driven = step(&mut enabled, page);
    assert_eq!(code(&driven.completion), "confirmed");
    assert_eq!(started(&enabled), ["expense 2", "expense 4"]);
    let asked = &driven.sends()[0].0.request.path_with_query;
    assert!(
        asked.ends_with("&search%5Bdate_min%5D=2026-01-01&search%5Bdate_max%5D=2026-02-01"),
        "{asked}"
    );
    let mut without = world(World::new().settings);
    assert_eq!(code(&step(&mut without, page).completion), "not-enabled");
}
