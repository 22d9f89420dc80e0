//! Projects, services and accounts become list items.

use std::collections::BTreeSet;

use ml_connector_component::contract::runs::{Ending, StartReason};
use ml_connector_sandbox::concur::ListItemRecord;
use ml_connector_sandbox::freshbooks::RecordKind;
use ml_connector_sandbox::{Fault, FaultRule, SandboxConfig, System};
use ml_connector_tests::fixtures::{documents, settings};
use ml_connector_tests::logic::Backend;
use ml_connector_tests::sim::{Sim, object};
use serde_json::{Value, json};

use crate::documents::{ending, stop_code};
use crate::forms::cost_codes;
use crate::scenarios;

scenarios!(
    projects_services_and_accounts_become_items,
    a_new_project_and_service_become_items_by_their_webhooks,
    a_bulk_create_takes_what_it_can,
    a_code_has_no_hyphen,
    items_are_below_the_one_that_the_settings_name,
    a_change_in_concur_is_shown_with_both_values,
    a_completed_project_leaves_its_list,
    an_item_that_another_list_shares_stays,
    documents_name_projects_that_the_settings_do_not,
    a_crash_around_the_bulk_call_doubles_nothing,
    a_lost_bulk_answer_doubles_nothing,
);

const DAY_MS: u64 = 86_400_000;

/// The lists of the sandbox: `Projects` and `Cost Centers`.
fn list_ids() -> [String; 2] {
    let lists = SandboxConfig::default().concur.lists.initial;
    [lists[0].id.clone(), lists[1].id.clone()]
}

/// Settings with lists of these kinds, each with its form of code.
fn with_lists(lists: &[(&str, &str, &str)]) -> Value {
    let mut settings = settings::connection("park");
    let lists = lists.iter().map(|(kind, list_id, code)| {
        json!({"kind": kind, "list_id": list_id, "code": code, "interval_s": 86_400})
    });
    settings["reference"] = json!({"lists": lists.collect::<Vec<_>>()});
    settings["financial"] = json!({
        "business_uuid": SandboxConfig::default().freshbooks.business_uuid,
    });
    settings
}

/// Everything connected, with a list of projects.
fn connected(backend: Backend, code: &str) -> Sim {
    let settings = with_lists(&[("project", &list_ids()[0], code)]);
    registered(backend, &settings, &["project"])
}

/// Everything connected, with these webhooks registered.
pub(crate) fn registered(backend: Backend, settings: &Value, nouns: &[&str]) -> Sim {
    let mut sim = Sim::with_settings(backend, settings);
    for noun in nouns {
        sim.start(object("callback", noun), StartReason::Schedule);
    }
    sim.settle();
    for noun in nouns {
        let registered = ending(&sim, "callback", noun);
        assert!(matches!(registered, Ending::Confirmed(_)), "{registered:?}");
    }
    sim
}

fn create(sim: &mut Sim, kind: RecordKind, fields: &Value) -> String {
    let created = sim.sandbox.freshbooks.create(kind, fields, sim.now);
    created.expect("is created").to_string()
}

fn a_project(sim: &mut Sim, title: &str) -> String {
    create(sim, RecordKind::Project, &json!({"title": title}))
}

pub(crate) fn update(sim: &mut Sim, kind: RecordKind, id: &str, fields: &Value) {
    sim.now += 120_000;
    let id = id.parse().expect("is a number");
    let updated = sim.sandbox.freshbooks.update(kind, id, fields, sim.now);
    updated.expect("is changed");
}

/// Compares all records of a kind, and the list after them, as the schedule would.
pub(crate) fn compare(sim: &mut Sim, kind: &str) {
    sim.start(
        object("reference-list", &format!("{kind}/1")),
        StartReason::Schedule,
    );
    sim.settle();
}

/// Code and name of each item that the first list has, in the order of the codes.
fn items(sim: &Sim) -> Vec<(String, String)> {
    let live = live_items(sim, &list_ids()[0]).into_iter();
    let mut items: Vec<_> = live.map(|item| (item.code, item.name)).collect();
    items.sort();
    items
}

fn live_items(sim: &Sim, list_id: &str) -> Vec<ListItemRecord> {
    let items = sim.sandbox.concur.list_items(list_id).into_iter();
    items
        .filter(|item| item.lists.iter().any(|list| list == list_id))
        .collect()
}

fn one_item(sim: &Sim) -> ListItemRecord {
    let [item] = live_items(sim, &list_ids()[0])
        .try_into()
        .expect("one item");
    item
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let text = |(code, name): &(&str, &str)| ((*code).to_string(), (*name).to_string());
    expected.iter().map(text).collect()
}

/// The stop of an object's latest run, as one text.
pub(crate) fn stop_text(sim: &Sim, kind: &str, id: &str) -> String {
    match ending(sim, kind, id) {
        Ending::Parked(stop) => stop.message,
        other => panic!("is not parked: {other:?}"),
    }
}

