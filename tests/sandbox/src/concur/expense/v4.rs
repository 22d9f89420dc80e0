//! What every v4 call passes: token, datacenter, scope and user; and how refusals look
//! (source: concur-expense-reports, concur-401-and-403).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::config::UnknownFields;
use super::report::Report;
use super::schema::{Problem, Shape};
use crate::calendar::bare_stamp;
use crate::concur::Concur;
use crate::concur::financial::json_tree::{JsonTree, NumberNotation};
use crate::concur::oauth::Principal;
use crate::concur::users::{User, user_with_id};
use crate::http::{Millis, Pairs, Request, Response};
use crate::money::decimal;

/// Where the calls are.
pub(crate) const PREFIXES: [&str; 3] = [
    "/expensereports/v4/",
    "/expenseconfig/v4/",
    "/quickexpense/v4/",
];

/// A call whose token was accepted.
pub(crate) struct V4Call<'a> {
    pub(crate) request: &'a Request,
    pub(crate) query: Pairs,
    pub(crate) base_url: String,
    /// The login of a user token; none is a company token.
    pub(crate) login: Option<String>,
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) now: Millis,
    /// Lists miss records younger than this.
    pub(crate) stale: Millis,
}

/// A call that did what it should.
#[derive(Debug)]
pub(crate) enum V4Reply {
    /// 204.
    NoContent,
    /// A status and a body.
    Json(u16, Value),
}

/// A refused call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct V4Error {
    pub(crate) status: u16,
    pub(crate) message: String,
    pub(crate) problems: Vec<Problem>,
    /// The id of the first validation error, such as `error.submit.no_entries`.
    pub(crate) id: Option<&'static str>,
}

pub(crate) type V4Result = Result<V4Reply, V4Error>;

impl V4Error {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            problems: Vec::new(),
            id: None,
        }
    }

    /// HTTP 404.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(404, format!("{what} not found"))
    }

    /// HTTP 400 with one of the ids that the API description lists.
    pub(crate) fn rule(id: &'static str, message: &str) -> Self {
        Self {
            id: Some(id),
            ..Self::new(400, message)
        }
    }

    /// HTTP 400 with what is wrong with each field.
    pub(crate) fn invalid(problems: Vec<Problem>) -> Self {
        Self {
            problems,
            ..Self::new(400, "Invalid field value specified")
        }
    }

    /// HTTP 400 about one field.
    pub(crate) fn invalid_field(source: &str, message: &str) -> Self {
        Self::invalid(vec![Problem {
            source: source.to_owned(),
            message: message.to_owned(),
        }])
    }
}

impl V4Call<'_> {
    /// The body as an object that has no problem.
    pub(crate) fn body(
        &self,
        shape: &Shape,
        unknown: UnknownFields,
    ) -> Result<Map<String, Value>, V4Error> {
        let Ok(Value::Object(body)) = serde_json::from_slice(&self.request.body) else {
            return Err(V4Error::new(400, "The request body could not be read."));
        };
        let problems = shape.problems(&body, unknown);
        if problems.is_empty() {
            return Ok(body);
        }
        Err(V4Error::invalid(problems))
    }

    /// The body of a call that needs none.
    pub(crate) fn optional_body(
        &self,
        shape: &Shape,
        unknown: UnknownFields,
    ) -> Result<Map<String, Value>, V4Error> {
        if self.request.body.is_empty() {
            return Ok(Map::new());
        }
        self.body(shape, unknown)
    }

    /// Refuses a call of a user token.
    pub(crate) fn company_only(&self) -> Result<(), V4Error> {
        let message = "This endpoint is only accessible by a valid company JWT";
        let is_company = self.login.is_none();
        is_company.then_some(()).ok_or(V4Error::new(401, message))
    }

    pub(super) fn needs_scope(&self, any_of: &[&str]) -> Result<(), V4Error> {
        let has = any_of.iter().any(|scope| self.scopes.contains(*scope));
        let message = "Forbidden: the token lacks the scope.";
        has.then_some(()).ok_or(V4Error::new(403, message))
    }
}

impl Concur {
    /// Answers a call below one of [`PREFIXES`].
    pub(crate) fn handle_expense(
        &mut self,
        request: &Request,
        host: &str,
        now: Millis,
        stale: Millis,
    ) -> Response {
        let access = request.bearer();
        let access = access.and_then(|token| self.oauth.access_token(token, now));
        let Some(access) = access else {
            return self.v4_unauthenticated(request, now);
        };
        let login = match access.principal {
            Principal::User(at) => {
                let employee = self.config.employees.get(at);
                Some(employee.map(|one| one.login_id.clone()).unwrap_or_default())
            }
            Principal::Company => None,
            Principal::App => {
                let error = V4Error::new(403, "The token belongs to no company.");
                return self.v4_refusal(request, &error, now);
            }
        };
        if host != self.config.datacenter {
            return self.wrong_datacenter();
        }
        let call = V4Call {
            request,
            query: request.query(),
            base_url: self.home_url(),
            login,
            scopes: access.scopes.clone(),
            now,
            stale,
        };
        match self.route_v4(&call) {
            Ok(V4Reply::NoContent) => Response::empty(204),
            Ok(V4Reply::Json(status, body)) => self.v4_json(status, &body),
            Err(error) => self.v4_refusal(request, &error, now),
        }
    }

