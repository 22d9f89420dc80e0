use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::world::{Fault, LIST, World, lost};
use crate::contract::http::Method;
use crate::contract::runs::{
    Change, Ending, EndingKind, Failure, LastEnding, Link, ObjectStatus, StartReason, Task,
};
use crate::contract::types::ObjectRef;
use crate::runs::tests::{Driven, object, settings_with, task};

const PROJECTS: &str = "/projects/business/8812345/projects";

/// A world with a list of projects; FreshBooks is right unless `more` says otherwise.
fn world(more: &str) -> World {
    let mut world = World::new();
    let list = format!(
        r#"{{"reference": {{"lists": [{{"kind": "project", "list_id": "{LIST}"{more}}}]}},
        "freshbooks": "#
    );
    world.settings = settings_with(
        r#"{
    "freshbooks": "#,
        &list,
    );
    world
}

/// Has FreshBooks show projects, alone and in pages of 100.
fn show(world: &mut World, projects: &[Value]) {
    for project in projects {
        let path = format!("/projects/business/8812345/project/{}", project["id"]);
        world.freshbooks.insert(path, json!({"project": project}));
    }
    let rows = json!({"projects": projects, "meta": {"pages": 1}});
    world.freshbooks.insert(PROJECTS.to_string(), rows);
}

fn project(id: u64, title: &str) -> Value {
    json!({"id": id, "title": title, "active": true, "complete": false})
}

fn run(world: &mut World, object: &ObjectRef, reason: StartReason) -> Driven {
    let task = Task {
        object: object.clone(),
        reason,
        ..task("project", "1", reason)
    };
    world.tasks.clear();
    let driven = world.run(&task);
    // What a host does when a run ends.
    let mut status = world.status(object);
    status.active = false;
    status.last = Some(last(&driven));
    world.keep(status);
    driven
}

fn last(driven: &Driven) -> LastEnding {
    let (kind, code) = match &driven.completion.ending {
        Ending::Confirmed(_) => (EndingKind::Confirmed, None),
        Ending::Unchanged(note) => (EndingKind::Unchanged, Some(note.code.clone())),
        Ending::Rejected(failure) => (EndingKind::Rejected, Some(failure.code.clone())),
        Ending::Parked(failure) => (EndingKind::Parked, Some(failure.code.clone())),
        Ending::Conflict(_) => (EndingKind::Conflict, None),
    };
    LastEnding {
        kind,
        code,
        message: String::new(),
        version: driven.completion.version.clone(),
        since: None,
    }
}

fn records_page() -> ObjectRef {
    object("reference-list", "project/1")
}

fn items_page() -> ObjectRef {
    ObjectRef::concur("reference-list", format!("project/{LIST}/1"))
}

/// Both pages, and then every run that they started, once.
fn compare_all(world: &mut World) {
    for page in [records_page(), items_page()] {
        run(world, &page, StartReason::Schedule);
        for task in core::mem::take(&mut world.tasks) {
            if task.object.kind != "reference-list" {
                run(world, &task.object, task.reason);
            }
        }
    }
}

fn change(driven: &Driven) -> Change {
    match &driven.completion.ending {
        Ending::Confirmed(confirmation) => confirmation.change,
        other => panic!("is not confirmed: {other:?}"),
    }
}

fn failure(driven: &Driven) -> &Failure {
    match &driven.completion.ending {
        Ending::Parked(failure) | Ending::Rejected(failure) => failure,
        other => panic!("is no stop: {other:?}"),
    }
}

fn item_of(world: &World, project: &str) -> Option<String> {
    let link = world.link(&object("project", project));
    link.map(|link| link.target.id)
}

fn started(world: &World) -> Vec<String> {
    let tasks = world.tasks.iter();
    tasks
        .map(|task| format!("{} {}", task.object.kind, task.object.id))
        .collect()
}

