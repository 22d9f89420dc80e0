//! What every v3 call passes: token, datacenter, scope; and the two languages replies are written
//! in (source: concur-401-and-403, concur-v3-conventions).

mod xml;

use serde_json::{Value, json};

use super::Concur;
use super::config::ErrorEnvelope;
use super::oauth::Principal;
use crate::calendar::bare_stamp;
use crate::http::{Millis, Pairs, Request, Response};

/// A call whose token was accepted, in the parts that are read.
pub(crate) struct GatewayCall<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: Pairs,
    pub(crate) body: &'a [u8],
    /// The base URL of the host that was asked.
    pub(crate) base_url: String,
    /// The login of a user token; none is a company token.
    pub(crate) login: Option<String>,
    pub(crate) now: Millis,
    /// Look-ups miss records younger than this.
    pub(crate) stale: Millis,
}

/// A reply before it becomes JSON or XML.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The XML root; JSON has none.
    pub(crate) root: &'static str,
    pub(crate) body: Value,
}

impl Reply {
    /// A reply with HTTP 200.
    pub(crate) fn ok(root: &'static str, body: Value) -> Self {
        Self {
            status: 200,
            root,
            body,
        }
    }

    /// A reply with HTTP 204.
    pub(crate) fn no_content() -> Self {
        Self {
            status: 204,
            root: "",
            body: Value::Null,
        }
    }

    /// The reply in the language asked for.
    pub(crate) fn render(self, json: bool) -> Response {
        if self.status == 204 {
            return Response::empty(204);
        }
        if json {
            return Response::json(self.status, &self.body);
        }
        let text = xml::document(self.root, &self.body);
        Response::typed(self.status, "application/xml", text.into_bytes())
    }
}

/// A refused v3 call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GatewayError {
    pub(crate) status: u16,
    pub(crate) message: String,
}

impl GatewayError {
    /// A refusal with a status and a sentence.
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    /// A body or a query that cannot be used: HTTP 400.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    /// A method that the resource does not have: HTTP 405.
    pub(crate) fn method_not_allowed(method: &str) -> Self {
        Self::new(
            405,
            format!("The requested resource does not support http method '{method}'."),
        )
    }

    /// The reply in one of the three envelopes.
    pub(crate) fn to_reply(&self, envelope: ErrorEnvelope, id: &str, now: Millis) -> Reply {
        let body = match envelope {
            ErrorEnvelope::Documented => {
                json!({"Error": {"Message": self.message, "Server-Time": bare_stamp(now),
                    "Id": id}})
            }
            ErrorEnvelope::MessageDetails => json!({"Message": self.message, "Details": null}),
            ErrorEnvelope::Message => json!({"Message": self.message}),
        };
        Reply {
            status: self.status,
            root: "Error",
            body,
        }
    }
}

/// Whether a request asks for JSON by name; replies are XML otherwise.
pub(crate) fn wants_json(request: &Request) -> bool {
    request
        .header("accept")
        .is_some_and(|accept| accept.to_ascii_lowercase().contains("application/json"))
}

impl Concur {
    /// Refuses a call that its token, its host or its scopes do not let in.
    pub(crate) fn refuse_entry(
        &mut self,
        request: &Request,
        host: &str,
        json: bool,
        now: Millis,
    ) -> Option<Response> {
        let access = request
            .bearer()
            .and_then(|token| self.oauth.access_token(token, now));
        let Some(access) = access else {
            return Some(self.unauthenticated(json, now));
        };
        let scope = scope_of_path(request.path());
        let allowed = access.scopes.contains(scope) && !matches!(access.principal, Principal::App);
        if host != self.config.datacenter {
            return Some(self.wrong_datacenter());
        }
        (!allowed).then(|| {
            self.error_reply(
                &GatewayError::new(403, "Forbidden: the token lacks the scope."),
                now,
            )
            .render(json)
        })
    }

    /// The login of the user that a token belongs to; none if it is a company's.
    pub(crate) fn login_of(&self, request: &Request, now: Millis) -> Option<String> {
        let token = request.bearer()?;
        match self.oauth.access_token(token, now)?.principal {
            Principal::User(at) => {
                let employee = self.config.employees.get(at)?;
                Some(employee.login_id.clone())
            }
            Principal::Company | Principal::App => None,
        }
    }

    fn unauthenticated(&mut self, json: bool, now: Millis) -> Response {
        let switches = &self.config.gateway;
        let status = if switches.unauthenticated_401 {
            401
        } else {
            403
        };
        if switches.unauthenticated_empty {
            return Response::empty(status);
        }
        self.error_reply(
            &GatewayError::new(status, "The access token is missing, invalid or expired."),
            now,
        )
        .render(json)
    }

    /// The refusal of a datacenter where the company does not live.
    pub(crate) fn wrong_datacenter(&self) -> Response {
        let message = "The company is not served by this datacenter.";
        let body = json!({"error": {"code": "wrong.datacenter", "message": message},
            "geolocation": self.home_url()});
        Response::json(403, &body)
    }

