//! The four calls below `/financialintegration/fi/v4`: who may make them, and how true failures
//! look (source: concur-financial-integration).

mod acknowledgements;
mod payment_confirmations;
mod posting_confirmations;
mod transactions;

use serde::de::DeserializeOwned;
use serde_json::json;

use super::DocType;
use crate::concur::Concur;
use crate::concur::oauth::Principal;
use crate::http::{Millis, Pairs, Request, Response};

/// Where the calls are.
pub(crate) const PREFIX: &str = "/financialintegration/fi/v4/companies/transactiontypes/";

/// What names a system at most has.
pub(crate) const SYSTEM_ID_MAX: usize = 50;

/// A call whose token was accepted, in the parts that are read.
pub(crate) struct FinancialCall<'a> {
    pub(crate) doc_type: DocType,
    pub(crate) body: &'a [u8],
    pub(crate) query: Pairs,
    pub(crate) path: &'a str,
    pub(crate) base_url: String,
    /// The header `DocumentFormatAs` asks for `document` as a text.
    pub(crate) as_text: bool,
    pub(crate) now: Millis,
    /// Look-ups miss documents younger than this.
    pub(crate) stale: Millis,
}

/// A true failure: an HTTP status with a code and a sentence. Everything else is reported per item
/// with HTTP 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FinancialError {
    pub(crate) status: u16,
    pub(crate) code: u32,
    pub(crate) message: String,
}

impl FinancialError {
    /// HTTP 400 with the code for an invalid request.
    pub(crate) fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(400, 198, message)
    }

    fn new(status: u16, code: u32, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            status,
            code,
            message,
        }
    }

    fn response(&self) -> Response {
        let body =
            json!({"message": self.message, "fiReturnCode": self.code, "postingResultBlob": ""});
        Response::json(self.status, &body)
    }
}

impl FinancialCall<'_> {
    /// The body as JSON.
    pub(crate) fn read_body<T: DeserializeOwned>(&self) -> Result<T, FinancialError> {
        serde_json::from_slice(self.body).map_err(|error| {
            FinancialError::invalid_request(format!("The request is not readable: {error}"))
        })
    }
}

impl Concur {
    /// Answers a request below [`PREFIX`].
    pub(crate) fn handle_financial(
        &mut self,
        request: &Request,
        host: &str,
        now: Millis,
        stale: Millis,
    ) -> Response {
        self.queue.release_delayed(now);
        let token = request.bearer();
        let Some(access) = token.and_then(|token| self.oauth.access_token(token, now)) else {
            return self.unauthenticated_financial();
        };
        let allowed = access.principal == Principal::Company && access.scopes.contains("FISVC");
        if host != self.config.datacenter {
            return self.wrong_datacenter();
        }
        if !allowed {
            let message = "Forbidden: a company token with the scope FISVC is required.";
            return FinancialError::new(403, 199, message).response();
        }
        self.route_financial(request, host, now, stale)
            .unwrap_or_else(|failure| failure.response())
    }

    fn route_financial(
        &mut self,
        request: &Request,
        host: &str,
        now: Millis,
        stale: Millis,
    ) -> Result<Response, FinancialError> {
        let path = request.path().trim_end_matches('/');
        let segments: Vec<&str> = path
            .strip_prefix(PREFIX)
            .unwrap_or_default()
            .split('/')
            .collect();
        let not_found = || FinancialError::new(404, 199, "The requested resource was not found.");
        let [doc_type, "transactions", rest @ ..] = segments.as_slice() else {
            return Err(not_found());
        };
        let unknown =
            || FinancialError::invalid_request(format!("Unknown document type: {doc_type}"));
        let base_url = self
            .config
            .hosts
            .get(host)
            .map(|host| host.base_url.clone());
        let as_text = request.header("documentformatas");
        let call = FinancialCall {
            doc_type: DocType::parse(doc_type).ok_or_else(unknown)?,
            body: &request.body,
            query: request.query(),
            path,
            base_url: base_url.unwrap_or_default(),
            as_text: as_text.is_some_and(|format| format.eq_ignore_ascii_case("text")),
            now,
            stale,
        };
        match (request.method.as_str(), rest) {
            ("GET", []) => self.list_transactions(&call),
            ("POST", ["acknowledgements"]) => self.acknowledge(&call),
            ("POST", ["postingconfirmations"]) => self.confirm_postings(&call),
            ("POST", ["paymentconfirmations"]) => self.confirm_payments(&call),
            (
                method,
                [] | ["acknowledgements" | "postingconfirmations" | "paymentconfirmations"],
            ) => {
                let message = format!("Request method '{method}' not supported");
                Err(FinancialError::new(405, 199, message))
            }
            _ => Err(not_found()),
        }
    }