fn projects_services_and_accounts_become_items(backend: Backend) {
    let [projects, others] = list_ids();
    for (kind, code) in [("project", "id"), ("service", "id"), ("account", "number")] {
        let list = if kind == "project" {
            &projects
        } else {
            &others
        };
        let mut sim = Sim::with_settings(backend, &with_lists(&[(kind, list, code)]));
        match kind {
            "project" => drop(a_project(&mut sim, "Rollout")),
            "service" => drop(create(
                &mut sim,
                RecordKind::Service,
                &json!({"name": "Rollout"}),
            )),
            _ => {}
        }
        compare(&mut sim, kind);
        let there = live_items(&sim, list);
        if kind == "account" {
            let names = there.iter().map(|item| item.name.as_str());
            assert!(
                names.clone().any(|name| name.contains("Advances")),
                "{there:?}"
            );
            assert!(there.iter().all(|item| !item.short_code.contains('-')));
        } else {
            assert_eq!(there.len(), 1, "{kind}");
            assert_eq!(there[0].name, "Rollout");
        }
        let bulk = sim.sent.get("POST bulk").copied();
        assert!(
            bulk.is_some_and(|calls| calls >= 1),
            "{kind}: {:?}",
            sim.sent
        );
        // Nothing is written where nothing was changed.
        let sent = sim.sent.clone();
        compare(&mut sim, kind);
        for call in ["POST bulk", "POST items"] {
            assert_eq!(sim.sent.get(call), sent.get(call), "{kind}");
        }
    }
}

fn a_new_project_and_service_become_items_by_their_webhooks(backend: Backend) {
    let [projects, services] = list_ids();
    let settings = with_lists(&[("project", &projects, "id"), ("service", &services, "id")]);
    let mut sim = registered(backend, &settings, &["project", "service"]);
    let project = a_project(&mut sim, "Rollout");
    create(&mut sim, RecordKind::Service, &json!({"name": "Research"}));
    sim.settle();
    assert_eq!(items(&sim), pairs(&[(&project, "Rollout")]));
    assert_eq!(live_items(&sim, &services)[0].name, "Research");
    update(
        &mut sim,
        RecordKind::Project,
        &project,
        &json!({"title": "Rollout East"}),
    );
    sim.settle();
    assert_eq!(items(&sim), pairs(&[(&project, "Rollout East")]));
}

fn a_bulk_create_takes_what_it_can(backend: Backend) {
    let mut sim = connected(backend, "title");
    // A person has typed one of the codes, for something else.
    let list = &list_ids()[0];
    let typed = ("TAKEN", "Another thing");
    let typed = sim
        .sandbox
        .concur
        .create_list_item(list, None, typed, sim.now);
    typed.expect("is created");
    let taken = a_project(&mut sim, "TAKEN");
    a_project(&mut sim, "FREE");
    compare(&mut sim, "project");
    let expected = pairs(&[("FREE", "FREE"), ("TAKEN", "Another thing")]);
    assert_eq!(items(&sim), expected);
    let stopped = ending(&sim, "project", &taken);
    assert_eq!(stop_code(&stopped), "item-unlinked");
}

fn a_code_has_no_hyphen(backend: Backend) {
    let mut sim = connected(backend, "title");
    a_project(&mut sim, "PRJ-7_A");
    sim.settle();
    let item = one_item(&sim);
    assert_eq!((item.short_code.as_str(), item.level), ("PRJ_7~uA", 1));
    assert!(!item.name.contains('-'), "{}", item.name);
}

fn items_are_below_the_one_that_the_settings_name(backend: Backend) {
    let list = &list_ids()[0];
    let mut settings = with_lists(&[("project", list, "id")]);
    settings["reference"]["lists"][0]["parent_code"] = json!("ENG");
    let mut sim = registered(backend, &settings, &["project"]);
    let project = a_project(&mut sim, "Rollout");
    sim.settle();
    let stopped = ending(&sim, "project", &project);
    assert_eq!(stop_code(&stopped), "parent-missing");
    let concur = &mut sim.sandbox.concur;
    let typed = concur.create_list_item(list, None, ("ENG", "Engineering"), sim.now);
    typed.expect("is created");
    compare(&mut sim, "project");
    sim.start(object("project", &project), StartReason::Replay);
    sim.settle();
    let below = live_items(&sim, list);
    let [_, item] = &below[..] else {
        panic!("not one item below another: {below:?}");
    };
    let shown = (item.code.as_str(), item.short_code.as_str(), item.level);
    assert_eq!(shown, (&*format!("ENG-{project}"), project.as_str(), 2));
}

