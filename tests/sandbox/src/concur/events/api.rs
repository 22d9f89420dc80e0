//! The management API: topics and subscriptions, for application tokens only
//! (source: concur-event-subscription).

use serde_json::{Value, json};

use super::config::ErrorShape;
use super::subscriptions::{EventTypeFilter, Subscription};
use super::topics;
use super::topics::API_SCOPE;
use crate::calendar::zulu_stamp;
use crate::concur::Concur;
use crate::concur::config::LANDING_ZONE;
use crate::concur::oauth::{AccessToken, Principal};
use crate::http::{Millis, Request, Response};

/// Where the API lives; guides that leave `/events` away are wrong from outside.
pub(crate) const PREFIX: &str = "/events/v4/";

/// The most subscriptions of an app (source: concur-event-subscription).
const SUBSCRIPTIONS_MAX: usize = 5;

/// The filter of a subscription that names none.
const ANY: &str = ".*";

/// A call whose token was accepted, in the parts that are read.
struct EventApiCall<'a> {
    host: &'a str,
    access: AccessToken,
    body: &'a [u8],
    now: Millis,
    /// Look-ups miss subscriptions made later.
    visible_until: Millis,
}

/// Why a call is refused: the HTTP status, a code in the service's own words, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
struct EventApiError {
    status: u16,
    code: &'static str,
    message: String,
}

impl EventApiError {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            status,
            code,
            message,
        }
    }

    fn missing(what: &str) -> Self {
        Self::new(404, "not.found", format!("{what} was not found"))
    }

    fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid.subscription", message)
    }

    fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, "forbidden", message)
    }
}

impl Concur {
    /// Answers a request under [`PREFIX`].
    pub(crate) fn handle_events(
        &mut self,
        request: &Request,
        host: &str,
        now: Millis,
        stale: Millis,
    ) -> Response {
        self.clean_up_subscriptions(now);
        let answered = self
            .authorize_event_call(request, host, now)
            .and_then(|access| {
                let call = EventApiCall {
                    host,
                    access,
                    body: &request.body,
                    now,
                    visible_until: now.saturating_sub(stale),
                };
                self.route_events(request, &call)
            });
        match answered {
            Ok(body) => Response::json(200, &body),
            Err(refusal) => self.refuse_events(&refusal, request.path(), now),
        }
    }

    fn route_events(
        &mut self,
        request: &Request,
        call: &EventApiCall,
    ) -> Result<Value, EventApiError> {
        let path = request.path().trim_end_matches('/');
        let rest = path.strip_prefix(PREFIX).unwrap_or_default();
        let segments: Vec<&str> = rest.split('/').collect();
        match (request.method.as_str(), segments.as_slice()) {
            ("GET", ["topics"]) => Ok(topics::topics_opened_by(&call.access.scopes).collect()),
            ("PUT", ["subscriptions", "webhook"]) => self.save_subscription(call),
            ("GET", ["subscriptions"]) => Ok(self.list_subscriptions(call)),
            ("GET", ["subscriptions", "webhook"]) if self.config.events.api.webhook_lists => {
                Ok(self.list_subscriptions(call))
            }
            ("GET", ["subscriptions", id]) => self.show_subscription(call, id),
            ("DELETE", ["subscriptions", id]) => self.delete_subscription(call, id),
            (method, ["topics"] | ["subscriptions"] | ["subscriptions", _]) => {
                Err(EventApiError::new(
                    405,
                    "method.not.allowed",
                    format!("{method} is not supported"),
                ))
            }
            _ => Err(EventApiError::missing("The resource")),
        }
    }