    fn unauthenticated_financial(&self) -> Response {
        let switches = &self.config.gateway;
        let status = if switches.unauthenticated_401 {
            401
        } else {
            403
        };
        if switches.unauthenticated_empty {
            return Response::empty(status);
        }
        let message = "The access token is missing, invalid or expired.";
        FinancialError::new(status, 199, message).response()
    }

    /// The system a call names: optional or required, of at most [`SYSTEM_ID_MAX`] characters.
    pub(crate) fn read_system_id(&self, given: Option<String>) -> Result<String, FinancialError> {
        if given.is_none() && self.config.financial.system_id_required {
            return Err(FinancialError::invalid_request(
                "Required field systemId is missing.",
            ));
        }
        let system_id = given.unwrap_or_default();
        if system_id.chars().count() > SYSTEM_ID_MAX {
            return Err(FinancialError::invalid_request("systemId is too long."));
        }
        Ok(system_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::concur::ConcurHarness;

    fn refused(
        harness: &mut ConcurHarness,
        doc_type: &str,
        rest: &str,
        body: Option<serde_json::Value>,
    ) -> u16 {
        let answer = harness.financial(doc_type, rest, body);
        let body = answer.value();
        let blob = body["postingResultBlob"].is_string();
        assert!(
            body["message"].is_string() && body["fiReturnCode"].is_u64() && blob,
            "{body}"
        );
        answer.status
    }

    #[test]
    fn only_company_tokens_are_let_in() {
        let mut harness = ConcurHarness::new();
        assert_eq!(harness.financial("expense", "", None).status, 200);
        for fields in [
            vec![
                ("grant_type", "password"),
                ("username", "ap.clerk@example.test"),
                ("password", "sandbox-password"),
            ],
            vec![("grant_type", "client_credentials")],
        ] {
            let reply = harness.token(&fields).value();
            harness.token = reply["access_token"]
                .as_str()
                .unwrap_or_else(|| panic!("{reply}"))
                .to_owned();
            assert_eq!(refused(&mut harness, "expense", "", None), 403);
        }
    }

    #[test]
    fn the_scope_is_required() {
        let mut harness = ConcurHarness::new();
        harness.machine.config.apps[0].scopes = vec!["INVPMT".into()];
        harness.sign_in();
        assert_eq!(refused(&mut harness, "expense", "", None), 403);
        harness.machine.config.apps[0].scopes = vec!["FISVC".into()];
        harness.sign_in();
        assert_eq!(harness.financial("expense", "", None).status, 200);
    }

    #[test]
    fn expired_tokens_and_wrong_datacenters_are_refused() {
        let mut harness = ConcurHarness::new();
        harness.machine.move_company("eu2");
        let refusal = harness.financial("expense", "", None);
        assert_eq!(
            (refusal.status, &refusal.value()["error"]["code"]),
            (403, &json!("wrong.datacenter"))
        );
        harness.now += 3_600_000;
        assert_eq!(refused(&mut harness, "expense", "", None), 403);
        harness.machine.config.gateway.unauthenticated_401 = true;
        assert_eq!(refused(&mut harness, "expense", "", None), 401);
        harness.machine.config.gateway.unauthenticated_empty = true;
        assert!(harness.financial("expense", "", None).body.is_empty());
    }

    #[test]
    fn wrong_paths_methods_and_bodies_are_true_failures() {
        let mut harness = ConcurHarness::new();
        assert_eq!(refused(&mut harness, "mileage", "", None), 400);
        assert_eq!(refused(&mut harness, "expense", "/nothing", None), 404);
        assert_eq!(
            refused(&mut harness, "expense", "/acknowledgements", None),
            405
        );
        assert_eq!(refused(&mut harness, "expense", "", Some(json!({}))), 405);
        for call in [
            "acknowledgements",
            "postingconfirmations",
            "paymentconfirmations",
        ] {
            let path = format!("/{call}");
            for body in [json!({}), json!([]), json!({"ids": "x"})] {
                assert_eq!(
                    refused(&mut harness, "expense", &path, Some(body)),
                    400,
                    "{call}"
                );
            }
        }
    }

    #[test]
    fn system_ids_have_at_most_50_characters_and_are_required_by_switch() {
        let mut harness = ConcurHarness::new();
        let long = json!({"ids": [], "systemId": "x".repeat(51)});
        assert_eq!(
            refused(&mut harness, "expense", "/acknowledgements", Some(long)),
            400
        );
        let without = Some(json!({"ids": []}));
        assert_eq!(
            harness
                .financial("expense", "/acknowledgements", without.clone())
                .status,
            200
        );
        harness.machine.config.financial.system_id_required = true;
        assert_eq!(
            refused(&mut harness, "expense", "/acknowledgements", without),
            400
        );
    }
}
