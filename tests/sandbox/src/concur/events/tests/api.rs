//! Tokens, topics and subscriptions.

use serde_json::{Value, json};

use super::{Bench, COMPANY, ENDPOINT, TOPIC};
use crate::concur::events::config::{CleanUp, ErrorShape};

const DAY_MS: u64 = 86_400_000;

#[test]
fn app_tokens_and_nothing_else_open_the_api() {
    let mut bench = Bench::new();
    assert_eq!(bench.send("GET", "topics").status, 200);
    let app_token = bench.harness.token.clone();
    bench.harness.sign_in();
    assert_eq!(bench.send("GET", "topics").status, 403);
    bench.harness.token = "unknown".into();
    assert_eq!(bench.send("GET", "topics").status, 403);
    bench.harness.machine.config.gateway.unauthenticated_401 = true;
    assert_eq!(bench.send("GET", "topics").status, 401);
    bench.harness.token = app_token;
    let vendors = bench.harness.send("GET", "/api/v3.1/invoice/vendors", None);
    assert_eq!(vendors.status, 403);
}

#[test]
fn app_tokens_are_of_their_datacenter() {
    let mut bench = Bench::new();
    bench.harness.host = "eu2.api.concursolutions.com".into();
    assert_eq!(bench.send("GET", "topics").status, 403);
    let body = bench.take_app_token();
    assert_eq!(body["geolocation"], "https://eu2.api.concursolutions.com");
    assert_eq!(bench.send("GET", "topics").status, 200);
    bench.harness.host = "us2.api.concursolutions.com".into();
    assert_eq!(bench.send("GET", "topics").status, 403);
    bench.harness.machine.config.events.api.any_app_token = true;
    assert_eq!(bench.send("GET", "topics").status, 200);
    bench.harness.host = "glz.api.concursolutions.com".into();
    assert_eq!(bench.send("GET", "topics").status, 404);
}

#[test]
fn topics_follow_the_scopes() {
    let mut bench = Bench::new();
    bench.grant(&["events.topic.read", "FISVC"]);
    assert_eq!(bench.send("GET", "topics").value(), json!([TOPIC]));
    bench.grant(&["events.topic.read"]);
    assert_eq!(bench.send("GET", "topics").value(), json!([]));
    assert_eq!(bench.put("a", json!({})).status, 403);
    bench.grant(&["events.topic.read", "FISVC", "expense.report.read"]);
    let both = json!([TOPIC, "public.concur.expense.report"]);
    assert_eq!(bench.send("GET", "topics").value(), both);
    bench.grant(&["FISVC"]);
    assert_eq!(bench.send("GET", "topics").status, 403);
}

#[test]
fn a_subscription_is_saved_and_read_back() {
    let mut bench = Bench::new();
    let saved = bench.put(
        "acme.fis.us2",
        json!({"companyIds": ["x"], "groups": ["y"]}),
    );
    assert_eq!(saved.status, 200);
    let message = json!({"message": "Subscription 'acme.fis.us2' saved successfully"});
    assert_eq!(saved.value(), message);
    let expected = json!({
        "allowPublicAccess": true, "startFromEarliest": false, "id": "acme.fis.us2", "topic": TOPIC,
        "filter": ".*",
        "webHookConfig": {"endpoint": ENDPOINT},
        "applicationId": "5b1c9c0e-3c57-4a15-9d9e-0f0b7c1e2a33",
        "scope": "", "groups": [], "companyIds": [],
    });
    assert_eq!(
        bench.send("GET", "subscriptions").value(),
        json!([expected])
    );
    let one = bench.send("GET", "subscriptions/acme.fis.us2").value();
    assert_eq!(one, json!([expected]));
    bench.harness.machine.config.events.api.one_is_bare = true;
    let one = bench.send("GET", "subscriptions/acme.fis.us2").value();
    assert_eq!(one, expected);
    bench
        .harness
        .machine
        .config
        .events
        .api
        .documented_members_only = true;
    let one = bench.send("GET", "subscriptions/acme.fis.us2").value();
    assert!(one.get("allowPublicAccess").is_none() && one.get("startFromEarliest").is_none());
}

#[test]
fn the_same_id_updates_and_another_id_creates() {
    let mut bench = Bench::listening();
    let endpoint = json!({"webHookConfig": {"endpoint": "https://other.example.test/"},
        "filter": "expense.*"});
    assert_eq!(bench.put("acme.fis", endpoint).status, 200);
    let shown = bench.shown("acme.fis");
    assert_eq!(
        shown["webHookConfig"]["endpoint"],
        "https://other.example.test/"
    );
    assert_eq!(
        (&shown["filter"], &shown["companyIds"]),
        (&json!("expense.*"), &json!([COMPANY]))
    );
    bench.put("acme.fis2", json!({}));
    let count = bench
        .send("GET", "subscriptions")
        .value()
        .as_array()
        .map(Vec::len);
    assert_eq!(count, Some(2));
}

