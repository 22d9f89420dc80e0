//! SAP Concur's users, expense reports and entries, as far as the flows need them.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::{done, parameter};
use crate::contract::http::{Method, Request, SendOutcome};
use crate::runs::tests::answer;

/// Users, reports and entries.
#[derive(Default)]
pub(in crate::flows::tests) struct Spending {
    /// In the form of Identity v4.1.
    pub(in crate::flows::tests) users: Vec<Value>,
    /// In the form of Reports v4.
    pub(in crate::flows::tests) reports: Vec<Value>,
    /// Report id by idempotency id.
    keys: BTreeMap<String, String>,
    /// In the form of Entries v3.
    pub(in crate::flows::tests) entries: Vec<Value>,
    /// Quick expenses, as they were sent, with their users.
    pub(in crate::flows::tests) quick: Vec<Value>,
    /// Fields that no form has.
    pub(in crate::flows::tests) dropped: Vec<&'static str>,
    /// How often the creation of a report is answered as still running.
    pub(in crate::flows::tests) running: u32,
}

impl Spending {
    pub(super) fn has(path: &str) -> bool {
        let bases = [
            "/profile/identity/",
            "/expensereports/",
            "/api/v3.0/expense/",
            "/quickexpense/",
        ];
        bases.iter().any(|base| path.starts_with(base))
    }

    /// Two employees, of whom the second has left and come back.
    pub(in crate::flows::tests) fn with_users() -> Self {
        let user = |id: &str, number: &str, login: &str, active: bool| {
            json!({"id": id, "active": active, "userName": login,
                "emails": [{"type": "work", "value": format!("{number}@example.test")}],
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":
                    {"employeeNumber": number}})
        };
        Self {
            users: [
                user("u-ida", "E-1", "ida.login", true),
                user("u-kim-old", "E-16", "kim.old", false),
                user("u-kim", "E-17", "kim.login", true),
            ]
            .into(),
            ..Self::default()
        }
    }

    /// The report of this place in the order of their creation.
    pub(in crate::flows::tests) fn submit(&mut self, at: usize) {
        self.reports[at]["isSubmitted"] = json!(true);
        self.reports[at]["canAddExpense"] = json!(false);
        self.reports[at]["approvalStatusId"] = json!("A_PEND");
    }

    pub(super) fn handle(
        &mut self,
        request: &Request,
        path: &str,
        query: &str,
        body: &str,
    ) -> SendOutcome {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (request.method, parts.as_slice()) {
            (Method::Post, ["profile", .., ".search"]) => self.search(body),
            (Method::Get, ["profile", .., id]) => one(&self.users, "id", id),
            (Method::Post, ["expensereports", "v4", "users", user, .., "reports"]) => {
                self.create_report(request, user, body)
            }
            (Method::Get, ["expensereports", "v4", "users", user, .., id]) => {
                let own = |report: &&Value| report["reportId"] == *id && report["user"] == *user;
                self.reports.iter().find(own).map_or_else(missing, done)
            }
            (Method::Delete, ["expensereports", "v4", "reports", _, "expenses", id]) => {
                let before = self.entries.len();
                self.entries.retain(|entry| entry["ExpenseID"] != *id);
                if self.entries.len() == before {
                    return missing();
                }
                answer(204, "")
            }
            (Method::Post, ["quickexpense", "v4", "users", user, ..]) => {
                let mut quick: Value = serde_json::from_str(body).expect("is JSON");
                quick["user"] = json!(user);
                self.quick.push(quick);
                let uri = format!("https://x.test/quickexpenses/Q{}", self.quick.len());
                answer(201, &json!({ "quickExpenseIdUri": uri }).to_string())
            }
            (Method::Patch, ["expensereports", .., id, action]) => self.bring_on(id, action),
            (Method::Get, ["api", "v3.0", "expense", "reports"]) => {
                let reports = self.reports.iter().map(|report| {
                    json!({"ID": report["reportId"],
                        "ApprovalStatusCode": report["approvalStatusId"]})
                });
                done(&json!({"Items": reports.collect::<Vec<_>>(), "NextPage": null}))
            }
            (method, ["api", "v3.0", "expense", "entries", rest @ ..]) => {
                self.handle_entry(method, rest.first().copied(), query, body)
            }
            _ => missing(),
        }
    }

    /// Submits a report, or approves the next of two steps.
    fn bring_on(&mut self, id: &str, action: &str) -> SendOutcome {
        let mut reports = self.reports.iter();
        let Some(at) = reports.position(|report| report["reportId"] == *id) else {
            return missing();
        };
        let status = self.reports[at]["approvalStatusId"].clone();
        match (action, status.as_str()) {
            ("submit", Some("A_NOTF")) => self.submit(at),
            ("approve", Some("A_PEND")) => self.reports[at]["approvalStatusId"] = "A_ACCO".into(),
            ("approve", Some("A_ACCO")) => self.reports[at]["approvalStatusId"] = "A_APPR".into(),
            _ => {
                let body = r#"{"validationErrors":[{"source":"workflow","message":"invalid"}]}"#;
                return answer(400, body);
            }
        }
        answer(204, "")
    }

