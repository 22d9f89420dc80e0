//! What Identity promises and refuses, and each switch.

use serde_json::{Value, json};

use super::SEARCH_SCHEMA;
use super::config::IdentityErrorShape;
use crate::test_support::concur::ConcurHarness;

const EMPLOYEE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

impl ConcurHarness {
    fn search(&mut self, changes: Value) -> (u16, Value) {
        let mut body = json!({"schemas": [SEARCH_SCHEMA]});
        for (name, value) in changes.as_object().cloned().unwrap_or_default() {
            body[name] = value;
        }
        let path = "/profile/identity/v4.1/Users/.search";
        let answer = self.send("POST", path, Some(body));
        (answer.status, answer.value())
    }

    /// The logins that a filter finds, before the at sign.
    fn logins(&mut self, filter: &str) -> Vec<String> {
        let (_, body) = self.search(json!({"filter": filter}));
        let rows = body["Resources"]
            .as_array()
            .unwrap_or_else(|| panic!("{filter}: {body}"));
        let login = |row: &Value| {
            let login = row["userName"].as_str().unwrap_or_default();
            login.split('@').next().unwrap_or_default().to_owned()
        };
        rows.iter().map(login).collect()
    }

    fn scopes(&mut self, scopes: &str) {
        let scopes = scopes.split(' ').map(str::to_owned);
        self.machine.config.apps[0].scopes = scopes.collect();
        self.sign_in();
    }
}

#[test]
fn searches_find_by_number_and_address_whatever_its_case() {
    let mut harness = ConcurHarness::new();
    for (filter, found) in [
        (
            format!("{EMPLOYEE}:employeeNumber eq \"E1007\""),
            vec!["sam.doe"],
        ),
        (
            "emails.value eq \"SAM.DOE@example.test\"".into(),
            vec!["sam.doe"],
        ),
        (
            "userName eq \"Sam.Doe@example.test\"".into(),
            vec!["sam.doe"],
        ),
        (
            "emails[type eq \"work\" and value sw \"sam\"]".into(),
            vec!["sam.doe"],
        ),
        ("active eq false".into(), vec!["lee.gone"]),
        ("not (active eq true)".into(), vec!["lee.gone"]),
        (
            "name.familyName eq \"O'Neil\" or name.givenName eq \"健\"".into(),
            vec!["jo.oneil", "ken.tanaka"],
        ),
        (
            "name.givenName eq \"Jo \\\"JJ\\\"\"".into(),
            vec!["jo.oneil"],
        ),
        (
            "userName co \"on\" and emails.value pr and not (userName sw \"l\")".into(),
            vec!["jo.oneil"],
        ),
        ("userName eq \"nobody\"".into(), vec![]),
    ] {
        assert_eq!(harness.logins(&filter), found, "{filter}");
    }
}

#[test]
fn two_people_may_have_one_address() {
    let mut harness = ConcurHarness::new();
    let first = harness.machine.config.users[1].emails[0].clone();
    harness.machine.config.users[2].emails.push(first.clone());
    let found = harness.logins(&format!("emails.value eq \"{first}\""));
    assert_eq!(found, ["sam.doe", "zoe.mueller"]);
}

#[test]
fn wrong_searches_are_refused() {
    let mut harness = ConcurHarness::new();
    for filter in [
        "",
        "userName",
        "userName eq",
        "userName is \"x\"",
        "userName eq x",
        "userName eq \"x",
        "displayName eq \"x\"",
        "employeeNumber eq \"E-17\"",
        "(userName eq \"x\"",
        "userName eq \"x\" userName",
        "emails[value ne \"x\"]",
        "emails[not (value eq \"x\")]",
        "name[givenName eq \"x\"]",
    ] {
        let (status, body) = harness.search(json!({"filter": filter}));
        assert_eq!(
            (status, &body["scimType"]),
            (400, &json!("invalidFilter")),
            "{filter}"
        );
    }
    for wrong in [
        json!({"startIndex": 1}),
        json!({"atributes": []}),
        json!({"count": 1001}),
        json!({"cursor": "x"}),
        json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}),
    ] {
        assert_eq!(harness.search(wrong.clone()).0, 400, "{wrong}");
    }
}

#[test]
fn errors_have_three_shapes() {
    let mut harness = ConcurHarness::new();
    let message = "urn:ietf:params:scim:api:messages:concur:2.0:Error";
    for (shape, is_standard, has_messages) in [
        (IdentityErrorShape::Both, true, true),
        (IdentityErrorShape::Standard, true, false),
        (IdentityErrorShape::Messages, false, true),
    ] {
        harness.machine.config.identity.error_shape = shape;
        let (_, body) = harness.search(json!({"filter": "x"}));
        assert_eq!(body["status"] == "400", is_standard);
        assert_eq!(body[message]["messages"].is_array(), has_messages);
    }
}

