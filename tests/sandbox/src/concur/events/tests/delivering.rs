//! Who gets what, when, and what answers lead to.

use serde_json::{Value, json};

use super::{Bench, ENDPOINT, READY, documents};
use crate::concur::events::{EventCounts, Fate};
use crate::concur::{Concur, ConcurConfig};
use crate::delivery::{Delivery, DeliveryResult};
use crate::http::{Millis, System};

const HOUR_MS: Millis = 3_600_000;

#[test]
fn an_event_is_a_post_of_json_with_its_correlation_id() {
    let mut bench = Bench::listening();
    let id = bench.publish("4B1F");
    let due = bench.due();
    let body: Value = serde_json::from_slice(&due[0].body).expect("JSON");
    assert_eq!((due.len(), due[0].url.as_str()), (1, ENDPOINT));
    assert_eq!(due[0].system, System::Concur);
    assert_eq!(body["id"], json!(id));
    assert_eq!(due[0].header("content-type"), Some("application/json"));
    let correlation = due[0].header("Concur-Correlationid");
    assert_eq!(correlation, body["correlationId"].as_str());
    assert_eq!(due[0].header("Concur-Signature"), None);
}

#[test]
fn nothing_is_delivered_without_company_topic_filter_and_datacenter() {
    let mut bench = Bench::new();
    bench.put("acme", json!({"filter": "invoice"}));
    bench.publish("no company yet");
    bench.connect();
    bench.publish("the filter is for whole event types");
    bench.put("acme", json!({"filter": "expense|invoice.*"}));
    bench.publish("heard");
    let now = bench.harness.now;
    let machine = &mut bench.harness.machine;
    machine.publish("statusChanged", "another topic", now);
    machine.publish("payroll.readyForIntegration", "filtered", now);
    machine.move_company("eu2");
    machine.publish(READY, "elsewhere", now);
    assert_eq!(documents(&bench.due()), ["heard"]);
    let counts = bench.harness.machine.event_counts();
    assert_eq!((counts.published, counts.unheard), (1, 5));
}

#[test]
fn filters_can_match_anywhere() {
    let mut bench = Bench::listening();
    bench.put("acme.fis", json!({"filter": "voice"}));
    bench.harness.machine.config.events.api.filter_finds = true;
    bench.publish("1");
    assert_eq!(documents(&bench.due()), ["1"]);
}

#[test]
fn every_subscription_gets_its_own_delivery() {
    let mut bench = Bench::new();
    bench.put("acme.a", json!({}));
    bench.put(
        "acme.b",
        json!({"webHookConfig": {"endpoint": "https://b.example.test/"}}),
    );
    bench.connect();
    bench.publish("1");
    let due = bench.due();
    let urls: Vec<&str> = due.iter().map(|delivery| delivery.url.as_str()).collect();
    assert_eq!(urls, [ENDPOINT, "https://b.example.test/"]);
    bench.answer(&due[0], 200);
    bench.answer(&due[1], 500);
    bench.wait(10_000);
    assert_eq!(bench.due()[0].url, "https://b.example.test/");
}

/// What a delivery that is answered so leads to.
fn fate(turn: impl Fn(&mut Bench), result: DeliveryResult) -> (Fate, Option<Millis>) {
    let mut bench = Bench::listening();
    turn(&mut bench);
    bench.publish("1");
    let delivery = bench.due().remove(0);
    let now = bench.harness.now;
    bench.harness.machine.delivered(delivery.id, result, now);
    let next = bench.harness.machine.next_wake();
    (
        bench.harness.machine.events()[0].fate,
        next.map(|next| next - now),
    )
}

#[test]
fn answers_deliver_drop_or_are_retried() {
    for status in [200, 202, 204, 299] {
        let result = DeliveryResult::Status(status);
        assert_eq!(fate(|_| {}, result), (Fate::Delivered, None), "{status}");
    }
    for status in [400, 402, 404, 405, 408, 410, 413, 415, 422, 495, 499] {
        let result = DeliveryResult::Status(status);
        assert_eq!(
            fate(|_| {}, result),
            (Fate::Dropped(status), None),
            "{status}"
        );
    }
    let again = (Fate::Pending, Some(10_000));
    for status in [401, 403, 429, 500, 502, 503, 599, 301, 100] {
        assert_eq!(
            fate(|_| {}, DeliveryResult::Status(status)),
            again,
            "{status}"
        );
    }
    assert_eq!(fate(|_| {}, DeliveryResult::Failed), again);
    let turn = |bench: &mut Bench| {
        bench.harness.machine.config.events.delivery.redirect_drops = true;
    };
    let redirected = fate(turn, DeliveryResult::Status(302));
    assert_eq!(redirected, (Fate::Dropped(302), None));
}