#[test]
fn malformed_subscriptions_are_refused() {
    let mut bench = Bench::new();
    for (id, changes) in [
        ("Acme", json!({})),
        ("acme_fis", json!({})),
        ("", json!({})),
        ("acme", json!({"id": null})),
        ("acme", json!({"topic": "public.concur.nothing"})),
        ("acme", json!({"topic": null})),
        ("acme", json!({"filter": "("})),
        ("acme", json!({"webHookConfig": {}})),
        (
            "acme",
            json!({"webHookConfig": {"endpoint": "http://hooks.example.test/"}}),
        ),
        ("acme", json!({"webHookConfig": {"endpoint": "https://"}})),
    ] {
        assert_eq!(bench.put(id, changes.clone()).status, 400, "{id} {changes}");
    }
    let request = bench
        .harness
        .request("PUT", "/events/v4/subscriptions/webhook", None);
    assert_eq!(
        bench
            .harness
            .machine
            .handle(&request, bench.harness.now, 0)
            .status,
        400
    );
    bench.harness.machine.config.events.api.http_endpoints = true;
    let plain = json!({"webHookConfig": {"endpoint": "http://hooks.example.test/"}});
    assert_eq!(bench.put("acme", plain).status, 200);
}

#[test]
fn ids_are_unique_over_all_apps_and_datacenters() {
    let mut bench = Bench::new();
    assert_eq!(bench.put("acme", json!({})).status, 200);
    bench.harness.host = "eu2.api.concursolutions.com".into();
    bench.take_app_token();
    assert_eq!(bench.put("acme", json!({})).status, 409);
    assert_eq!(bench.send("GET", "subscriptions").value(), json!([]));
    bench.harness.host = "us2.api.concursolutions.com".into();
    bench.as_app("somebody-else");
    assert_eq!(bench.put("acme", json!({})).status, 409);
    assert_eq!(bench.send("GET", "subscriptions").value(), json!([]));
    assert_eq!(bench.send("GET", "subscriptions/acme").status, 404);
    assert_eq!(bench.send("DELETE", "subscriptions/acme").status, 404);
}

#[test]
fn the_sixth_subscription_is_refused() {
    let mut bench = Bench::new();
    for at in 0..5 {
        assert_eq!(bench.put(&format!("acme.{at}"), json!({})).status, 200);
    }
    assert_eq!(bench.put("acme.5", json!({})).status, 400);
    assert_eq!(bench.put("acme.4", json!({})).status, 200);
    bench.harness.host = "eu2.api.concursolutions.com".into();
    bench.take_app_token();
    assert_eq!(bench.put("acme.eu", json!({})).status, 400);
    bench.harness.machine.config.events.api.limit_per_datacenter = true;
    assert_eq!(bench.put("acme.eu", json!({})).status, 200);
}

#[test]
fn a_company_is_added_by_an_exchange_after_the_subscription_only() {
    let mut bench = Bench::new();
    bench.connect();
    bench.put("acme", json!({}));
    assert_eq!(bench.shown("acme")["companyIds"], json!([]));
    let app_token = bench.harness.token.clone();
    let refresh = bench.harness.sign_in()["refresh_token"].clone();
    bench.harness.token = app_token;
    assert_eq!(bench.shown("acme")["companyIds"], json!([COMPANY]));
    bench.put("acme.late", json!({}));
    let refresh = refresh.as_str().expect("a token");
    let refreshed = bench
        .harness
        .token(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]);
    assert_eq!(refreshed.status, 200);
    assert_eq!(bench.shown("acme.late")["companyIds"], json!([]));
    bench.harness.machine.revoke_refresh_tokens();
    assert_eq!(bench.shown("acme")["companyIds"], json!([]));
    bench.connect();
    assert_eq!(bench.shown("acme.late")["companyIds"], json!([COMPANY]));
}

#[test]
fn a_company_is_added_where_it_lives_and_to_its_own_app() {
    let mut bench = Bench::new();
    bench.put("acme.us2", json!({}));
    bench.harness.host = "eu2.api.concursolutions.com".into();
    bench.take_app_token();
    bench.put("acme.eu2", json!({}));
    bench.connect();
    assert_eq!(bench.shown("acme.eu2")["companyIds"], json!([]));
    bench.harness.host = "us2.api.concursolutions.com".into();
    bench.take_app_token();
    assert_eq!(bench.shown("acme.us2")["companyIds"], json!([COMPANY]));
    bench.as_app("somebody-else");
    bench.put("else", json!({}));
    assert_eq!(bench.shown("else")["companyIds"], json!([]));
}

#[test]
fn an_app_of_one_company_needs_no_exchange() {
    let mut bench = Bench::new();
    bench.harness.machine.config.events.api.single_company = true;
    bench.put("acme", json!({}));
    assert_eq!(bench.shown("acme")["companyIds"], json!([COMPANY]));
}

