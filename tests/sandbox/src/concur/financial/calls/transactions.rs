//! GET: the READY documents, or those of one source (source: concur-financial-integration).

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{FinancialCall, FinancialError, SYSTEM_ID_MAX};
use crate::concur::Concur;
use crate::concur::financial::config::{DocumentFormat, QueueOrder};
use crate::concur::financial::document::Document;
use crate::concur::financial::{DocStatus, Oddity};
use crate::http::{Millis, Response, first_value};

/// The page asked for.
#[derive(Clone, Copy, Debug)]
struct QueuePage {
    /// The first page is 0.
    number: usize,
    limit: usize,
}

/// The reply: documents with links and counts around them.
#[derive(Serialize)]
struct TransactionsReply<'a> {
    links: Vec<Value>,
    content: Vec<TransactionItem<'a>>,
    page: Value,
}

/// A document within its envelope.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TransactionItem<'a> {
    id: &'a str,
    doc_type: &'a str,
    company_id: &'a str,
    entity_id: &'a str,
    company_uuid: &'a str,
    erp_system_id: Option<&'a str>,
    document: Box<RawValue>,
    doc_status: &'a str,
    links: [(); 0],
}

impl Concur {
    pub(crate) fn list_transactions(
        &mut self,
        call: &FinancialCall,
    ) -> Result<Response, FinancialError> {
        let page = self.read_page(call)?;
        let system_id = first_value(&call.query, "systemId").unwrap_or_default();
        if system_id.chars().count() > SYSTEM_ID_MAX {
            return Err(FinancialError::invalid_request("systemId is too long."));
        }
        let visible_until = call.now.saturating_sub(call.stale);
        let (places, total) = match first_value(&call.query, "docId") {
            Some(source_id) => {
                let places = self.documents_of_source(call, source_id, system_id, visible_until);
                let total = places.len();
                let cut = places
                    .into_iter()
                    .skip(page.number.saturating_mul(page.limit));
                (cut.take(page.limit).collect(), total)
            }
            None => self.ready_page(call, page, visible_until),
        };
        let items = places
            .iter()
            .map(|at| self.transaction_item(&self.queue.documents[*at], call));
        let envelope = TransactionsReply {
            content: items.collect(),
            links: page_links(call, page, total),
            page: json!({"size": page.limit, "totalElements": total,
                "totalPages": total.div_ceil(page.limit), "number": page.number}),
        };
        let reply = Response::json(200, &envelope);
        self.recall_listed(&places, call.now);
        Ok(reply)
    }

    fn read_page(&self, call: &FinancialCall) -> Result<QueuePage, FinancialError> {
        let number = |name: &str, default: usize| match first_value(&call.query, name) {
            Some(text) => {
                let parsed = text.parse::<usize>();
                parsed.map_err(|_| {
                    FinancialError::invalid_request(format!("{name} must be a number."))
                })
            }
            None => Ok(default),
        };
        let limit = number("limit", 25)?;
        if limit == 0 {
            return Err(FinancialError::invalid_request("limit must be at least 1."));
        }
        Ok(QueuePage {
            number: number("page", 0)?,
            limit: limit.min(self.config.financial.limit_max.max(1)),
        })
    }

    /// Documents of a source: the READY one, or all of them if their state is to be ignored.
    fn documents_of_source(
        &self,
        call: &FinancialCall,
        source_id: &str,
        system_id: &str,
        visible_until: Millis,
    ) -> Vec<usize> {
        let ignore = first_value(&call.query, "ignoreDocumentStatus")
            .is_some_and(|text| text.eq_ignore_ascii_case("yes"));
        let Some(source) = self.queue.source_position_of_type(source_id, call.doc_type) else {
            return Vec::new();
        };
        let foreign = |document: &Document| {
            let holder = document.system_id.as_deref().unwrap_or_default();
            self.config.financial.system_id_filters
                && !system_id.is_empty()
                && !holder.is_empty()
                && holder != system_id
        };
        let wanted = |at: &usize| {
            let document = &self.queue.documents[*at];
            (call.stale == 0 || document.ready_at <= visible_until)
                && !foreign(document)
                && (ignore || document.status == DocStatus::Ready)
        };
        let places = self.queue.sources[source].documents.iter().copied();
        places.filter(wanted).collect()
    }

