//! Events as they are written, with everything that the samples disagree about
//! (source: concur-event-topics).

use serde_json::{Map, Value, json};

use super::config::{Correlation, EnvelopeConfig, EventId, OptionalMembers, TopicName};
use super::topics;
use crate::calendar::bare_stamp;
use crate::http::Millis;
use crate::random::Random;

/// Facts that name a boolean in the form of text, in every sample of their topic.
const STRING_BOOLEAN_TOPICS: [&str; 2] = [
    "public.concur.request",
    "public.concur.document.tax.compliance",
];

/// An event that is published, with the bytes that every delivery of it carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublishedEvent {
    pub(crate) id: String,
    pub(crate) correlation_id: String,
    pub(crate) topic: &'static str,
    pub(crate) event_type: String,
    pub(crate) document_id: String,
    pub(crate) published: Millis,
    pub(crate) body: Vec<u8>,
}

/// What an event is about.
pub(crate) struct EventSubject<'a> {
    pub(crate) event_type: &'a str,
    pub(crate) document_id: &'a str,
    pub(crate) company_id: &'a str,
    pub(crate) entity_id: &'a str,
    /// The base URL of the company's datacenter.
    pub(crate) base_url: &'a str,
    pub(crate) now: Millis,
}

impl PublishedEvent {
    /// An event about a subject, written once: all its deliveries carry the same bytes.
    pub(crate) fn new(news: &EventSubject, switches: &EnvelopeConfig, random: &mut Random) -> Self {
        let id = event_id(switches.id, random);
        let correlation_id = correlation_id(switches.correlation, random);
        let topic = topics::topic_of_event_type(news.event_type);
        let mut body = json!({
            "id": id,
            "correlationId": correlation_id,
            "eventType": news.event_type,
            "topic": topic_name(switches.topic, topic),
            "timeStamp": time_stamp(switches, news.now),
            "facts": event_facts(news, topic, switches, random),
        });
        add_optional(&mut body, news.entity_id, switches);
        if switches.unknown_fields {
            body["schemaRevision"] = json!({"major": 5, "notes": [null]});
            body["facts"]["futureFact"] = json!([{"name": "unheard", "of": true}]);
        }
        Self {
            id,
            correlation_id,
            topic,
            event_type: news.event_type.to_owned(),
            document_id: news.document_id.to_owned(),
            published: news.now,
            body: body.to_string().into_bytes(),
        }
    }
}

fn event_id(form: EventId, random: &mut Random) -> String {
    match form {
        EventId::Uuid => random.uuid(),
        EventId::Prefixed => format!("created-{}-{}", random.uuid(), 1 + random.below(9)),
        EventId::NotHex => random.uuid().replace(['a', 'b', 'c'], "z"),
    }
}

fn correlation_id(form: Correlation, random: &mut Random) -> String {
    match form {
        Correlation::Hex => random.hex(32),
        Correlation::Uuid => random.uuid(),
        Correlation::Text => format!("S4P_{} {}", random.alphanumeric(6), random.base36(8)),
    }
}

fn topic_name(form: TopicName, topic: &str) -> String {
    let plain = topic.strip_prefix("public.").unwrap_or(topic);
    match form {
        TopicName::Subscribed => topic.to_owned(),
        TopicName::WithoutPublic => plain.to_owned(),
        TopicName::Other => "public.concur.profile.identity".to_owned(),
    }
}

fn time_stamp(switches: &EnvelopeConfig, at: Millis) -> String {
    let fraction = format!("{:03}", at % 1000);
    let digits = if switches.short_fraction { 2 } else { 3 };
    let zone = if switches.zulu { "Z" } else { "+0000" };
    format!("{}.{}{zone}", bare_stamp(at), &fraction[..digits])
}

fn add_optional(body: &mut Value, entity_id: &str, switches: &EnvelopeConfig) {
    let entity = json!(entity_id);
    let subtopic = if switches.sub_topic {
        "subTopic"
    } else {
        "subtopic"
    };
    let members: &[(&str, Value)] = match switches.optional {
        OptionalMembers::Sample => &[
            (subtopic, entity),
            ("route", json!("stable")),
            ("data", Value::Null),
        ],
        OptionalMembers::All => &[
            (subtopic, entity),
            ("route", json!("stable")),
            ("data", json!("")),
            ("groups", Value::Null),
            ("scopes", json!([])),
        ],
        OptionalMembers::Null => &[
            (subtopic, Value::Null),
            ("route", Value::Null),
            ("data", Value::Null),
            ("groups", Value::Null),
            ("scopes", Value::Null),
        ],
        OptionalMembers::Absent => &[],
    };
    for (name, value) in members {
        body[*name] = value.clone();
    }
}

