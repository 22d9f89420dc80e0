//! FreshBooks' side of the wire: requests, and what their answers hold.

mod journal;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::contract::http::{BodyPart, Header, Method, Request, Response};
use crate::contract::types::{Duration, System};
use crate::document::{Document, Kind};
use crate::party::Party;
use crate::refusals::{self, Unread};

pub(crate) use journal::{
    JournalLine, JournalPage, create_journal_entry, journal_lines, read_journal_entry,
    read_journal_lines, read_new_journal_entry, read_new_journal_lines,
};

/// How long FreshBooks may take to answer.
const TIMEOUT: Duration = 30_000;
/// FreshBooks lowers larger pages to this silently. (FreshBooks docs, parameters.)
pub(crate) const PAGE_ROWS_MAX: u32 = 100;

const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');

/// A GET request.
pub(crate) fn get(path_with_query: String) -> Request {
    request(Method::Get, path_with_query, Vec::new())
}

/// A request with a JSON body in parts.
pub(crate) fn with_body(method: Method, path: String, body: Vec<BodyPart>) -> Request {
    let mut request = request(method, path, body);
    request.headers.push(Header {
        name: "content-type".to_string(),
        value: "application/json".to_string(),
    });
    request
}

fn request(method: Method, path_with_query: String, body: Vec<BodyPart>) -> Request {
    Request {
        system: System::Freshbooks,
        bearer: None,
        method,
        path_with_query,
        headers: vec![Header {
            name: "accept".to_string(),
            value: "application/json".to_string(),
        }],
        body,
        timeout: TIMEOUT,
    }
}

/// One invoice or bill, lines included.
pub(crate) fn document(account_id: &str, kind: Kind, id: &str) -> Request {
    let resource = kind.resource();
    let include = match kind {
        Kind::Invoice => "?include%5B%5D=lines",
        Kind::Bill => "",
    };
    let path = accounting(account_id, resource);
    get(format!("{path}/{}{include}", segment(id)))
}

/// Reads an invoice.
pub(crate) fn read_invoice(response: &Response) -> Result<Document, Unread> {
    let text = refusals::text(response)?;
    Document::read(Kind::Invoice, result(text, "invoice", response)?)
}

/// Reads a bill.
pub(crate) fn read_bill(response: &Response) -> Result<Document, Unread> {
    let text = refusals::text(response)?;
    Document::read(Kind::Bill, result(text, "bill", response)?)
}

/// One client.
pub(crate) fn client(account_id: &str, id: &str) -> Request {
    let path = accounting(account_id, "users/clients");
    get(format!("{path}/{}", segment(id)))
}

/// Reads a client.
pub(crate) fn read_client(response: &Response) -> Result<Party, Unread> {
    let text = refusals::text(response)?;
    Party::read_client(result(text, "client", response)?)
}

/// One bill vendor.
pub(crate) fn bill_vendor(account_id: &str, id: &str) -> Request {
    let path = accounting(account_id, "bill_vendors/bill_vendors");
    get(format!("{path}/{}", segment(id)))
}

/// Reads a bill vendor.
pub(crate) fn read_bill_vendor(response: &Response) -> Result<Party, Unread> {
    let text = refusals::text(response)?;
    Party::read_bill_vendor(result(text, "bill_vendor", response)?)
}

/// A row of a list, as far as a sweep needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) version: String,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) rows: Vec<Row>,
    pub(crate) pages: u64,
}

/// A page of invoices or bills: the live ones changed since a day (bills cannot be filtered by it),
/// or the deleted ones.
pub(crate) fn list(account_id: &str, kind: Kind, page: u32, deleted: bool, since: &str) -> Request {
    let resource = kind.resource();
    let mut query = format!("page={page}&per_page={PAGE_ROWS_MAX}");
    if kind == Kind::Invoice {
        query.push_str(&format!("&search%5Bupdated_min%5D={since}"));
    }
    if deleted {
        query.push_str("&search%5Bvis_state%5D=1");
    }
    get(format!("{}?{query}", accounting(account_id, resource)))
}

/// Reads a page of invoices.
pub(crate) fn read_invoice_page(response: &Response) -> Result<Page, Unread> {
    read_page(response, "invoices")
}