#[test]
fn new_projects_become_items_in_one_call_and_are_linked_by_the_list() {
    let mut world = world("");
    show(
        &mut world,
        &[project(5512, "Re-build"), project(5513, "Rollout")],
    );
    let driven = run(&mut world, &records_page(), StartReason::Schedule);
    assert_eq!(World::writes(&driven).len(), 1);
    assert_eq!(
        started(&world),
        [format!("reference-list project/{LIST}/1")]
    );
    run(&mut world, &items_page(), StartReason::Schedule);
    assert_eq!(started(&world), Vec::<String>::new());
    assert_eq!(item_of(&world, "5512").as_deref(), Some("item-1"));
    assert_eq!(world.lists.items[0]["value"], "Re_build");
    let link = world.link(&object("project", "5513")).expect("is linked");
    assert_eq!(link.version.as_deref(), Some("5513"));
    // Then nothing is written, and nothing started.
    let driven = run(&mut world, &records_page(), StartReason::Schedule);
    assert_eq!(
        (World::writes(&driven).len(), started(&world).len()),
        (0, 1)
    );
    run(&mut world, &items_page(), StartReason::Schedule);
    assert_eq!(started(&world), Vec::<String>::new());
}

#[test]
fn a_part_of_a_bulk_call_that_fails_gets_runs_of_its_own() {
    let mut world = world("");
    world.lists.add("5512", "Somebody's");
    world.lists.add("5514", "Same");
    show(
        &mut world,
        &[
            project(5512, "Ours"),
            project(5513, "New"),
            project(5514, "Same"),
        ],
    );
    run(&mut world, &records_page(), StartReason::Schedule);
    assert_eq!(
        started(&world)[..2],
        ["project 5512".to_string(), "project 5514".to_string()]
    );
    let other = run(&mut world, &object("project", "5512"), StartReason::Sweep);
    assert_eq!(failure(&other).code, "item-unlinked");
    assert!(failure(&other).message.contains("\"Somebody's\""));
    assert_eq!(world.lists.items[0]["value"], "Somebody's");
    let same = run(&mut world, &object("project", "5514"), StartReason::Sweep);
    assert_eq!(change(&same), Change::Created);
}

#[test]
fn a_bulk_call_whose_answer_is_lost_makes_nothing_twice() {
    let mut world = world("");
    show(&mut world, &[project(1, "One"), project(2, "Two")]);
    let mut calls = 0;
    world.fault = Box::new(move |send| {
        calls += u32::from(send.request.method == Method::Post);
        (send.request.method == Method::Post && calls == 1).then_some(Fault::Lost)
    });
    let driven = run(&mut world, &records_page(), StartReason::Schedule);
    assert_eq!(change(&driven), Change::Checked);
    // The second call failed as a whole: every code was there.
    assert_eq!(started(&world)[..2], ["project 1", "project 2"]);
    run(&mut world, &object("project", "1"), StartReason::Sweep);
    run(&mut world, &items_page(), StartReason::Schedule);
    assert_eq!(world.lists.items.len(), 2);
    assert_eq!(item_of(&world, "1").as_deref(), Some("item-1"));
    assert_eq!(item_of(&world, "2").as_deref(), Some("item-2"));
}

#[test]
fn a_record_renamed_before_its_item_was_linked_renames_it() {
    let mut world = world("");
    show(&mut world, &[project(1, "One")]);
    run(&mut world, &records_page(), StartReason::Schedule);
    show(&mut world, &[project(1, "Uno")]);
    let driven = run(&mut world, &object("project", "1"), StartReason::Sweep);
    assert_eq!(change(&driven), Change::Updated);
    assert_eq!(world.lists.items[0]["value"], "Uno");
}

