//! Error shapes E1 to E6 (source: freshbooks-errors): one refusal, written the way its family
//! writes it.

use serde_json::{Value, json};

use crate::http::Response;

/// Which part of the API refuses: each has its own shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApiFamily {
    /// E1, or E2 when asked for a version of 2022-10-31 or later.
    Accounting,
    /// Callbacks: E3, whose details are sentences.
    Events,
    /// E4, whose validation errors are 400.
    Ledger,
    /// Projects: E5, without errno except for validation errors.
    Projects,
    /// Services: E5 as well.
    Services,
    /// `users/me` and team members: E6, the shape of OAuth errors.
    Auth,
    /// Uploads: a sentence under `error`.
    Uploads,
}

/// A refused request, before it is put into a shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) errno: u32,
    pub(crate) object: &'static str,
    pub(crate) details: Vec<ErrorDetail>,
}

/// One reason of a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ErrorDetail {
    pub(crate) field: String,
    pub(crate) message: String,
    pub(crate) value: Option<String>,
}

impl ApiError {
    /// A refusal about one field.
    pub(crate) fn field(
        status: u16,
        errno: u32,
        object: &'static str,
        field: &str,
        message: &str,
    ) -> Self {
        let detail = ErrorDetail {
            field: field.into(),
            message: message.into(),
            value: None,
        };
        Self {
            status,
            errno,
            object,
            details: vec![detail],
        }
    }

    /// The same refusal, quoting the value refused.
    pub(crate) fn quoting(mut self, value: impl Into<String>) -> Self {
        if let Some(detail) = self.details.last_mut() {
            detail.value = Some(value.into());
        }
        self
    }

    /// No token, an unknown one or an expired one.
    pub(crate) fn unauthenticated() -> Self {
        Self::field(
            401,
            1003,
            "",
            "",
            "The server could not verify that you are authorized to access the URL requested.",
        )
    }

    /// The token lacks a scope.
    pub(crate) fn forbidden() -> Self {
        Self::field(
            403,
            1003,
            "",
            "",
            "The requestor does not have the scope this resource needs.",
        )
    }

    /// No object of that id.
    pub(crate) fn not_found(object: &'static str, field: &str, value: &str) -> Self {
        let noun = object.replace('_', " ");
        let message = format!(
            "{}{} not found.",
            noun[..noun.len().min(1)].to_uppercase(),
            &noun[noun.len().min(1)..]
        );
        Self::field(404, 1012, object, field, &message).quoting(value)
    }

    /// No such path, or the wrong kind of id in it.
    pub(crate) fn no_route() -> Self {
        Self::field(404, 1012, "", "", "The requested resource was not found.")
    }

    /// A required field is missing.
    pub(crate) fn required(object: &'static str, field: &str) -> Self {
        Self::field(422, 1001, object, field, "Required field missing.")
    }

    /// A value that cannot be.
    pub(crate) fn invalid(object: &'static str, field: &str, value: &Value) -> Self {
        Self::field(422, 1004, object, field, "Invalid value.").quoting(unquoted(value))
    }

    /// A value that is neither true nor false.
    pub(crate) fn not_boolean(object: &'static str, field: &str, value: &Value) -> Self {
        Self::field(422, 1031, object, field, "Must be a boolean.").quoting(unquoted(value))
    }

    /// A field that cannot be written.
    pub(crate) fn read_only(object: &'static str, field: &str) -> Self {
        Self::field(403, 1038, object, field, "Write access denied.")
    }

    /// A body that is no JSON object with the expected key.
    pub(crate) fn malformed(object: &'static str) -> Self {
        Self::field(400, 1005, object, "", "Malformed request body.")
    }

    /// A feature the plan lacks: HTTP 200 all the same.
    pub(crate) fn feature(errno: u32) -> Self {
        Self::field(
            200,
            errno,
            "",
            "",
            "This feature is not available on the current plan.",
        )
    }

    /// The answer in the family's shape.
    pub(crate) fn response(&self, family: ApiFamily, style: ErrorStyle) -> Response {
        let body = match family {
            // A missing feature is E1 with HTTP 200 whatever version is asked for.
            ApiFamily::Accounting if style.google_rpc && self.status != 200 => self.shape_e2(),
            ApiFamily::Accounting => self.shape_e1(style.errors_as_object),
            ApiFamily::Events => self.shape_e3(),
            ApiFamily::Ledger => return self.shape_e4(),
            ApiFamily::Projects | ApiFamily::Services => self.shape_e5(),
            ApiFamily::Auth => self.shape_e6(),
            ApiFamily::Uploads => json!({"error": self.message()}),
        };
        Response::json(self.status, &body)
    }

    fn message(&self) -> &str {
        self.details
            .first()
            .map(|detail| detail.message.as_str())
            .unwrap_or_default()
    }

    fn shape_e1(&self, as_object: bool) -> Value {
        let error = |detail: &ErrorDetail| {
            json!({"errno": self.errno, "field": detail.field, "message": detail.message,
                   "object": self.object, "value": detail.value})
        };
        let mut errors: Vec<Value> = self.details.iter().map(error).collect();
        let errors = if as_object {
            errors.pop().unwrap_or_default()
        } else {
            Value::Array(errors)
        };
        json!({"response": {"errors": errors}})
    }