/// Reads a page of bills.
pub(crate) fn read_bill_page(response: &Response) -> Result<Page, Unread> {
    read_page(response, "bills")
}

fn read_page(response: &Response, key: &str) -> Result<Page, Unread> {
    #[derive(Deserialize)]
    struct Listed<'a> {
        #[serde(borrow)]
        id: Option<&'a RawValue>,
        #[serde(borrow)]
        updated: Option<&'a RawValue>,
        #[serde(borrow)]
        updated_at: Option<&'a RawValue>,
    }
    let text = refusals::text(response)?;
    let members = members(text, response)?;
    let Some(rows) = members.get(key) else {
        return Err(Unread::Garbled(format!("the answer has no list `{key}`")));
    };
    let listed: Vec<Listed> = parse(rows)?;
    let rows = listed
        .into_iter()
        .filter_map(|row| {
            Some(Row {
                id: lax_text(row.id)?,
                version: lax_text(row.updated.or(row.updated_at)).unwrap_or_default(),
            })
        })
        .collect();
    Ok(Page {
        rows,
        pages: pages(&members),
    })
}

/// A webhook registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Callback {
    pub(crate) id: String,
    pub(crate) event: String,
    pub(crate) uri: String,
    pub(crate) verified: bool,
}

/// The collection of webhook registrations.
pub(crate) fn callbacks_path(account_id: &str) -> String {
    format!("/events/account/{}/events/callbacks", segment(account_id))
}

/// One webhook registration.
pub(crate) fn callback_path(account_id: &str, id: &str) -> String {
    format!("{}/{}", callbacks_path(account_id), segment(id))
}

/// A page of the webhook registrations for an event.
pub(crate) fn callbacks(account_id: &str, event: &str, page: u32) -> Request {
    let path = callbacks_path(account_id);
    let event = segment(event);
    get(format!(
        "{path}?search%5Bevent%5D={event}&page={page}&per_page={PAGE_ROWS_MAX}"
    ))
}

/// A page of webhook registrations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallbackPage {
    pub(crate) callbacks: Vec<Callback>,
    pub(crate) pages: u64,
}

/// Reads one registration.
pub(crate) fn read_callback(response: &Response) -> Result<Callback, Unread> {
    let text = refusals::text(response)?;
    callback(result(text, "callback", response)?)
}

/// Reads a page of registrations.
pub(crate) fn read_callbacks(response: &Response) -> Result<CallbackPage, Unread> {
    let members = members(refusals::text(response)?, response)?;
    let Some(rows) = members.get("callbacks") else {
        return Err(Unread::Garbled(
            "the answer has no list `callbacks`".to_string(),
        ));
    };
    let rows: Vec<&RawValue> = parse(rows)?;
    Ok(CallbackPage {
        callbacks: rows.into_iter().map(callback).collect::<Result<_, _>>()?,
        pages: pages(&members),
    })
}

/// A page of the accounts that journal entries use. (FreshBooks docs, journal entry accounts.)
pub(crate) fn journal_accounts(account_id: &str, page: u64) -> Request {
    let path = accounting(account_id, "journal_entry_accounts/journal_entry_accounts");
    get(format!("{path}?page={page}&per_page={PAGE_ROWS_MAX}"))
}

/// All accounts with their UUIDs. (FreshBooks docs, chart of accounts; it is not paged.)
pub(crate) fn chart_of_accounts(business_uuid: &str) -> Request {
    let business_uuid = segment(business_uuid);
    get(format!(
        "/accounting/businesses/{business_uuid}/reports/chart_of_accounts?use_ledger_entries=true"
    ))
}

/// Accounts that a line of a journal entry may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccountPage {
    pub(crate) accounts: Vec<String>,
    pub(crate) pages: u64,
}