    /// The user that a path names, if the token may act for them.
    pub(crate) fn user_of_path(&self, call: &V4Call, id: &str) -> Result<&User, V4Error> {
        let user = user_with_id(&self.config.users, id);
        let user = user.ok_or_else(|| V4Error::new(400, "userId not found"))?;
        match &call.login {
            Some(login) if !user.user_name.eq_ignore_ascii_case(login) => {
                let message = "User is not allowed to access this report";
                Err(V4Error::new(403, message))
            }
            _ => Ok(user),
        }
    }

    /// The report of that id: in the context of a traveller, only one of their own.
    pub(crate) fn report_of(
        &self,
        id: &str,
        user: Option<&str>,
        context: &str,
    ) -> Result<&Report, V4Error> {
        let report = self.expense.report(id);
        let report = report.ok_or_else(|| V4Error::not_found("reportId"))?;
        let is_theirs = user.is_none_or(|user| user == report.owner);
        if context == "TRAVELER" && !is_theirs {
            let message = "User is not allowed to access this report";
            return Err(V4Error::new(403, message));
        }
        Ok(report)
    }

    fn v4_unauthenticated(&mut self, request: &Request, now: Millis) -> Response {
        let switches = &self.config.gateway;
        let status = if switches.unauthenticated_401 {
            401
        } else {
            403
        };
        if switches.unauthenticated_empty {
            return Response::empty(status);
        }
        let error = V4Error::new(status, "Missing or invalid authorization header");
        self.v4_refusal(request, &error, now)
    }

    fn v4_refusal(&mut self, request: &Request, error: &V4Error, now: Millis) -> Response {
        let problems = error.problems.iter();
        let mut problems: Vec<Value> = problems
            .map(|problem| json!({"source": problem.source, "message": problem.message}))
            .collect();
        if let Some(id) = error.id {
            problems.push(json!({"id": id, "source": "report", "message": error.message}));
        }
        let body = json!({"errorId": self.random.uuid(), "errorMessage": error.message,
            "httpStatus": http_status(error.status), "path": request.path(),
            "timestamp": stamp(now), "validationErrors": problems});
        Response::json(error.status, &body)
    }

    fn v4_json(&self, status: u16, body: &Value) -> Response {
        let long = self.config.expense.amounts_with_eight_decimals;
        let notation = NumberNotation {
            eight_decimals: long,
            zero_exponent: long,
            quoted: false,
        };
        let text = to_tree("", body).write(notation);
        Response::typed(status, "application/json", text.into_bytes())
    }
}

/// An instant as v4 writes it.
pub(crate) fn stamp(at: Millis) -> String {
    format!("{}.{:03}Z", bare_stamp(at), at % 1000)
}

/// Refuses a context that a call does not have.
pub(crate) fn check_context(context: &str, taken: &[&str]) -> Result<(), V4Error> {
    if taken.contains(&context) {
        return Ok(());
    }
    let message = "Specified context type is invalid for this API. \
        Review the documentation for supported context type";
    Err(match context {
        "TRAVELER" | "MANAGER" | "PROCESSOR" | "PROXY" => V4Error::new(403, message),
        _ => V4Error::new(400, "Specified context not supported"),
    })
}

fn http_status(status: u16) -> String {
    let words = match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        429 => "Too Many Requests",
        _ => "Internal Server Error",
    };
    format!("{status} - {words}")
}

/// The same as a tree, in which amounts are told from counts: they are called `value`.
fn to_tree(name: &str, value: &Value) -> JsonTree {
    match value {
        Value::Null => JsonTree::Null,
        Value::Bool(flag) => JsonTree::Flag(*flag),
        Value::Number(number) if name == "value" => {
            decimal(value).map_or_else(|| JsonTree::from(number.to_string()), JsonTree::Amount)
        }
        Value::Number(number) => JsonTree::Count(number.as_u64().unwrap_or_default()),
        Value::String(text) => JsonTree::from(text),
        Value::Array(rows) => JsonTree::List(rows.iter().map(|row| to_tree("", row)).collect()),
        Value::Object(members) => {
            let members = members.iter();
            let members = members.map(|(name, value)| (name.clone().into(), to_tree(name, value)));
            JsonTree::Object(members.collect())
        }
    }
}