    fn ready_page(
        &self,
        call: &FinancialCall,
        page: QueuePage,
        visible_until: Millis,
    ) -> (Vec<usize>, usize) {
        let first = page.number.saturating_mul(page.limit);
        let visible = |at: &usize| self.queue.documents[*at].ready_at <= visible_until;
        let places = self.queue.ready(call.doc_type).filter(visible);
        let total = if call.stale == 0 {
            self.queue.ready_count(call.doc_type)
        } else {
            self.queue.ready(call.doc_type).filter(visible).count()
        };
        let cut = match self.config.financial.order {
            QueueOrder::OldestFirst => places.skip(first).take(page.limit).collect(),
            QueueOrder::NewestFirst => places.rev().skip(first).take(page.limit).collect(),
            QueueOrder::ById => {
                let mut places: Vec<usize> = places.collect();
                places.sort_by(|a, b| {
                    self.queue.documents[*a]
                        .id
                        .cmp(&self.queue.documents[*b].id)
                });
                places.into_iter().skip(first).take(page.limit).collect()
            }
        };
        (cut, total)
    }

    fn transaction_item<'a>(
        &'a self,
        document: &'a Document,
        call: &FinancialCall,
    ) -> TransactionItem<'a> {
        let switches = &self.config.financial;
        let oddities = document.oddities(switches);
        let has = |oddity| oddities.contains(&oddity);
        let as_text = match switches.document_format {
            DocumentFormat::AsAsked => call.as_text,
            DocumentFormat::Json => false,
            DocumentFormat::Text => true,
        };
        let text = document.to_text(switches);
        let quoted = as_text || has(Oddity::Text) || has(Oddity::NotJson);
        let doc_type = if has(Oddity::UnknownDocType) {
            "mileage"
        } else {
            document.doc_type.as_str()
        };
        TransactionItem {
            id: &document.id,
            doc_type,
            company_id: &switches.company_id,
            entity_id: &switches.entity_id,
            company_uuid: &self.config.company_uuid,
            erp_system_id: document.system_id.as_deref(),
            document: raw_document(text, quoted),
            doc_status: document.status.as_str(),
            links: [],
        }
    }

    /// A processor is quicker than the acknowledgement.
    fn recall_listed(&mut self, places: &[usize], now: Millis) {
        for at in places {
            let document = &mut self.queue.documents[*at];
            if std::mem::take(&mut document.filing.recalled_after_get) {
                let source = document.source;
                // Listing a document again in another state is no reason to take it back.
                let _ = self.queue.recall(source, &self.config.financial, now);
            }
        }
    }
}