fn a_change_in_concur_is_shown_with_both_values(backend: Backend) {
    let mut sim = connected(backend, "id");
    let project = a_project(&mut sim, "Rollout");
    sim.settle();
    compare(&mut sim, "project");
    let item = one_item(&sim);
    let edited = sim
        .sandbox
        .concur
        .edit_list_item(&item.id, &item.short_code, "By hand");
    edited.expect("is edited");
    sim.now += DAY_MS;
    compare(&mut sim, "project");
    let said = stop_text(&sim, "list-item", &item.id);
    assert!(
        said.contains("By hand") && said.contains("Rollout"),
        "{said}"
    );
    assert_eq!(items(&sim), pairs(&[(&project, "By hand")]));
    // A change of the project does not overwrite it either.
    let kind = RecordKind::Project;
    update(&mut sim, kind, &project, &json!({"title": "Rollout West"}));
    sim.settle();
    let stopped = ending(&sim, "project", &project);
    assert_eq!(stop_code(&stopped), "changed-in-concur");
    assert_eq!(items(&sim), pairs(&[(&project, "By hand")]));
    sim.start(object("project", &project), StartReason::Replay);
    sim.settle();
    assert_eq!(items(&sim), pairs(&[(&project, "Rollout West")]));
}

fn a_completed_project_leaves_its_list(backend: Backend) {
    let mut sim = connected(backend, "id");
    let done = a_project(&mut sim, "Done");
    let open = a_project(&mut sim, "Open");
    sim.settle();
    compare(&mut sim, "project");
    assert_eq!(items(&sim).len(), 2);
    let kind = RecordKind::Project;
    update(&mut sim, kind, &done, &json!({"complete": true}));
    sim.settle();
    assert_eq!(items(&sim), pairs(&[(&open, "Open")]));
}

fn an_item_that_another_list_shares_stays(backend: Backend) {
    let mut sim = connected(backend, "id");
    let project = a_project(&mut sim, "Shared");
    sim.settle();
    compare(&mut sim, "project");
    let item = one_item(&sim);
    let shared = sim.sandbox.concur.share_list_item(&item.id, &list_ids()[1]);
    shared.expect("is shared");
    let kind = RecordKind::Project;
    update(&mut sim, kind, &project, &json!({"complete": true}));
    sim.settle();
    let stopped = ending(&sim, "project", &project);
    assert_eq!(stop_code(&stopped), "item-shared");
    assert_eq!(one_item(&sim).lists.len(), 2);
}

/// No map of the settings names the project; its list item does.
fn documents_name_projects_that_the_settings_do_not(backend: Backend) {
    let mut sim = connected(backend, "title");
    let project = a_project(&mut sim, "EAST");
    let freshbooks = &mut sim.sandbox.freshbooks;
    let client = freshbooks.create_client(&documents::client(), sim.now);
    let mut invoice = documents::invoice(client.expect("is created"), "2093");
    invoice["lines"][0]["modern_project_id"] = json!(project.parse::<u64>().expect("a number"));
    let created = freshbooks.create_invoice(&invoice, sim.now);
    let invoice = created.expect("is created").to_string();
    sim.settle();
    let ended = ending(&sim, "invoice", &invoice);
    assert!(!matches!(ended, Ending::Parked(_)), "{ended:?}");
    assert_eq!(cost_codes(&sim), ["EAST"]);
}

/// Three projects that nothing has announced, and a comparison that is about to begin.
fn before_the_bulk_call(backend: Backend) -> Sim {
    let settings = with_lists(&[("project", &list_ids()[0], "id")]);
    let mut sim = Sim::with_settings(backend, &settings);
    for title in ["One", "Two", "Three"] {
        a_project(&mut sim, title);
    }
    sim.run_for(600_000);
    sim.start(object("reference-list", "project/1"), StartReason::Schedule);
    sim
}

/// Each project has one item, and their links lead to each other.
fn assert_three(sim: &Sim, when: u64) {
    let list = &list_ids()[0];
    let all = sim.sandbox.concur.list_items(list);
    let codes: BTreeSet<&str> = all.iter().map(|item| item.code.as_str()).collect();
    assert_eq!((all.len(), codes.len()), (3, 3), "{when}: {all:?}");
    for item in &all {
        let project = object("project", &item.code);
        let linked = |kind: &str, id: &str| {
            let link = sim.store.links.get(&(kind.to_string(), id.to_string()));
            link.map(|link| link.target.clone())
        };
        let target = linked("project", &item.code).expect("is linked");
        assert_eq!(target.id, item.id, "{when}");
        assert_eq!(linked("list-item", &item.id), Some(project), "{when}");
    }
}

fn a_crash_around_the_bulk_call_doubles_nothing(backend: Backend) {
    let mut sim = before_the_bulk_call(backend);
    let before = sim.moments();
    sim.settle();
    let moments = sim.moments() - before;
    assert_three(&sim, 0);
    let step = match backend {
        Backend::Native => 1,
        Backend::Wasm => 7,
    };
    for moment in (0..moments).step_by(step) {
        let mut sim = before_the_bulk_call(backend);
        sim.crash_at([moment]);
        sim.settle();
        compare(&mut sim, "project");
        assert_three(&sim, moment);
    }
}

fn a_lost_bulk_answer_doubles_nothing(backend: Backend) {
    for fault in [Fault::ResponseLost, Fault::RequestLost] {
        let mut sim = before_the_bulk_call(backend);
        let fault = FaultRule::new(System::Concur, fault);
        sim.sandbox
            .add_fault(fault.method("POST").path("/bulk").times(1));
        sim.settle();
        compare(&mut sim, "project");
        assert_three(&sim, 0);
    }
}
