//! Journal entries as FreshBooks shows them: the id of one that was created, and the lines of all.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::new_endpoint::{entries_path, with_version};
use crate::contract::http::{Method, Request, Response};
use crate::error_bodies::{self, Unread};
use crate::freshbooks::envelope::{page_count, result_member, result_rows};
use crate::freshbooks::fields;
use crate::freshbooks::requests::{PAGE_ROWS_MAX, accounting_path, get, request};
use crate::lax_json::{Object, rows};
use crate::settings::Settings;
use crate::settings::financial::Endpoint;
use rust_decimal::Decimal;

/// One side of a journal entry as FreshBooks shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JournalLine {
    /// The entry that it belongs to.
    pub(crate) entry_id: String,
    /// The name of the entry, which holds our marker if it is ours.
    pub(crate) name: String,
    /// The account; empty where FreshBooks does not say.
    pub(crate) account: String,
    /// Debit positive, credit negative.
    pub(crate) amount: Decimal,
    /// Its currency; empty where FreshBooks does not say.
    pub(crate) currency: String,
    /// The day of the entry, `YYYY-MM-DD`; empty where FreshBooks does not say.
    pub(crate) date: String,
}

/// A page of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JournalPage {
    pub(crate) lines: Vec<JournalLine>,
    /// Whether a later page may hold more.
    pub(crate) more: bool,
}

/// Reads the id of the entry that was created.
pub(crate) fn read_journal_entry(response: &Response) -> Result<String, Unread> {
    let text = error_bodies::text(response)?;
    let raw = result_member(text, "journal_entry", response)?;
    let entry = fields::object(raw, "journal entry")?;
    let twin = || fields::id(entry.get("entryid"), &[]);
    fields::id(entry.get("id"), &[])
        .or_else(twin)
        .ok_or_else(|| Unread::Garbled("the answer names no entry".to_string()))
}

/// Reads the id of the entry that the newer endpoint created. Its answer is not documented: the
/// entry is taken bare, or under the name that the request has.
pub(crate) fn read_new_journal_entry(response: &Response) -> Result<String, Unread> {
    let bare = new_answer(response)?;
    let wrapped = ["manualJournalEntry", "data"].map(|name| bare.get(name));
    let wrapped = wrapped.into_iter().flatten().find_map(Object::read);
    new_entry_id(&wrapped.unwrap_or(bare))
        .ok_or_else(|| Unread::Garbled("the answer names no entry".to_string()))
}

/// The newer endpoint's answer, which has no envelope.
fn new_answer(response: &Response) -> Result<Object<'_>, Unread> {
    let unread = |_| Unread::Garbled("the answer cannot be read: it is no JSON object".to_string());
    serde_json::from_str(error_bodies::text(response)?).map_err(unread)
}

/// A page of the lines of all entries. Page 1 is the first.
pub(crate) fn journal_lines(settings: &Settings, page: u32) -> Request {
    match settings.financial.endpoint {
        Endpoint::Legacy => {
            let path = accounting_path(
                &settings.freshbooks.account_id,
                "journal_entries/journal_entry_details",
            );
            get(format!("{path}?page={page}&per_page={PAGE_ROWS_MAX}"))
        }
        Endpoint::New => {
            let path = entries_path(settings);
            let target = format!("{path}?page_number={page}&page_size={PAGE_ROWS_MAX}");
            with_version(request(Method::Get, target, Vec::new()))
        }
    }
}

/// Reads a page of lines. Lines of invoices, payments and expenses are among them.
pub(crate) fn read_journal_lines(response: &Response) -> Result<JournalPage, Unread> {
    let (rows, members) = result_rows(response, "journal_entry_details")?;
    let page = members.text("page");
    let page = page.and_then(|page| page.parse::<u64>().ok()).unwrap_or(1);
    Ok(JournalPage {
        more: page < page_count(&members),
        lines: rows.iter().filter_map(line).collect(),
    })
}

/// Reads a page of the newer endpoint's entries. How it states the number of pages is not
/// documented, so only an empty page is the end.
pub(crate) fn read_new_journal_lines(response: &Response) -> Result<JournalPage, Unread> {
    const NAMES: [&str; 4] = [
        "manualJournalEntries",
        "journalEntries",
        "journal_entries",
        "data",
    ];
    let answer = new_answer(response)?;
    let listed = NAMES.into_iter().find_map(|name| answer.get(name));
    let Some(entries) = listed.and_then(rows) else {
        return Err(Unread::Garbled(
            "the answer has no list of entries".to_string(),
        ));
    };
    let entries: Vec<Object> = entries.into_iter().filter_map(Object::read).collect();
    Ok(JournalPage {
        more: !entries.is_empty(),
        lines: entries.iter().flat_map(new_lines).collect(),
    })
}

