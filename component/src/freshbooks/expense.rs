//! An expense as FreshBooks shows it, with the member of staff and the category that it names
//! (source: freshbooks-expenses).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::envelope::result_member;
use super::fields::{self, written_amount};
use super::requests::{accounting_path, get, segment};
use crate::contract::http::{Request, Response};
use crate::contract::runs::Facts;
use crate::contract::types::Problem;
use crate::error_bodies::{self, Unread};
use crate::lax_json::{Object, Raw};
use crate::money::{self, NUMBER_BOUND};
use crate::text::{clean, quoted};

/// As much of a text is repeated in a problem's message.
const SHOWN_CHARS_MAX: usize = 40;

/// What a bank feed or an import could have set. None of them is documented as a mark
/// (source: freshbooks-expenses).
const IMPORT_MARKS: [&str; 6] = [
    "accountid",
    "account_name",
    "bank_name",
    "transactionid",
    "background_jobid",
    "from_bulk_import",
];

/// An expense, with what could not be read of it among the problems.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expense {
    /// FreshBooks' id of it; empty where it shows none.
    pub(crate) id: String,
    /// When it was last changed, in FreshBooks' own words; opaque.
    pub(crate) version: String,
    /// Whether it was deleted there (`vis_state` 1).
    pub(crate) deleted: bool,
    /// The number of the member of staff whose expense it is; 1 is the owner of the account.
    pub(crate) staff: Option<String>,
    /// The id of its expense category.
    pub(crate) category: Option<String>,
    /// What was spent, taxes included; zero where it cannot be read.
    pub(crate) amount: Decimal,
    /// The currency of every amount, ISO 4217, in capitals; empty where FreshBooks names none.
    pub(crate) currency: String,
    /// The day on which it was spent, `YYYY-MM-DD`.
    pub(crate) date: Option<String>,
    /// Whom it was paid to, free text.
    pub(crate) vendor: Option<String>,
    /// What people wrote about it.
    pub(crate) notes: Option<String>,
    /// The id of its project.
    pub(crate) project: Option<String>,
    /// The id of the client that it was spent for.
    pub(crate) client: Option<String>,
    /// Whether a client was billed for it.
    pub(crate) is_billed: bool,
    /// What its taxes come to, which the amount includes; zero for none.
    pub(crate) tax: Decimal,
    /// Whether it may have been imported, from a bank or in bulk.
    pub(crate) imported: bool,
    /// What could not be read.
    pub(crate) problems: Vec<Problem>,
}

/// A member of staff as FreshBooks shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Staff {
    /// The e-mail address.
    pub(crate) email: Option<String>,
    /// First and last name, as far as they are there.
    pub(crate) name: Option<String>,
}

impl Expense {
    /// Reads an expense from its bare JSON object.
    ///
    /// # Errors
    ///
    /// Only if it is no object at all; what is wrong inside is among [`Expense::problems`].
    pub(crate) fn read(raw: &RawValue) -> Result<Self, Unread> {
        let object = fields::object(raw, "expense")?;
        let mut problems = Vec::new();
        let (amount, currency) = amount(object.get("amount"), &mut problems);
        let taxes = ["taxAmount1", "taxAmount2"];
        let taxes = taxes.map(|name| tax(&object, name, &currency, &mut problems));
        Ok(Self {
            id: expense_id(&object).unwrap_or_default(),
            version: expense_version(&object),
            deleted: object.text("vis_state").as_deref() == Some("1"),
            staff: fields::id(object.get("staffid"), &["id", "staffid"]),
            category: fields::id(object.get("categoryid"), &["categoryid", "id"]),
            amount,
            date: day(object.text("date"), &mut problems),
            vendor: object.text("vendor").map(|text| clean(&text)),
            notes: object.text("notes").map(|text| clean(&text)),
            project: project(&object),
            client: fields::id(object.get("clientid"), &["id", "userid"]),
            is_billed: is_billed(&object),
            tax: taxes.into_iter().sum(),
            imported: IMPORT_MARKS.iter().any(|mark| is_set(&object, mark)),
            currency,
            problems,
        })
    }

    /// What it is to a person.
    pub(crate) fn facts(&self) -> Facts {
        let decimals = money::minor_units(&self.currency).unwrap_or(money::WRITTEN_DECIMALS);
        Facts {
            number: None,
            party: self.vendor.clone(),
            amount: (!self.currency.is_empty()).then(|| money::wire(self.amount, decimals)),
            currency: (!self.currency.is_empty()).then(|| self.currency.clone()),
            date: self.date.clone(),
        }
    }
}

/// The id of an expense, which has two names.
pub(super) fn expense_id(object: &Object) -> Option<String> {
    fields::id(object.get("id"), &[]).or_else(|| fields::id(object.get("expenseid"), &[]))
}