    /// Lets in application tokens of the datacenter that is asked, with the API's scope.
    fn authorize_event_call(
        &self,
        request: &Request,
        host: &str,
        now: Millis,
    ) -> Result<AccessToken, EventApiError> {
        if host == LANDING_ZONE {
            return Err(EventApiError::missing("The resource"));
        }
        let access = request
            .bearer()
            .and_then(|token| self.oauth.access_token(token, now));
        let Some(access) = access else {
            let status = if self.config.gateway.unauthenticated_401 {
                401
            } else {
                403
            };
            let message = "The access token is missing, invalid or expired";
            return Err(EventApiError::new(status, "unauthenticated", message));
        };
        if access.principal != Principal::App {
            return Err(EventApiError::forbidden("An application token is needed"));
        }
        if access.host != host && !self.config.events.api.any_app_token {
            let message = "The token is of another datacenter";
            return Err(EventApiError::forbidden(message));
        }
        if !access.scopes.contains(API_SCOPE) {
            return Err(EventApiError::forbidden("The token lacks the scope"));
        }
        Ok(access.clone())
    }

    fn list_subscriptions(&self, call: &EventApiCall) -> Value {
        let documented_only = self.config.events.api.documented_members_only;
        let rows = self.events.subscriptions.of_app(&call.access.client_id);
        let here = rows.filter(|row| row.datacenter == call.host);
        let visible = here.filter(|row| row.created <= call.visible_until);
        visible.map(|row| row.view(documented_only)).collect()
    }

    fn show_subscription(&self, call: &EventApiCall, id: &str) -> Result<Value, EventApiError> {
        let api = &self.config.events.api;
        let row = self
            .own_subscription(call, id)
            .filter(|row| row.created <= call.visible_until);
        let row = row.ok_or_else(|| EventApiError::missing(&format!("Subscription '{id}'")))?;
        let view = row.view(api.documented_members_only);
        Ok(if api.one_is_bare { view } else { json!([view]) })
    }

    /// The subscription of that id, if the app has it at this datacenter.
    fn own_subscription(&self, call: &EventApiCall, id: &str) -> Option<&Subscription> {
        let row = self.events.subscriptions.get(id)?;
        let own = row.application_id == call.access.client_id && row.datacenter == call.host;
        own.then_some(row)
    }

    fn save_subscription(&mut self, call: &EventApiCall) -> Result<Value, EventApiError> {
        let api = &self.config.events.api;
        let asked = SubscriptionRequest::read(call, api.http_endpoints)?;
        self.refuse_taken(call, &asked.id)?;
        let (client_id, company) = (&call.access.client_id, &self.config.company_uuid);
        let known = self.events.subscriptions.get(&asked.id).cloned();
        let mut row = known.unwrap_or_else(|| {
            let filter = asked.filter.clone();
            Subscription::new(&asked.id, client_id, call.host, filter, call.now)
        });
        row.topic = asked.topic;
        row.endpoint = asked.endpoint;
        row.filter = asked.filter;
        if api.single_company {
            row.company_ids.insert(company.clone());
        }
        self.events.subscriptions.insert(row);
        Ok(json!({"message": format!("Subscription '{}' saved successfully", asked.id)}))
    }

    /// Refuses ids of others, ids that are being deleted, and the sixth subscription.
    fn refuse_taken(&self, call: &EventApiCall, id: &str) -> Result<(), EventApiError> {
        if let Some(known) = self.events.subscriptions.get(id) {
            let message = format!("Subscription '{id}' exists already");
            let free = self.own_subscription(call, id).is_some() && known.gone_at.is_none();
            return if free {
                Ok(())
            } else {
                Err(EventApiError::new(409, "subscription.exists", message))
            };
        }
        let per_datacenter = self.config.events.api.limit_per_datacenter;
        let rows = self.events.subscriptions.of_app(&call.access.client_id);
        let counted = rows.filter(|row| !per_datacenter || row.datacenter == call.host);
        if counted.count() >= SUBSCRIPTIONS_MAX {
            let message = format!("An application may have {SUBSCRIPTIONS_MAX} subscriptions");
            return Err(EventApiError::new(400, "too.many.subscriptions", message));
        }
        Ok(())
    }