    fn shape_e2(&self) -> Value {
        let detail = |detail: &ErrorDetail| {
            json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": self.errno.to_string(),
                   "domain": "accounting.api.freshbooks.com",
                   "metadata": {"object": self.object, "message": detail.message,
                                "value": detail.value.as_deref().unwrap_or(""),
                                "field": detail.field}})
        };
        let details: Vec<Value> = self.details.iter().map(detail).collect();
        let message = format!("Request failed with status_code: {}", self.status);
        json!({"code": self.grpc_code(), "message": message, "details": details})
    }

    fn grpc_code(&self) -> u32 {
        match self.status {
            401 => 16,
            403 => 7,
            404 => 5,
            _ => 3,
        }
    }

    fn shape_e3(&self) -> Value {
        let errno = if self.status == 400 {
            422
        } else {
            u32::from(self.status)
        };
        match self.status {
            400 => {
                let lines = self
                    .details
                    .iter()
                    .map(|d| format!("{}: {}", d.field, d.message));
                let details: Vec<String> = lines.collect();
                json!({"errno": errno, "message": "The request could not be processed.",
                    "details": details})
            }
            401 => json!({"errno": errno, "message": "invalid_token: the token is not valid"}),
            _ => json!({"errno": errno, "message": self.message()}),
        }
    }

    fn shape_e4(&self) -> Response {
        let status = if self.status == 422 { 400 } else { self.status };
        let detail = |detail: &ErrorDetail| {
            let field = Some(&detail.field).filter(|field| !field.is_empty());
            json!({"reason": format!("{}: {}", detail.field, detail.message),
                   "metadata": {"message": detail.message, "field": field}})
        };
        let details: Vec<Value> = self.details.iter().map(detail).collect();
        let message = format!("Request failed with status_code: {status}");
        let body = json!({"errors": {"message": message, "status": status, "details": details}});
        Response::json(status, &body)
    }

    fn shape_e6(&self) -> Value {
        let error = match self.status {
            401 => "unauthenticated",
            403 => "forbidden",
            404 => "not_found",
            _ => "invalid_resource",
        };
        json!({"error": error, "error_description": self.message()})
    }

    fn shape_e5(&self) -> Value {
        match self.status {
            401 | 403 => json!({"message": self.message()}),
            422 => {
                let fields = self
                    .details
                    .iter()
                    .map(|d| (d.field.clone(), Value::from(d.message.as_str())));
                json!({"errno": 2001, "error": Value::Object(fields.collect())})
            }
            _ => json!({"error": self.message()}),
        }
    }
}

/// What about an error's shape depends on the request or the account.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ErrorStyle {
    /// `X-API-VERSION` is 2022-10-31 or later.
    pub(crate) google_rpc: bool,
    /// E1 carries an object where an array is usual.
    pub(crate) errors_as_object: bool,
}

/// A JSON value without quotes, as errors repeat it.
pub(crate) fn unquoted(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(refusal: &ApiError, family: ApiFamily, style: ErrorStyle) -> Value {
        refusal.response(family, style).value()
    }

    #[test]
    fn e1_is_the_default() {
        let refusal = ApiError::not_found("invoice", "invoiceid", "90210447");
        let expected = json!({"response": {"errors": [{"errno": 1012, "field": "invoiceid",
            "message": "Invoice not found.", "object": "invoice", "value": "90210447"}]}});
        assert_eq!(
            body(&refusal, ApiFamily::Accounting, ErrorStyle::default()),
            expected
        );
    }

    #[test]
    fn e1_may_carry_one_object() {
        let style = ErrorStyle {
            errors_as_object: true,
            ..ErrorStyle::default()
        };
        let body = body(
            &ApiError::required("bill", "vendorid"),
            ApiFamily::Accounting,
            style,
        );
        assert_eq!(body["response"]["errors"]["errno"], 1001);
    }

    #[test]
    fn e2_has_grpc_codes_and_quoted_reasons() {
        let style = ErrorStyle {
            google_rpc: true,
            ..ErrorStyle::default()
        };
        let missing = body(
            &ApiError::not_found("client", "userid", "5"),
            ApiFamily::Accounting,
            style,
        );
        assert_eq!(missing["code"], 5);
        assert_eq!(missing["details"][0]["reason"], "1012");
        assert_eq!(missing["details"][0]["metadata"]["value"], "5");
        let stranger = body(&ApiError::unauthenticated(), ApiFamily::Accounting, style);
        assert_eq!(
            (&stranger["code"], &stranger["details"][0]["reason"]),
            (&json!(16), &json!("1003"))
        );
        assert_eq!(stranger["details"][0]["metadata"]["field"], "");
    }

    #[test]
    fn e1_on_http_200_stays_e1_in_any_version() {
        let style = ErrorStyle {
            google_rpc: true,
            ..ErrorStyle::default()
        };
        let response = ApiError::feature(41001).response(ApiFamily::Accounting, style);
        assert_eq!(response.status, 200);
        assert_eq!(response.value()["response"]["errors"][0]["errno"], 41001);
    }

    #[test]
    fn e3_lists_reasons_as_strings() {
        let refusal = ApiError::field(400, 422, "callback", "event", "unrecognized event");
        let body = body(&refusal, ApiFamily::Events, ErrorStyle::default());
        assert_eq!(body["errno"], 422);
        assert_eq!(body["details"], json!(["event: unrecognized event"]));
        let missing = ApiError::not_found("callback", "callbackid", "1")
            .response(ApiFamily::Events, ErrorStyle::default());
        assert_eq!(
            (missing.status, &missing.value()["errno"]),
            (404, &json!(404))
        );
    }

    #[test]
    fn e5_differs_by_status() {
        let write = |refusal: ApiError| body(&refusal, ApiFamily::Projects, ErrorStyle::default());
        assert!(write(ApiError::unauthenticated())["message"].is_string());
        assert!(write(ApiError::no_route())["error"].is_string());
        let invalid = write(ApiError::field(422, 2001, "project", "title", "required"));
        assert_eq!(
            invalid,
            json!({"errno": 2001, "error": {"title": "required"}})
        );
    }
}