    /// The base URL of the datacenter where the company lives.
    pub(crate) fn home_url(&self) -> String {
        let home = self.config.hosts.get(&self.config.datacenter);
        home.map(|host| host.base_url.clone()).unwrap_or_default()
    }
}

/// The scope that a v3 call needs.
fn scope_of_path(path: &str) -> &'static str {
    match path.strip_prefix("/api/") {
        Some(rest) if rest.starts_with("v3.1/invoice/vendors") => "INVVEN",
        Some(rest) if rest.starts_with("v3.0/expense/expensegroupconfigurations") => "CONFIG",
        Some(rest) if rest.starts_with("v3.0/expense/") => "EXPRPT",
        _ => "INVPMT",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::concur::ConcurHarness;

    const VENDORS: &str = "/api/v3.1/invoice/vendors";

    #[test]
    fn an_expired_token_is_403_or_by_switch_401_or_bare() {
        let mut harness = ConcurHarness::new();
        harness.now += 3_600_000;
        let refused = harness.send("GET", VENDORS, None);
        assert_eq!(refused.status, 403);
        assert!(refused.value()["Error"]["Message"].is_string());
        harness.machine.config.gateway.unauthenticated_401 = true;
        harness.machine.config.gateway.unauthenticated_empty = true;
        let refused = harness.send("GET", VENDORS, None);
        assert_eq!((refused.status, refused.body.len()), (401, 0));
    }

    #[test]
    fn the_wrong_datacenter_names_the_right_one() {
        let mut harness = ConcurHarness::new();
        harness.machine.move_company("eu2");
        let refused = harness.send("GET", VENDORS, None);
        assert_eq!(refused.status, 403);
        assert_eq!(
            refused.value()["geolocation"],
            "https://eu2.api.concursolutions.com"
        );
        harness.host = "eu2.api.concursolutions.com".into();
        assert_eq!(harness.send("GET", VENDORS, None).status, 200);
        harness.host = "glz.api.concursolutions.com".into();
        assert_eq!(harness.send("GET", VENDORS, None).status, 403);
    }

    #[test]
    fn hosts_are_told_apart_by_authority_with_their_browser_twins() {
        let mut harness = ConcurHarness::new();
        for (host, status) in [
            ("WWW-US2.api.concursolutions.com", 404),
            ("www-us2.api.concursolutions.com", 200),
            ("US2.api.concursolutions.com", 200),
            ("www.concursolutions.com", 404),
        ] {
            harness.host = host.into();
            assert_eq!(harness.send("GET", VENDORS, None).status, status, "{host}");
        }
    }

    #[test]
    fn a_missing_scope_is_403() {
        let mut harness = ConcurHarness::new();
        harness.machine.config.apps[0].scopes = vec!["INVPMT".into()];
        harness.sign_in();
        assert_eq!(harness.send("GET", VENDORS, None).status, 403);
        assert_eq!(
            harness
                .send("GET", "/api/v3.0/invoice/paymentrequestdigests", None)
                .status,
            200
        );
    }

    #[test]
    fn replies_are_xml_unless_json_is_asked_for() {
        let mut harness = ConcurHarness::new();
        harness.accept = None;
        let reply = harness.send("GET", VENDORS, None);
        assert_eq!(reply.header("content-type"), Some("application/xml"));
        assert!(reply.body.starts_with(b"<?xml"));
        let missing = harness.send("GET", "/api/v3.0/invoice/nothing", None);
        assert!(String::from_utf8_lossy(&missing.body).contains("<Message>"));
    }

    #[test]
    fn errors_come_in_three_envelopes() {
        let mut harness = ConcurHarness::new();
        let mut body = |envelope| {
            harness.machine.config.gateway.error_envelope = envelope;
            harness
                .send("GET", "/api/v3.0/invoice/nothing", None)
                .value()
        };
        assert_eq!(
            body(ErrorEnvelope::Documented)["Error"]["Server-Time"],
            "2026-03-04T10:22:31"
        );
        assert!(body(ErrorEnvelope::MessageDetails).get("Details").is_some());
        assert_eq!(
            body(ErrorEnvelope::Message)
                .as_object()
                .map(|body| body.len()),
            Some(1)
        );
    }

    #[test]
    fn correlation_ids_are_echoed_or_made() {
        let mut harness = ConcurHarness::new();
        let request = harness
            .request("GET", VENDORS, None)
            .with_header("Concur-CorrelationId", "abc");
        let answer = harness.machine.handle(&request, harness.now, 0);
        assert_eq!(answer.header("concur-correlationid"), Some("abc"));
        assert_eq!(
            harness
                .send("GET", VENDORS, None)
                .header("concur-correlationid")
                .map(str::len),
            Some(36)
        );
        harness.machine.config.gateway.no_correlation_id = true;
        assert!(
            harness
                .send("GET", VENDORS, None)
                .header("concur-correlationid")
                .is_none()
        );
    }

    #[test]
    fn chunked_bodies_are_400() {
        let mut harness = ConcurHarness::new();
        let request = harness
            .request("POST", VENDORS, Some(json!({})))
            .with_header("Transfer-Encoding", "chunked");
        assert_eq!(harness.machine.handle(&request, harness.now, 0).status, 400);
    }
}
