//! What lists promise and refuse, and each switch.

use serde_json::{Value, json};

use super::config::Hyphens;
use crate::test_support::concur::ConcurHarness;

const LIST: &str = "2f6b1c1a-6a1e-4a55-8d3e-0e6f1c2b3a44";
const OTHER: &str = "80ed4c77-2d0b-4f6e-9a51-6b7c1d2e3f05";

impl ConcurHarness {
    fn list(&mut self, method: &str, rest: &str, body: Option<Value>) -> (u16, Value) {
        let answer = self.send(method, &format!("/list/v4/{rest}"), body);
        (answer.status, answer.value())
    }

    fn item(&mut self, code: &str, name: &str) -> (u16, Value) {
        let body = json!({"listId": LIST, "shortCode": code, "value": name});
        self.list("POST", "items", Some(body))
    }

    fn item_id(&mut self, code: &str) -> String {
        let made = self.item(code, code).1;
        let id = made["id"].as_str();
        id.unwrap_or_else(|| panic!("{made}")).to_owned()
    }

    fn bulk(&mut self, method: &str, requests: Value) -> (u16, Value) {
        let body = json!({"requests": requests});
        self.list(method, &format!("lists/{LIST}/bulk"), Some(body))
    }

    /// The long codes of the children that a query of the list finds.
    fn codes_of(&mut self, query: &str) -> Vec<String> {
        let (_, body) = self.list("GET", &format!("lists/{LIST}/children?{query}"), None);
        let rows = body["content"]
            .as_array()
            .unwrap_or_else(|| panic!("{body}"));
        let code = |row: &Value| row["code"].as_str().unwrap_or_default().to_owned();
        rows.iter().map(code).collect()
    }
}

fn error_id((status, body): &(u16, Value)) -> (u16, &str) {
    let id = body["error"]["id"].as_str();
    (*status, id.unwrap_or_else(|| panic!("{body}")))
}

/// The ids of the failures of a bulk call.
fn failures(body: &Value) -> Vec<&str> {
    let errors = body["errors"].as_array().expect("errors");
    errors.iter().filter_map(|one| one["id"].as_str()).collect()
}

#[test]
fn items_are_created_under_others_and_found_by_code() {
    let mut harness = ConcurHarness::new();
    let (status, top) = harness.item("ENG", "Engineering");
    assert_eq!(
        (status, &top["level"], &top["parentId"]),
        (201, &json!(1), &Value::Null)
    );
    let below = json!({"listId": LIST, "shortCode": "P042", "value": "Rebuild",
        "parentCode": "eng"});
    let (status, below) = harness.list("POST", "items", Some(below));
    assert_eq!((status, &below["code"]), (201, &json!("ENG-P042")));
    assert_eq!(below["parentId"], top["id"]);
    assert_eq!(harness.codes_of("shortCode=ENG"), ["ENG"]);
    assert_eq!(harness.codes_of("shortCode=P042"), [""; 0]);
    assert_eq!(harness.codes_of("hasChildren=true"), ["ENG"]);
    assert_eq!(harness.codes_of("value=engineering"), ["ENG"]);
    let path = format!(
        "lists/{LIST}/items/{}/children",
        top["id"].as_str().expect("an id")
    );
    assert_eq!(
        harness.list("GET", &path, None).1["content"][0]["code"],
        "ENG-P042"
    );
    let lists = harness.list("GET", "lists?levelCount=gte:2", None).1;
    assert_eq!(lists["page"]["totalElements"], 1);
}

#[test]
fn pages_have_100_rows_and_count_from_1() {
    let mut harness = ConcurHarness::new();
    let row = |at: usize| json!({"shortCode": format!("P{at:03}"), "value": "Project"});
    let rows: Vec<Value> = (0..230).map(row).collect();
    assert_eq!(harness.bulk("POST", json!(rows)).0, 201);
    assert_eq!(harness.codes_of("page=1").len(), 100);
    assert_eq!(harness.codes_of("page=3").len(), 30);
    assert_eq!(harness.codes_of("page=4").len(), 0);
    let path = format!("lists/{LIST}/children?sortBy=shortCode&sortDirection=desc");
    let body = harness.list("GET", &path, None).1;
    assert_eq!(body["content"][0]["code"], "P229");
    assert_eq!(
        body["page"],
        json!({"number": 1, "size": 100, "totalElements": 230, "totalPages": 3})
    );
    for wrong in [
        "page=0",
        "page=x",
        "limit=5",
        "sortBy=code",
        "sortDirection=up",
    ] {
        let path = format!("lists/{LIST}/children?{wrong}");
        let refused = harness.list("GET", &path, None);
        assert_eq!(
            error_id(&refused),
            (400, "request.validation.error"),
            "{wrong}"
        );
    }
}

