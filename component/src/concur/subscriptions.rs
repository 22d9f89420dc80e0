//! Subscriptions of the Event Subscription Service: they belong to the application, and its own
//! token manages them (source: concur-event-subscription).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::json::member_text;
use super::requests::{encoded, get, with_body};
use crate::contract::http::{Authorization, Method, Request, Response};
use crate::error_bodies::{self, Unread};

const SUBSCRIPTIONS: &str = "/events/v4/subscriptions";

/// A subscription as Concur shows it, as far as it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) topic: String,
    pub(crate) filter: String,
    pub(crate) endpoint: String,
    /// The companies whose events are delivered. Only Concur itself adds one.
    pub(crate) companies: Vec<String>,
}

/// Asks for the subscription of this id, with the application's own token.
pub(crate) fn get_subscription(id: &str) -> Request {
    with_application(get(format!("{SUBSCRIPTIONS}/{}", encoded(id))))
}

/// Creates a subscription, or changes the one with this id.
pub(crate) fn put_subscription(wanted: &Subscription) -> Request {
    let body = json!({
        "id": wanted.id,
        "filter": wanted.filter,
        "topic": wanted.topic,
        "webHookConfig": {"endpoint": wanted.endpoint},
    });
    with_application(with_body(
        Method::Put,
        &format!("{SUBSCRIPTIONS}/webhook"),
        body.to_string(),
    ))
}

/// Reads a subscription: the prose shows an array of one, the schema an object. An empty array is
/// none.
pub(crate) fn read_subscription(response: &Response) -> Result<Option<Subscription>, Unread> {
    let value: Value = serde_json::from_str(error_bodies::text(response)?)
        .map_err(|error| error_bodies::garbled(&error))?;
    let one = match &value {
        Value::Array(all) => match all.as_slice() {
            [] => return Ok(None),
            [one] => one,
            _ => return Err(garbled()),
        },
        one => one,
    };
    let id = member_text(one, "id");
    if id.is_empty() {
        return Err(garbled());
    }
    let hook = one.get("webHookConfig").cloned().unwrap_or_default();
    let companies = one.get("companyIds").and_then(Value::as_array);
    let companies = companies.into_iter().flatten().filter_map(Value::as_str);
    Ok(Some(Subscription {
        id,
        topic: member_text(one, "topic"),
        filter: member_text(one, "filter"),
        endpoint: member_text(&hook, "endpoint"),
        companies: companies.map(ToString::to_string).collect(),
    }))
}

/// The answer to a change says nothing that is needed.
pub(crate) fn read_nothing(_: &Response) -> Result<Option<Subscription>, Unread> {
    Ok(None)
}

fn with_application(request: Request) -> Request {
    Request {
        authorization: Authorization::Application,
        ..request
    }
}

fn garbled() -> Unread {
    Unread::Garbled("the answer is not a subscription".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::http::BodyPart;
    use crate::error_bodies::tests::answer;

    const ONE: &str = r#"{"allowPublicAccess":true,"startFromEarliest":false,"id":"a.b-1",
    "filter":".*",
        "topic":"public.concur.financialintegration",
        "webHookConfig":{"endpoint":"https://hooks.example.test/x"},
        "applicationId":"c","scope":"","groups":[],"companyIds":["u-1"]}"#;

    #[test]
    fn both_documented_forms_are_read() {
        let bare = read_subscription(&answer(ONE)).expect("is read");
        let found = bare.clone().expect("is there");
        assert_eq!(found.endpoint, "https://hooks.example.test/x");
        assert_eq!(found.companies, ["u-1"]);
        assert_eq!(read_subscription(&answer(&format!("[{ONE}]"))), Ok(bare));
        assert_eq!(read_subscription(&answer("[]")), Ok(None));
    }

    #[test]
    fn nulls_are_nothing() {
        let body = r#"{"id":"a","companyIds":null,"webHookConfig":null}"#;
        let found = read_subscription(&answer(body)).expect("is read");
        let found = found.expect("is there");
        assert!(found.companies.is_empty() && found.endpoint.is_empty());
    }

    #[test]
    fn what_is_no_subscription_proves_nothing() {
        for body in ["{}", "3", "null", "<a/>", &format!("[{ONE},{ONE}]")] {
            let read = read_subscription(&answer(body));
            assert!(matches!(read, Err(Unread::Garbled(_))), "{body}");
        }
    }

    #[test]
    fn both_requests_go_out_with_the_token_of_the_application() {
        let wanted = read_subscription(&answer(ONE)).expect("is read");
        let wanted = wanted.expect("is there");
        let (get, put) = (get_subscription("a b"), put_subscription(&wanted));
        assert_eq!(get.path_with_query, "/events/v4/subscriptions/a%20b");
        assert_eq!(put.path_with_query, "/events/v4/subscriptions/webhook");
        assert_eq!(
            (get.authorization, put.authorization),
            (Authorization::Application, Authorization::Application)
        );
        let [BodyPart::Text(body)] = put.body.as_slice() else {
            panic!("one part");
        };
        let body: Value = serde_json::from_str(body).expect("is JSON");
        let expected = json!({"id": "a.b-1", "filter": ".*",
            "topic": "public.concur.financialintegration",
            "webHookConfig": {"endpoint": "https://hooks.example.test/x"}});
        assert_eq!(body, expected);
    }
}
