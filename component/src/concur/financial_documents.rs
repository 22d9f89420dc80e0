//! The Financial Integration queue on the wire, v4 (source: concur-financial-integration).
//!
//! Two ids are called `docId` there: a query names the document's source (a report, a payment
//! request, a cash advance), everything else names the document itself. Here they are `source_id`
//! and `id`.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::document_type::DocumentType;
use super::json::member_text;
use super::requests::{encoded, get, with_body};
use crate::contract::http::{Header, Method, Request, Response};
use crate::error_bodies::{self, Unread};
use crate::lax_json::{Raw, lax_text, parse};

const TRANSACTIONS: &str = "/financialintegration/fi/v4/companies/transactiontypes";
/// The longest text of a message in a posting confirmation
/// (source: concur-financial-posting-confirmation).
const MESSAGE_CHARS_MAX: usize = 1_300;

/// Where a document stands with Concur.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FinancialStatus {
    /// Nobody has acknowledged it.
    Ready,
    /// Somebody has, and has not said what came of it.
    Acknowledged,
    /// It is posted, and perhaps paid.
    Posted,
    /// Its posting was confirmed as failed; only a recall and a new document go on from there.
    Failed,
    /// It was taken back.
    Recalled,
    /// Anything else, in Concur's word.
    Other(String),
}

impl FinancialStatus {
    pub(crate) fn from_word(word: &str) -> Self {
        match word {
            "READY" => Self::Ready,
            "ACKNOWLEDGED" => Self::Acknowledged,
            "POSTING_CONFIRMED_FAILURE" => Self::Failed,
            "RECALLED" | "VOID" | "CANCEL" => Self::Recalled,
            "POSTING_CONFIRMED_SUCCESS" | "PAID" => Self::Posted,
            word if word.starts_with("PAYMENT_CONFIRMED_") => Self::Posted,
            word => Self::Other(word.to_string()),
        }
    }
}

/// A document in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FinancialRow {
    /// The document's own id, which acknowledgements and confirmations name.
    pub(crate) id: String,
    /// The type that the list gives it; empty for none.
    pub(crate) doc_type: String,
    /// How far it is through acknowledgement and posting.
    pub(crate) status: FinancialStatus,
    /// The system that acknowledged it; empty for none.
    pub(crate) system_id: String,
    /// The document itself, as JSON text where it is JSON.
    pub(crate) document: String,
}

/// A page of documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FinancialPage {
    pub(crate) rows: Vec<FinancialRow>,
    pub(crate) pages: u64,
}

/// Concur's answer about one document that was acknowledged or confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceAnswer {
    /// The service code; 0 for done (source: concur-financial-service-codes).
    pub(crate) code: u32,
    /// Concur's own words; empty for done.
    pub(crate) words: String,
}

/// How a document was posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PostingConfirmation<'a> {
    /// The company's code in the ledger, at most 32 characters.
    pub(crate) company_code: &'a str,
    /// The numbers of what stands for the document in the ledger, at most 80 characters each.
    pub(crate) numbers: &'a [String],
    /// When it was posted there, `YYYY-MM-DD`.
    pub(crate) date: &'a str,
    /// The ledger's fiscal year of that day.
    pub(crate) fiscal_year: Option<i16>,
}

/// A page of the documents that nobody has acknowledged. Page 0 is the first.
pub(crate) fn list_ready(kind: DocumentType, page: u32, rows_max: u64) -> Request {
    list_request(kind, &format!("page={page}&limit={rows_max}"))
}

/// All documents of one source, whatever their status.
pub(crate) fn list_of_source(kind: DocumentType, source_id: &str) -> Request {
    let source_id = encoded(source_id);
    list_request(
        kind,
        &format!("docId={source_id}&ignoreDocumentStatus=yes&page=0&limit=100"),
    )
}

fn list_request(kind: DocumentType, parameters: &str) -> Request {
    let mut request = get(format!("{}?{parameters}", path(kind, "")));
    request.headers.push(Header {
        name: "documentformatas".to_string(),
        value: "json".to_string(),
    });
    request
}

/// Reads a page of documents. Each document comes as an object, or as text that holds one.
pub(crate) fn read_financial_documents(response: &Response) -> Result<FinancialPage, Unread> {
    #[derive(Deserialize)]
    struct Listed<'a> {
        #[serde(borrow)]
        content: Option<Vec<&'a RawValue>>,
        page: Option<Value>,
    }
    let text = error_bodies::text(response)?;
    let listed: Listed =
        serde_json::from_str(text).map_err(|error| error_bodies::garbled(&error))?;
    let Some(content) = listed.content else {
        return Err(Unread::Garbled(
            "the answer has no list `content`".to_string(),
        ));
    };
    let pages = listed
        .page
        .and_then(|page| page.get("totalPages")?.as_u64());
    Ok(FinancialPage {
        rows: content
            .into_iter()
            .map(read_row)
            .collect::<Result<_, _>>()?,
        pages: pages.unwrap_or(1),
    })
}