#[test]
fn lists_are_filtered_with_operators() {
    let mut harness = ConcurHarness::new();
    for (query, found) in [
        ("value=Projects", 1),
        ("value=eq:projects", 1),
        ("value=cp:enter", 1),
        ("value=sw:Cost", 1),
        ("value=ew:s", 2),
        ("value=not:Projects", 1),
        ("value=cp:nothing", 0),
        (
            "category.type=eq:Normal&isDeleted=false&levelCount=gte:1",
            2,
        ),
        ("levelCount=gt:1", 0),
        ("isDeleted=true", 0),
    ] {
        let body = harness.list("GET", &format!("lists?{query}"), None).1;
        assert_eq!(body["page"]["totalElements"], found, "{query}");
    }
    harness.machine.config.lists.filters_ignored = true;
    let body = harness.list("GET", "lists?value=eq:nothing", None).1;
    assert_eq!(body["page"]["totalElements"], 2);
}

#[test]
fn lists_are_created_changed_and_deleted() {
    let mut harness = ConcurHarness::new();
    let body = json!({"value": "Sites", "searchCriteria": "CODE", "displayFormat": "TEXT (CODE)"});
    let answer = harness.send("POST", "/list/v4/lists", Some(body));
    let made = answer.value();
    let id = made["id"].as_str().expect("an id").to_owned();
    let location = answer.header("location").expect("a location");
    assert!(location.starts_with("http://localhost/"), "{location}");
    let path = format!("lists/{id}");
    let renamed = harness.list("PUT", &path, Some(json!({"value": "Places"})));
    assert_eq!(
        (renamed.0, &renamed.1["searchCriteria"]),
        (200, &json!("CODE"))
    );
    assert_eq!(harness.list("DELETE", &path, None).0, 204);
    let body = json!({"listId": id, "shortCode": "A", "value": "A"});
    let refused = harness.list("POST", "items", Some(body));
    assert_eq!(error_id(&refused), (400, "list.deleted"));
    assert_eq!(harness.list("DELETE", "lists/x", None).0, 400);
    assert_eq!(harness.list("GET", "lists/x", None).0, 404);
    harness.machine.config.lists.standard_edition = true;
    let refused = harness.list("POST", "lists", Some(json!({"value": "Sites"})));
    assert_eq!(refused.0, 403);
}

#[test]
fn bodies_are_read_strictly() {
    let mut harness = ConcurHarness::new();
    let long = "x".repeat(33);
    for body in [
        json!({"listId": LIST, "shortCode": "A"}),
        json!({"listId": LIST, "shortcode": "A", "value": "A"}),
        json!({"listId": LIST, "shortCode": "A", "value": "A", "name": "A"}),
        json!({"listId": LIST, "shortCode": 1, "value": "A"}),
        json!({"listId": LIST, "shortCode": " ", "value": "A"}),
        json!({"listId": LIST, "shortCode": long, "value": "A"}),
        json!({"listId": LIST, "shortCode": "A", "value": "x".repeat(65)}),
        json!({"listId": LIST, "shortCode": "A", "value": "A", "parentId": "x",
            "parentCode": "x"}),
    ] {
        let refused = harness.list("POST", "items", Some(body.clone()));
        assert_eq!(
            error_id(&refused),
            (400, "request.validation.error"),
            "{body}"
        );
        assert!(
            refused.1["validationErrors"][0]["message"].is_string(),
            "{body}"
        );
    }
    let body = json!({"listId": LIST, "shortCode": "A", "value": "A", "parentId": "x"});
    let refused = harness.list("POST", "items", Some(body));
    assert_eq!(error_id(&refused), (404, "item.parent.not.found"));
    let body = json!({"listId": "x", "shortCode": "A", "value": "A"});
    assert_eq!(
        error_id(&harness.list("POST", "items", Some(body))),
        (404, "list.not.found")
    );
    let request = harness.request("POST", "/list/v4/items", None);
    assert_eq!(harness.machine.handle(&request, harness.now, 0).status, 415);
}

