//! Payment requests: created, flagged when doubled, changed until submitted, never deleted by API
//! (source: concur-payment-request).

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::json;

use super::body::{LineAllocation, LineBody, read_body};
use super::view::payment_request_view;
use crate::concur::Concur;
use crate::concur::gateway::{GatewayCall, GatewayError, Reply};
use crate::concur::vendors::record::Vendor;
use crate::http::Millis;
use crate::money::parse_decimal;
use crate::random::Random;
use crate::sparse_fields::SparseFields;

/// Fields that are set once: PUT's model lacks them.
const FIXED: [&str; 3] = ["LedgerCode", "DataSource", "ExternalPolicyId"];

/// All payment requests, in the order of creation, with their indices.
#[derive(Debug)]
pub(crate) struct PaymentRequests {
    random: Random,
    pub(crate) rows: Vec<PaymentRequest>,
    by_id: BTreeMap<String, usize>,
    by_number: BTreeMap<String, Vec<usize>>,
}

/// A payment request with its lines and the instants of what people did to it.
#[derive(Clone, Debug)]
pub(crate) struct PaymentRequest {
    pub(crate) id: String,
    pub(crate) header: SparseFields,
    pub(crate) vendor: Vendor,
    pub(crate) owner: Option<usize>,
    pub(crate) lines: Vec<RequestLine>,
    pub(crate) last_line: u32,
    pub(crate) duplicate: bool,
    pub(crate) created: Millis,
    pub(crate) modified: Millis,
    pub(crate) submitted: Option<Millis>,
    pub(crate) approved: Option<Millis>,
    /// Since when it may be confirmed as paid: it is posted, or was taken into an extract.
    pub(crate) extracted: Option<Millis>,
    pub(crate) paid: Option<Millis>,
    pub(crate) deleted: Option<Millis>,
}

/// A line of a payment request.
#[derive(Clone, Debug)]
pub(crate) struct RequestLine {
    pub(crate) id: u32,
    pub(crate) texts: SparseFields,
    pub(crate) allocations: Vec<LineAllocation>,
}

impl PaymentRequests {
    pub(crate) fn new(seed: u64) -> Self {
        let random = Random::new(seed, "concur/payment-requests");
        Self {
            random,
            rows: Vec::new(),
            by_id: BTreeMap::new(),
            by_number: BTreeMap::new(),
        }
    }

    /// The request with an id.
    pub(crate) fn get(&self, id: &str) -> Option<&PaymentRequest> {
        self.by_id.get(id).and_then(|at| self.rows.get(*at))
    }

    /// The request with an id, to change.
    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut PaymentRequest> {
        self.by_id.get(id).and_then(|at| self.rows.get_mut(*at))
    }

    /// The requests with a vendor's invoice number.
    pub(crate) fn with_number<'a>(
        &'a self,
        number: &str,
    ) -> impl Iterator<Item = &'a PaymentRequest> {
        self.by_number
            .get(number)
            .into_iter()
            .flatten()
            .filter_map(|at| self.rows.get(*at))
    }

    fn insert(&mut self, mut request: PaymentRequest) -> String {
        request.id = self.random.text(b"0123456789ABCDEF", 20);
        let (id, at) = (request.id.clone(), self.rows.len());
        self.by_id.insert(id.clone(), at);
        self.by_number
            .entry(request.header.get("InvoiceNumber").to_owned())
            .or_default()
            .push(at);
        self.rows.push(request);
        id
    }

    fn replace(&mut self, request: PaymentRequest) {
        let Some(at) = self.by_id.get(&request.id).copied() else {
            return;
        };
        let (before, after) = (
            self.rows[at].header.get("InvoiceNumber"),
            request.header.get("InvoiceNumber"),
        );
        if before != after {
            self.by_number
                .entry(before.to_owned())
                .or_default()
                .retain(|other| *other != at);
            self.by_number.entry(after.to_owned()).or_default().push(at);
        }
        self.rows[at] = request;
    }
}

impl PaymentRequest {
    /// Whether it has the vendor and the invoice number of another one.
    fn duplicates(&self, other: &Self) -> bool {
        let code = |request: &Self| request.vendor.texts.get("VendorCode").to_lowercase();
        other.id != self.id && other.deleted.is_none() && code(other) == code(self)
    }

