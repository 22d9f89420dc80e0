//! Journal entries as FreshBooks shows them: the id of one that was created, and the lines of all.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rust_decimal::Decimal;
use serde::Deserialize;

use super::new_endpoint::{entries_path, with_version};
use crate::contract::http::{Method, Request, Response};
use crate::error_bodies::{self, Unread};
use crate::freshbooks::envelope::{page_count, result_member, result_rows};
use crate::freshbooks::requests::{PAGE_ROWS_MAX, accounting_path, get, request};
use crate::lax_json::{Raw, lax_text, parse};
use crate::money;
use crate::settings::Settings;
use crate::settings::financial::Endpoint;

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
    #[derive(Deserialize)]
    struct Created<'a> {
        #[serde(borrow)]
        id: Raw<'a>,
        #[serde(borrow)]
        entryid: Raw<'a>,
    }
    let text = error_bodies::text(response)?;
    let created: Created = parse(result_member(text, "journal_entry", response)?)?;
    lax_text(created.id.or(created.entryid))
        .ok_or_else(|| Unread::Garbled("the answer names no entry".to_string()))
}

/// Reads the id of the entry that the newer endpoint created. Its answer is not documented: the
/// entry is taken bare, or under the name that the request has.
pub(crate) fn read_new_journal_entry(response: &Response) -> Result<String, Unread> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Created<'a> {
        #[serde(borrow)]
        manual_journal_entry: Raw<'a>,
        #[serde(borrow)]
        data: Raw<'a>,
    }
    let text = error_bodies::text(response)?;
    let created: Created =
        serde_json::from_str(text).map_err(|error| error_bodies::garbled(&error))?;
    let entry = match created.manual_journal_entry.or(created.data) {
        Some(inner) => parse(inner)?,
        None => {
            serde_json::from_str::<NewEntry>(text).map_err(|error| error_bodies::garbled(&error))?
        }
    };
    entry
        .id()
        .ok_or_else(|| Unread::Garbled("the answer names no entry".to_string()))
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
    let rows = rows
        .into_iter()
        .map(parse)
        .collect::<Result<Vec<Detail>, _>>()?;
    let page = members.get("page").and_then(|raw| lax_text(Some(raw)));
    let page = page.and_then(|page| page.parse::<u64>().ok()).unwrap_or(1);
    Ok(JournalPage {
        more: page < page_count(&members),
        lines: rows.into_iter().filter_map(Detail::line).collect(),
    })
}

/// Reads a page of the newer endpoint's entries. How it states the number of pages is not
/// documented, so only an empty page is the end.
pub(crate) fn read_new_journal_lines(response: &Response) -> Result<JournalPage, Unread> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Listed<'a> {
        #[serde(
            borrow,
            alias = "journalEntries",
            alias = "journal_entries",
            alias = "data"
        )]
        manual_journal_entries: Option<Vec<NewEntry<'a>>>,
    }
    let text = error_bodies::text(response)?;
    let listed: Listed =
        serde_json::from_str(text).map_err(|error| error_bodies::garbled(&error))?;
    let Some(entries) = listed.manual_journal_entries else {
        return Err(Unread::Garbled(
            "the answer has no list of entries".to_string(),
        ));
    };
    Ok(JournalPage {
        more: !entries.is_empty(),
        lines: entries.iter().flat_map(NewEntry::lines).collect(),
    })
}

#[derive(Deserialize)]
struct Detail<'a> {
    #[serde(borrow)]
    entry: Option<EntryRef<'a>>,
    #[serde(borrow)]
    sub_account: Option<SubAccount<'a>>,
    #[serde(borrow)]
    debit: Raw<'a>,
    #[serde(borrow)]
    credit: Raw<'a>,
    #[serde(borrow)]
    name: Raw<'a>,
}

#[derive(Deserialize)]
struct EntryRef<'a> {
    #[serde(borrow)]
    entryid: Raw<'a>,
}

#[derive(Deserialize)]
struct SubAccount<'a> {
    #[serde(borrow)]
    sub_accountid: Raw<'a>,
}

impl Detail<'_> {
    /// The line; nothing for a line of no entry, which carries no name of ours.
    fn line(self) -> Option<JournalLine> {
        let entry_id = lax_text(self.entry?.entryid)?;
        let debit = read_amount(self.debit);
        let credit = read_amount(self.credit);
        let (amount, currency) = match (debit, credit) {
            (Some((amount, currency)), _) => (amount, currency),
            (None, Some((amount, currency))) => (-amount, currency),
            (None, None) => (Decimal::ZERO, String::new()),
        };
        let account = self.sub_account.and_then(|sub| lax_text(sub.sub_accountid));
        Some(JournalLine {
            entry_id,
            name: lax_text(self.name).unwrap_or_default(),
            account: account.unwrap_or_default(),
            amount,
            currency,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewEntry<'a> {
    #[serde(borrow)]
    uuid: Raw<'a>,
    #[serde(borrow)]
    id: Raw<'a>,
    #[serde(borrow)]
    name: Raw<'a>,
    #[serde(borrow, default)]
    details: Vec<NewDetail<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewDetail<'a> {
    #[serde(borrow)]
    account_id: Raw<'a>,
    #[serde(borrow)]
    amount: Raw<'a>,
    #[serde(borrow, rename = "type")]
    side: Raw<'a>,
}

impl NewEntry<'_> {
    fn id(&self) -> Option<String> {
        lax_text(self.uuid).or_else(|| lax_text(self.id))
    }

    fn lines(&self) -> Vec<JournalLine> {
        let entry_id = self.id().unwrap_or_default();
        let name = lax_text(self.name).unwrap_or_default();
        let details = self.details.iter();
        details
            .map(|detail| {
                let (size, currency) = read_amount(detail.amount).unwrap_or_default();
                let is_credit = lax_text(detail.side).is_some_and(|side| side == "TYPE_CREDIT");
                JournalLine {
                    entry_id: entry_id.clone(),
                    name: name.clone(),
                    account: lax_text(detail.account_id).unwrap_or_default(),
                    amount: if is_credit { -size } else { size },
                    currency,
                }
            })
            .collect()
    }
}

/// A money object or a plain decimal; nothing for null.
fn read_amount(raw: Raw) -> Option<(Decimal, String)> {
    #[derive(Deserialize)]
    struct Money<'a> {
        #[serde(borrow)]
        amount: Raw<'a>,
        #[serde(borrow)]
        code: Raw<'a>,
    }
    let raw = raw?;
    if let Some(plain) = lax_text(Some(raw)) {
        return Some((money::parse(&plain)?, String::new()));
    }
    let money: Money = serde_json::from_str(raw.get()).ok()?;
    let amount = money::parse(&lax_text(money.amount)?)?;
    Some((amount, lax_text(money.code).unwrap_or_default()))
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
