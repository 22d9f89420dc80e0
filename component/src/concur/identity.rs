//! Users on the wire, Identity v4.1: whom an expense is of (source: concur-identity).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::json::{is_true, items, json_object, member_text};
use super::requests::{encoded, get, with_body};
use crate::contract::http::{Method, Request, Response};
use crate::error_bodies::Unread;

const USERS: &str = "/profile/identity/v4.1/Users";
const SEARCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:concur:2.0:SearchRequest";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// Hits of one search. An employee number has one, an e-mail address a few that are not active.
const HITS_MAX: u32 = 100;

/// A user, as far as an expense needs one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    /// The UUID.
    pub(crate) id: String,
    /// The login, which the v3 calls name a user by; unique over all of SAP Concur.
    pub(crate) login: String,
    /// Whether the user is active: inactive ones are found too.
    pub(crate) active: bool,
    /// The employee number; empty where it is not shown.
    pub(crate) employee_number: String,
    /// The addresses that are of work, or of no type.
    pub(crate) work_emails: Vec<String>,
}

/// One user by UUID.
pub(crate) fn get_user(id: &str) -> Request {
    get(format!("{USERS}/{}", encoded(id)))
}

/// The users with this employee number.
pub(crate) fn users_by_employee_number(number: &str) -> Request {
    search(&format!(
        "{ENTERPRISE}:employeeNumber eq {}",
        literal(number)
    ))
}

/// The users with this e-mail address, of whatever type.
pub(crate) fn users_by_email(email: &str) -> Request {
    search(&format!("emails.value eq {}", literal(email)))
}

fn search(filter: &str) -> Request {
    let attributes = ["id", "active", "userName", "emails", ENTERPRISE];
    let body = json!({
        "schemas": [SEARCH_SCHEMA],
        "filter": filter,
        "attributes": attributes,
        "count": HITS_MAX,
    });
    with_body(Method::Post, &format!("{USERS}/.search"), body.to_string())
}

/// A text in a filter: a JSON string. (RFC 7644, section 3.4.2.2.)
fn literal(text: &str) -> String {
    Value::String(text.to_string()).to_string()
}

/// Reads one user.
pub(crate) fn read_user(response: &Response) -> Result<User, Unread> {
    let user = user(&json_object(response)?);
    if user.id.is_empty() {
        return Err(Unread::Garbled("the answer is not a user".to_string()));
    }
    Ok(user)
}

/// Reads the hits of a search. A list that goes on is none of one user.
pub(crate) fn read_users(response: &Response) -> Result<Vec<User>, Unread> {
    let answer = json_object(response)?;
    let total = member_text(&answer, "totalResults");
    if answer.get("Resources").is_none() && total != "0" {
        return Err(Unread::Garbled(
            "the answer has no list `Resources`".to_string(),
        ));
    }
    let users = items(&answer, "Resources").into_iter().map(user);
    Ok(users.filter(|user| !user.id.is_empty()).collect())
}

fn user(value: &Value) -> User {
    let enterprise = value.get(ENTERPRISE).cloned().unwrap_or_default();
    let emails = items(value, "emails").into_iter().filter(|email| {
        let kind = member_text(email, "type");
        kind.is_empty() || kind.eq_ignore_ascii_case("work")
    });
    User {
        id: member_text(value, "id"),
        login: member_text(value, "userName"),
        active: is_true(value, "active"),
        employee_number: member_text(&enterprise, "employeeNumber"),
        work_emails: emails.map(|email| member_text(email, "value")).collect(),
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::contract::http::BodyPart;
    use crate::error_bodies::tests::answer;

    #[test]
    fn users_are_searched_with_any_text() {
        let request = users_by_email("a\"b@example.test");
        let [BodyPart::Text(body)] = request.body.as_slice() else {
            panic!("one part");
        };
        let body: Value = serde_json::from_str(body).expect("is JSON");
        assert_eq!(body["filter"], r#"emails.value eq "a\"b@example.test""#);
        assert_eq!(
            request.path_with_query,
            "/profile/identity/v4.1/Users/.search"
        );
    }

    #[test]
    fn hits_are_read() {
        let body = format!(
            r#"{{"totalResults":1,"Resources":[{{"id":"u","active":true,"userName":"kim@x.test",
            "emails":[{{"type":"work","value":"kim@x.test"}},{{"type":"home","value":"k@y.test"}}],
            "{ENTERPRISE}":{{"employeeNumber":"E-17"}}}}]}}"#
        );
        let users = read_users(&answer(&body)).expect("is read");
        assert_eq!(users.len(), 1);
        assert_eq!(users[0].work_emails, vec!["kim@x.test".to_string()]);
        assert_eq!(
            (users[0].employee_number.as_str(), users[0].active),
            ("E-17", true)
        );
        assert_eq!(read_users(&answer(r#"{"totalResults":0}"#)), Ok(Vec::new()));
        assert!(read_users(&answer("{}")).is_err());
        assert!(read_user(&answer("{}")).is_err());
    }
}
