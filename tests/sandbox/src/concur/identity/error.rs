//! Refusals of Identity (source: concur-identity).

use serde_json::{Value, json};

use super::config::IdentityErrorShape;
use crate::http::Response;

const STANDARD: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
const MESSAGES: &str = "urn:ietf:params:scim:api:messages:concur:2.0:Error";

/// Why a call is refused, in SCIM's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IdentityError {
    status: u16,
    /// The SCIM standard's word for it, such as `invalidFilter`.
    scim_type: &'static str,
    detail: String,
}

impl IdentityError {
    /// A refusal with a status, a word and a sentence.
    pub(crate) fn new(status: u16, scim_type: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            scim_type,
            detail: detail.into(),
        }
    }

    /// A filter that cannot be read, or asks for what cannot be searched: HTTP 400.
    pub(crate) fn filter(detail: impl Into<String>) -> Self {
        Self::new(400, "invalidFilter", detail)
    }

    /// Any other value that cannot be used: HTTP 400.
    pub(crate) fn value(detail: impl Into<String>) -> Self {
        Self::new(400, "invalidValue", detail)
    }

    /// The refusal as an answer.
    pub(crate) fn response(&self, shape: IdentityErrorShape) -> Response {
        let status = self.status.to_string();
        let messages = json!({"messages": [{"code": self.scim_type, "message": self.detail,
            "schemaPath": "", "type": "error"}]});
        let mut body = match shape {
            IdentityErrorShape::Messages => json!({"schemas": [MESSAGES]}),
            IdentityErrorShape::Standard | IdentityErrorShape::Both => {
                json!({"schemas": [STANDARD], "status": status, "scimType": self.scim_type,
                    "detail": self.detail})
            }
        };
        if shape != IdentityErrorShape::Standard {
            body[MESSAGES] = messages;
        }
        if shape == IdentityErrorShape::Both {
            body["schemas"] = Value::from(vec![STANDARD, MESSAGES]);
        }
        Response::json(self.status, &body)
    }
}
