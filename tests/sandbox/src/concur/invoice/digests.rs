//! Payment request digests: the look-up, with day filters, pages and a lag
//! (source: concur-payment-request-digest).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::config::NextPage;
use super::payment_requests::PaymentRequest;
use super::view::{
    amount_text, approval_code, invoice_amount, owner_login, owner_name, payment_code, stamp_text,
};
use crate::calendar::{parse_day, utc_day};
use crate::concur::Concur;
use crate::concur::config::ConcurConfig;
use crate::concur::gateway::{GatewayCall, GatewayError, Reply};
use crate::concur::vendors::read_count;
use crate::http::{Millis, encode_form, first_value};

/// Where a request's day comes from.
type DayOf = fn(&PaymentRequest) -> Option<Date>;

/// Day filters: the name's beginning, and where the day comes from.
const DAYS: [(&str, DayOf); 6] = [
    ("createDate", |request| Some(utc_day(request.created))),
    ("userDefinedDate", |request| {
        parse_day(request.header.get("InvoiceDate"))
    }),
    ("submitDate", |request| request.submitted.map(utc_day)),
    ("paidDate", |request| request.paid.map(utc_day)),
    ("lastModifiedDate", |request| {
        Some(utc_day(request.modified))
    }),
    ("extractedDate", |request| request.extracted.map(utc_day)),
];

impl Concur {
    /// Routes a request on `/api/v3.0/invoice/paymentrequestdigests[/{id}]`.
    pub(crate) fn handle_digests(&self, call: &GatewayCall) -> Result<Reply, GatewayError> {
        if call.method != "GET" {
            return Err(GatewayError::method_not_allowed(call.method));
        }
        let rest = call
            .path
            .strip_prefix("/api/v3.0/invoice/paymentrequestdigests")
            .unwrap_or_default();
        match rest.strip_prefix('/') {
            None if rest.is_empty() => self.list_digests(call),
            Some(id) => self.show_digest(call, id),
            None => Err(GatewayError::new(
                404,
                "The requested resource was not found.",
            )),
        }
    }

    fn show_digest(&self, call: &GatewayCall, id: &str) -> Result<Reply, GatewayError> {
        let visible_until = self.visible_until(call);
        let found = self
            .requests
            .get(id)
            .filter(|request| request.created <= visible_until);
        let request = found.ok_or_else(|| {
            GatewayError::new(404, format!("Payment request {id} could not be found."))
        })?;
        Ok(Reply::ok(
            "PaymentRequestDigest",
            digest_view(request, &self.config, &call.base_url, visible_until),
        ))
    }

    fn list_digests(&self, call: &GatewayCall) -> Result<Reply, GatewayError> {
        let filters = DigestFilters::read(call)?;
        let limit = read_count(call, "limit", 1000)?
            .clamp(1, self.config.payment_requests.digest_page_max.max(1));
        let offset = read_offset(first_value(&call.query, "offset"))?;
        let visible_until = self.visible_until(call);
        let wanted = |request: &&PaymentRequest| {
            request.created <= visible_until && filters.matches(request, &self.config)
        };
        let is_ignored = self.config.payment_requests.digest_number_ignored;
        let number = first_value(&call.query, "vendorInvoiceNumber").filter(|_| !is_ignored);
        let found: Vec<&PaymentRequest> = match number {
            Some(number) => self.requests.with_number(number).filter(wanted).collect(),
            None => self.requests.rows.iter().filter(wanted).collect(),
        };
        let page = found.iter().skip(offset).take(limit);
        let rows: Vec<Value> = page
            .map(|request| digest_view(request, &self.config, &call.base_url, visible_until))
            .collect();
        let next =
            (offset + limit < found.len()).then(|| self.next_digest_page(call, offset + limit));
        let next = next.unwrap_or_else(|| self.config.payment_requests.absent_next_page());
        let body = json!({"Items": null, "NextPage": next, "PaymentRequestDigest": rows,
            "TotalCount": found.len()});
        Ok(Reply::ok("PaymentRequestDigests", body))
    }