#[test]
fn cursors_lead_through_the_pages_of_v4_1() {
    let mut harness = ConcurHarness::new();
    let (mut logins, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/profile/identity/v4.1/Users?count=4&cursor={cursor}");
        let body = harness.send("GET", &path, None).value();
        assert_eq!(
            (&body["totalResults"], &body["startIndex"]),
            (&json!(6), &json!(1))
        );
        let rows = body["Resources"].as_array().cloned().unwrap_or_default();
        logins.extend(rows.iter().map(|row| row["userName"].clone()));
        match body["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(logins.len(), 6);
    let (_, body) = harness.search(json!({"count": 6}));
    assert!(body.get("nextCursor").is_none(), "{body}");
    let (_, body) = harness.search(json!({"count": 5}));
    assert!(body["nextCursor"].is_string(), "{body}");
}

#[test]
fn v4_filters_by_three_attributes_and_counts_from_an_index() {
    let mut harness = ConcurHarness::new();
    let mut get = |query: &str| {
        let answer = harness.send("GET", &format!("/profile/identity/v4/Users?{query}"), None);
        (answer.status, answer.value())
    };
    let (_, body) = get("filter=employeeNumber%20eq%20%22E-17%22&attributes=id,emails");
    let user = &body["Resources"][0];
    assert_eq!(user["emails"][0]["value"], "ap.clerk@example.test");
    assert_eq!(user.as_object().map(serde_json::Map::len), Some(2));
    let (_, body) = get("startIndex=5&count=5");
    assert_eq!(
        (&body["startIndex"], &body["itemsPerPage"]),
        (&json!(5), &json!(2))
    );
    assert_eq!(get("").1["itemsPerPage"], 6);
    for wrong in [
        "filter=active%20eq%20true",
        "count=101",
        "cursor=x",
        "startIndex=x",
    ] {
        assert_eq!(get(wrong).0, 400, "{wrong}");
    }
}

#[test]
fn attributes_are_chosen_and_left_out() {
    let mut harness = ConcurHarness::new();
    let employee = format!("{EMPLOYEE}:employeeNumber");
    let filter = "userName sw \"sam\"";
    let (_, body) = harness.search(json!({"filter": filter, "attributes": [employee]}));
    let members: Vec<&String> = body["Resources"][0]
        .as_object()
        .expect("a user")
        .keys()
        .collect();
    assert_eq!(members, ["id", EMPLOYEE]);
    let (_, body) = harness.search(json!({"filter": filter, "excludedAttributes": ["name"]}));
    let user = &body["Resources"][0];
    assert!(user.get("name").is_none() && user["emails"].is_array());
}

#[test]
fn missing_scopes_trim_users_and_filters() {
    let mut harness = ConcurHarness::new();
    harness.scopes("identity.user.ids.read identity.user.core.read");
    let by_address = "emails.value eq \"sam.doe@example.test\"";
    let (status, body) = harness.search(json!({"filter": by_address}));
    assert_eq!((status, &body["totalResults"]), (200, &json!(0)));
    let (_, body) = harness.search(json!({"filter": "userName sw \"sam\""}));
    let user = &body["Resources"][0];
    assert!(user["active"].is_boolean());
    assert!(user.get("emails").is_none() && user.get(EMPLOYEE).is_none());
    harness.machine.config.identity.unscoped_filter_refused = true;
    assert_eq!(harness.search(json!({"filter": by_address})).0, 403);
    harness.scopes("user.read");
    let (_, body) = harness.search(json!({}));
    assert_eq!(body["Resources"][0]["userName"], Value::Null);
    harness.scopes("openid");
    assert_eq!(harness.search(json!({})).0, 403);
}

#[test]
fn switches_hide_who_left_and_compare_case() {
    let mut harness = ConcurHarness::new();
    harness.machine.config.identity.inactive_left_out = true;
    assert_eq!(harness.logins("userName sw \"lee\""), [""; 0]);
    assert_eq!(harness.logins("active eq false"), ["lee.gone"]);
    harness.machine.config.identity.case_matters = true;
    assert_eq!(harness.logins("userName sw \"SAM\""), [""; 0]);
}

#[test]
fn one_user_is_shown_and_none_is_written() {
    let mut harness = ConcurHarness::new();
    let id = harness.machine.config.users[1].id.clone();
    let path = format!("/profile/identity/v4.1/Users/{id}");
    let user = harness.send("GET", &path, None).value();
    assert_eq!(user[EMPLOYEE]["employeeNumber"], "E1007");
    assert!(harness.machine.deactivate_user("sam.doe@example.test"));
    assert_eq!(harness.send("GET", &path, None).value()["active"], false);
    assert_eq!(harness.send("DELETE", &path, None).status, 501);
    let unknown = harness.send("GET", "/profile/identity/v4.1/Users/x", None);
    assert_eq!(unknown.status, 404);
    let reply = harness
        .token(&[("grant_type", "client_credentials")])
        .value();
    harness.token = reply["access_token"].as_str().expect("a token").to_owned();
    assert_eq!(harness.send("GET", &path, None).status, 403);
}
