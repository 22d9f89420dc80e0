//! Whose fault an answer is: by status, shape and words, of both systems.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::*;
use crate::error_bodies::tests::answer_with_status;
use crate::error_bodies::{Cause, Lacking};

const PAGES: [&str; 4] = [
    "<!DOCTYPE html><html><head><title>Request blocked</title></head></html>",
    "<html><body>It works!</body></html>",
    "404 page not found",
    "The service is down for maintenance.",
];

/// What a refusal says where it is about neither a field nor a limit.
const PLAIN: &str = "Vendor could not be matched.";

const THROTTLED: [&str; 6] = [
    "Number of requests exceeds the request limit",
    "Requests received have exceeded the limit",
    "Too many requests",
    "Your rate limit was reached.",
    "A deadlock occurred.",
    "Die Anzahl der Anfragen hat das Limit überschritten.",
];

/// FreshBooks' shapes E1 to E7 with these words (source: freshbooks-errors).
fn freshbooks(words: &str) -> Vec<Value> {
    let one = json!({"errno": 1004, "field": "", "message": words, "object": "", "value": null});
    vec![
        json!({"response": {"errors": [one]}}),
        json!({"response": {"errors": one}}),
        json!({"code": 3, "message": words, "details": []}),
        json!({"code": 3, "message": "m", "details": [{"reason": "1004",
            "metadata": {"object": "", "message": words, "value": "", "field": ""}}]}),
        json!({"errno": 3, "message": words}),
        json!({"errors": {"message": words, "status": 400, "details": []}}),
        json!({"error": words}),
        json!({"message": words}),
        json!({"error": "invalid_request", "error_description": words}),
        json!({"error_type": "invalid", "message": words}),
    ]
}

/// The same where they name a field.
fn freshbooks_fields(words: &str) -> Vec<Value> {
    let one = json!({"errno": 1004, "field": "amount", "message": words, "value": "x"});
    vec![
        json!({"response": {"errors": [one]}}),
        json!({"response": {"errors": one}}),
        json!({"code": 3, "message": "m", "details": [{"reason": "1004",
            "metadata": {"message": words, "field": "amount"}}]}),
        json!({"errno": 422, "message": "m", "details": [alloc::format!("event: {words}")]}),
        json!({"code": 3, "message": "m", "details": [
            {"fieldViolations": [{"field": "event", "description": words}]}]}),
        json!({"errors": {"message": "m", "details": [
            {"reason": "name: required", "metadata": {"message": words, "field": "name"}}]}}),
        json!({"errno": 2001, "error": {"title": words}}),
    ]
}

/// SAP Concur's envelopes with these words (source: concur-http-status-codes).
fn concur(words: &str) -> Vec<String> {
    let error = json!({"Message": words, "Server-Time": "", "Id": "1"});
    let shapes = [
        json!({"code": 5, "error": "invalid_request", "error_description": words}),
        json!({"httpStatus": "400 - Bad Request", "error": {"id": "x", "message": words}}),
        json!({"errorMessage": words, "errorId": "x", "validationErrors": []}),
        json!({"errorCode": "x", "errorMessage": words, "validationErrors": null}),
        json!({"schemas": [], "status": "400", "detail": words}),
        json!({"StatusCode": 400, "Content": {"Error": error}}),
        json!({"Error": error}),
        json!({"Message": words, "Details": null}),
        json!({"status": false, "errorMessageList": [{"errorCode": "x", "errorMessage": words}]}),
        json!({"error": {"code": "x", "message": words}}),
        json!({"recordsFailed": 1, "errors": [{"id": "x", "message": words, "listItem": {}}]}),
        json!({"message": words, "fiReturnCode": 7, "postingResultBlob": ""}),
        json!(words),
    ];
    let xml = alloc::format!("<Error><Message>{words}</Message><Id>1</Id></Error>");
    let shapes = shapes.iter().map(ToString::to_string);
    shapes.chain([xml]).collect()
}

fn concur_fields(words: &str) -> Vec<String> {
    let errors = json!([{"source": "expenseTypeId", "message": words}]);
    let shapes = [
        json!({"error": {"id": "x", "message": "m"}, "validationErrors": errors}),
        json!({"errorMessage": "m", "validationErrors": errors}),
        json!({"errorCode": "x", "errorMessage": "m", "validationErrors": errors}),
        json!({"Status": "FAILURE", "FieldCode": "Custom1", "ErrorMessage": words}),
    ];
    shapes.iter().map(ToString::to_string).collect()
}

/// What an answer to a write leads to, a letter each: the token is refreshed (d), it is waited for
/// (w), it counts as an attempt and may have been carried out (a), the same at no cost (x); the
/// record is rejected (r), is not there (m), a permission is missing (p), it parks (u).
fn verdict(system: System, status: u16, body: &str) -> char {
    match classify(system, &answer_with_status(status, body), |_| Ok(())) {
        Verdict::Answered(()) => panic!("{status} is no success"),
        Verdict::NotNow(NotNow::Denied(_)) => 'd',
        Verdict::NotNow(_) => 'w',
        Verdict::Unknown(_, Blame::Record) => 'a',
        Verdict::Unknown(..) => 'x',
        Verdict::Refused(refusal) if refusal.is_missing() => 'm',
        Verdict::Refused(refusal) => match refusal.cause(system) {
            Cause::Record => 'r',
            Cause::Permission(_) => 'p',
            Cause::Remote => 'w',
            Cause::Unclear => 'u',
        },
    }
}

fn assert_all(system: System, status: u16, bodies: &[String], expected: char) {
    for body in bodies {
        let found = verdict(system, status, body);
        assert_eq!(found, expected, "{system:?} {status} {body}");
    }
}