    /// Requests created after this instant do not show up yet.
    fn visible_until(&self, call: &GatewayCall) -> Millis {
        call.now
            .saturating_sub(call.stale.max(self.config.payment_requests.digest_lag_ms))
    }

    fn next_digest_page(&self, call: &GatewayCall, offset: usize) -> Value {
        let token = BASE64.encode(format!("row:{offset}"));
        match self.config.payment_requests.next_page {
            NextPage::Token => json!(token),
            NextPage::Uri => {
                let kept = call.query.iter().filter(|(name, _)| name != "offset");
                let pairs = kept.map(|(name, value)| (name.as_str(), value.as_str()));
                let query = encode_form(pairs.chain([("offset", token.as_str())]));
                json!(format!("{}{}?{query}", call.base_url, call.path))
            }
        }
    }
}

struct DigestFilters<'a> {
    approval: Option<&'a str>,
    payment: Option<&'a str>,
    method: Option<&'a str>,
    days: Vec<DayFilter>,
}

struct DayFilter {
    of: DayOf,
    before: Option<Date>,
    after: Option<Date>,
}

impl<'a> DigestFilters<'a> {
    fn read(call: &'a GatewayCall) -> Result<Self, GatewayError> {
        let mut days = Vec::new();
        for (name, of) in DAYS {
            let (before, after) = (
                read_day(call, name, "Before")?,
                read_day(call, name, "After")?,
            );
            if before.is_some() || after.is_some() {
                days.push(DayFilter { of, before, after });
            }
        }
        let text = |name: &str| first_value(&call.query, name).filter(|text| !text.is_empty());
        let (approval, payment) = (text("approvalStatus"), text("paymentStatus"));
        Ok(Self {
            approval,
            payment,
            method: text("payMethodType"),
            days,
        })
    }

    fn matches(&self, request: &PaymentRequest, config: &ConcurConfig) -> bool {
        self.approval
            .is_none_or(|code| code == approval_code(request, config))
            && self
                .payment
                .is_none_or(|code| code == payment_code(request))
            && self.method.is_none_or(|method| method == "CLIENT")
            && self.days.iter().all(|filter| filter.matches(request))
    }
}

impl DayFilter {
    /// Strictly before and strictly after, by whole days.
    fn matches(&self, request: &PaymentRequest) -> bool {
        let Some(day) = (self.of)(request) else {
            return false;
        };
        self.before.is_none_or(|before| day < before) && self.after.is_none_or(|after| day > after)
    }
}

fn read_day(call: &GatewayCall, name: &str, suffix: &str) -> Result<Option<Date>, GatewayError> {
    let name = format!("{name}{suffix}");
    match first_value(&call.query, &name).filter(|text| !text.is_empty()) {
        Some(text) => parse_day(text)
            .map(Some)
            .ok_or_else(|| GatewayError::bad_request(format!("{name} is not valid."))),
        None => Ok(None),
    }
}

fn read_offset(text: Option<&str>) -> Result<usize, GatewayError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(0);
    };
    let decoded = BASE64
        .decode(text)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let row = decoded
        .as_deref()
        .and_then(|text| text.strip_prefix("row:"))
        .and_then(|row| row.parse().ok());
    row.ok_or_else(|| GatewayError::bad_request("offset is not valid."))
}