    /// The sum of its lines, without taxes.
    pub(crate) fn line_total(&self) -> Decimal {
        self.lines
            .iter()
            .map(|line| line.amount("TotalPrice"))
            .sum()
    }
}

impl RequestLine {
    /// An amount of the line, 0 if it has none.
    pub(crate) fn amount(&self, name: &str) -> Decimal {
        parse_decimal(self.texts.get(name)).unwrap_or_default()
    }

    fn new(body: LineBody, id: u32, keep_total: bool) -> Self {
        let mut line = Self {
            id,
            texts: body.texts,
            allocations: body.allocations.unwrap_or_default(),
        };
        if !keep_total || line.texts.get("TotalPrice").is_empty() {
            line.recompute_total();
        }
        line
    }

    fn apply_changes(&mut self, body: LineBody) {
        for (name, text) in body.texts.iter().filter(|(name, _)| *name != "TotalPrice") {
            self.texts.set(name, text);
        }
        if let Some(allocations) = body.allocations {
            self.allocations = allocations;
        }
        if body
            .texts
            .iter()
            .any(|(name, _)| matches!(name, "Quantity" | "UnitPrice"))
        {
            self.recompute_total();
        }
    }

    fn recompute_total(&mut self) {
        let quantity = parse_decimal(self.texts.get("Quantity")).unwrap_or(Decimal::ONE);
        let total = (quantity * self.amount("UnitPrice"))
            .normalize()
            .to_string();
        self.texts.set("TotalPrice", &total);
    }
}

impl Concur {
    /// Routes a request on `/api/v3.0/invoice/paymentrequest[/{id}]`.
    pub(crate) fn handle_payment_requests(
        &mut self,
        call: &GatewayCall,
    ) -> Result<Reply, GatewayError> {
        let rest = call
            .path
            .strip_prefix("/api/v3.0/invoice/paymentrequest")
            .unwrap_or_default();
        match (call.method, rest.strip_prefix('/')) {
            ("POST", None) if rest.is_empty() => self.create_payment_request(call),
            ("PUT", None) if rest.is_empty() => self.update_payment_request(call),
            ("GET", Some(id)) => self.show_payment_request(call, id),
            (_, None) if !rest.is_empty() => Err(GatewayError::new(
                404,
                "The requested resource was not found.",
            )),
            (method, _) => Err(GatewayError::method_not_allowed(method)),
        }
    }

    fn create_payment_request(&mut self, call: &GatewayCall) -> Result<Reply, GatewayError> {
        let body = read_body(call.body, &self.config.payment_requests)?;
        for name in ["Name", "InvoiceAmount", "CurrencyCode", "CountryCode"] {
            if body.header.get(name).is_empty() {
                return Err(missing_field(name));
            }
        }
        let identifier = body
            .vendor
            .as_ref()
            .ok_or_else(|| missing_field("VendorRemitToIdentifier"))?;
        let vendor = self.match_vendor(identifier)?.clone();
        let owner = self.match_owner(&body)?;
        self.check_payment_request(&body)?;
        let lines = body
            .lines
            .into_iter()
            .zip(1..)
            .map(|(line, id)| RequestLine::new(line, id, true));
        let lines: Vec<RequestLine> = lines.collect();
        let mut request = PaymentRequest {
            id: String::new(),
            header: body.header,
            vendor,
            owner,
            last_line: lines.len() as u32,
            lines,
            duplicate: false,
            created: call.now,
            modified: call.now,
            submitted: None,
            approved: None,
            extracted: None,
            paid: None,
            deleted: None,
        };
        self.flag_duplicate(&mut request)?;
        let id = self.requests.insert(request);
        Ok(created_reply(call, &id))
    }