/// The line; nothing for a line of no entry, which carries no name of ours.
fn line(detail: &Object) -> Option<JournalLine> {
    let entry_id = fields::id(detail.get("entry"), &["entryid", "id"])?;
    // The side that is not moved may be null or zero.
    let side = |name: &str| fields::amount(detail.get(name)).unwrap_or_default();
    let (debit, credit) = (side("debit"), side("credit"));
    let account = fields::id(detail.get("sub_account"), &["sub_accountid", "id"]);
    Some(JournalLine {
        entry_id,
        name: detail.text("name").unwrap_or_default(),
        account: account.unwrap_or_default(),
        date: detail.text("user_entered_date").unwrap_or_default(),
        amount: debit.0 - credit.0,
        currency: if debit.1.is_empty() {
            credit.1
        } else {
            debit.1
        },
    })
}

fn new_entry_id(entry: &Object) -> Option<String> {
    fields::id(entry.get("uuid"), &[]).or_else(|| fields::id(entry.get("id"), &[]))
}

fn new_lines(entry: &Object) -> Vec<JournalLine> {
    let entry_id = new_entry_id(entry).unwrap_or_default();
    let name = entry.text("name").unwrap_or_default();
    let date = written_day(entry);
    let details = fields::objects(entry.get("details"));
    let details = details.iter().map(|detail| {
        let (size, currency) = fields::amount(detail.get("amount")).unwrap_or_default();
        let side = detail.text("type").unwrap_or_default();
        JournalLine {
            entry_id: entry_id.clone(),
            name: name.clone(),
            date: date.clone(),
            account: fields::id(detail.get("accountId"), &["uuid", "id"]).unwrap_or_default(),
            amount: if side == "TYPE_CREDIT" { -size } else { size },
            currency,
        }
    });
    details.collect()
}

/// The day of an entry as the newer endpoint takes it: year, month and day, each a number.
fn written_day(entry: &Object) -> String {
    let day = entry.get("userEnteredDate").and_then(Object::read);
    let part = |name: &str| day.as_ref()?.text(name)?.parse::<u16>().ok();
    match (part("year"), part("month"), part("day")) {
        (Some(year), Some(month), Some(day)) => format!("{year:04}-{month:02}-{day:02}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_bodies::tests::answer;
    use alloc::borrow::ToOwned;

    fn line(name: &str, account: &str, amount: i64, currency: &str) -> JournalLine {
        JournalLine {
            entry_id: "9".to_owned(),
            name: name.to_owned(),
            account: account.to_owned(),
            amount: Decimal::new(amount, 2),
            currency: currency.to_owned(),
            date: String::new(),
        }
    }

    #[test]
    fn the_older_list_tells_lines() {
        let page = read_journal_lines(&answer(
            r#"{"response":{"result":{"journal_entry_details":[
                {"entry":{"entryid":9},"sub_account":{"sub_accountid":635},"name":"n",
                "debit":{"amount":"1.50","code":"EUR"},"credit":null},
                {"entry":{"entryid":9},"sub_account":{"sub_accountid":641},"name":"n",
                "debit":null,"credit":{"amount":"1.50","code":"EUR"}},
                {"entry":null,"name":"a line of an invoice","debit":null,"credit":null}],
                "page":1,"pages":2,"per_page":100,"total":3}}}"#,
        ))
        .expect("is read");
        assert!(page.more);
        assert_eq!(
            page.lines,
            [line("n", "635", 150, "EUR"), line("n", "641", -150, "EUR")]
        );
    }

    #[test]
    fn an_empty_list_is_the_end_and_garbage_is_none() {
        let empty = r#"{"response":{"result":{"journal_entry_details":[],"page":1,"pages":0}}}"#;
        assert!(!read_journal_lines(&answer(empty)).expect("is read").more);
        assert!(read_journal_lines(&answer(r#"{"response":{"result":{}}}"#)).is_err());
        assert!(read_new_journal_lines(&answer("{}")).is_err());
    }

    #[test]
    fn the_newer_list_tells_entries_under_any_of_its_names() {
        for name in ["manualJournalEntries", "journal_entries", "data"] {
            let body = format!(
                r#"{{"{name}":[{{"uuid":9,"name":"n","details":[
                    {{"accountId":"a","amount":{{"amount":1.5,"code":"EUR"}},"type":"TYPE_DEBIT"}},
                    {{"accountId":"b","amount":{{"amount":"1.50","code":"EUR"}},
                    "type":"TYPE_CREDIT"}}]}}]}}"#
            );
            let page = read_new_journal_lines(&answer(&body)).expect("is read");
            assert!(page.more);
            assert_eq!(
                page.lines,
                [line("n", "a", 150, "EUR"), line("n", "b", -150, "EUR")],
                "{name}"
            );
        }
    }

    #[test]
    fn the_id_of_what_was_created() {
        let older = r#"{"response":{"result":{"journal_entry":{"id":17,"entryid":17}}}}"#;
        assert_eq!(read_journal_entry(&answer(older)), Ok("17".to_owned()));
        for newer in [
            r#"{"manualJournalEntry":{"uuid":"u"}}"#,
            r#"{"data":{"id":"u"}}"#,
            r#"{"uuid":"u"}"#,
        ] {
            assert_eq!(read_new_journal_entry(&answer(newer)), Ok("u".to_owned()));
        }
        assert!(read_new_journal_entry(&answer("{}")).is_err());
    }
}