// A row that cannot be read may be the one that matters.
fn read_row(raw: &RawValue) -> Result<FinancialRow, Unread> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Listed<'a> {
        #[serde(borrow)]
        id: Raw<'a>,
        #[serde(borrow)]
        doc_type: Raw<'a>,
        #[serde(borrow)]
        doc_status: Raw<'a>,
        #[serde(borrow)]
        erp_system_id: Raw<'a>,
        #[serde(borrow)]
        document: Raw<'a>,
    }
    let listed: Listed = parse(raw)?;
    let Some(id) = lax_text(listed.id) else {
        return Err(Unread::Garbled("a document without an id".to_string()));
    };
    Ok(FinancialRow {
        id,
        doc_type: lax_text(listed.doc_type).unwrap_or_default(),
        status: FinancialStatus::from_word(&lax_text(listed.doc_status).unwrap_or_default()),
        system_id: lax_text(listed.erp_system_id).unwrap_or_default(),
        document: listed.document.map(inner).unwrap_or_default(),
    })
}

fn inner(raw: &RawValue) -> String {
    serde_json::from_str::<String>(raw.get()).unwrap_or_else(|_| raw.get().to_owned())
}

/// Acknowledges a document, which takes it off the list of what is ready.
pub(crate) fn acknowledge(kind: DocumentType, id: &str, system_id: &str) -> Request {
    let body = json!({"ids": [id], "systemId": system_id});
    with_body(
        Method::Post,
        &path(kind, "/acknowledgements"),
        body.to_string(),
    )
}

/// Confirms that a document was posted.
pub(crate) fn confirm_posted(
    kind: DocumentType,
    id: &str,
    system_id: &str,
    posting: &PostingConfirmation,
) -> Request {
    // A success without a posting doc is refused; so are missing lists. (Integrators.)
    let posting_doc = |number: &String| {
        json!({
            "companyId": posting.company_code,
            "documentNumber": number,
            "fiscalYear": posting.fiscal_year,
            "paymentRelevantLineItems": [],
            "postingDate": posting.date,
        })
    };
    let posting_docs: Vec<Value> = posting.numbers.iter().map(posting_doc).collect();
    let confirmation = json!({
        "docId": id,
        "overallPostingStatusCode": "success",
        "postingDocs": posting_docs,
        "systemMessages": [],
    });
    confirmations(kind, system_id, &confirmation)
}

/// Confirms that a document cannot be posted, and why, for its audit trail in Concur.
pub(crate) fn confirm_failed(
    kind: DocumentType,
    id: &str,
    system_id: &str,
    messages: &[(String, String)],
) -> Request {
    let messages: Vec<Value> = messages
        .iter()
        .map(|(code, message)| {
            let short: String = message.chars().take(MESSAGE_CHARS_MAX).collect();
            json!({
                "concurTransactionLineItemId": "",
                "messageId": code,
                "messageLanguage": "EN",
                "messageShortText": short,
                "messageLongText": "",
            })
        })
        .collect();
    let confirmation = json!({
        "docId": id,
        "overallPostingStatusCode": "error",
        "postingDocs": [],
        "systemMessages": messages,
    });
    confirmations(kind, system_id, &confirmation)
}

fn confirmations(kind: DocumentType, system_id: &str, confirmation: &Value) -> Request {
    let body = json!({"systemId": system_id, "postingConfirmations": [confirmation]});
    with_body(
        Method::Post,
        &path(kind, "/postingconfirmations"),
        body.to_string(),
    )
}

/// Reads the answer about the one document that was sent. HTTP 200 is no success
/// (source: concur-financial-service-codes).
pub(crate) fn read_service_answer(response: &Response) -> Result<ServiceAnswer, Unread> {
    let items: Vec<Value> = serde_json::from_str(error_bodies::text(response)?)
        .map_err(|error| error_bodies::garbled(&error))?;
    let [item] = items.as_slice() else {
        let count = items.len();
        return Err(Unread::Garbled(format!(
            "one document was sent and {count} were answered for"
        )));
    };
    let code = member_text(item, "code").parse::<u32>();
    let code = code.map_err(|_| Unread::Garbled("an answer without a code".to_string()))?;
    let words = ["errorMessage", "detailMessage"].map(|member| member_text(item, member));
    let words = words.iter().filter(|words| !words.is_empty());
    let words: Vec<&str> = words.map(String::as_str).collect();
    let said = ServiceAnswer {
        code,
        words: error_bodies::tamed(&words.join("; ")),
    };
    match said.code {
        // Not ready, and an error of which nothing is known: to be tried again
        // (source: concur-financial-service-codes).
        103 | 199 => Err(Unread::Garbled(format!("code {code}: {}", said.words))),
        _ => Ok(said),
    }
}