    fn update_payment_request(&mut self, call: &GatewayCall) -> Result<Reply, GatewayError> {
        let body = read_body(call.body, &self.config.payment_requests)?;
        let id = body
            .request_id
            .clone()
            .ok_or_else(|| missing_field("RequestID"))?;
        let unknown =
            || GatewayError::bad_request(format!("Payment request {id} could not be found."));
        let mut request = self.requests.get(&id).ok_or_else(unknown)?.clone();
        if request.deleted.is_some() {
            return Err(GatewayError::bad_request(format!(
                "Payment request {id} is deleted."
            )));
        }
        if request.submitted.is_some() && !self.config.payment_requests.put_after_submit {
            return Err(GatewayError::bad_request(format!(
                "Payment request {id} is submitted and cannot be changed."
            )));
        }
        if let Some(identifier) = &body.vendor {
            request.vendor = self.match_vendor(identifier)?.clone();
        }
        self.check_payment_request(&body)?;
        for (name, text) in body.header.iter().filter(|(name, _)| !FIXED.contains(name)) {
            request.header.set(name, text);
        }
        for line in body.lines {
            change_line(&mut request, line)?;
        }
        request.modified = call.now;
        self.requests.replace(request);
        Ok(created_reply(call, &id))
    }

    fn show_payment_request(&self, call: &GatewayCall, id: &str) -> Result<Reply, GatewayError> {
        let unknown =
            || GatewayError::new(404, format!("Payment request {id} could not be found."));
        let request = self.requests.get(id).ok_or_else(unknown)?;
        Ok(Reply::ok(
            "PaymentRequest",
            payment_request_view(request, &self.config, &call.base_url),
        ))
    }

    fn flag_duplicate(&self, request: &mut PaymentRequest) -> Result<(), GatewayError> {
        let number = request.header.get("InvoiceNumber").to_owned();
        let doubled = !number.is_empty()
            && self
                .requests
                .with_number(&number)
                .any(|other| request.duplicates(other));
        if doubled && self.config.payment_requests.refuse_duplicates {
            return Err(GatewayError::bad_request(format!(
                "Invoice number {number} already exists for this vendor."
            )));
        }
        request.duplicate = doubled;
        Ok(())
    }
}

fn change_line(request: &mut PaymentRequest, body: LineBody) -> Result<(), GatewayError> {
    let action = body.action.clone().ok_or_else(|| missing_field("Action"))?;
    if action == "INSERT" {
        request.last_line += 1;
        request
            .lines
            .push(RequestLine::new(body, request.last_line, false));
        return Ok(());
    }
    let id = body.id.clone().ok_or_else(|| missing_field("LineItemID"))?;
    let at = request
        .lines
        .iter()
        .position(|line| line.id.to_string() == id);
    let at = at
        .ok_or_else(|| GatewayError::bad_request(format!("LineItemID {id} could not be found.")))?;
    match action.as_str() {
        "UPDATE" => request.lines[at].apply_changes(body),
        "DELETE" => _ = request.lines.remove(at),
        _ => {
            return Err(GatewayError::bad_request(
                "Action must be INSERT, UPDATE or DELETE.",
            ));
        }
    }
    Ok(())
}

fn created_reply(call: &GatewayCall, id: &str) -> Reply {
    let uri = format!("{}/api/v3.0/invoice/paymentrequest/{id}", call.base_url);
    Reply::ok("Response", json!({"ID": id, "URI": uri}))
}