/// When an expense was last changed; empty where it does not say.
pub(super) fn expense_version(object: &Object) -> String {
    object
        .first_text(&["updated", "updated_at"])
        .1
        .unwrap_or_default()
}

/// The day of an expense; none where it cannot be read.
pub(super) fn expense_day(object: &Object) -> Option<Date> {
    day(object.text("date"), &mut Vec::new())?.parse().ok()
}

/// Projects of old have a number of their own, newer ones another (source: freshbooks-expenses).
fn project(object: &Object) -> Option<String> {
    let modern = fields::id(object.get("modern_projectid"), &["id"]);
    modern.or_else(|| fields::id(object.get("projectid"), &["id"]))
}

/// Billed, or billed and paid (source: freshbooks-expenses). One of the SDKs has 3 for the latter.
fn is_billed(object: &Object) -> bool {
    let status = object.text("status").unwrap_or_default();
    matches!(status.as_str(), "2" | "3" | "4") || is_set(object, "invoiceid")
}

/// Whether a member says anything: 0, false and empty text stand for nothing.
fn is_set(object: &Object, name: &str) -> bool {
    let text = object.text(name).unwrap_or_default();
    let text = text.trim();
    !matches!(text, "" | "0") && !text.eq_ignore_ascii_case("false")
}

fn amount(raw: Raw, problems: &mut Vec<Problem>) -> (Decimal, String) {
    let written = raw.and_then(written_amount).unwrap_or_default();
    let currency = written.code.unwrap_or_default();
    if currency.is_empty() {
        let message = "FreshBooks names no currency of the expense; choose one there";
        problems.push(problem("/amount", "currency-missing", message.to_string()));
    }
    let Some(text) = written.amount else {
        let message = "FreshBooks shows no amount of the expense; enter it there";
        problems.push(problem("/amount", "amount-missing", message.to_string()));
        return (Decimal::ZERO, currency);
    };
    let number = number("/amount/amount", &text, problems);
    (number.unwrap_or_default(), currency)
}

/// A tax in money, in the currency of the expense (source: freshbooks-expenses).
fn tax(object: &Object, name: &str, currency: &str, problems: &mut Vec<Problem>) -> Decimal {
    let at = format!("/{name}");
    let Some(written) = object.get(name).and_then(written_amount) else {
        return Decimal::ZERO;
    };
    let other = written.code.filter(|code| code != currency);
    if let Some(code) = other {
        let message = format!(
            "a tax is in {} and the expense in {}; correct it in FreshBooks",
            quoted(&code, SHOWN_CHARS_MAX),
            quoted(currency, SHOWN_CHARS_MAX)
        );
        problems.push(problem(&at, "two-currencies", message));
        return Decimal::ZERO;
    }
    let text = written.amount.unwrap_or_default();
    if text.is_empty() {
        return Decimal::ZERO;
    }
    number(&at, &text, problems).unwrap_or_default()
}

fn number(at: &str, text: &str, problems: &mut Vec<Problem>) -> Option<Decimal> {
    let number = money::parse(text).filter(|number| number.abs() < NUMBER_BOUND);
    if number.is_none() {
        let message = format!(
            "{} is not a number below {NUMBER_BOUND}; correct it in FreshBooks",
            quoted(text, SHOWN_CHARS_MAX)
        );
        problems.push(problem(at, "not-a-number", message));
    }
    number
}

/// A calendar day; never shifted by a time zone (source: freshbooks-time-zones).
fn day(text: Option<String>, problems: &mut Vec<Problem>) -> Option<String> {
    let is_none = |text: &str| text.trim_matches(['0', '-', ':', ' ']).is_empty();
    let text = text.filter(|text| !is_none(text))?;
    let day = text.get(..10).unwrap_or_default();
    let rest = text.get(10..).unwrap_or_default();
    if day.parse::<Date>().is_ok() && (rest.is_empty() || rest.starts_with([' ', 'T'])) {
        return Some(day.to_string());
    }
    let message = format!(
        "{} is not a date such as 2026-02-27; correct it in FreshBooks",
        quoted(&text, SHOWN_CHARS_MAX)
    );
    problems.push(problem("/date", "not-a-date", message));
    None
}

fn problem(pointer: &str, code: &str, message: String) -> Problem {
    Problem {
        pointer: pointer.to_string(),
        code: code.to_string(),
        message,
    }
}

/// Asks for one expense.
pub(crate) fn get_expense(account_id: &str, id: &str) -> Request {
    let path = accounting_path(account_id, "expenses/expenses");
    get(format!("{path}/{}", segment(id)))
}

/// Reads the answer that holds an expense.
pub(crate) fn read_expense(response: &Response) -> Result<Expense, Unread> {
    let text = error_bodies::text(response)?;
    Expense::read(result_member(text, "expense", response)?)
}