#[test]
fn deletion_takes_its_time() {
    let mut bench = Bench::new();
    bench.put("acme", json!({}));
    let deleted = bench.send("DELETE", "subscriptions/acme");
    assert_eq!(deleted.status, 200);
    let message = json!({"message": "Subscription 'acme' marked for deletion"});
    assert_eq!(deleted.value(), message);
    assert_eq!(bench.send("GET", "subscriptions/acme").status, 200);
    assert_eq!(bench.put("acme", json!({})).status, 409);
    bench.wait(5_000);
    assert_eq!(bench.send("GET", "subscriptions/acme").status, 404);
    assert_eq!(bench.send("DELETE", "subscriptions/acme").status, 404);
    assert_eq!(bench.put("acme", json!({})).status, 200);
    bench.harness.machine.config.events.api.deletion_lag_ms = 0;
    bench.send("DELETE", "subscriptions/acme");
    assert_eq!(bench.send("GET", "subscriptions").value(), json!([]));
}

/// Lets days pass, with a fresh app token at the end.
fn days(bench: &mut Bench, days: u64) {
    bench.wait(days * DAY_MS);
    bench.take_app_token();
}

fn exists(bench: &mut Bench, id: &str) -> bool {
    let all = bench.send("GET", "subscriptions").value();
    let rows = all.as_array().cloned().unwrap_or_default();
    rows.iter().any(|row: &Value| row["id"] == id)
}

#[test]
fn what_nobody_uses_is_deleted_after_30_days() {
    let mut bench = Bench::listening();
    bench.put("acme.lonely", json!({"filter": "never"}));
    bench.publish("1");
    let delivery = bench.due().remove(0);
    bench.answer(&delivery, 200);
    days(&mut bench, 29);
    assert!(exists(&mut bench, "acme.fis") && exists(&mut bench, "acme.lonely"));
    days(&mut bench, 1);
    assert!(exists(&mut bench, "acme.fis") && !exists(&mut bench, "acme.lonely"));
    bench.harness.machine.config.events.api.clean_up = CleanUp::Idle;
    assert!(!exists(&mut bench, "acme.fis"));
}

#[test]
fn a_disconnected_subscription_lives_for_30_days() {
    let mut bench = Bench::listening();
    bench.publish("1");
    let delivery = bench.due().remove(0);
    bench.answer(&delivery, 200);
    days(&mut bench, 40);
    bench.harness.machine.revoke_refresh_tokens();
    assert!(exists(&mut bench, "acme.fis"));
    days(&mut bench, 29);
    assert!(exists(&mut bench, "acme.fis"));
    days(&mut bench, 1);
    assert!(!exists(&mut bench, "acme.fis"));
}

#[test]
fn clean_up_can_be_switched_off() {
    let mut bench = Bench::listening();
    bench.harness.machine.config.events.api.clean_up = CleanUp::Off;
    days(&mut bench, 400);
    assert!(exists(&mut bench, "acme.fis"));
}

#[test]
fn the_list_under_webhook_is_a_switch() {
    let mut bench = Bench::new();
    bench.put("acme", json!({}));
    assert_eq!(bench.send("GET", "subscriptions/webhook").status, 404);
    bench.harness.machine.config.events.api.webhook_lists = true;
    let list = bench.send("GET", "subscriptions/webhook").value();
    assert_eq!(list[0]["id"], "acme");
}

#[test]
fn refusals_have_four_shapes() {
    let mut bench = Bench::new();
    let mut refused = |error| {
        bench.harness.machine.config.events.api.error = error;
        bench.send("GET", "subscriptions/nothing")
    };
    assert_eq!(
        refused(ErrorShape::Nested).value()["error"]["code"],
        "not.found"
    );
    let stamped = refused(ErrorShape::Stamped).value();
    assert_eq!(stamped["path"], "/events/v4/subscriptions/nothing");
    assert!(refused(ErrorShape::Message).value()["message"].is_string());
    assert!(refused(ErrorShape::Empty).body.is_empty());
    bench.harness.machine.config.events.api.all_errors_400 = true;
    assert_eq!(bench.send("GET", "subscriptions/nothing").status, 400);
}

#[test]
fn other_methods_and_paths_are_refused() {
    let mut bench = Bench::new();
    for (method, path, status) in [
        ("POST", "subscriptions/webhook", 405),
        ("DELETE", "topics", 405),
        ("GET", "subscriptions/a/b", 404),
        ("GET", "events", 404),
    ] {
        assert_eq!(bench.send(method, path).status, status, "{method} {path}");
    }
    let inside = bench.harness.send("GET", "/v4/topics", None);
    assert_ne!(inside.status, 200);
}

#[test]
fn look_ups_can_be_stale() {
    let mut bench = Bench::new();
    bench.put("acme", json!({}));
    let request = bench
        .harness
        .request("GET", "/events/v4/subscriptions", None);
    let now = bench.harness.now;
    let seen = bench.harness.machine.handle(&request, now, 1).value();
    assert_eq!(seen, json!([]));
}