fn raw_document(text: String, quoted: bool) -> Box<RawValue> {
    let text = if quoted {
        serde_json::to_string(&text).unwrap_or_default()
    } else {
        text
    };
    RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

fn page_links(call: &FinancialCall, page: QueuePage, total: usize) -> Vec<Value> {
    let last = total.div_ceil(page.limit).saturating_sub(1);
    let link = |rel: &str, number: usize| {
        let (base, path, limit) = (&call.base_url, call.path, page.limit);
        let href = format!("{base}{path}?limit={limit}&page={number}&size={limit}");
        json!({"rel": rel, "href": href, "hreflang": null, "media": null, "title": null,
            "type": null,
            "deprecation": null})
    };
    let mut links = Vec::new();
    if last > 0 {
        links.push(link("first", 0));
    }
    links.push(link("self", page.number));
    if page.number < last {
        links.push(link("next", page.number + 1));
    }
    if last > 0 {
        links.push(link("last", last));
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::concur::financial::options::{Filing, ReportOptions};
    use crate::test_support::concur::ConcurHarness;

    fn file(harness: &mut ConcurHarness, filing: Filing) -> (String, String) {
        let options = ReportOptions {
            filing,
            ..ReportOptions::default()
        };
        let filed = harness.machine.approve_report(&options, harness.now);
        (filed.source_id, filed.document_id)
    }

    fn odd(harness: &mut ConcurHarness, oddity: Oddity) -> Value {
        let filing = Filing {
            oddities: vec![oddity],
            ..Filing::default()
        };
        let (source, _) = file(harness, filing);
        harness.expenses(&format!("?docId={source}"))[0].clone()
    }

    fn ids(documents: &[Value]) -> Vec<String> {
        let id = |document: &Value| document["id"].as_str().expect("an id").to_owned();
        documents.iter().map(id).collect()
    }

    #[test]
    fn the_envelope_is_as_published() {
        let mut harness = ConcurHarness::new();
        let (source, id) = file(&mut harness, Filing::default());
        let body = harness.financial("expense", "", None).value();
        assert_eq!(
            body["page"],
            json!({"size": 25, "totalElements": 1, "totalPages": 1, "number": 0})
        );
        let href = "https://us2.api.concursolutions.com/financialintegration/fi/v4/companies/trans\
            actiontypes/expense/\
            transactions?limit=25&page=0&size=25";
        assert_eq!(
            (&body["links"][0]["rel"], &body["links"][0]["href"]),
            (&json!("self"), &json!(href))
        );
        let item = &body["content"][0];
        assert_eq!(
            (&item["id"], &item["docType"], &item["docStatus"]),
            (&json!(id), &json!("expense"), &json!("READY"))
        );
        assert_eq!(
            (&item["companyId"], &item["entityId"]),
            (&json!("500123"), &json!("p0001234abcd"))
        );
        assert_eq!(
            (&item["erpSystemId"], &item["links"]),
            (&json!(null), &json!([]))
        );
        assert_eq!(item["companyUuid"], harness.machine.company_uuid());
        assert_eq!(item["document"]["report"]["reportId"], source.as_str());
    }

    #[test]
    fn an_empty_queue_is_an_empty_page() {
        let mut harness = ConcurHarness::new();
        for doc_type in [
            "expense",
            "invoice",
            "cashadvance",
            "payroll",
            "requestobligation",
        ] {
            let body = harness.financial(doc_type, "", None).value();
            assert_eq!(
                (&body["content"], &body["page"]["totalPages"]),
                (&json!([]), &json!(0)),
                "{doc_type}"
            );
        }
    }

    #[test]
    fn the_id_asked_for_is_the_sources_not_the_documents() {
        let mut harness = ConcurHarness::new();
        let (source, id) = file(&mut harness, Filing::default());
        file(&mut harness, Filing::default());
        assert_eq!(
            ids(&harness.expenses(&format!("?docId={source}"))),
            [id.as_str()]
        );
        assert!(harness.expenses(&format!("?docId={id}")).is_empty());
        let other_type = harness.financial("invoice", &format!("?docId={source}"), None);
        assert_eq!(other_type.value()["content"], json!([]));
    }

    #[test]
    fn the_state_is_ignored_for_one_source_only() {
        let mut harness = ConcurHarness::new();
        let (source, id) = file(&mut harness, Filing::default());
        harness.acknowledge(&[&id], "FRESHBOOKS-01");
        assert!(harness.expenses("?ignoreDocumentStatus=yes").is_empty());
        assert!(harness.expenses(&format!("?docId={source}")).is_empty());
        let found = harness.expenses(&format!("?docId={source}&ignoreDocumentStatus=yes"));
        assert_eq!(
            (&found[0]["docStatus"], &found[0]["erpSystemId"]),
            (&json!("ACKNOWLEDGED"), &json!("FRESHBOOKS-01"))
        );
    }

    #[test]
    fn pages_shift_while_documents_leave_the_queue() {
        let mut harness = ConcurHarness::new();
        let filed: Vec<String> = (0..5)
            .map(|_| file(&mut harness, Filing::default()).1)
            .collect();
        let first = harness.expenses("?limit=2");
        assert_eq!(ids(&first), filed[..2]);
        let body = harness
            .financial("expense", "?limit=2&page=1", None)
            .value();
        let rels: Vec<&str> = body["links"]
            .as_array()
            .expect("links")
            .iter()
            .filter_map(|link| link["rel"].as_str())
            .collect();
        assert_eq!(rels, ["first", "self", "next", "last"]);
        assert_eq!(
            (&body["page"]["totalPages"], &body["page"]["number"]),
            (&json!(3), &json!(1))
        );
        harness.acknowledge(&[&filed[0], &filed[1]], "");
        assert_eq!(ids(&harness.expenses("?limit=2&page=1")), filed[4..]);
        assert_eq!(ids(&harness.expenses("?limit=2&page=0")), filed[2..4]);
        assert!(harness.expenses("?limit=2&page=9").is_empty());
    }

    #[test]
    fn limits_are_capped_in_silence_and_refused_if_no_numbers() {
        let mut harness = ConcurHarness::new();
        harness.machine.config.financial.limit_max = 3;
        for _ in 0..5 {
            file(&mut harness, Filing::default());
        }
        assert_eq!(harness.expenses("?limit=1000").len(), 3);
        let long = "x".repeat(51);
        for query in [
            "?limit=x",
            "?limit=0",
            "?page=-1",
            &format!("?systemId={long}"),
        ] {
            let refused = harness.financial("expense", query, None);
            assert_eq!(
                (refused.status, &refused.value()["fiReturnCode"]),
                (400, &json!(198)),
                "{query}"
            );
        }
    }

    #[test]
    fn the_order_is_a_switch() {
        let mut harness = ConcurHarness::new();
        let mut filed: Vec<String> = (0..4)
            .map(|_| file(&mut harness, Filing::default()).1)
            .collect();
        filed.reverse();
        harness.machine.config.financial.order = QueueOrder::NewestFirst;
        assert_eq!(ids(&harness.expenses("")), filed);
        filed.sort();
        harness.machine.config.financial.order = QueueOrder::ById;
        assert_eq!(ids(&harness.expenses("")), filed);
    }

    #[test]
    fn documents_are_objects_or_texts() {
        let mut harness = ConcurHarness::new();
        let (source, _) = file(&mut harness, Filing::default());
        let path = format!("{}expense/transactions", crate::concur::financial::PREFIX);
        let mut document = |format: &str, switch| {
            harness.machine.config.financial.document_format = switch;
            let request = harness
                .request("GET", &path, None)
                .with_header("DocumentFormatAs", format);
            harness.machine.handle(&request, harness.now, 0).value()["content"][0]["document"]
                .clone()
        };
        assert!(document("json", DocumentFormat::AsAsked).is_object());
        assert!(document("text", DocumentFormat::Json).is_object());
        assert!(document("json", DocumentFormat::Text).is_string());
        let text = document("text", DocumentFormat::AsAsked);
        let parsed: Value = serde_json::from_str(text.as_str().expect("a text")).expect("JSON");
        assert_eq!(parsed["report"]["reportId"], source.as_str());
        assert!(odd(&mut harness, Oddity::Text)["document"].is_string());
    }

    #[test]
    fn broken_documents_are_texts_and_unknown_types_are_named() {
        let mut harness = ConcurHarness::new();
        let broken = odd(&mut harness, Oddity::NotJson);
        let text = broken["document"].as_str().expect("a text");
        assert!(serde_json::from_str::<Value>(text).is_err());
        assert_eq!(
            odd(&mut harness, Oddity::UnknownDocType)["docType"],
            "mileage"
        );
    }

    #[test]
    fn stale_look_ups_miss_the_youngest_documents() {
        let mut harness = ConcurHarness::new();
        let (source, _) = file(&mut harness, Filing::default());
        let mut total = |query: &str, stale| {
            let path = format!(
                "{}expense/transactions{query}",
                crate::concur::financial::PREFIX
            );
            let request = harness.request("GET", &path, None);
            harness.machine.handle(&request, harness.now, stale).value()["page"]["totalElements"]
                .clone()
        };
        assert_eq!((total("", 0), total("", 1)), (json!(1), json!(0)));
        assert_eq!(
            total(&format!("?docId={source}&ignoreDocumentStatus=yes"), 1),
            json!(0)
        );
    }

    #[test]
    fn documents_of_other_systems_are_hidden_by_switch() {
        let mut harness = ConcurHarness::new();
        let (source, id) = file(&mut harness, Filing::default());
        harness.acknowledge(&[&id], "SAP");
        let query =
            |system: &str| format!("?docId={source}&ignoreDocumentStatus=yes&systemId={system}");
        assert_eq!(harness.expenses(&query("FB")).len(), 1);
        harness.machine.config.financial.system_id_filters = true;
        assert_eq!(harness.expenses(&query("FB")).len(), 0);
        assert_eq!(harness.expenses(&query("SAP")).len(), 1);
    }

    #[test]
    fn delayed_documents_appear_when_they_are_due() {
        let mut harness = ConcurHarness::new();
        let filing = Filing {
            ready_after_ms: 1000,
            ..Filing::default()
        };
        let (source, _) = file(&mut harness, filing);
        assert!(harness.expenses("").is_empty());
        let all = format!("?docId={source}&ignoreDocumentStatus=yes");
        assert_eq!(harness.expenses(&all)[0]["docStatus"], "DELAYED");
        assert!(harness.machine.take_ready().is_empty());
        assert_eq!(
            harness.machine.next_document_ready(),
            Some(harness.now + 1000)
        );
        harness.now += 1000;
        assert_eq!(harness.expenses("").len(), 1);
        assert_eq!(harness.machine.take_ready().len(), 1);
        assert_eq!(harness.machine.next_document_ready(), None);
    }

    #[test]
    fn a_processor_may_be_quicker_than_the_acknowledgement() {
        let mut harness = ConcurHarness::new();
        let filing = Filing {
            recalled_after_get: true,
            ..Filing::default()
        };
        let (_, id) = file(&mut harness, filing);
        assert_eq!(harness.expenses("")[0]["docStatus"], "READY");
        assert!(harness.expenses("").is_empty());
        assert_eq!(harness.acknowledge(&[&id], ""), [102]);
    }
}