/// Each row: what a page, no body, a refusal without a field, one with a field, and words of
/// throttling lead to.
fn assert_table(system: System, rows: &[(u16, &str)]) {
    type Bodies = fn(&str) -> Vec<String>;
    let (plain, fields): (Bodies, Bodies) = match system {
        System::Freshbooks => (
            |words| freshbooks(words).iter().map(ToString::to_string).collect(),
            |words| {
                let shapes = freshbooks_fields(words);
                shapes.iter().map(ToString::to_string).collect()
            },
        ),
        System::Concur => (concur, concur_fields),
    };
    let throttled: Vec<String> = THROTTLED.iter().flat_map(|words| plain(words)).collect();
    let about_fields: Vec<String> = [PLAIN]
        .iter()
        .chain(&THROTTLED)
        .copied()
        .flat_map(fields)
        .collect();
    for (status, expected) in rows {
        let expected: Vec<char> = expected.chars().collect();
        let pages = PAGES.map(ToString::to_string);
        assert_all(system, *status, &pages, expected[0]);
        assert_all(
            system,
            *status,
            &[String::new(), " ".to_string()],
            expected[1],
        );
        assert_all(system, *status, &plain(PLAIN), expected[2]);
        assert_all(system, *status, &about_fields, expected[3]);
        assert_all(system, *status, &throttled, expected[4]);
    }
}

#[test]
fn whose_fault_an_answer_of_freshbooks_is() {
    assert_table(
        System::Freshbooks,
        &[
            (400, "wurrw"),
            (401, "ddddd"),
            (402, "wpppw"),
            (403, "wpprw"),
            (404, "wmmmm"),
            (405, "wuuuw"),
            (408, "xxxxx"),
            (409, "wurrw"),
            (410, "wmmmm"),
            (413, "wurrw"),
            (415, "wuuuw"),
            (422, "wurrr"),
            (429, "wwwww"),
            (500, "aaaaa"),
            (502, "xxxxx"),
            (503, "wwwww"),
            (504, "xxxxx"),
            (522, "xxxxx"),
        ],
    );
}

#[test]
fn whose_fault_an_answer_of_concur_is() {
    assert_table(
        System::Concur,
        &[
            (400, "wwwrw"),
            (401, "ddddd"),
            (402, "wpppw"),
            (403, "ddddw"),
            (404, "wmmmm"),
            (405, "wuuuw"),
            (408, "xxxxx"),
            (409, "wurrw"),
            (410, "wmmmm"),
            (413, "wurrw"),
            (415, "wuuuw"),
            (422, "wurrr"),
            (429, "wwwww"),
            (500, "aaaaa"),
            (502, "xxxxx"),
            (503, "wwwww"),
            (504, "xxxxx"),
            (522, "xxxxx"),
        ],
    );
}

#[test]
fn a_refused_look_up_is_never_the_record_s_fault() {
    for status in [200, 400, 403, 405, 409, 413, 422] {
        for body in concur(PLAIN).into_iter().chain(concur_fields(PLAIN)) {
            let refusal = Refusal {
                is_look_up: true,
                ..read_refusal(&answer_with_status(status, &body))
            };
            assert_ne!(
                refusal.cause(System::Concur),
                Cause::Record,
                "{status} {body}"
            );
        }
    }
}

#[test]
fn a_success_that_is_a_page_is_the_remote_s() {
    let garbled = |_: &Response| Err::<(), _>(Unread::Garbled("x".to_string()));
    for page in PAGES {
        let verdict = classify(System::Concur, &answer_with_status(200, page), garbled);
        assert!(
            matches!(verdict, Verdict::Unknown(_, Blame::Remote)),
            "{page}"
        );
    }
    let verdict = classify(System::Concur, &answer_with_status(200, "{}"), garbled);
    assert!(matches!(verdict, Verdict::Unknown(_, Blame::Record)));
}

#[test]
fn a_missing_permission_is_named_where_the_remote_names_it() {
    let e1 = |errno: u32, message: &str| {
        let error = json!({"errno": errno, "field": "", "message": message});
        json!({"response": {"errors": [error]}})
    };
    let scope = json!({"error": "insufficient_scope", "error_description": "m"});
    for (system, status, body, expected) in [
        (
            System::Freshbooks,
            200,
            e1(41001, "m"),
            Lacking::Plan("bills"),
        ),
        (
            System::Freshbooks,
            200,
            e1(31001, "m"),
            Lacking::Plan("bill vendors"),
        ),
        (
            System::Freshbooks,
            200,
            e1(12001, "m"),
            Lacking::Plan("items"),
        ),
        (
            System::Freshbooks,
            200,
            e1(41101, "m"),
            Lacking::Plan("bill payments"),
        ),
        (System::Freshbooks, 200, e1(1003, "m"), Lacking::Role),
        (System::Freshbooks, 403, e1(1003, "m"), Lacking::Role),
        (
            System::Freshbooks,
            403,
            e1(1003, "no such scope"),
            Lacking::Scope,
        ),
        (System::Freshbooks, 403, scope.clone(), Lacking::Scope),
        (System::Concur, 403, scope, Lacking::Scope),
        (
            System::Concur,
            403,
            json!({"Message": "Forbidden"}),
            Lacking::Something,
        ),
    ] {
        let refusal = read_refusal(&answer_with_status(status, &body.to_string()));
        assert_eq!(refusal.cause(system), Cause::Permission(expected), "{body}");
        assert!(!expected.message(system).is_empty() && !expected.remedy(system).is_empty());
    }
    let read_only = read_refusal(&answer_with_status(403, &e1(1038, "m").to_string()));
    assert_eq!(read_only.cause(System::Freshbooks), Cause::Record);
}
