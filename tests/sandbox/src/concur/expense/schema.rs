//! The bodies that the Expense calls take, as SAP publishes them, and a check that knows no other
//! member (source: concur-expense-reports, concur-expense-entries, concur-quick-expense).

use serde_json::{Map, Value};

use super::config::UnknownFields;
use crate::calendar::parse_day;

/// A body, or an object within one.
#[derive(Debug)]
pub(crate) struct Shape {
    members: &'static [Member],
    /// Members that are numbered from 1: what they begin with, and how many there are.
    numbered: &'static [(&'static str, u8)],
}

#[derive(Debug)]
struct Member {
    name: &'static str,
    holds: Holds,
    required: bool,
}

/// What a member holds.
#[derive(Clone, Copy, Debug)]
enum Holds {
    /// Text of at most so many characters, any number if 0.
    Text(usize),
    Flag,
    Number,
    Day,
    OneOf(&'static [&'static str]),
    Object(&'static Shape),
    List(&'static Shape),
}

/// What is wrong with a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The member, such as `customData.id`.
    pub(crate) source: String,
    pub(crate) message: String,
}

const fn required(name: &'static str, holds: Holds) -> Member {
    Member {
        name,
        holds,
        required: true,
    }
}

const fn optional(name: &'static str, holds: Holds) -> Member {
    Member {
        name,
        holds,
        required: false,
    }
}

const fn shape(members: &'static [Member]) -> Shape {
    Shape {
        members,
        numbered: &[],
    }
}

use Holds::{Day, Flag, List, Number, Object, OneOf, Text};

static CUSTOM_DATA: Shape = shape(&[required("id", Text(0)), optional("value", Text(48))]);

static AMOUNT: Shape = shape(&[required("value", Number), required("currencyCode", Text(3))]);

pub(crate) static NEW_REPORT: Shape = shape(&[
    required("name", Text(40)),
    required("policyId", Text(32)),
    optional("businessPurpose", Text(64)),
    optional("comment", Text(2000)),
    optional("countryCode", Text(2)),
    optional("countrySubDivisionCode", Text(6)),
    optional("customData", List(&CUSTOM_DATA)),
    optional("endDate", Day),
    optional("reportDate", Day),
    optional("startDate", Day),
]);

/// Not in the API description: the page has it.
pub(crate) static UPDATE_REPORT_SHORT: Shape = shape(&[
    optional("businessPurpose", Text(64)),
    optional("comment", Text(2000)),
    optional("customData", List(&CUSTOM_DATA)),
    optional("isPaperReceiptsReceived", Flag),
    optional("name", Text(40)),
]);

/// `reportSource` is on the page, and not in the API description.
pub(crate) static UPDATE_REPORT: Shape = shape(&[
    required(
        "reportSource",
        OneOf(&["EA", "MOB", "OTHER", "SE", "TR", "UI"]),
    ),
    optional("businessPurpose", Text(64)),
    optional("comment", Text(2000)),
    optional("countryCode", Text(2)),
    optional("countrySubDivisionCode", Text(6)),
    optional("customData", List(&CUSTOM_DATA)),
    optional("endDate", Day),
    optional("isPaperReceiptsReceived", Flag),
    optional("name", Text(40)),
    optional("policyId", Text(32)),
    optional("reportDate", Day),
    optional("startDate", Day),
]);

pub(crate) static UPDATE_EXPENSE: Shape = shape(&[
    required(
        "expenseSource",
        OneOf(&["EA", "MOB", "OTHER", "SE", "TA", "TR", "UI"]),
    ),
    optional("businessPurpose", Text(64)),
    optional("customData", List(&CUSTOM_DATA)),
    optional("isExpenseRejected", Flag),
    optional("isPaperReceiptReceived", Flag),
]);

pub(crate) static COMMENT: Shape = shape(&[required("comment", Text(2000))]);

pub(crate) static EXCEPTION: Shape = shape(&[
    required("exceptionCode", Text(8)),
    required(
        "exceptionVisibility",
        OneOf(&["ALL", "APPROVER_PROCESSOR", "PROCESSOR"]),
    ),
]);

/// The two `expectedStep` members are on the page, the step instance in the API description.
pub(crate) static APPROVE: Shape = shape(&[
    optional("comment", Text(2000)),
    optional("expectedStepCode", Text(6)),
    optional("expectedStepSequence", Number),
    optional("expectedWorkflowStepInstanceId", Text(0)),
    optional("expenseRejectedComment", Text(2000)),
    optional("statusId", Text(6)),
]);

/// As above.
pub(crate) static SEND_BACK: Shape = shape(&[
    required("comment", Text(2000)),
    optional("expectedStepCode", Text(6)),
    optional("expectedStepSequence", Number),
    optional("expectedWorkflowStepInstanceId", Text(0)),
]);

pub(crate) static NO_MEMBERS: Shape = shape(&[]);