#[test]
fn a_deleted_code_is_remembered() {
    let mut harness = ConcurHarness::new();
    let id = harness.item_id("A");
    assert_eq!(
        error_id(&harness.item("a", "again")),
        (400, "item.duplicate.code")
    );
    let path = format!("items/{id}");
    assert_eq!(harness.list("DELETE", &path, None).0, 204);
    assert_eq!(
        error_id(&harness.list("DELETE", &path, None)),
        (400, "item.deleted")
    );
    assert_eq!(
        error_id(&harness.item("A", "again")),
        (400, "item.duplicate.code.deleted")
    );
    assert_eq!(harness.list("GET", &path, None).1["isDeleted"], true);
    assert_eq!(harness.codes_of("isDeleted=false"), [""; 0]);
    assert_eq!(harness.codes_of(""), ["A"]);
    harness.machine.config.lists.deleted_children_listed = false;
    assert_eq!(harness.codes_of(""), [""; 0]);
    harness.machine.config.lists.deleted_codes_reusable = true;
    assert_eq!(harness.item("A", "again").0, 201);
    harness.machine.config.lists.codes_ignore_case = false;
    assert_eq!(harness.item("a", "another").0, 201);
}

#[test]
fn a_shared_item_disappears_from_every_list_or_from_one() {
    let mut harness = ConcurHarness::new();
    let id = harness.item_id("A");
    let below = json!({"shortCode": "B", "value": "B", "parentCode": "A"});
    harness.bulk("POST", json!([below]));
    harness.machine.share_list_item(&id, OTHER).expect("shared");
    let shown = harness.list("GET", &format!("items/{id}"), None).1;
    assert_eq!(shown["lists"].as_array().map(Vec::len), Some(2));
    let path = format!("lists/{LIST}/items/{id}");
    assert_eq!(harness.list("DELETE", &path, None).0, 204);
    assert_eq!(harness.list("DELETE", &path, None).0, 400);
    let shown = harness.list("GET", &format!("items/{id}"), None).1;
    assert_eq!(shown["lists"], json!([{"id": OTHER, "hasChildren": true}]));
    let elsewhere = json!({"listId": OTHER, "shortCode": "B", "value": "B", "parentId": id});
    let refused = harness.list("POST", "items", Some(elsewhere));
    assert_eq!(error_id(&refused), (400, "item.duplicate.code"));
    harness.list("DELETE", &format!("items/{id}"), None);
    let items = harness.machine.list_items(OTHER);
    assert!(items.iter().all(|item| item.lists.is_empty()), "{items:?}");
}

#[test]
fn a_bulk_deletion_spares_other_lists_by_switch() {
    for everywhere in [true, false] {
        let mut harness = ConcurHarness::new();
        harness.machine.config.lists.bulk_deletes_everywhere = everywhere;
        let id = harness.item_id("A");
        harness.machine.share_list_item(&id, OTHER).expect("shared");
        let (status, _) = harness.bulk("PATCH", json!([{"code": "A", "deleted": true}]));
        assert_eq!(status, 200);
        assert_eq!(
            harness.machine.list_items(OTHER)[0].lists.is_empty(),
            everywhere
        );
    }
}

