//! Identity v4 and v4.1: who works at the company (source: concur-identity).
//!
//! v4 filters lists by three attributes and counts from an index; v4.1 filters in searches only
//! and goes on by cursor. Nothing here changes a user: that is for the company's own provisioning.

pub(crate) mod config;
mod error;
mod filter;
#[cfg(test)]
mod tests;
mod view;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::Deserialize;
use serde_json::{Value, json};

use self::error::IdentityError;
use self::filter::Filter;
use self::view::{Access, ENTERPRISE, Selection, user_view};
use super::Concur;
use super::users::{User, user_with_id, user_with_login};
use super::v4::{V4Call, V4Refusal};
use crate::http::{Millis, Request, Response, first_value};

/// Where the calls are.
pub(crate) const PREFIX: &str = "/profile/identity/";

const SEARCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:concur:2.0:SearchRequest";
const LIST_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// What a list or a search asks for.
struct UserQuery {
    filter: Option<Filter>,
    selection: Selection,
    start: usize,
    count: usize,
    /// Pages go on by cursor, not by index.
    by_cursor: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SearchBody {
    schemas: Vec<String>,
    #[serde(default)]
    filter: Option<String>,
    #[serde(default)]
    attributes: Vec<String>,
    #[serde(default)]
    excluded_attributes: Vec<String>,
    #[serde(default)]
    count: Option<usize>,
    #[serde(default)]
    cursor: Option<String>,
}

impl Concur {
    /// Answers a request below [`PREFIX`].
    pub(crate) fn handle_identity(
        &mut self,
        _request: &Request,
        entered: Result<V4Call, V4Refusal>,
        _now: Millis,
    ) -> Response {
        let answered = match entered {
            Ok(call) => self.route_identity(&call),
            Err(V4Refusal::Answered(response)) => return response,
            Err(V4Refusal::Said(status, why)) => Err(IdentityError::new(status, "", why)),
        };
        match answered {
            Ok(body) => Response::json(200, &body),
            Err(error) => error.response(self.config.identity.error_shape),
        }
    }

    fn route_identity(&self, call: &V4Call) -> Result<Value, IdentityError> {
        let segments = call.segments(PREFIX);
        let access = Access::of(call).ok_or_else(|| {
            let why = "Forbidden: the token lacks the scope identity.user.ids.read.";
            IdentityError::new(403, "", why)
        })?;
        match (call.method, segments.as_slice()) {
            ("GET", ["v4", "Users"]) => self.list_users(call, &access, read_index_query(call)?),
            ("GET", ["v4.1", "Users"]) => self.list_users(call, &access, read_cursor_query(call)?),
            ("POST", ["v4.1", "Users", ".search"]) => {
                self.list_users(call, &access, read_search(call)?)
            }
            ("GET", ["v4" | "v4.1", "Users", id]) => self.show_user(call, &access, id),
            (method, ["v4" | "v4.1", "Users", ..]) => {
                let why = format!("{method} is not played here: users are provisioned elsewhere");
                Err(IdentityError::new(501, "", why))
            }
            _ => Err(IdentityError::new(404, "", "The resource was not found.")),
        }
    }

    fn show_user(&self, call: &V4Call, access: &Access, id: &str) -> Result<Value, IdentityError> {
        let user = user_with_id(&self.config.users, id)
            .ok_or_else(|| IdentityError::new(404, "", format!("User {id} was not found.")))?;
        Ok(self.view_of_user(user, call, access, &read_selection(call)))
    }

    fn view_of_user(
        &self,
        user: &User,
        call: &V4Call,
        access: &Access,
        selection: &Selection,
    ) -> Value {
        let company = &self.config.company_uuid;
        user_view(user, company, &call.base_url, access, selection)
    }

    fn list_users(
        &self,
        call: &V4Call,
        access: &Access,
        query: UserQuery,
    ) -> Result<Value, IdentityError> {
        let switches = &self.config.identity;
        let asked = query.filter.as_ref().map(Filter::attributes);
        let asked = asked.unwrap_or_default();
        let hidden = asked.iter().find(|name| !access.can_read(name));
        if let Some(name) = hidden.filter(|_| switches.unscoped_filter_refused) {
            let why = format!("Forbidden: the token may not read {name}.");
            return Err(IdentityError::new(403, "", why));
        }
        let hides_inactive = switches.inactive_left_out && !asked.contains(&"active");
        let can_read = |name: &str| access.can_read(name);
        let wanted = |user: &&User| {
            let filter = query.filter.as_ref();
            (user.active || !hides_inactive)
                && filter
                    .is_none_or(|filter| filter.matches(user, switches.case_matters, &can_read))
        };
        let found: Vec<&User> = self.config.users.iter().filter(wanted).collect();
        let page = found.iter().skip(query.start).take(query.count);
        let rows: Vec<Value> = page
            .map(|user| self.view_of_user(user, call, access, &query.selection))
            .collect();
        let next = query.start + rows.len();
        let mut body = json!({"schemas": [LIST_SCHEMA], "totalResults": found.len(),
            "startIndex": query.start + 1, "itemsPerPage": rows.len(), "Resources": rows});
        if query.by_cursor {
            body["startIndex"] = json!(1);
            if next < found.len() && query.count > 0 {
                body["nextCursor"] = json!(BASE64.encode(format!("users:{next}")));
            }
        }
        Ok(body)
    }