    fn search(&self, body: &str) -> SendOutcome {
        let wanted: Value = serde_json::from_str(body).expect("is JSON");
        let filter = wanted["filter"].as_str().unwrap_or_default().to_string();
        let (attribute, value) = filter.split_once(" eq ").expect("compares");
        let value: String = serde_json::from_str(value).expect("is text");
        let has = |user: &&Value| match attribute {
            "emails.value" => user["emails"][0]["value"]
                .as_str()
                .is_some_and(|email| email.eq_ignore_ascii_case(&value)),
            _ => user
                .to_string()
                .contains(&format!("\"employeeNumber\":\"{value}\"")),
        };
        let found: Vec<&Value> = self.users.iter().filter(has).collect();
        done(&json!({"totalResults": found.len(), "Resources": found}))
    }

    fn create_report(&mut self, request: &Request, user: &str, body: &str) -> SendOutcome {
        if self.running > 0 {
            self.running -= 1;
            return answer(
                409,
                r#"{"errorMessage":"still running","httpStatus":"409"}"#,
            );
        }
        let mut headers = request.headers.iter();
        let key = headers.find(|header| header.name == "idempotency-id");
        let key = key.expect("has a key").value.clone();
        let next = format!("R{}", self.reports.len() + 1);
        let id = self.keys.entry(key).or_insert_with(|| next.clone()).clone();
        if id == next {
            let mut report: Value = serde_json::from_str(body).expect("is JSON");
            report["reportId"] = json!(id);
            report["user"] = json!(user);
            report["currencyCode"] = json!("CAD");
            report["isSubmitted"] = json!(false);
            report["canAddExpense"] = json!(true);
            report["approvalStatusId"] = json!("A_NOTF");
            self.reports.push(report);
        }
        answer(
            201,
            &json!({"uri": format!("https://x.test/reports/{id}")}).to_string(),
        )
    }

    fn handle_entry(
        &mut self,
        method: Method,
        id: Option<&str>,
        query: &str,
        body: &str,
    ) -> SendOutcome {
        let login = parameter(query, "user").to_string();
        match (method, id) {
            (Method::Get, Some(id)) => {
                let own = |entry: &&Value| entry["ID"] == id && entry["login"] == login;
                self.entries.iter().find(own).map_or_else(missing, done)
            }
            (Method::Get, None) => {
                let report = parameter(query, "reportID");
                let entries = self.entries.iter();
                let found: Vec<_> = entries
                    .filter(|entry| report.is_empty() || entry["ReportID"] == report)
                    .filter(|entry| entry["login"] == login)
                    .collect();
                done(&json!({"Items": found, "NextPage": null}))
            }
            (Method::Post, _) => self.create_entry(&login, body),
            (_, Some(id)) => {
                let Some(entry) = self.entries.iter_mut().find(|entry| entry["ID"] == id) else {
                    return missing();
                };
                let wanted: Value = serde_json::from_str(body).expect("is JSON");
                for (name, value) in wanted.as_object().expect("is an object") {
                    entry[name] = shown(name, value);
                }
                answer(204, "")
            }
            _ => missing(),
        }
    }

    fn create_entry(&mut self, login: &str, body: &str) -> SendOutcome {
        let wanted: Value = serde_json::from_str(body).expect("is JSON");
        let is_open = |report: &&Value| {
            report["reportId"] == wanted["ReportID"] && report["canAddExpense"] == json!(true)
        };
        if !self.reports.iter().any(|report| is_open(&report)) {
            return answer(
                400,
                r#"{"Error":{"Message":"Field ReportID: the report is closed."}}"#,
            );
        }
        let number = self.entries.len() + 1;
        let mut entry = json!({"ID": format!("gW{number}"), "ExpenseID": format!("3f{number:030}"),
            "login": login, "ExchangeRate": 1.0});
        for (name, value) in wanted.as_object().expect("is an object") {
            if !self.dropped.contains(&name.as_str()) {
                entry[name] = shown(name, value);
            }
        }
        self.entries.push(entry);
        done(&json!({"ID": format!("gW{number}"), "URI": ""}))
    }
}

/// Fields of lists are written as text and shown as objects.
fn shown(name: &str, value: &Value) -> Value {
    match name.starts_with("Custom") {
        true => json!({"Code": null, "Type": "Text", "Value": value}),
        false => value.clone(),
    }
}

fn one(list: &[Value], member: &str, id: &str) -> SendOutcome {
    let found = list.iter().find(|item| item[member] == id);
    found.map_or_else(missing, done)
}

fn missing() -> SendOutcome {
    answer(404, r#"{"Message":"The item was not found."}"#)
}