static JOURNEY: Shape = shape(&[
    optional("BusinessDistance", Number),
    required("EndLocation", Text(100)),
    optional("NumberOfPassengers", Number),
    optional("OdometerEnd", Number),
    optional("OdometerStart", Number),
    optional("PersonalDistance", Number),
    required("StartLocation", Text(100)),
    required("UnitOfMeasure", OneOf(&["M", "K"])),
    optional("VehicleID", Text(0)),
]);

/// POST needs what the page says it needs; PUT takes the same members, none of them needed.
pub(crate) static ENTRY: Shape = Shape {
    members: &[
        optional("Comment", Text(500)),
        optional("Description", Text(64)),
        optional("ExchangeRate", Number),
        optional("ExpenseTypeCode", Text(5)),
        optional("IsBillable", Flag),
        optional("IsPersonal", Flag),
        optional("Journey", Object(&JOURNEY)),
        optional("LocationID", Text(0)),
        optional("PaymentTypeID", Text(0)),
        optional("ReportID", Text(0)),
        optional("TaxReceiptType", OneOf(&["T", "R", "N"])),
        optional("TransactionAmount", Number),
        optional("TransactionCurrencyCode", Text(3)),
        optional("TransactionDate", Day),
        optional("VendorDescription", Text(64)),
        optional("VendorListItemID", Text(0)),
    ],
    numbered: &[("Custom", 40), ("OrgUnit", 6)],
};

static LOCATION: Shape = shape(&[
    optional("city", Text(0)),
    optional("countryCode", Text(2)),
    optional("countrySubDivisionCode", Text(6)),
    optional("id", Text(0)),
    optional("name", Text(0)),
]);

/// The page needs the expense type, the API description the place.
pub(crate) static QUICK_EXPENSE: Shape = shape(&[
    optional("comment", Text(0)),
    optional("entryDetails", Text(0)),
    required("expenseTypeId", Text(5)),
    optional("location", Object(&LOCATION)),
    optional("paymentTypeId", OneOf(&["CASHX", "CPAID", "PENDC"])),
    required("transactionAmount", Object(&AMOUNT)),
    required("transactionDate", Day),
    optional("vendor", Text(0)),
]);

impl Shape {
    /// Everything that is wrong with a body: members that are missing, unknown, or of another type
    /// or length.
    pub(crate) fn problems(
        &self,
        body: &Map<String, Value>,
        unknown: UnknownFields,
    ) -> Vec<Problem> {
        let mut found = Vec::new();
        self.check(body, unknown, "", &mut found);
        found
    }

    fn check(
        &self,
        body: &Map<String, Value>,
        unknown: UnknownFields,
        path: &str,
        found: &mut Vec<Problem>,
    ) {
        let missing = self.members.iter().filter(|member| member.required);
        for member in missing.filter(|member| body.get(member.name).is_none_or(Value::is_null)) {
            found.push(problem(path, member.name, "must not be null"));
        }
        for (name, value) in body.iter().filter(|(_, value)| !value.is_null()) {
            match self.holds(name) {
                Some(holds) => check_value(holds, value, unknown, &join(path, name), found),
                None if unknown == UnknownFields::Refused => {
                    found.push(problem(path, name, "is not a field of this request"));
                }
                None => {}
            }
        }
    }

    fn holds(&self, name: &str) -> Option<Holds> {
        let member = self.members.iter().find(|member| member.name == name);
        member.map(|member| member.holds).or_else(|| {
            let is_numbered = self.numbered.iter().any(|(begin, count)| {
                (1..=*count).any(|number| format!("{begin}{number}") == name)
            });
            is_numbered.then_some(Text(48))
        })
    }
}

fn check_value(
    holds: Holds,
    value: &Value,
    unknown: UnknownFields,
    path: &str,
    found: &mut Vec<Problem>,
) {
    let message = match (holds, value) {
        (Text(max), Value::String(text)) if max > 0 && text.chars().count() > max => {
            format!("size must be between 0 and {max}")
        }
        (Day, Value::String(text)) if parse_day(text).is_none() => {
            "must be a date of the form YYYY-MM-DD".to_owned()
        }
        (OneOf(values), Value::String(text)) if !values.contains(&text.as_str()) => {
            format!("must be one of {}", values.join(", "))
        }
        (Text(_) | Day | OneOf(_), Value::String(_))
        | (Flag, Value::Bool(_))
        | (Number, Value::Number(_)) => return,
        (Object(shape), Value::Object(body)) => return shape.check(body, unknown, path, found),
        (List(shape), Value::Array(rows)) => {
            for row in rows {
                check_value(Object(shape), row, unknown, path, found);
            }
            return;
        }
        _ => "has the wrong type".to_owned(),
    };
    found.push(Problem {
        source: path.to_owned(),
        message,
    });
}

fn problem(path: &str, name: &str, message: &str) -> Problem {
    Problem {
        source: join(path, name),
        message: message.to_owned(),
    }
}