fn event_facts(
    news: &EventSubject,
    topic: &str,
    switches: &EnvelopeConfig,
    random: &mut Random,
) -> Value {
    let facts = match topic {
        topics::FINANCIAL_INTEGRATION => document_facts(news),
        "public.concur.expense.report" => report_facts(news, random),
        "public.concur.request" => json!({"requestId": news.document_id, "isParent": false}),
        "public.concur.user.provisioning" => provision_facts(news),
        "public.concur.spend.accountingintegration" => {
            json!({"data": {"id": news.document_id, "status": "updated"}})
        }
        "public.concur.document.tax.compliance" => {
            json!({"documentId": news.document_id, "isValid": true})
        }
        _ => user_facts(news),
    };
    let Value::Object(mut facts) = facts else {
        return facts;
    };
    facts.insert("companyId".to_owned(), json!(news.company_id));
    let strings = switches.string_booleans || STRING_BOOLEAN_TOPICS.contains(&topic);
    respell_facts(&mut facts, strings, switches.json_in_strings);
    Value::Object(facts)
}

/// Writes booleans, objects and arrays as text.
fn respell_facts(facts: &mut Map<String, Value>, booleans: bool, nested: bool) {
    for value in facts.values_mut() {
        let as_text = match value {
            Value::Bool(_) => booleans,
            Value::Object(_) | Value::Array(_) => nested,
            _ => false,
        };
        if as_text {
            *value = Value::String(value.to_string());
        }
    }
}

fn document_facts(news: &EventSubject) -> Value {
    let kind = news.event_type.split('.').next().unwrap_or_default();
    let kind = kind.to_ascii_lowercase();
    let (base_url, id) = (news.base_url, news.document_id);
    let href = format!(
        "{base_url}/financialintegration/fi/v4/companies/transactiontypes/{kind}/transactions?docI\
         d={id}"
    );
    json!({"documentId": id, "entityId": news.entity_id, "href": href})
}

fn report_facts(news: &EventSubject, random: &mut Random) -> Value {
    let user = random.uuid();
    let mut facts = json!({
        "userId": user, "actingUserId": user, "reportId": news.document_id, "reportType": "Regular",
        "lastModifiedDate": bare_stamp(news.now) + "Z",
    });
    if news.event_type != "reportDeleted" {
        let (base_url, id) = (news.base_url, news.document_id);
        let href =
            format!("{base_url}/expensereports/v4/users/{user}/context/TRAVELER/reports/{id}");
        facts["href"] = json!(href);
    }
    if news.event_type == "statusChanged" {
        let step = json!({"roleCode": "MANAGER", "stepInstances": [{"id": random.hex(32),
            "assignedUserId": null}]});
        let changes = [
            ("previousApprovalStatus", json!("A_NOTF")),
            ("currentApprovalStatus", json!("A_PEND")),
            ("previousPaymentStatus", json!("P_NOTP")),
            ("currentPaymentStatus", json!("P_NOTP")),
            ("stepCode", Value::Null),
            ("processId", json!(random.hex(32))),
            ("startingStep", step),
        ];
        for (name, value) in changes {
            facts[name] = value;
        }
    }
    facts
}

fn provision_facts(news: &EventSubject) -> Value {
    let (base_url, id) = (news.base_url, news.document_id);
    let href = format!("{base_url}/profile/v4/provisions/{id}/status");
    // The sample's href has lost a slash.
    json!({"originator": "api", "provisionId": id, "success": true,
        "provisionStatusHref": href.replacen("https://", "https:/", 1)})
}