/// Reads accounts of either generation: sub-account ids, or the UUIDs of accounts and sub-accounts.
pub(crate) fn read_accounts(response: &Response) -> Result<AccountPage, Unread> {
    const KEY: &str = "journal_entry_accounts";
    let members = members(refusals::text(response)?, response)?;
    let Some(rows) = members.get(KEY) else {
        return Err(Unread::Garbled(format!("the answer has no list `{KEY}`")));
    };
    let rows: Vec<RawAccount> = parse(rows)?;
    let ids = rows.iter().flat_map(|row| {
        let subs = row.sub_accounts.iter().flatten();
        let subs = subs.map(|sub| sub.sub_accountid.or(sub.account_uuid));
        subs.chain([row.account_uuid])
    });
    Ok(AccountPage {
        accounts: ids.filter_map(lax_text).collect(),
        pages: pages(&members),
    })
}

#[derive(Deserialize)]
struct RawAccount<'a> {
    #[serde(borrow)]
    account_uuid: Option<&'a RawValue>,
    #[serde(borrow)]
    sub_accountid: Option<&'a RawValue>,
    #[serde(borrow)]
    sub_accounts: Option<Vec<RawAccount<'a>>>,
}

fn pages(members: &BTreeMap<String, &RawValue>) -> u64 {
    let pages = members.get("pages").and_then(|raw| lax_text(Some(raw)));
    pages.and_then(|pages| pages.parse().ok()).unwrap_or(0)
}

fn callback(raw: &RawValue) -> Result<Callback, Unread> {
    #[derive(Deserialize)]
    struct Registered {
        callbackid: Option<Value>,
        id: Option<Value>,
        event: String,
        uri: String,
        #[serde(default)]
        verified: bool,
    }
    let registered: Registered = parse(raw)?;
    let id = match registered.callbackid.or(registered.id) {
        Some(Value::String(id)) => id,
        Some(Value::Number(id)) => id.to_string(),
        _ => return Err(Unread::Garbled("a callback without an id".to_string())),
    };
    Ok(Callback {
        id,
        event: registered.event,
        uri: registered.uri,
        verified: registered.verified,
    })
}

/// The object under `key` of an accounting or events answer.
pub(crate) fn result<'a>(
    text: &'a str,
    key: &str,
    response: &Response,
) -> Result<&'a RawValue, Unread> {
    members(text, response)?
        .remove(key)
        .ok_or_else(|| Unread::Garbled(format!("the answer has no `{key}`")))
}

// HTTP 200 can be an error. (FreshBooks docs, errors.)
fn members<'a>(
    text: &'a str,
    response: &Response,
) -> Result<BTreeMap<String, &'a RawValue>, Unread> {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        response: Inner<'a>,
    }
    #[derive(Deserialize)]
    struct Inner<'a> {
        #[serde(borrow)]
        result: Option<BTreeMap<String, &'a RawValue>>,
    }
    let envelope: Envelope = match serde_json::from_str(text) {
        Ok(envelope) => envelope,
        Err(error) => return Err(refused_or_garbled(response, &error)),
    };
    envelope.response.result.ok_or_else(|| {
        refusals::in_disguise(response).map_or_else(
            || Unread::Garbled("the answer has no result".to_string()),
            Unread::Refused,
        )
    })
}

fn refused_or_garbled(response: &Response, error: &serde_json::Error) -> Unread {
    refusals::in_disguise(response).map_or_else(|| refusals::garbled(error), Unread::Refused)
}

fn accounting(account_id: &str, resource: &str) -> String {
    format!("/accounting/account/{}/{resource}", segment(account_id))
}

/// A segment of a path: ids come from webhooks, and must stay what they are.
fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Parses a raw value.
pub(crate) fn parse<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, Unread> {
    serde_json::from_str(raw.get()).map_err(|error| refusals::garbled(&error))
}