#[test]
fn retries_follow_the_schedule_with_the_same_bytes_until_72_hours_are_over() {
    let mut bench = Bench::listening();
    bench.publish("1");
    let published = bench.harness.now;
    let first = bench.due().remove(0);
    bench.answer(&first, 503);
    let mut pauses = Vec::new();
    while let Some(next) = bench.harness.machine.next_wake() {
        pauses.push((next - bench.harness.now) / 1000);
        bench.harness.now = next;
        let Some(delivery) = bench.due().pop() else {
            break;
        };
        assert_eq!((&delivery.body, &delivery.url), (&first.body, &first.url));
        assert_ne!(delivery.id, first.id);
        bench.answer(&delivery, 503);
    }
    assert_eq!(pauses[..8], [10, 30, 60, 300, 900, 1_800, 3_600, 3_600]);
    assert_eq!(bench.harness.now, published + 72 * HOUR_MS);
    let record = bench.harness.machine.events().remove(0);
    assert_eq!(record.fate, Fate::Expired);
    assert_eq!(record.attempts, pauses.len() as u64);
    assert_eq!(bench.harness.machine.event_counts().expired, 1);
}

#[test]
fn an_answer_after_60_seconds_is_no_answer() {
    let mut bench = Bench::listening();
    bench.publish("1");
    let slow = bench.due().remove(0);
    let now = bench.harness.now;
    assert_eq!(bench.harness.machine.next_wake(), Some(now + 60_000));
    bench.wait(60_000);
    bench.answer(&slow, 200);
    assert_eq!(bench.harness.machine.events()[0].fate, Fate::Pending);
    bench.wait(10_000);
    let again = bench.due().remove(0);
    bench.answer(&slow, 404);
    bench.wait(59_999);
    bench.answer(&again, 200);
    assert_eq!(bench.harness.machine.events()[0].fate, Fate::Delivered);
}

#[test]
fn a_delivery_nobody_reports_on_is_tried_again() {
    let mut bench = Bench::listening();
    bench.publish("1");
    assert_eq!(bench.due().len(), 1);
    bench.wait(60_000);
    assert_eq!(bench.due().len(), 0);
    bench.wait(10_000);
    assert_eq!(bench.due().len(), 1);
}

#[test]
fn events_come_twice_late_and_out_of_order() {
    let mut bench = Bench::listening();
    let delivery = &mut bench.harness.machine.config.events.delivery;
    delivery.duplicate_per_mille = 1000;
    bench.publish("1");
    let due = bench.due();
    assert_eq!((due.len(), &due[0].body), (2, &due[1].body));
    assert_ne!(due[0].id, due[1].id);

    let delivery = &mut bench.harness.machine.config.events.delivery;
    (delivery.duplicate_per_mille, delivery.late_per_mille) = (0, 1000);
    bench.publish("2");
    assert!(bench.due().is_empty());
    bench.wait(6 * HOUR_MS);
    assert!(documents(&bench.due()).contains(&"2".to_owned()));

    let delivery = &mut bench.harness.machine.config.events.delivery;
    (delivery.late_per_mille, delivery.disorder_per_mille) = (0, 500);
    let published: Vec<String> = (10..40).map(|at| at.to_string()).collect();
    bench.harness.machine.config.events.delivery.in_flight_max = 100;
    for id in &published {
        bench.publish(id);
    }
    let mut arrived = Vec::new();
    for _ in 0..31 {
        arrived.extend(
            documents(&bench.due())
                .into_iter()
                .filter(|id| id.len() == 2),
        );
        bench.wait(1_000);
    }
    assert_ne!(arrived, published);
    arrived.sort();
    assert_eq!(arrived, published);
}

#[test]
fn a_first_delivery_can_be_delayed_and_all_of_them_silenced() {
    let mut bench = Bench::listening();
    bench.harness.machine.config.events.delivery.delay_ms = 500;
    bench.publish("1");
    assert!(bench.due().is_empty());
    bench.wait(500);
    assert_eq!(documents(&bench.due()), ["1"]);
    bench.harness.machine.config.events.delivery.silent = true;
    bench.publish("2");
    assert_eq!(bench.harness.machine.event_counts().swallowed, 1);
    assert_eq!(bench.harness.machine.events().len(), 1);
}

