//! Expense entries on the wire, v3.0 (source: concur-expense-entries).

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rust_decimal::Decimal;

use super::digests::next_offset;
use super::requests::{encoded, get, with_body};
use crate::contract::http::{Method, Request, Response};
use crate::error_bodies::{self, Unread};
use crate::lax_json::{Object, rows};
use crate::money;

const ENTRIES: &str = "/api/v3.0/expense/entries";
/// Entries of a page (source: concur-v3-conventions).
const PAGE_ROWS_MAX: u32 = 100;

/// An entry as SAP Concur shows it. Fields that hold the item of a list are shown by its code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExpenseEntry {
    /// Its v3 id, by which it is read and changed.
    pub(crate) id: String,
    /// Its v4 id, by which it is deleted and financial documents name it; empty where not shown.
    pub(crate) expense_id: String,
    /// The id of its report.
    pub(crate) report_id: String,
    /// What was spent, in its own currency; none where not shown.
    pub(crate) amount: Option<Decimal>,
    /// What a unit of its currency is worth in that of its report; none where not shown.
    pub(crate) rate: Option<Decimal>,
    /// All members that are text, numbers, or the item of a list, by name.
    pub(crate) members: Vec<(String, String)>,
}

impl ExpenseEntry {
    /// A member as text; empty for none.
    pub(crate) fn text(&self, name: &str) -> &str {
        let mut found = self.members.iter().filter(|(known, _)| known == name);
        found.next().map_or("", |(_, text)| text)
    }

    /// Whether a text field of it holds this marker, whichever field it is.
    pub(crate) fn has_marker(&self, marker: &str) -> bool {
        self.members.iter().any(|(_, text)| text.contains(marker))
    }
}

/// A page of entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntryPage {
    pub(crate) entries: Vec<ExpenseEntry>,
    /// The next page's offset; none for the last.
    pub(crate) next: Option<String>,
}

/// The entries of a report of the user with this login.
pub(crate) fn list_entries(login: &str, report_id: &str, offset: Option<&str>) -> Request {
    let (login, report_id) = (encoded(login), encoded(report_id));
    let mut target = format!("{ENTRIES}?user={login}&reportID={report_id}&limit={PAGE_ROWS_MAX}");
    if let Some(offset) = offset {
        target.push_str(&format!("&offset={}", encoded(offset)));
    }
    get(target)
}

/// All entries of the user with this login, whatever report they are in.
pub(crate) fn list_entries_of_user(login: &str, offset: Option<&str>) -> Request {
    let mut target = format!("{ENTRIES}?user={}&limit={PAGE_ROWS_MAX}", encoded(login));
    if let Some(offset) = offset {
        target.push_str(&format!("&offset={}", encoded(offset)));
    }
    get(target)
}

/// One entry of the user with this login.
pub(crate) fn get_entry(login: &str, id: &str) -> Request {
    get(format!("{}?user={}", path(id), encoded(login)))
}

/// Creates an entry of the user with this login.
pub(crate) fn create_entry(login: &str, json: String) -> Request {
    let target = format!("{ENTRIES}?user={}", encoded(login));
    with_body(Method::Post, &target, json)
}

/// Changes the members of an entry that the body has.
pub(crate) fn update_entry(login: &str, id: &str, json: String) -> Request {
    let target = format!("{}?user={}", path(id), encoded(login));
    with_body(Method::Put, &target, json)
}

fn path(id: &str) -> String {
    format!("{ENTRIES}/{}", encoded(id))
}

/// Reads the answer to a change or a deletion: 200 or 204 with nothing in it
/// (source: concur-v3-conventions).
pub(crate) fn read_entry_changed(_: &Response) -> Result<(), Unread> {
    Ok(())
}

/// Reads the answer that shows one entry.
pub(crate) fn read_entry(response: &Response) -> Result<ExpenseEntry, Unread> {
    let text = error_bodies::text(response)?;
    let object: Object =
        serde_json::from_str(text).map_err(|error| error_bodies::garbled(&error))?;
    entry(&object)
}

/// Reads a page of entries.
pub(crate) fn read_entries(response: &Response) -> Result<EntryPage, Unread> {
    let text = error_bodies::text(response)?;
    let object: Object =
        serde_json::from_str(text).map_err(|error| error_bodies::garbled(&error))?;
    if !object.has("Items") {
        return Err(Unread::Garbled(
            "the answer has no list `Items`".to_string(),
        ));
    }
    let listed = object.get("Items").and_then(rows).unwrap_or_default();
    // One that cannot be read may be the one that is looked for.
    let entries = listed.into_iter().map(|raw| {
        let object = Object::read(raw);
        let object = object.ok_or_else(|| Unread::Garbled("an entry is no object".to_string()))?;
        entry(&object)
    });
    Ok(EntryPage {
        entries: entries.collect::<Result<_, _>>()?,
        next: object.text("NextPage").and_then(|next| next_offset(&next)),
    })
}

fn entry(object: &Object) -> Result<ExpenseEntry, Unread> {
    let Some(id) = object.text("ID") else {
        return Err(Unread::Garbled("an entry without an id".to_string()));
    };
    let number = |name: &str| money::parse(&object.text(name)?);
    Ok(ExpenseEntry {
        id,
        expense_id: object.text("ExpenseID").unwrap_or_default(),
        report_id: object.text("ReportID").unwrap_or_default(),
        amount: number("TransactionAmount"),
        rate: number("ExchangeRate"),
        members: object
            .names()
            .filter_map(|name| shown(object, name))
            .collect(),
    })
}

/// A member as text: what is written as a code is shown as an object with it
/// (source: concur-expense-entries).
fn shown(object: &Object, name: &str) -> Option<(String, String)> {
    let item = || {
        let item = Object::read(object.get(name)?)?;
        item.text("Code").or_else(|| item.text("Value"))
    };
    let text = object.text(name).or_else(item)?;
    Some((name.to_owned(), text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_bodies::tests::answer;

    #[test]
    fn an_entry_shows_items_of_lists_by_their_code() {
        let body = r#"{"Items":[{"ID":"gWr1","ExpenseID":"3F0B","ReportID":"9E44",
            "TransactionAmount":40.0,"ExchangeRate":1.35,"Description":"Taxi mlc-a",
            "Custom3":{"Code":"PRJ_A","ListItemID":"gWl","Type":"List","Value":"Project A"},
            "Custom4":{"Code":null,"Type":"Text","Value":"mlc-b"},"Custom5":null}],
            "NextPage":null}"#;
        let page = read_entries(&answer(body)).expect("is read");
        let [entry] = page.entries.as_slice() else {
            panic!("one entry");
        };
        assert_eq!(
            (entry.text("Custom3"), entry.text("Custom5")),
            ("PRJ_A", "")
        );
        assert_eq!(entry.amount, Some(Decimal::from(40)));
        assert!(entry.has_marker("mlc-a") && entry.has_marker("mlc-b"));
        assert!(!entry.has_marker("mlc-c") && page.next.is_none());
    }

    #[test]
    fn an_answer_without_a_list_proves_nothing() {
        for body in [
            "{}",
            "[]",
            r#"{"Items":[{"Description":"x"}]}"#,
            r#"{"Items":[3]}"#,
        ] {
            assert!(read_entries(&answer(body)).is_err(), "{body}");
        }
        let none = read_entries(&answer(r#"{"Items":[],"NextPage":""}"#)).expect("is read");
        assert_eq!(none.entries, []);
    }
}