/// Asks for one expense category (source: freshbooks-expense-categories).
pub(crate) fn get_category(account_id: &str, id: &str) -> Request {
    let path = accounting_path(account_id, "expenses/categories");
    get(format!("{path}/{}", segment(id)))
}

/// Reads the answer that holds an expense category: its name, empty where it has none.
pub(crate) fn read_category_name(response: &Response) -> Result<String, Unread> {
    let text = error_bodies::text(response)?;
    let category = fields::object(result_member(text, "category", response)?, "category")?;
    let name = category.text("category").unwrap_or_default();
    Ok(clean(&name))
}

/// Asks for one member of staff (source: freshbooks-team-members).
pub(crate) fn get_staff(account_id: &str, id: &str) -> Request {
    let path = accounting_path(account_id, "users/staffs");
    get(format!("{path}/{}", segment(id)))
}

/// Reads the answer that holds a member of staff.
pub(crate) fn read_staff(response: &Response) -> Result<Staff, Unread> {
    let text = error_bodies::text(response)?;
    let staff = fields::object(result_member(text, "staff", response)?, "member of staff")?;
    let (first, last) = (staff.text("fname"), staff.text("lname"));
    Ok(Staff {
        email: staff.text("email").map(|email| email.trim().to_string()),
        name: super::party::person_name(first.as_deref(), last.as_deref()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_bodies::tests::answer;

    fn expense(members: &str) -> Expense {
        let raw: &RawValue = serde_json::from_str(members).expect("is JSON");
        Expense::read(raw).expect("is an object")
    }

    fn codes(expense: &Expense) -> Vec<&str> {
        let codes = expense.problems.iter();
        codes.map(|problem| problem.code.as_str()).collect()
    }

    #[test]
    fn an_expense_is_read_as_freshbooks_shows_it() {
        let body = r#"{"response":{"result":{"expense":{"id":991273,"expenseid":991273,
            "amount":{"amount":"119.00","code":"EUR"},"categoryid":3344,"staffid":1,
            "date":"2026-01-30","vendor":"Hotel  Adler","notes":"Fair","projectid":0,
            "modern_projectid":5512,"taxName1":"MwSt","taxAmount1":{"amount":"19.00","code":"EUR"},
            "taxPercent1":"19","taxAmount2":null,"accountid":"","bank_name":null,
            "transactionid":null,"from_bulk_import":false,"background_jobid":"0",
            "updated":"2026-01-31 10:00:00","vis_state":0}}}}"#;
        let read = read_expense(&answer(body)).expect("is read");
        assert_eq!(codes(&read), [""; 0]);
        assert_eq!(
            (
                read.id.as_str(),
                read.staff.as_deref(),
                read.category.as_deref()
            ),
            ("991273", Some("1"), Some("3344"))
        );
        assert_eq!(read.facts().amount.as_deref(), Some("119.00"));
        assert_eq!(
            (read.tax, read.project.as_deref()),
            (Decimal::from(19), Some("5512"))
        );
        assert!(!read.imported && !read.deleted);
        assert_eq!(read.vendor.as_deref(), Some("Hotel Adler"));
    }

    #[test]
    fn what_an_import_could_have_set_marks_it() {
        for mark in [
            r#""accountid": "7""#,
            r#""account_name": "Chequing""#,
            r#""bank_name": "First Bank""#,
            r#""transactionid": 9"#,
            r#""background_jobid": "12""#,
            r#""from_bulk_import": true"#,
        ] {
            assert!(expense(&format!("{{{mark}}}")).imported, "{mark}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for (members, expected) in [
            (
                r#""amount": {"amount": "x", "code": "EUR"}"#,
                "not-a-number",
            ),
            (r#""amount": {"code": "EUR"}"#, "amount-missing"),
            (r#""amount": {"amount": "5.00"}"#, "currency-missing"),
            (
                r#""amount": {"amount": "5.00", "code": "EUR"}, "date": "soon""#,
                "not-a-date",
            ),
            (
                r#""amount": {"amount": "5.00", "code": "EUR"},
                "taxAmount1": {"amount": "1.00", "code": "USD"}"#,
                "two-currencies",
            ),
        ] {
            assert_eq!(
                codes(&expense(&format!("{{{members}}}"))),
                [expected],
                "{members}"
            );
        }
    }

    #[test]
    fn staff_and_categories_are_read() {
        let body = r#"{"response":{"result":{"staff":{"id":2,"fname":"Kim","lname":null,
            "email":" kim@example.test "}}}}"#;
        let staff = read_staff(&answer(body)).expect("is read");
        assert_eq!(staff.email.as_deref(), Some("kim@example.test"));
        assert_eq!(staff.name.as_deref(), Some("Kim"));
        let body = r#"{"response":{"result":{"category":{"id":3344,"category":"Travel"}}}}"#;
        assert_eq!(read_category_name(&answer(body)), Ok("Travel".into()));
    }
}