fn path(kind: DocumentType, rest: &str) -> String {
    format!("{TRANSACTIONS}/{}/transactions{rest}", kind.wire_name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::http::BodyPart;
    use crate::error_bodies::tests::answer;

    fn body(request: &Request) -> Value {
        let [BodyPart::Text(text)] = request.body.as_slice() else {
            panic!("one part of text: {:?}", request.body);
        };
        serde_json::from_str(text).expect("is JSON")
    }

    #[test]
    fn documents_come_as_objects_or_as_text() {
        let page = read_financial_documents(&answer(
            r#"{"content":[
                {"id":"a","docStatus":"READY","erpSystemId":null,"document":{"x":0E-8}},
                {"id":"b","docStatus":"ACKNOWLEDGED","erpSystemId":"S","document":"{\"x\":1}"},
                {"id":"c","docStatus":"FLAG_DUPLICATE","document":null}],
                "page":{"totalPages":3}}"#,
        ))
        .expect("is read");
        assert_eq!(page.pages, 3);
        let [a, b, c] = page.rows.as_slice() else {
            panic!("three rows");
        };
        assert_eq!(
            (a.document.as_str(), &a.status),
            (r#"{"x":0E-8}"#, &FinancialStatus::Ready)
        );
        assert_eq!(
            (b.document.as_str(), b.system_id.as_str()),
            (r#"{"x":1}"#, "S")
        );
        assert_eq!(
            c.status,
            FinancialStatus::Other("FLAG_DUPLICATE".to_string())
        );
    }

    #[test]
    fn what_is_no_list_says_nothing() {
        for body in ["{}", "[]", r#"{"content":[{"docStatus":"READY"}]}"#, "<a/>"] {
            assert!(read_financial_documents(&answer(body)).is_err(), "{body}");
        }
        let empty = read_financial_documents(&answer(r#"{"content":[]}"#)).expect("is read");
        assert_eq!(empty.rows, []);
    }

    #[test]
    fn every_status_has_its_meaning() {
        for (word, status) in [
            ("READY", FinancialStatus::Ready),
            ("POSTING_CONFIRMED_SUCCESS", FinancialStatus::Posted),
            ("PAYMENT_CONFIRMED_REVERSED", FinancialStatus::Posted),
            ("PAID", FinancialStatus::Posted),
            ("POSTING_CONFIRMED_FAILURE", FinancialStatus::Failed),
            ("VOID", FinancialStatus::Recalled),
            ("", FinancialStatus::Other(String::new())),
        ] {
            assert_eq!(FinancialStatus::from_word(word), status, "{word}");
        }
    }

    #[test]
    fn a_success_names_its_posting_and_a_failure_its_reasons() {
        let posting = PostingConfirmation {
            company_code: "ACME",
            numbers: &["17".to_string()],
            date: "2026-03-04",
            fiscal_year: Some(2026),
        };
        let sent = body(&confirm_posted(DocumentType::Expense, "a", "S", &posting));
        let document = &sent["postingConfirmations"][0];
        assert_eq!(document["overallPostingStatusCode"], "success");
        assert_eq!(document["postingDocs"][0]["fiscalYear"], 2026);
        assert_eq!(document["systemMessages"], json!([]));
        let long = "x".repeat(2_000);
        let messages = [("unbalanced".to_string(), long)];
        let sent = body(&confirm_failed(
            DocumentType::CashAdvance,
            "a",
            "S",
            &messages,
        ));
        let document = &sent["postingConfirmations"][0];
        assert_eq!(document["postingDocs"], json!([]));
        let short = document["systemMessages"][0]["messageShortText"].as_str();
        assert_eq!(short.map(str::len), Some(MESSAGE_CHARS_MAX));
    }

    #[test]
    fn a_200_is_read_item_by_item() {
        let said = |body| read_service_answer(&answer(body));
        let done = r#"[{"code":0,"docId":"a","acknowledgeResult":"SUCCESS","errorMessage":""}]"#;
        assert_eq!(said(done).map(|said| said.code), Ok(0));
        let refused = r#"[{"code":"116","errorMessage":"This document does not exist."}]"#;
        let refused = said(refused).expect("is read");
        assert_eq!(refused.code, 116);
        assert_eq!(refused.words, "This document does not exist.");
        for again in [
            r#"[{"code":199,"errorMessage":"?"}]"#,
            r#"[{"code":103}]"#,
            r#"[]"#,
            r#"[{"code":0},{"code":0}]"#,
            r#"[{"docId":"a"}]"#,
            r#"{}"#,
        ] {
            assert!(matches!(said(again), Err(Unread::Garbled(_))), "{again}");
        }
    }
}
