//! How Identity shows a user: what was asked for, as far as the token's scopes reach.

use serde_json::{Map, Value, json};

use crate::concur::users::User;
use crate::concur::v4::V4Call;

/// The extension with what an employer knows.
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// Scopes with the attributes that each one opens; `user.read` stands for the first. That logins
/// belong to the second is inferred (source: concur-identity).
const SCOPES: [(&str, &[&str]); 4] = [
    ("identity.user.ids.read", &["id", "externalid", "schemas"]),
    (
        "identity.user.core.read",
        &[
            "active",
            "username",
            "name",
            "displayname",
            "nickname",
            "entitlements",
            "meta",
        ],
    ),
    ("identity.user.coresensitive.read", &["emails"]),
    (
        "identity.user.enterprise.read",
        &[
            "costcenter",
            "department",
            "division",
            "employeenumber",
            "startdate",
            "terminationdate",
            "manager",
            "companyid",
        ],
    ),
];

/// Which attributes a token opens.
pub(crate) struct Access {
    opened: Vec<&'static str>,
}

impl Access {
    /// The attributes that the scopes of a call open; none if it may not see users at all.
    pub(crate) fn of(call: &V4Call) -> Option<Self> {
        let is_opened = |scope: &str| {
            call.has_scope(&[scope])
                || scope == "identity.user.ids.read" && call.has_scope(&["user.read"])
        };
        let scopes = SCOPES.iter().filter(|(scope, _)| is_opened(scope));
        let opened: Vec<_> = scopes
            .flat_map(|(_, names)| names.iter().copied())
            .collect();
        (!opened.is_empty()).then_some(Self { opened })
    }

    /// Whether an attribute, in lower case and perhaps with a part of it, may be read.
    pub(crate) fn can_read(&self, attribute: &str) -> bool {
        let whole = attribute.split('.').next().unwrap_or_default();
        self.opened.contains(&whole)
    }
}

/// The values of a searchable attribute, whose name is in lower case.
pub(crate) fn user_attribute(user: &User, attribute: &str) -> Vec<Value> {
    let texts = |texts: Vec<&str>| texts.into_iter().map(Value::from).collect();
    match attribute {
        "active" => vec![Value::Bool(user.active)],
        "id" => texts(vec![&user.id]),
        "username" => texts(vec![&user.user_name]),
        "employeenumber" => texts(vec![&user.employee_number]),
        "name.givenname" => texts(vec![&user.given_name]),
        "name.familyname" => texts(vec![&user.family_name]),
        "name.formatted" => vec![Value::from(full_name(user))],
        "emails.value" => user.emails.iter().map(|email| json!(email)).collect(),
        "emails.type" => user.emails.iter().map(|_| json!("work")).collect(),
        "emails.verified" => user.emails.iter().map(|_| json!(false)).collect(),
        _ => Vec::new(),
    }
}

/// Which members of a user are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// Only these, and the id; all if empty.
    pub(crate) only: Vec<String>,
    /// None of these, whatever else is asked.
    pub(crate) without: Vec<String>,
}

impl Selection {
    fn wants(&self, member: &str) -> bool {
        let names = |list: &[String], whole: bool| {
            list.iter().any(|name| {
                let is_part = [".", ":"].iter().any(|mark| {
                    name.strip_prefix(member)
                        .is_some_and(|rest| rest.starts_with(mark))
                });
                name.eq_ignore_ascii_case(member) || !whole && is_part
            })
        };
        let is_asked = self.only.is_empty() || member == "id" || names(&self.only, false);
        is_asked && !names(&self.without, true)
    }
}

/// A user as an answer shows it.
pub(crate) fn user_view(
    user: &User,
    company_id: &str,
    base_url: &str,
    access: &Access,
    selection: &Selection,
) -> Value {
    let mut members = Map::new();
    for (name, value) in all_members(user, company_id, base_url) {
        let is_extension = name == ENTERPRISE;
        let is_open = if is_extension {
            access.can_read("employeenumber")
        } else {
            access.can_read(&name.to_ascii_lowercase())
        };
        if is_open && selection.wants(name) {
            members.insert(name.to_owned(), value);
        }
    }
    Value::Object(members)
}

fn all_members(user: &User, company_id: &str, base_url: &str) -> Vec<(&'static str, Value)> {
    let emails: Vec<Value> = user.emails.iter().map(|email| email_view(email)).collect();
    let location = format!("{base_url}/profile/identity/v4.1/Users/{}", user.id);
    vec![
        ("schemas", json!([CORE, ENTERPRISE])),
        ("id", json!(user.id)),
        ("active", json!(user.active)),
        ("userName", json!(user.user_name)),
        ("displayName", json!(full_name(user))),
        (
            "name",
            json!({"givenName": user.given_name, "familyName": user.family_name,
                "formatted": full_name(user)}),
        ),
        ("emails", Value::from(emails)),
        // Instants have no offset in the samples.
        (
            "meta",
            json!({"resourceType": "User", "created": "2021-11-17T00:00:00.000",
                "lastModified": "2021-11-17T00:00:00.000", "version": 1, "location": location}),
        ),
        (
            ENTERPRISE,
            json!({"companyId": company_id, "employeeNumber": user.employee_number,
                "startDate": "2021-11-17T00:00:00.000", "terminationDate": null}),
        ),
    ]
}

fn email_view(email: &str) -> Value {
    json!({"type": "work", "value": email, "verified": false, "notifications": true})
}

fn full_name(user: &User) -> String {
    format!("{} {}", user.given_name, user.family_name)
}