/// A string, number or boolean as text; nothing for null, empty text, and whatever else.
pub(crate) fn lax_text(raw: Option<&RawValue>) -> Option<String> {
    let raw = raw?.get().trim();
    let text = match raw.as_bytes().first()? {
        b'"' => serde_json::from_str::<String>(raw).ok()?,
        b'{' | b'[' | b'n' => return None,
        _ => raw.to_string(),
    };
    (!text.trim().is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::http::Body;

    fn answer(body: &str) -> Response {
        Response {
            status: 200,
            headers: Vec::new(),
            body: Body::Text(body.to_string()),
        }
    }

    fn target(request: Request) -> String {
        request.path_with_query
    }

    #[test]
    fn an_id_stays_one_segment_of_the_path() {
        assert_eq!(
            target(document("zQ7pLm", Kind::Invoice, "778120")),
            "/accounting/account/zQ7pLm/invoices/invoices/778120?include%5B%5D=lines"
        );
        let path = target(document("a", Kind::Bill, "1/../../users?x=#%é"));
        assert_eq!(
            path,
            "/accounting/account/a/bills/bills/1%2F%2E%2E%2F%2E%2E%2Fusers%3Fx%3D%23%25%C3%A9"
        );
        assert_eq!(
            target(client("a", "1/2")),
            "/accounting/account/a/users/clients/1%2F2"
        );
        assert_eq!(
            target(bill_vendor("a", "1")),
            "/accounting/account/a/bill_vendors/bill_vendors/1"
        );
        assert_eq!(
            callback_path("a", "2/1"),
            "/events/account/a/events/callbacks/2%2F1"
        );
    }

    #[test]
    fn only_invoices_are_filtered_by_day() {
        assert_eq!(
            target(list("a", Kind::Invoice, 2, true, "2026-02-01")),
            "/accounting/account/a/invoices/invoices?page=2&per_page=100&search%5Bupdated_min%5D=2026-02-01&search%5Bvis_state%5D=1"
        );
        assert_eq!(
            target(list("a", Kind::Bill, 1, false, "2026-02-01")),
            "/accounting/account/a/bills/bills?page=1&per_page=100"
        );
    }

    #[test]
    fn a_page_is_read_and_its_rows_without_an_id_are_left_out() {
        let body = r#"{"response":{"result":{"bills":[{"id":"1","updated_at":"a"},{"id":2},{"id":null}],"page":1,"pages":"3"}}}"#;
        let page = read_bill_page(&answer(body)).expect("is read");
        let rows: Vec<_> = page
            .rows
            .iter()
            .map(|row| (row.id.as_str(), row.version.as_str()))
            .collect();
        assert_eq!((rows, page.pages), (vec![("1", "a"), ("2", "")], 3));
        assert!(read_invoice_page(&answer(body)).is_err());
    }

    #[test]
    fn a_200_without_a_result_is_a_refusal_or_garbled() {
        let refused =
            answer(r#"{"response":{"errors":[{"errno":41001,"message":"Not in this plan."}]}}"#);
        assert!(
            matches!(read_bill(&refused), Err(Unread::Refused(refusal)) if refusal.has_code("41001"))
        );
        for body in [
            "",
            "<html>",
            "{}",
            r#"{"response":{}}"#,
            r#"{"response":{"result":{}}}"#,
        ] {
            assert!(
                matches!(read_bill(&answer(body)), Err(Unread::Garbled(_))),
                "{body}"
            );
        }
    }

    #[test]
    fn a_callback_has_either_id() {
        let read = |id: &str| {
            let body = format!(
                r#"{{"response":{{"result":{{"callback":{{{id}"event":"invoice","uri":"u"}}}}}}}}"#
            );
            read_callback(&answer(&body)).map(|callback| (callback.id, callback.verified))
        };
        assert_eq!(
            read(r#""callbackid":2001,"#),
            Ok(("2001".to_string(), false))
        );
        assert_eq!(
            read(r#""id":"7","verified":true,"#),
            Ok(("7".to_string(), true))
        );
        assert!(read("").is_err());
    }

    #[test]
    fn lax_text_takes_scalars_only() {
        let of = |json: &str| {
            let raw: &RawValue = serde_json::from_str(json).expect("is JSON");
            lax_text(Some(raw))
        };
        for (json, expected) in [
            ("1", Some("1")),
            ("-0.50", Some("-0.50")),
            ("true", Some("true")),
            (r#" "a\u00e9" "#, Some("aé")),
            (r#""  ""#, None),
            (r#""\ud800""#, None),
            ("null", None),
            ("[1]", None),
            (r#"{"a":1}"#, None),
        ] {
            assert_eq!(of(json).as_deref(), expected, "{json}");
        }
    }
}