fn user_facts(news: &EventSubject) -> Value {
    let (base_url, id) = (news.base_url, news.document_id);
    let href = format!("{base_url}/profile/identity/v4.1/Users/{id}");
    json!({"originator": "api", "userId": id, "userHref": href, "attributes": ["name.familyName",
        "emails"]})
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_772_444_467_120;

    fn written(event_type: &str, switches: &EnvelopeConfig) -> (PublishedEvent, Value) {
        let news = EventSubject {
            event_type,
            document_id: "4B1F0A9C77D24E0E8E21",
            company_id: "7c0b6d5e-8f3a-4c21-9f6b-2d1e0a9b8c7d",
            entity_id: "p0600001abcd",
            base_url: "https://us2.api.concursolutions.com",
            now: NOW,
        };
        let event = PublishedEvent::new(&news, switches, &mut Random::new(1, "envelope"));
        let body = serde_json::from_slice(&event.body).expect("JSON");
        (event, body)
    }

    fn turned(event_type: &str, turn: impl Fn(&mut EnvelopeConfig)) -> Value {
        let mut switches = EnvelopeConfig::default();
        turn(&mut switches);
        written(event_type, &switches).1
    }

    #[test]
    fn a_document_event_is_as_documented() {
        let (event, body) = written("invoice.readyForIntegration", &EnvelopeConfig::default());
        let expected = json!({
            "id": event.id, "correlationId": event.correlation_id,
            "eventType": "invoice.readyForIntegration",
            "topic": "public.concur.financialintegration", "subtopic": "p0600001abcd",
            "timeStamp": "2026-03-02T09:41:07.120+0000", "route": "stable", "data": null,
            "facts": {
                "companyId": "7c0b6d5e-8f3a-4c21-9f6b-2d1e0a9b8c7d",
                "documentId": "4B1F0A9C77D24E0E8E21",
                "entityId": "p0600001abcd",
                "href": "https://us2.api.concursolutions.com/financialintegration/fi/v4/companies/\
                 transactiontypes/invoice/transactions?docId=4B1F0A9C77D24E0E8E21",
            },
        });
        assert_eq!(body, expected);
        assert_eq!((event.id.len(), event.correlation_id.len()), (36, 32));
    }

    #[test]
    fn stamps_have_two_zones_and_two_lengths() {
        let stamp = |zulu, short_fraction| {
            turned("x", |switches| {
                (switches.zulu, switches.short_fraction) = (zulu, short_fraction);
            })["timeStamp"]
                .clone()
        };
        assert_eq!(stamp(true, false), "2026-03-02T09:41:07.120Z");
        assert_eq!(stamp(false, true), "2026-03-02T09:41:07.12+0000");
    }

    #[test]
    fn ids_are_opaque() {
        let id = |id| turned("x", |switches| switches.id = id)["id"].clone();
        assert!(
            id(EventId::Prefixed)
                .as_str()
                .is_some_and(|id| id.starts_with("created-"))
        );
        let strange = id(EventId::NotHex);
        assert!(
            strange
                .as_str()
                .is_some_and(|id| id.len() == 36 && id.contains('z'))
        );
        let correlation =
            |form| turned("x", |switches| switches.correlation = form)["correlationId"].clone();
        assert_eq!(
            correlation(Correlation::Uuid).as_str().map(str::len),
            Some(36)
        );
        assert!(
            correlation(Correlation::Text)
                .as_str()
                .is_some_and(|id| id.starts_with("S4P_"))
        );
    }

    #[test]
    fn topics_are_spelled_in_three_ways() {
        let topic =
            |topic| turned("statusChanged", |switches| switches.topic = topic)["topic"].clone();
        assert_eq!(topic(TopicName::WithoutPublic), "concur.expense.report");
        assert_eq!(topic(TopicName::Other), "public.concur.profile.identity");
    }

    #[test]
    fn optional_members_come_and_go() {
        let with = |optional| turned("x", |switches| switches.optional = optional);
        let all = with(OptionalMembers::All);
        assert_eq!((&all["data"], &all["scopes"]), (&json!(""), &json!([])));
        let null = with(OptionalMembers::Null);
        assert!(null.get("route").is_some_and(Value::is_null) && null.get("groups").is_some());
        let absent = with(OptionalMembers::Absent);
        assert_eq!(absent.as_object().map(Map::len), Some(6));
        let camel = turned("x", |switches| switches.sub_topic = true);
        assert!(camel.get("subTopic").is_some() && camel.get("subtopic").is_none());
    }

    #[test]
    fn booleans_and_nested_facts_can_be_text() {
        let plain = turned("provisionCompleted", |_| {});
        assert_eq!(plain["facts"]["success"], json!(true));
        let text = turned("provisionCompleted", |switches| {
            switches.string_booleans = true;
        });
        assert_eq!(text["facts"]["success"], "true");
        assert_eq!(
            turned("statusChange.APPROVED", |_| {})["facts"]["isParent"],
            "false"
        );
        assert_eq!(turned("MX.compliance", |_| {})["facts"]["isValid"], "true");
        assert!(turned("data.statusUpdated", |_| {})["facts"]["data"].is_object());
        let nested = turned("data.statusUpdated", |switches| {
            switches.json_in_strings = true;
        });
        let inner: Value = nested["facts"]["data"]
            .as_str()
            .and_then(|text| serde_json::from_str(text).ok())
            .expect("JSON in a string");
        assert_eq!(inner["status"], "updated");
    }

    #[test]
    fn facts_follow_the_topic() {
        let changed = turned("statusChanged", |_| {})["facts"].clone();
        assert_eq!(changed["currentApprovalStatus"], "A_PEND");
        assert!(changed["stepCode"].is_null() && changed["href"].is_string());
        let deleted = turned("reportDeleted", |_| {})["facts"].clone();
        assert!(deleted.get("href").is_none() && deleted["reportId"].is_string());
        let user = turned("IdentityProfileUpdated", |_| {})["facts"].clone();
        assert_eq!(user["userId"], "4B1F0A9C77D24E0E8E21");
        let unknown = turned("x", |switches| switches.unknown_fields = true);
        assert!(unknown["schemaRevision"].is_object() && unknown["facts"]["futureFact"].is_array());
    }
}