fn digest_view(
    request: &PaymentRequest,
    config: &ConcurConfig,
    base_url: &str,
    as_of: Millis,
) -> Value {
    let text = |name: &str| Some(request.header.get(name)).filter(|text| !text.is_empty());
    let id = &request.id;
    let deleted = request.deleted.is_some_and(|at| at <= as_of);
    let vendor = |name: &str| request.vendor.texts.get(name);
    let hides_code = config.payment_requests.digests_without_vendor_code;
    let mut view = json!({
        "ID": id, "URI": format!("{base_url}/api/v3.0/invoice/paymentrequestdigests/{id}"),
        "PaymentRequestId": id,
        "PaymentRequestUri": format!("{base_url}/api/v3.0/invoice/paymentrequest/{id}"),
        "ApprovalStatusCode": approval_code(request, config),
        "PaymentStatusCode": payment_code(request),
        "VendorName": vendor("VendorName"),
        "InvoiceNumber": text("InvoiceNumber"), "Total": amount_text(invoice_amount(request)),
        "CurrencyCode": text("CurrencyCode"), "CreateDate": stamp_text(request.created),
        "UserDefinedDate": text("InvoiceDate").map(|day| format!("{day} 00:00:00.0")),
        "PaidDate": request.paid.map(stamp_text),
        "ExtractedDate": request.extracted.map(stamp_text),
        "LastModifiedDate": stamp_text(request.modified),
        "IsDeleted": deleted.to_string(), "OwnerLoginID": owner_login(request, config),
        "OwnerName": owner_name(request, config), "PaymentMethod": "CLIENT",
        "PurchaseOrderNumber": text("PurchaseOrderNumber"),
    });
    if !hides_code {
        view["VendorCode"] = json!(vendor("VendorCode"));
    }
    view
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::concur::invoice::config::NoNextPage;
    use crate::test_support::concur::ConcurHarness;

    const PATH: &str = "/api/v3.0/invoice/paymentrequestdigests";

    fn harness(count: usize) -> ConcurHarness {
        let mut harness = ConcurHarness::new();
        harness.vendor("FB-1");
        for at in 0..count {
            harness.posted(json!({"InvoiceNumber": format!("N{at}")}));
        }
        harness
    }

    fn list(harness: &mut ConcurHarness, query: &str) -> Value {
        let reply = harness.send("GET", &format!("{PATH}?{query}"), None);
        assert_eq!(reply.status, 200, "{}", reply.value());
        reply.value()
    }

    fn count(harness: &mut ConcurHarness, query: &str) -> u64 {
        list(harness, query)["TotalCount"]
            .as_u64()
            .unwrap_or_default()
    }

    #[test]
    fn invoice_numbers_find_their_requests() {
        let mut harness = harness(3);
        harness.posted(json!({"InvoiceNumber": "N1"}));
        assert_eq!(count(&mut harness, "vendorInvoiceNumber=N1"), 2);
        assert_eq!(count(&mut harness, "vendorInvoiceNumber=n1"), 0);
        let digest = &list(&mut harness, "vendorInvoiceNumber=N2")["PaymentRequestDigest"][0];
        assert_eq!(
            (&digest["Total"], &digest["VendorCode"]),
            (&json!("1130.00000000"), &json!("FB-1"))
        );
        assert!(digest.get("Custom5").is_none());
        let id = digest["ID"].as_str().expect("an id");
        assert_eq!(
            harness.send("GET", &format!("{PATH}/{id}"), None).value(),
            *digest
        );
    }

    #[test]
    fn the_filter_by_number_and_the_vendor_s_code_may_be_missing() {
        let mut harness = harness(3);
        let switches = &mut harness.machine.config.payment_requests;
        switches.digest_number_ignored = true;
        switches.digests_without_vendor_code = true;
        assert_eq!(count(&mut harness, "vendorInvoiceNumber=N1"), 3);
        let listed = list(&mut harness, "");
        assert!(
            listed["PaymentRequestDigest"][0]
                .get("VendorCode")
                .is_none()
        );
    }

    #[test]
    fn deleted_requests_stay_with_a_flag() {
        let mut harness = harness(1);
        let id = list(&mut harness, "")["PaymentRequestDigest"][0]["ID"]
            .as_str()
            .expect("an id")
            .to_owned();
        harness.machine.delete_payment_request(&id, harness.now);
        let digest = &list(&mut harness, "")["PaymentRequestDigest"][0];
        assert_eq!(digest["IsDeleted"], "true");
    }

    #[test]
    fn status_filters_follow_the_workflow() {
        let mut harness = harness(2);
        let id = list(&mut harness, "")["PaymentRequestDigest"][0]["ID"]
            .as_str()
            .expect("an id")
            .to_owned();
        harness.machine.submit_payment_request(&id, harness.now);
        assert_eq!(count(&mut harness, "approvalStatus=R_PEND"), 1);
        harness.machine.approve_payment_request(&id, harness.now);
        harness.machine.pay_payment_request(&id, harness.now);
        assert_eq!(
            count(&mut harness, "approvalStatus=R_APPR&paymentStatus=R_PAID"),
            1
        );
        assert_eq!(count(&mut harness, "approvalStatus=R_NOTF"), 1);
    }

    #[test]
    fn day_filters_are_strict_and_whole_days() {
        let mut harness = harness(1);
        assert_eq!(count(&mut harness, "createDateAfter=2026-03-04"), 0);
        assert_eq!(
            count(
                &mut harness,
                "createDateAfter=2026-03-03&createDateBefore=2026-03-05"
            ),
            1
        );
        assert_eq!(count(&mut harness, "userDefinedDateBefore=2026-02-27"), 0);
        assert_eq!(count(&mut harness, "submitDateAfter=2020-01-01"), 0);
        assert_eq!(
            harness
                .send("GET", &format!("{PATH}?createDateAfter=yesterday"), None)
                .status,
            400
        );
    }

    #[test]
    fn pages_are_followed_by_uri_or_token() {
        let mut harness = harness(5);
        let first = list(&mut harness, "limit=2&paymentStatus=R_NOTP");
        let next = first["NextPage"].as_str().expect("a page").to_owned();
        let target = next
            .strip_prefix("https://us2.api.concursolutions.com")
            .expect("this host")
            .to_owned();
        let second = harness.send("GET", &target, None).value();
        assert_eq!(second["PaymentRequestDigest"][0]["InvoiceNumber"], "N2");
        harness.machine.config.payment_requests.next_page = NextPage::Token;
        let token = list(&mut harness, "limit=4")["NextPage"]
            .as_str()
            .expect("a token")
            .to_owned();
        let last = list(&mut harness, &format!("limit=4&offset={token}"));
        assert_eq!(
            (
                &last["PaymentRequestDigest"][0]["InvoiceNumber"],
                &last["NextPage"]
            ),
            (&json!("N4"), &Value::Null)
        );
        harness.machine.config.payment_requests.no_next_page = NoNextPage::Empty;
        assert_eq!(list(&mut harness, "")["NextPage"], "");
        assert_eq!(
            harness
                .send("GET", &format!("{PATH}?offset=xyz"), None)
                .status,
            400
        );
    }

    #[test]
    fn the_look_up_may_lag_behind() {
        let mut harness = harness(1);
        harness.machine.config.payment_requests.digest_lag_ms = 5_000;
        assert_eq!(count(&mut harness, "vendorInvoiceNumber=N0"), 0);
        harness.now += 5_000;
        assert_eq!(count(&mut harness, "vendorInvoiceNumber=N0"), 1);
        let request = harness.request("GET", PATH, None);
        assert_eq!(
            harness.machine.handle(&request, harness.now, 5_001).value()["TotalCount"],
            0
        );
    }

    #[test]
    fn digests_use_documented_names_only() {
        const DOCUMENTED: &str = "ApprovalStatusCode CreateDate CurrencyCode ID InvoiceNumber \
            IsDeleted OwnerLoginID \
            OwnerName PaidDate PaymentRequestId PaymentRequestUri PaymentStatusCode \
            PurchaseOrderNumber Total URI \
            UserDefinedDate VendorName VendorCode ExtractedDate LastModifiedDate PaymentMethod";
        let mut harness = harness(1);
        let digest = list(&mut harness, "")["PaymentRequestDigest"][0].clone();
        for name in digest.as_object().expect("a digest").keys() {
            assert!(
                DOCUMENTED.split_whitespace().any(|known| known == name),
                "{name}"
            );
        }
    }
}