    fn delete_subscription(
        &mut self,
        call: &EventApiCall,
        id: &str,
    ) -> Result<Value, EventApiError> {
        let missing = || EventApiError::missing(&format!("Subscription '{id}'"));
        self.own_subscription(call, id).ok_or_else(missing)?;
        let gone_at = call.now + self.config.events.api.deletion_lag_ms;
        let row = self.events.subscriptions.get_mut(id).ok_or_else(missing)?;
        row.gone_at.get_or_insert(gone_at);
        self.clean_up_subscriptions(call.now);
        Ok(json!({"message": format!("Subscription '{id}' marked for deletion")}))
    }

    fn refuse_events(&self, refusal: &EventApiError, path: &str, now: Millis) -> Response {
        let (code, message) = (refusal.code, &refusal.message);
        let switches = &self.config.events.api;
        let status = if switches.all_errors_400 {
            400
        } else {
            refusal.status
        };
        let bare = code == "unauthenticated" && self.config.gateway.unauthenticated_empty;
        if bare || switches.error == ErrorShape::Empty {
            return Response::empty(status);
        }
        let body = match switches.error {
            ErrorShape::Nested => json!({"error": {"code": code, "message": message}}),
            ErrorShape::Stamped => {
                json!({"timestamp": zulu_stamp(now), "httpStatus": status.to_string(),
                "errorMessage": message, "errorId": code, "path": path})
            }
            ErrorShape::Message | ErrorShape::Empty => json!({"message": message}),
        };
        Response::json(status, &body)
    }
}

/// What a subscription is to be. Members that are read-only are passed over.
struct SubscriptionRequest {
    id: String,
    topic: String,
    endpoint: String,
    filter: EventTypeFilter,
}

impl SubscriptionRequest {
    fn read(call: &EventApiCall, http_endpoints: bool) -> Result<Self, EventApiError> {
        let body: Value = serde_json::from_slice(call.body)
            .map_err(|_| EventApiError::invalid("The body is not JSON"))?;
        let id = required(&body["id"], "id")?;
        let topic = required(&body["topic"], "topic")?;
        let endpoint = required(&body["webHookConfig"]["endpoint"], "webHookConfig.endpoint")?;
        check_id(&id)?;
        check_topic(&topic, call)?;
        check_endpoint(&endpoint, http_endpoints)?;
        let filter = body["filter"].as_str().filter(|text| !text.is_empty());
        let filter = EventTypeFilter::read(filter.unwrap_or(ANY))
            .ok_or_else(|| EventApiError::invalid("filter is no regular expression"))?;
        Ok(Self {
            id,
            topic,
            endpoint,
            filter,
        })
    }
}

fn required(value: &Value, name: &str) -> Result<String, EventApiError> {
    match value.as_str() {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(EventApiError::invalid(format!("{name} is required"))),
    }
}

fn check_id(id: &str) -> Result<(), EventApiError> {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-');
    if id.bytes().all(allowed) {
        return Ok(());
    }
    let message = "id may have lower-case letters, digits, dots and hyphens";
    Err(EventApiError::invalid(message))
}

fn check_topic(topic: &str, call: &EventApiCall) -> Result<(), EventApiError> {
    if !topics::is_topic(topic) {
        return Err(EventApiError::invalid(format!(
            "There is no topic '{topic}'"
        )));
    }
    if topics::topics_opened_by(&call.access.scopes).any(|open| open == topic) {
        return Ok(());
    }
    let message = format!("The token lacks the scope of topic '{topic}'");
    Err(EventApiError::forbidden(message))
}

fn check_endpoint(endpoint: &str, http: bool) -> Result<(), EventApiError> {
    let rest = endpoint.strip_prefix("https://");
    let rest = rest.or_else(|| endpoint.strip_prefix("http://").filter(|_| http));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    match host {
        Some(host) if !host.is_empty() => Ok(()),
        _ => Err(EventApiError::invalid(
            "webHookConfig.endpoint must be an HTTPS URL",
        )),
    }
}