/// The refusal for a field that is not there.
pub(crate) fn missing_field(name: &str) -> GatewayError {
    GatewayError::bad_request(format!("Required field {name} is missing."))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::test_support::concur::{ConcurHarness, payment_request};

    fn harness() -> ConcurHarness {
        let mut harness = ConcurHarness::new();
        harness.vendor("FB-1");
        harness
    }

    fn refused(harness: &mut ConcurHarness, changes: Value) -> String {
        let reply = harness.post(payment_request(changes));
        assert_eq!(reply.status, 400, "{}", reply.value());
        reply.value()["Error"]["Message"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    fn put(harness: &mut ConcurHarness, id: &str, changes: Value) -> u16 {
        let mut body = json!({"RequestID": id});
        body.as_object_mut()
            .expect("an object")
            .extend(changes.as_object().expect("an object").clone());
        harness
            .send("PUT", "/api/v3.0/invoice/paymentrequest", Some(body))
            .status
    }

    #[test]
    fn created_requests_have_an_id_and_a_uri() {
        let mut harness = harness();
        let body = harness.post(payment_request(json!({}))).value();
        let id = body["ID"].as_str().expect("an id");
        assert_eq!(id.len(), 20);
        let uri =
            format!("https://us2.api.concursolutions.com/api/v3.0/invoice/paymentrequest/{id}");
        assert_eq!(body["URI"], uri);
    }

    #[test]
    fn the_union_of_required_fields_is_required() {
        let mut harness = harness();
        for field in [
            "Name",
            "InvoiceAmount",
            "CurrencyCode",
            "CountryCode",
            "VendorRemitToIdentifier",
        ] {
            assert_eq!(
                refused(&mut harness, json!({field: null})),
                format!("Required field {field} is missing.")
            );
        }
        assert_eq!(
            refused(&mut harness, json!({"EmployeeLoginId": null})),
            "Required field EmployeeLoginId is missing."
        );
    }

    #[test]
    fn any_owner_or_policy_key_will_do_if_it_is_known() {
        let mut harness = harness();
        assert_eq!(
            refused(&mut harness, json!({"EmployeeLoginId": "stranger"})),
            "The employee could not be matched."
        );
        for (key, value) in [
            ("EmployeeId", "E-17"),
            ("LedgerCode", "DEFAULT"),
            ("ExternalPolicyId", "A1"),
            ("PurchaseOrderNumber", "P1"),
        ] {
            harness.posted(json!({"EmployeeLoginId": "stranger", key: value}));
        }
    }

    #[test]
    fn vendors_must_match_exactly_once() {
        let mut harness = harness();
        let vendor = |fields: Value| json!({"VendorRemitToIdentifier": fields});
        assert_eq!(
            refused(&mut harness, vendor(json!({"VendorCode": "FB-2"}))),
            "Vendor could not be matched."
        );
        assert_eq!(
            refused(&mut harness, vendor(json!({"Name": "Northwind Paper Ltd"}))),
            "Required field VendorCode is missing."
        );
        harness.posted(vendor(json!({"VendorCode": "fb-1", "AddressCode": "main"})));
        let by_address = json!({"Name": "Northwind Paper Ltd", "Address1": "12 Mill Lane",
            "PostalCode": "M5V 2T6"});
        harness.posted(vendor(by_address.clone()));
        let second = json!({"Vendor": [{"VendorCode": "FB-1", "AddressCode": "SECOND",
            "VendorName": "Northwind Paper Ltd",
            "Address1": "12 Mill Lane", "PostalCode": "M5V 2T6", "State": "ON", "CountryCode": "CA",
            "CurrencyCode": "CAD"}]});
        harness.send("POST", "/api/v3.1/invoice/vendors", Some(second));
        assert_eq!(
            refused(&mut harness, vendor(json!({"VendorCode": "FB-1"}))),
            "More than one vendor was matched."
        );
        assert_eq!(
            refused(&mut harness, vendor(by_address)),
            "More than one vendor was matched."
        );
    }

    #[test]
    fn configured_codes_are_checked() {
        let mut harness = harness();
        harness
            .machine
            .config
            .allocation_lists
            .insert("Custom1".into(), ["PRJ_A".to_owned()].into());
        assert_eq!(
            refused(&mut harness, json!({})),
            "Custom1 PRJ_B is not a valid list item code."
        );
        assert_eq!(
            refused(&mut harness, json!({"LedgerCode": "X"})),
            "LedgerCode X is not valid."
        );
        let lines = json!({"LineItems": [{"ExpenseTypeCode": "X"}]});
        assert_eq!(
            refused(&mut harness, lines),
            "ExpenseTypeCode X is not valid."
        );
        assert_eq!(
            refused(&mut harness, json!({"CurrencyCode": "cad"})),
            "CurrencyCode is not valid."
        );
        assert_eq!(
            refused(&mut harness, json!({"CountryCode": "ca"})),
            "CountryCode is not valid."
        );
    }

    #[test]
    fn duplicates_are_flagged_or_by_switch_refused() {
        let mut harness = harness();
        let first = harness.posted(json!({}));
        let second = harness.posted(json!({}));
        assert_eq!(harness.shown(&first)["IsPaymentRequestDuplicate"], "false");
        assert_eq!(harness.shown(&second)["IsPaymentRequestDuplicate"], "true");
        harness.machine.config.payment_requests.refuse_duplicates = true;
        assert_eq!(
            refused(&mut harness, json!({})),
            "Invoice number 2093 already exists for this vendor."
        );
        harness.posted(json!({"InvoiceNumber": "2094"}));
    }

    #[test]
    fn a_deleted_request_makes_no_duplicate() {
        let mut harness = harness();
        let first = harness.posted(json!({}));
        harness.machine.delete_payment_request(&first, harness.now);
        let second = harness.posted(json!({}));
        assert_eq!(harness.shown(&second)["IsPaymentRequestDuplicate"], "false");
        assert_eq!(harness.shown(&first)["IsPaymentRequestDeleted"], "true");
        assert_eq!(put(&mut harness, &first, json!({"Name": "x"})), 400);
    }

    #[test]
    fn lines_are_inserted_updated_and_deleted_by_action() {
        let mut harness = harness();
        let id = harness.posted(json!({}));
        let lines = json!({"Name": "Changed", "DataSource": "XYZ", "LineItems": [
            {"Action": "UPDATE", "LineItemID": "1", "Quantity": "5", "TotalPrice": "1"},
            {"Action": "DELETE", "LineItemID": "2"},
            {"Action": "INSERT", "Description": "Ink", "UnitPrice": "7.50"}]});
        assert_eq!(put(&mut harness, &id, lines), 200);
        let shown = harness.shown(&id);
        let lines = shown["LineItems"]["LineItem"].as_array().expect("lines");
        let brief = |line: &Value| (line["LineItemId"].clone(), line["TotalPrice"].clone());
        assert_eq!(brief(&lines[0]), (json!("1"), json!("300.00000000")));
        assert_eq!(brief(&lines[1]), (json!("3"), json!("7.50000000")));
        assert_eq!(
            (&shown["Name"], &shown["DataSource"]),
            (&json!("Changed"), &json!("MAN"))
        );
    }

    #[test]
    fn put_needs_a_known_request_and_known_lines() {
        let mut harness = harness();
        let id = harness.posted(json!({}));
        assert_eq!(put(&mut harness, "7C1E40B2A9D84D6FA0B3", json!({})), 400);
        for line in [
            json!({}),
            json!({"Action": "UPDATE"}),
            json!({"Action": "UPDATE", "LineItemID": "9"}),
            json!({"Action": "X", "LineItemID": "1"}),
        ] {
            assert_eq!(
                put(&mut harness, &id, json!({"LineItems": [line]})),
                400,
                "{line}"
            );
        }
        assert_eq!(
            harness
                .send("PUT", "/api/v3.0/invoice/paymentrequest", Some(json!({})))
                .status,
            400
        );
    }

    #[test]
    fn submitted_requests_cannot_be_changed_unless_switched() {
        let mut harness = harness();
        let id = harness.posted(json!({}));
        harness.machine.submit_payment_request(&id, harness.now);
        assert_eq!(put(&mut harness, &id, json!({"Name": "x"})), 400);
        harness.machine.config.payment_requests.put_after_submit = true;
        assert_eq!(put(&mut harness, &id, json!({"Name": "x"})), 200);
    }

    #[test]
    fn a_changed_number_moves_in_the_index() {
        let mut harness = harness();
        let id = harness.posted(json!({}));
        put(&mut harness, &id, json!({"InvoiceNumber": "9"}));
        assert_eq!(harness.machine.requests.with_number("2093").count(), 0);
        assert_eq!(harness.machine.requests.with_number("9").count(), 1);
    }

    #[test]
    fn there_is_no_delete() {
        let mut harness = harness();
        let id = harness.posted(json!({}));
        let path = format!("/api/v3.0/invoice/paymentrequest/{id}");
        assert_eq!(harness.send("DELETE", &path, None).status, 405);
        assert_eq!(
            harness
                .send("GET", "/api/v3.0/invoice/paymentrequest/unknown", None)
                .status,
            404
        );
    }
}