    /// A person hires somebody.
    pub fn add_user(&mut self, user: User) {
        self.config.users.push(user);
    }

    /// Somebody leaves the company; false if nobody has that login.
    pub fn deactivate_user(&mut self, login: &str) -> bool {
        let Some(id) = user_with_login(&self.config.users, login).map(|user| user.id.clone())
        else {
            return false;
        };
        for user in &mut self.config.users {
            user.active &= user.id != id;
        }
        true
    }
}

/// The query of v4: a filter by few attributes, and an index that counts from 1.
fn read_index_query(call: &V4Call) -> Result<UserQuery, IdentityError> {
    let names = [
        "filter",
        "attributes",
        "excludedAttributes",
        "startIndex",
        "count",
    ];
    check_names(call, &names)?;
    let filter = match first_value(&call.query, "filter") {
        Some(text) => Some(read_index_filter(text)?),
        None => None,
    };
    let start = read_number(call, "startIndex", 1, usize::MAX)?;
    Ok(UserQuery {
        filter,
        selection: read_selection(call),
        start: start.saturating_sub(1),
        count: read_number(call, "count", 10, 100)?,
        by_cursor: false,
    })
}

/// Filters of v4 name the employee number without its schema.
fn read_index_filter(text: &str) -> Result<Filter, IdentityError> {
    let text = match text.trim().strip_prefix("employeeNumber") {
        Some(rest) => format!("{ENTERPRISE}:employeeNumber{rest}"),
        None => text.to_owned(),
    };
    let filter = Filter::parse(&text)?;
    let known = ["username", "employeenumber", "externalid"];
    match filter
        .attributes()
        .iter()
        .find(|name| !known.contains(name))
    {
        Some(name) => Err(IdentityError::filter(format!("{name} is no filter of v4"))),
        None => Ok(filter),
    }
}

/// The query of a list of v4.1, which has no filter.
fn read_cursor_query(call: &V4Call) -> Result<UserQuery, IdentityError> {
    check_names(
        call,
        &["attributes", "excludedAttributes", "count", "cursor"],
    )?;
    Ok(UserQuery {
        filter: None,
        selection: read_selection(call),
        start: read_cursor(first_value(&call.query, "cursor"))?,
        count: read_number(call, "count", 100, 1000)?,
        by_cursor: true,
    })
}

fn read_search(call: &V4Call) -> Result<UserQuery, IdentityError> {
    let body: SearchBody = serde_json::from_slice(&call.request.body)
        .map_err(|error| IdentityError::new(400, "invalidSyntax", error.to_string()))?;
    if body.schemas != [SEARCH_SCHEMA] {
        let why = format!("schemas must be [\"{SEARCH_SCHEMA}\"]");
        return Err(IdentityError::new(400, "invalidSyntax", why));
    }
    let count = body.count.unwrap_or(100);
    if count > 1000 {
        return Err(IdentityError::value("count must be at most 1000"));
    }
    let filter = body.filter.as_deref().map(Filter::parse);
    Ok(UserQuery {
        filter: filter.transpose()?,
        selection: Selection {
            only: body.attributes,
            without: body.excluded_attributes,
        },
        start: read_cursor(body.cursor.as_deref())?,
        count,
        by_cursor: true,
    })
}

fn check_names(call: &V4Call, names: &[&str]) -> Result<(), IdentityError> {
    let unknown = |(name, _): &&(String, String)| !names.contains(&name.as_str());
    match call.query.iter().find(unknown) {
        Some((name, _)) => Err(IdentityError::value(format!("{name} is not supported"))),
        None => Ok(()),
    }
}

fn read_number(
    call: &V4Call,
    name: &str,
    default: usize,
    max: usize,
) -> Result<usize, IdentityError> {
    let number = match first_value(&call.query, name).map(str::parse) {
        None => Some(default),
        Some(number) => number.ok(),
    };
    let number = number.filter(|number| *number <= max);
    number.ok_or_else(|| IdentityError::value(format!("{name} must be a number up to {max}")))
}

fn read_cursor(cursor: Option<&str>) -> Result<usize, IdentityError> {
    let Some(cursor) = cursor.filter(|text| !text.is_empty()) else {
        return Ok(0);
    };
    let bytes = BASE64.decode(cursor).unwrap_or_default();
    let text = String::from_utf8(bytes).unwrap_or_default();
    let start = text.strip_prefix("users:").and_then(|at| at.parse().ok());
    start.ok_or_else(|| IdentityError::new(400, "invalidCursor", "the cursor is not valid"))
}

fn read_selection(call: &V4Call) -> Selection {
    let names = |name: &str| {
        let list = first_value(&call.query, name).unwrap_or_default();
        let names = list.split(',').map(str::trim).filter(|one| !one.is_empty());
        names.map(str::to_owned).collect()
    };
    Selection {
        only: names("attributes"),
        without: names("excludedAttributes"),
    }
}