fn join(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        _ => format!("{path}.{name}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    fn problems(shape: &Shape, body: &Value) -> Vec<String> {
        let body = body.as_object().expect("an object");
        let found = shape.problems(body, UnknownFields::Refused);
        let found = found.into_iter();
        found
            .map(|one| format!("{} {}", one.source, one.message))
            .collect()
    }

    #[test]
    fn what_is_missing_unknown_too_long_or_of_another_type_is_found() {
        let body = json!({"name": "x".repeat(41), "startDate": "1 May", "Name": "x", "comment": 1,
            "customData": [{"value": "a", "text": "b"}]});
        let expected = [
            "policyId must not be null",
            "Name is not a field of this request",
            "comment has the wrong type",
            "customData.id must not be null",
            "customData.text is not a field of this request",
            "name size must be between 0 and 40",
            "startDate must be a date of the form YYYY-MM-DD",
        ];
        assert_eq!(problems(&NEW_REPORT, &body), expected);
    }

    #[test]
    fn custom_fields_are_numbered_without_a_zero() {
        for (name, is_known) in [
            ("Custom1", true),
            ("Custom40", true),
            ("OrgUnit6", true),
            ("Custom01", false),
            ("Custom41", false),
            ("custom1", false),
            ("OrgUnit7", false),
        ] {
            let found = problems(&ENTRY, &json!({name: "x"}));
            assert_eq!(found.is_empty(), is_known, "{name}");
        }
    }

    #[test]
    fn unknown_members_are_dropped_by_switch() {
        let body = json!({"comment": "x", "remark": "y"});
        let body = body.as_object().expect("an object");
        assert_eq!(COMMENT.problems(body, UnknownFields::Dropped), []);
    }

    /// The published files, where `ML_CONNECTOR_SCHEMAS` names their folder.
    fn published(file: &str) -> Option<Value> {
        let folder = std::env::var_os("ML_CONNECTOR_SCHEMAS")?;
        let text = std::fs::read_to_string(std::path::Path::new(&folder).join(file));
        serde_json::from_str(&text.expect("the file")).ok()
    }

    /// What a shape has that the schema lacks, but for what only the page has; and the other way
    /// round, but for what is left out on purpose.
    fn check_against(shape: &Shape, schema: &Value, page_only: &[&str], left_out: &[&str]) {
        let properties = schema["properties"].as_object().expect("properties");
        let read_only = |name: &&String| properties[*name]["readOnly"] == json!(true);
        let published = properties.keys().filter(|name| !read_only(name));
        let published: BTreeSet<String> = published.cloned().collect();
        let mut ours: BTreeSet<String> = shape
            .members
            .iter()
            .map(|member| member.name.to_owned())
            .collect();
        for (begin, count) in shape.numbered {
            ours.extend((1..=*count).map(|number| format!("{begin}{number}")));
        }
        let unknown: Vec<&String> = ours.difference(&published).collect();
        assert_eq!(unknown, page_only.iter().collect::<Vec<_>>());
        let missing: Vec<&String> = published.difference(&ours).collect();
        assert_eq!(missing, left_out.iter().collect::<Vec<_>>());
    }

    #[test]
    fn the_shapes_are_the_published_ones() {
        if let Some(reports) = published("Reports.swagger.json") {
            let schema = |name: &str| reports["components"]["schemas"][name].clone();
            check_against(&NEW_REPORT, &schema("NewReport"), &[], &[]);
            check_against(&COMMENT, &schema("Comment"), &[], &[]);
            check_against(&EXCEPTION, &schema("Exceptions"), &[], &[]);
            check_against(&CUSTOM_DATA, &schema("CustomData"), &[], &[]);
            check_against(&AMOUNT, &schema("Amount"), &[], &[]);
            check_against(
                &UPDATE_EXPENSE,
                &schema("UpdateReportExpenseCompact"),
                &[],
                &[],
            );
            let steps = ["expectedStepCode", "expectedStepSequence"];
            check_against(&APPROVE, &schema("ApproveReportAsSystem"), &steps, &[]);
            check_against(&SEND_BACK, &schema("SendBackReportAsSystem"), &steps, &[]);
            let left_out = [
                "hasReceivedCashAdvanceReturns",
                "isCopyDownInherited",
                "receiptContainerId",
                "redirectFund",
            ];
            check_against(
                &UPDATE_REPORT,
                &schema("UpdateReport"),
                &["reportSource"],
                &left_out,
            );
        }
        if let Some(entries) = published("Entries.swagger.json") {
            check_against(&ENTRY, &entries["models"]["EntryPost"], &[], &[]);
            check_against(&ENTRY, &entries["models"]["EntryPut"], &[], &[]);
            check_against(&JOURNEY, &entries["models"]["Journey"], &[], &[]);
        }
        if let Some(quick) = published("QuickExpenses.swagger.json") {
            let schema = |name: &str| quick["definitions"][name].clone();
            check_against(&QUICK_EXPENSE, &schema("QuickExpenseRequest"), &[], &[]);
            check_against(&LOCATION, &schema("Location"), &[], &[]);
        }
    }
}