#[test]
fn bulk_calls_go_in_order_and_name_failures_only() {
    let mut harness = ConcurHarness::new();
    let rows = json!([{"shortCode": "A", "value": "A"},
        {"shortCode": "B", "value": "B", "parentCode": "A"},
        {"shortCode": "a", "value": "again"},
        {"shortCode": "C", "value": "C", "parentCode": "Z"},
        {"shortCode": "D", "valeu": "D"}]);
    let (status, body) = harness.bulk("POST", rows);
    assert_eq!((status, &body["status"]), (206, &json!("PARTIAL_SUCCESS")));
    assert_eq!(
        (&body["recordsSucceeded"], &body["recordsFailed"]),
        (&json!(2), &json!(3))
    );
    let expected = [
        "item.duplicate.code",
        "item.parent.not.found",
        "request.validation.error",
    ];
    assert_eq!(failures(&body), expected);
    assert_eq!(
        body["errors"][0]["listItem"],
        json!({"shortCode": "a", "value": "again"})
    );
    let (status, body) = harness.bulk("POST", json!([{"shortCode": "A", "value": "A"}]));
    assert_eq!((status, &body["status"]), (400, &json!("FAILURE")));
    let updates = json!([{"code": "A-B", "value": "Bee"}, {"code": "X", "value": "Ex"}]);
    let (status, body) = harness.bulk("PATCH", updates);
    assert_eq!((status, failures(&body)), (206, vec!["item.not.found"]));
    assert_eq!(harness.machine.list_items(LIST)[1].name, "Bee");
    for wrong in [json!([]), Value::Array(vec![json!({}); 251])] {
        let refused = harness.bulk("POST", wrong);
        assert_eq!(error_id(&refused), (400, "request.validation.error"));
        let message = &refused.1["validationErrors"][0]["message"];
        assert_eq!(message, "size must be between 1 and 250");
    }
}

#[test]
fn bulk_calls_are_throttled_and_time_out() {
    let mut harness = ConcurHarness::new();
    harness.machine.config.lists.bulk_calls_per_minute = 1;
    harness.machine.config.lists.bulk_timeout_after = 1;
    let rows = json!([{"shortCode": "A", "value": "A"}, {"shortCode": "B", "value": "B"}]);
    let (status, body) = harness.bulk("POST", rows.clone());
    assert_eq!(
        (status, failures(&body)),
        (206, vec!["item.operation.timeout"])
    );
    assert_eq!(harness.codes_of(""), ["A", "B"]);
    let request = harness.request("POST", &format!("/list/v4/lists/{LIST}/bulk"), Some(rows));
    let refused = harness.machine.handle(&request, harness.now, 0);
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (429, Some("0"))
    );
    assert_eq!(
        refused.value()["error"]["id"],
        "security.rate.limit.reached"
    );
    harness.now += 60_000;
    harness.machine.config.lists.timed_out_is_done = false;
    let rows = json!([{"shortCode": "C", "value": "C"}, {"shortCode": "D", "value": "D"}]);
    assert_eq!(harness.bulk("POST", rows).0, 206);
    assert_eq!(harness.codes_of(""), ["A", "B", "C"]);
}

#[test]
fn deleted_items_come_back_by_switch_only() {
    let mut harness = ConcurHarness::new();
    harness.item_id("A");
    harness.bulk("PATCH", json!([{"code": "A", "deleted": true}]));
    let back = json!([{"code": "A", "deleted": false}]);
    let (status, body) = harness.bulk("PATCH", back.clone());
    assert_eq!((status, failures(&body)), (400, vec!["item.deleted"]));
    harness.machine.config.lists.bulk_undeletes = true;
    assert_eq!(harness.bulk("PATCH", back).0, 200);
    assert_eq!(harness.codes_of("isDeleted=false"), ["A"]);
}

#[test]
fn hyphens_are_accepted_or_corrupt_the_list_or_are_refused() {
    let mut harness = ConcurHarness::new();
    harness
        .machine
        .create_list_item(LIST, None, ("21-KING", "King-St"), 0)
        .expect("typed");
    assert_eq!(harness.item("22-KING", "A-B").1["code"], "22-KING");
    harness.machine.config.lists.hyphens = Hyphens::Delimiter;
    let (_, corrupt) = harness.item("23-KING", "Queen St - North");
    assert_eq!(
        (&corrupt["shortCode"], &corrupt["level"]),
        (&json!("KING"), &json!(2))
    );
    assert_eq!(corrupt["value"], "Queen St");
    harness.machine.config.lists.hyphens = Hyphens::Refused;
    assert_eq!(harness.item("24-KING", "A").0, 400);
    assert_eq!(harness.codes_of(""), ["21-KING", "22-KING", "23"]);
}