#[test]
fn a_rename_is_carried_over_and_the_code_stays() {
    let mut world = world(r#", "code": "title""#);
    show(&mut world, &[project(1, "One-a")]);
    compare_all(&mut world);
    show(&mut world, &[project(1, "Two")]);
    compare_all(&mut world);
    let item = &world.lists.items[0];
    assert_eq!(
        (&item["shortCode"], &item["value"]),
        (&json!("One_a"), &json!("Two"))
    );
}

#[test]
fn a_change_in_concur_is_a_conflict_until_a_person_replays_it() {
    let mut world = world("");
    show(&mut world, &[project(1, "One")]);
    compare_all(&mut world);
    world.lists.item("item-1")["value"] = json!("Eins");
    run(&mut world, &items_page(), StartReason::Schedule);
    assert_eq!(started(&world), ["list-item item-1"]);
    let item = ObjectRef::concur("list-item", "item-1");
    let driven = run(&mut world, &item, StartReason::Sweep);
    let shown = failure(&driven);
    assert_eq!(shown.code, "changed-in-concur");
    assert!(shown.message.contains("\"Eins\" (1)") && shown.message.contains("\"One\""));
    // It waits for a person, and no sweep starts it again.
    run(&mut world, &items_page(), StartReason::Schedule);
    assert_eq!(started(&world), Vec::<String>::new());
    // FreshBooks' own change does not write over it either.
    show(&mut world, &[project(1, "Uno")]);
    let own = run(&mut world, &object("project", "1"), StartReason::Sweep);
    assert_eq!(failure(&own).code, "changed-in-concur");
    assert_eq!(world.lists.items[0]["value"], "Eins");
    let driven = run(&mut world, &item, StartReason::Replay);
    assert_eq!(change(&driven), Change::Checked);
    assert_eq!(world.lists.items[0]["value"], "Uno");
    compare_all(&mut world);
    assert_eq!(last_code(&world, &object("project", "1")), None);
}

fn last_code(world: &World, object: &ObjectRef) -> Option<String> {
    let last = world.status(object).last;
    let last = last.filter(|last| last.kind == EndingKind::Parked);
    last.and_then(|last| last.code)
}

#[test]
fn a_change_that_was_taken_back_ends_the_conflict() {
    let mut world = world("");
    show(&mut world, &[project(1, "One")]);
    compare_all(&mut world);
    let item = ObjectRef::concur("list-item", "item-1");
    world.lists.item("item-1")["value"] = json!("Eins");
    compare_all(&mut world);
    assert_eq!(
        last_code(&world, &item).as_deref(),
        Some("changed-in-concur")
    );
    world.lists.item("item-1")["value"] = json!("One");
    compare_all(&mut world);
    assert_eq!(last_code(&world, &item), None);
}

#[test]
fn what_is_not_in_use_leaves_the_list_and_its_code_is_spent() {
    let mut world = world("");
    show(&mut world, &[project(1, "One")]);
    compare_all(&mut world);
    let mut ended = project(1, "One");
    ended["complete"] = json!(true);
    show(&mut world, &[ended]);
    compare_all(&mut world);
    assert_eq!(world.lists.items[0]["isDeleted"], true);
    // No document names a code that the list has no more.
    let link = world.link(&object("project", "1")).expect("is linked");
    assert_eq!(link.version, None);
    assert_eq!(
        last_code(&world, &ObjectRef::concur("list-item", "item-1")),
        None
    );
    show(&mut world, &[project(1, "One")]);
    let again = run(&mut world, &object("project", "1"), StartReason::Sweep);
    assert_eq!(failure(&again).code, "code-deleted");
    // A code that somebody else deleted is none that can be created either.
    let id = world.lists.add("2", "Two");
    world.lists.item(&id)["isDeleted"] = json!(true);
    show(&mut world, &[project(2, "Two")]);
    let other = run(&mut world, &object("project", "2"), StartReason::Sweep);
    assert_eq!(failure(&other).code, "code-deleted");
}

#[test]
fn an_item_of_several_lists_is_never_deleted() {
    let mut world = world("");
    show(&mut world, &[project(1, "One")]);
    compare_all(&mut world);
    world.lists.item("item-1")["lists"] = json!([{"id": LIST}, {"id": "another"}]);
    world.freshbooks.clear();
    let driven = run(&mut world, &object("project", "1"), StartReason::Notice);
    assert_eq!(failure(&driven).code, "item-shared");
    assert_eq!(world.lists.items[0]["isDeleted"], false);
    let driven = run(&mut world, &object("project", "1"), StartReason::Replay);
    assert_eq!(failure(&driven).code, "item-shared");
}

#[test]
fn two_records_with_one_code_are_told_apart() {
    let mut world = world(r#", "code": "title""#);
    show(&mut world, &[project(1, "One"), project(2, "ONE")]);
    compare_all(&mut world);
    assert_eq!(world.lists.items.len(), 1);
    let second = object("project", "2");
    assert_eq!(last_code(&world, &second).as_deref(), Some("code-taken"));
}

#[test]
fn a_lost_create_is_found_by_its_code() {
    for executed in [true, false] {
        let mut world = world("");
        show(&mut world, &[project(1, "One")]);
        let mut creates = 0;
        world.fault = Box::new(move |send| {
            creates += u32::from(send.request.method == Method::Post);
            (send.request.method == Method::Post && creates == 1).then(|| match executed {
                true => Fault::Lost,
                false => Fault::Instead(lost()),
            })
        });
        let driven = run(&mut world, &object("project", "1"), StartReason::Notice);
        assert_eq!(change(&driven), Change::Created);
        assert_eq!(world.lists.items.len(), 1);
    }
}

#[test]
fn items_below_a_parent_are_found_and_made_there() {
    let mut world = world(r#", "parent_code": "ENG""#);
    let parent = world.lists.add("ENG", "Engineering");
    world.lists.add("1", "another level");
    show(&mut world, &[project(1, "One")]);
    compare_all(&mut world);
    let item = item_of(&world, "1").expect("is linked");
    assert_eq!(world.lists.item(&item)["parentId"], parent.as_str());
    world.lists.items.clear();
    let driven = run(&mut world, &items_page(), StartReason::Schedule);
    assert_eq!(failure(&driven).code, "parent-missing");
}

#[test]
fn where_concur_is_right_nothing_is_written_and_what_is_missing_is_shown() {
    let mut world = world(r#", "source_of_truth": "concur""#);
    let id = world.lists.add("1", "One");
    show(&mut world, &[project(1, "One")]);
    compare_all(&mut world);
    let item = ObjectRef::concur("list-item", id.clone());
    assert_eq!(
        last_code(&world, &item).as_deref(),
        Some("not-in-freshbooks")
    );
    assert_eq!(item_of(&world, "1"), None);
    // A person links them.
    world.linked(&object("project", "1"), "list-item", &id, "");
    let driven = run(&mut world, &object("project", "1"), StartReason::Sweep);
    assert_eq!(change(&driven), Change::Checked);
    show(&mut world, &[project(1, "Uno")]);
    compare_all(&mut world);
    let code = last_code(&world, &object("project", "1"));
    assert_eq!(code.as_deref(), Some("changed-in-freshbooks"));
    assert_eq!(world.lists.items[0]["value"], "One");
}

#[test]
fn a_document_takes_the_code_of_its_project_from_the_crosswalk() {
    use crate::freshbooks::{Document, Kind};
    let raw: &serde_json::value::RawValue =
        serde_json::from_str(r#"{"id": 7, "lines": [{"name": "a", "modern_project_id": 77}]}"#)
            .expect("is JSON");
    let document = Document::read(Kind::Invoice, raw).expect("is read");
    assert!(document.lines.iter().all(|line| line.project.is_some()));
    let mut world = world("");
    show(&mut world, &[project(77, "Rollout")]);
    compare_all(&mut world);
    let settings = Rc::clone(&world.settings);
    let link = world.link(&object("project", "77")).expect("is linked");
    let codes = [("77".to_string(), link.version.expect("is a code"))].into();
    let translate = |codes| crate::payment_request::translate(&document, &settings, codes, "m");
    let unmapped = |codes| {
        let problems = translate(codes).expect_err("has problems");
        problems
            .iter()
            .any(|problem| problem.code == "project-unmapped")
    };
    assert!(!unmapped(&codes) && unmapped(&[].into()));
}

#[test]
fn a_pair_that_a_person_linked_is_compared_by_the_next_sweep() {
    let mut world = world("");
    let id = world.lists.add("1", "Somebody's");
    show(&mut world, &[project(1, "One")]);
    compare_all(&mut world);
    let record = object("project", "1");
    assert_eq!(last_code(&world, &record).as_deref(), Some("item-unlinked"));
    let link = Link {
        source: record.clone(),
        target: ObjectRef::concur("list-item", id),
        version: None,
        content_hash: None,
    };
    world.keep(ObjectStatus {
        link: Some(link),
        ..world.status(&record)
    });
    compare_all(&mut world);
    assert_eq!(
        last_code(&world, &record).as_deref(),
        Some("changed-in-concur")
    );
    run(&mut world, &records_page(), StartReason::Schedule);
    assert_eq!(started(&world).len(), 1);
    run(&mut world, &record, StartReason::Replay);
    assert_eq!(world.lists.items[0]["value"], "One");
    assert_eq!(
        world.link(&record).and_then(|link| link.version).as_deref(),
        Some("1")
    );
}

#[test]
fn a_project_becomes_an_item_before_its_invoice_goes_out() {
    let money = |amount: &str| json!({"amount": amount, "code": "CAD"});
    let invoice = json!({"id": 7, "invoice_number": "2093", "status": 2, "customerid": 41,
        "country": "Canada", "create_date": "2026-02-27", "currency_code": "CAD",
        "amount": money("5.00"), "lines": [{"name": "N", "modern_project_id": 77,
        "unit_cost": money("5.00"), "amount": money("5.00")}]});
    let mut world = world("");
    let path = "/accounting/account/zQ7pLm/invoices/invoices/7".to_string();
    world.freshbooks.insert(path, json!({"invoice": invoice}));
    world.linked(&object("client", "41"), "vendor", "FB-C41|MAIN", "");
    let project = object("project", "77");
    let link = Link {
        source: project.clone(),
        target: ObjectRef::concur("list-item", "item-1"),
        version: Some("P~u77".to_string()),
        content_hash: None,
    };
    world.becomes = Some(ObjectStatus {
        link: Some(link),
        active: false,
        ..world.status(&project)
    });
    let driven = world.run(&task("invoice", "7", StartReason::Notice));
    assert_eq!(change(&driven), Change::Created);
    assert_eq!(started(&world), ["project 77"]);
    assert!(World::writes(&driven)[0].contains("P~u77"));
    // One that does not become an item parks its documents.
    let mut world = self::world("");
    let path = "/accounting/account/zQ7pLm/invoices/invoices/7".to_string();
    world.freshbooks.insert(path, json!({"invoice": invoice}));
    world.becomes = Some(ObjectStatus {
        active: false,
        ..world.status(&project)
    });
    let driven = world.run(&task("invoice", "7", StartReason::Notice));
    assert_eq!(failure(&driven).code, "project-unmapped");
    assert!(failure(&driven).message.contains("project's own run"));
}

/// A list of 50,000 items read again and compared: processor time of the component's side.
#[test]
#[ignore = "a measurement; CONTRIBUTING.md has its command"]
fn capacity_of_a_list_that_is_compared() {
    extern crate std;
    let mut world = world("");
    let mut statuses = alloc::collections::BTreeMap::new();
    for number in 0..50_000_u32 {
        let code = format!("{number}");
        let id = world.lists.add(&code, &format!("Cost centre {number}"));
        let hash = crate::reference::Content {
            code,
            name: format!("Cost centre {number}"),
        }
        .hash();
        statuses.insert(id, hash);
    }
    let (calls, took) = super::world::compare_pages(&world, &statuses, 500);
    std::println!("{calls} pages compared in {took:?}");
    assert!(took.as_secs() < 5);
}