#[test]
fn a_failing_event_holds_back_its_partition_if_a_switch_says_so() {
    let mut bench = Bench::listening();
    bench
        .harness
        .machine
        .config
        .events
        .delivery
        .blocking_partitions = 1;
    for id in ["1", "2", "3"] {
        bench.publish(id);
    }
    let due = bench.due();
    assert_eq!(documents(&due), ["1"]);
    bench.answer(&due[0], 401);
    assert!(bench.due().is_empty());
    bench.wait(10_000);
    let due = bench.due();
    assert_eq!(documents(&due), ["1"]);
    bench.answer(&due[0], 404);
    for expected in ["2", "3"] {
        let due = bench.due();
        assert_eq!(documents(&due), [expected]);
        bench.answer(&due[0], 200);
    }
    assert_eq!(bench.harness.machine.events_pending(), 0);
}

#[test]
fn without_that_switch_nothing_is_held_back() {
    let mut bench = Bench::listening();
    bench.publish("1");
    let due = bench.due();
    bench.answer(&due[0], 503);
    bench.publish("2");
    assert_eq!(documents(&bench.due()), ["2"]);
}

#[test]
fn a_held_back_partition_goes_on_when_its_head_expires() {
    let mut bench = Bench::listening();
    let delivery = &mut bench.harness.machine.config.events.delivery;
    (delivery.blocking_partitions, delivery.window_s) = (1, 15);
    bench.publish("1");
    bench.wait(10_000);
    bench.publish("2");
    let due = bench.due();
    bench.answer(&due[0], 500);
    bench.wait(5_000);
    assert_eq!(documents(&bench.due()), ["2"]);
    assert_eq!(bench.harness.machine.events()[0].fate, Fate::Expired);
}

#[test]
fn so_many_are_under_way_at_once_and_no_more() {
    let mut bench = Bench::listening();
    bench.harness.machine.config.events.delivery.in_flight_max = 2;
    for id in ["1", "2", "3", "4"] {
        bench.publish(id);
    }
    let due = bench.due();
    assert_eq!(documents(&due), ["1", "2"]);
    assert!(bench.due().is_empty());
    bench.answer(&due[1], 200);
    assert_eq!(documents(&bench.due()), ["3"]);
    bench.answer(&due[0], 500);
    assert_eq!(documents(&bench.due()), ["4"]);
}

#[test]
fn a_deleted_or_disconnected_subscription_gets_nothing_more() {
    let mut bench = Bench::listening();
    bench.publish("1");
    bench.send("DELETE", "subscriptions/acme.fis");
    let due = bench.due();
    assert_eq!(documents(&due), ["1"]);
    bench.answer(&due[0], 500);
    bench.wait(10_000);
    assert!(bench.due().is_empty());
    assert_eq!(bench.harness.machine.events()[0].fate, Fate::Withdrawn);
    assert_eq!(bench.harness.machine.next_wake(), None);

    let mut bench = Bench::listening();
    bench.harness.machine.revoke_refresh_tokens();
    bench.publish("1");
    assert!(bench.due().is_empty());
}

#[test]
fn retries_go_where_the_subscription_points_now() {
    let mut bench = Bench::listening();
    bench.publish("1");
    let due = bench.due();
    bench.answer(&due[0], 500);
    bench.put(
        "acme.fis",
        json!({"webHookConfig": {"endpoint": "https://new.example.test/"}}),
    );
    bench.wait(10_000);
    assert_eq!(bench.due()[0].url, "https://new.example.test/");
}

#[test]
fn counts_add_up() {
    let mut bench = Bench::listening();
    bench.publish("1");
    bench.publish("2");
    let due = bench.due();
    bench.answer(&due[0], 200);
    bench.answer(&due[1], 404);
    let expected = EventCounts {
        published: 2,
        sent: 2,
        ok: 1,
        failed: 1,
        dropped: 1,
        ..EventCounts::default()
    };
    assert_eq!(bench.harness.machine.event_counts(), expected);
}

#[test]
fn the_same_seed_gives_the_same_deliveries() {
    let run = |seed| {
        let mut bench = Bench::new();
        bench.harness.machine = Concur::new(seed, ConcurConfig::default());
        bench.take_app_token();
        bench.put("acme", json!({}));
        bench.connect();
        bench.publish("1");
        bench.due()
    };
    let (one, other): (Vec<Delivery>, _) = (run(1), run(2));
    assert_eq!(one, run(1));
    assert_ne!(one, other);
}