#[test]
fn items_are_changed_with_their_long_codes() {
    let mut harness = ConcurHarness::new();
    let id = harness.item_id("A");
    harness.item_id("C");
    harness.bulk(
        "POST",
        json!([{"shortCode": "B", "value": "B", "parentCode": "A"}]),
    );
    let path = format!("items/{id}");
    let body = json!({"shortCode": "AA", "value": "Double"});
    assert_eq!(harness.list("PUT", &path, Some(body)).1["code"], "AA");
    assert_eq!(harness.machine.list_items(LIST)[2].code, "AA-B");
    assert_eq!(
        harness
            .bulk("PATCH", json!([{"code": "AA-B", "value": "Bee"}]))
            .0,
        200
    );
    let taken = json!({"shortCode": "c", "value": "Double"});
    let refused = harness.list("PUT", &path, Some(taken));
    assert_eq!(error_id(&refused), (400, "item.duplicate.code"));
    assert_eq!(
        harness.list("PUT", &path, Some(json!({"value": "x"}))).0,
        400
    );
}

#[test]
fn managed_lists_refuse_everyone_else() {
    let mut harness = ConcurHarness::new();
    let managed = json!({"value": "Projects", "isManaged": true});
    let (_, list) = harness.list("PUT", &format!("lists/{LIST}"), Some(managed));
    assert!(
        list["managedBy"]
            .as_str()
            .is_some_and(|by| by.starts_with("appId:"))
    );
    assert_eq!(harness.item("A", "A").0, 201);
    let typed = harness.machine.create_list_item(LIST, None, ("B", "B"), 0);
    assert_eq!(typed, Err("list.is.managed"));
    harness.machine.manage_list(LIST, "another");
    assert_eq!(error_id(&harness.item("B", "B")), (400, "list.is.managed"));
    let refused = harness.bulk("POST", json!([{"shortCode": "B", "value": "B"}]));
    assert_eq!(error_id(&refused), (400, "list.is.managed"));
}

#[test]
fn what_is_unchanged_is_not_sent_again() {
    let mut harness = ConcurHarness::new();
    let path = format!("/list/v4/lists/{LIST}/children");
    let first = harness.send("GET", &path, None);
    let tag = first.header("etag").expect("a tag").to_owned();
    let again = |harness: &mut ConcurHarness| {
        let request = harness.request("GET", &path, None);
        let request = request.with_header("If-None-Match", &tag);
        harness.machine.handle(&request, harness.now, 0).status
    };
    assert_eq!(again(&mut harness), 304);
    harness.item_id("A");
    assert_eq!(again(&mut harness), 200);
}

#[test]
fn filters_of_children_may_find_more_and_items_name_one_list() {
    let mut harness = ConcurHarness::new();
    harness.item_id("AB");
    harness.item_id("ABC");
    assert_eq!(harness.codes_of("shortCode=ab"), ["AB"]);
    assert_eq!(harness.codes_of("shortCodeOrValue=ABC"), ["ABC"]);
    harness.machine.config.lists.child_filters_contain = true;
    assert_eq!(harness.codes_of("shortCode=ab"), ["AB", "ABC"]);
    harness.machine.config.lists.item_list_id = true;
    let id = harness.machine.list_items(LIST)[0].id.clone();
    assert_eq!(
        harness.list("GET", &format!("items/{id}"), None).1["listId"],
        LIST
    );
}

#[test]
fn scopes_and_stale_look_ups() {
    let mut harness = ConcurHarness::new();
    let id = harness.item_id("A");
    let request = harness.request("GET", &format!("/list/v4/items/{id}"), None);
    assert_eq!(harness.machine.handle(&request, harness.now, 1).status, 404);
    harness.machine.config.apps[0].scopes = vec!["spend.listitem.read".into()];
    harness.sign_in();
    assert_eq!(harness.list("GET", &format!("items/{id}"), None).0, 200);
    assert_eq!(harness.item("B", "B").0, 403);
    assert_eq!(harness.list("GET", "lists", None).0, 403);
    harness.now += 3_600_000;
    assert_eq!(harness.list("GET", &format!("items/{id}"), None).0, 403);
}
