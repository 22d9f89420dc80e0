//! Vendor v3.1: filters, and batches whose records fail one by one under HTTP 200
//! (source: concur-vendor).

mod filters;
pub(crate) mod record;

use std::collections::BTreeMap;
use std::ops::Bound;

use serde_json::{Map, Value, json};

use self::filters::VendorFilters;
use self::record::{Vendor, VendorKey, field_names, unknown_field};
use super::Concur;
use super::gateway::{GatewayCall, GatewayError, Reply};
use super::invoice::config::NextPage;
use crate::http::{Millis, first_value};

const ROOT: &str = "VendorCollection";

/// Writes one record of a batch. Returns the message of its status, or why it is refused.
type WriteVendor = fn(&mut Concur, &Map<String, Value>, Millis) -> Result<&'static str, String>;

/// All vendors of the company by key.
#[derive(Debug, Default)]
pub(crate) struct Vendors {
    pub(crate) rows: BTreeMap<VendorKey, Vendor>,
}

impl Vendors {
    /// The addresses filed under one vendor code.
    pub(crate) fn addresses_of_code(&self, code: &str) -> impl Iterator<Item = &Vendor> {
        let code = code.to_lowercase();
        let from = (
            Bound::Included((code.clone(), String::new())),
            Bound::Unbounded,
        );
        self.rows
            .range(from)
            .take_while(move |(key, _)| key.0 == code)
            .map(|(_, vendor)| vendor)
    }

    /// The vendor with both codes.
    pub(crate) fn get(&self, code: &str, address: &str) -> Option<&Vendor> {
        self.rows
            .get(&(code.to_lowercase(), address.to_lowercase()))
    }
}

impl Concur {
    /// Routes a request on `/api/v3.1/invoice/vendors`.
    pub(crate) fn handle_vendors(&mut self, call: &GatewayCall) -> Result<Reply, GatewayError> {
        match call.method {
            "GET" => self.list_vendors(call),
            "POST" => self.write_vendors(call, Self::create_vendor),
            "PUT" => self.write_vendors(call, Self::update_vendor),
            "DELETE" => self.delete_vendor(call),
            method => Err(GatewayError::method_not_allowed(method)),
        }
    }

    fn list_vendors(&self, call: &GatewayCall) -> Result<Reply, GatewayError> {
        let filters = VendorFilters::read(call)?;
        let limit = read_count(call, "limit", 25)?.clamp(1, 1000);
        let offset = read_count(call, "offset", 0)?;
        let visible_until = call.now.saturating_sub(call.stale);
        let ignored = self.config.vendors.filters_ignored;
        let wanted = |vendor: &&Vendor| {
            vendor.created <= visible_until && (ignored || filters.matches(vendor))
        };
        let mut found: Vec<&Vendor> = match filters.exact_code() {
            Some(code) => self
                .vendors
                .addresses_of_code(code)
                .filter(wanted)
                .collect(),
            None => self.vendors.rows.values().filter(wanted).collect(),
        };
        let by = filters.sort_by;
        found.sort_by_cached_key(|vendor| vendor.texts.get(by).to_lowercase());
        if first_value(&call.query, "sortDirection") == Some("descending") {
            found.reverse();
        }
        let total = found.len();
        let rows: Vec<Value> = found
            .iter()
            .skip(offset)
            .take(limit)
            .map(|vendor| vendor_row(vendor, &call.base_url))
            .collect();
        let next = (offset + limit < total).then(|| offset + limit);
        Ok(Reply::ok(
            ROOT,
            collection(rows, total, self.next_vendor_page(call, limit, next)),
        ))
    }

    fn next_vendor_page(&self, call: &GatewayCall, limit: usize, next: Option<usize>) -> Value {
        match (next, self.config.payment_requests.next_page) {
            (None, _) => self.config.payment_requests.absent_next_page(),
            (Some(offset), NextPage::Token) => json!(offset.to_string()),
            (Some(offset), NextPage::Uri) => {
                json!(format!(
                    "{}{}?limit={limit}&offset={offset}",
                    call.base_url, call.path
                ))
            }
        }
    }

    fn write_vendors(
        &mut self,
        call: &GatewayCall,
        write: WriteVendor,
    ) -> Result<Reply, GatewayError> {
        let records = read_records(call.body)?;
        let mut rows = Vec::with_capacity(records.len());
        for (at, record) in records.into_iter().enumerate() {
            let written = match unknown_field(&record) {
                Some(name) => Err(format!("Field {name} is not known.")),
                None => write(self, &record, call.now),
            };
            let status = match written {
                Ok(message) => {
                    json!({"Code": 0, "Message": message, "RecordNumber": at + 1,
                        "Type": "SUCCESS"})
                }
                Err(message) => {
                    let kind = &self.config.vendors.refused_type;
                    json!({"Code": 1, "Message": message, "RecordNumber": at + 1, "Type": kind})
                }
            };
            let known = record
                .into_iter()
                .filter(|(name, _)| field_names().contains(&name.as_str()));
            let mut row: Map<String, Value> = known.collect();
            row.insert("ID".into(), Value::Null);
            row.insert("URI".into(), Value::Null);
            row.insert("StatusList".into(), json!([status]));
            rows.push(Value::Object(row));
        }
        let total = rows.len();
        Ok(Reply::ok(ROOT, collection(rows, total, Value::Null)))
    }

    fn create_vendor(
        &mut self,
        record: &Map<String, Value>,
        now: Millis,
    ) -> Result<&'static str, String> {
        let key = Vendor::key_of(record);
        if self.vendors.rows.contains_key(&key) {
            if self.config.vendors.post_updates {
                return self.overwrite_vendor(key, record);
            }
            return Err("A vendor with this VendorCode and AddressCode already exists.".into());
        }
        let mut vendor = Vendor::empty(now);
        vendor.write_fields(record);
        self.file_vendor(key, vendor)?;
        Ok("Vendor created.")
    }

    fn update_vendor(
        &mut self,
        record: &Map<String, Value>,
        now: Millis,
    ) -> Result<&'static str, String> {
        let key = Vendor::key_of(record);
        if self.vendors.rows.contains_key(&key) {
            return self.overwrite_vendor(key, record);
        }
        if self.config.vendors.put_creates {
            return self.create_vendor(record, now);
        }
        Err("The vendor could not be found: record is missing.".into())
    }

    /// Changes the fields that are named, of a vendor that may be new: what people do, who know no
    /// switches.
    pub(crate) fn save_vendor(
        &mut self,
        fields: &Map<String, Value>,
        now: Millis,
    ) -> Result<(), String> {
        if let Some(name) = unknown_field(fields) {
            return Err(format!("Field {name} is not known."));
        }
        let key = Vendor::key_of(fields);
        let before = self.vendors.rows.get(&key).cloned();
        let mut vendor = before.unwrap_or_else(|| Vendor::empty(now));
        vendor.write_fields(fields);
        self.file_vendor(key, vendor)
    }

    fn overwrite_vendor(
        &mut self,
        key: VendorKey,
        record: &Map<String, Value>,
    ) -> Result<&'static str, String> {
        let before = self
            .vendors
            .rows
            .get(&key)
            .ok_or("The vendor could not be found.")?;
        let mut vendor = before.clone();
        if self.config.vendors.put_blanks {
            vendor = Vendor::empty(before.created);
        }
        vendor.write_fields(record);
        self.file_vendor(key, vendor)?;
        Ok("Vendor updated.")
    }

    fn file_vendor(&mut self, key: VendorKey, vendor: Vendor) -> Result<(), String> {
        if let Some(problem) = vendor.problem(&self.config) {
            return Err(problem);
        }
        let own = |other: &&Vendor| other.texts.get("AddressCode").to_lowercase() != key.1;
        for other in self.vendors.addresses_of_code(&key.0).filter(own) {
            if !other
                .texts
                .get("VendorName")
                .eq_ignore_ascii_case(vendor.texts.get("VendorName"))
            {
                return Err("The VendorCode is in use with another VendorName.".into());
            }
            let (theirs, ours) = (other.texts.get("TaxID"), vendor.texts.get("TaxID"));
            if !theirs.is_empty() && !ours.is_empty() && theirs != ours {
                return Err("TaxID differs from the vendor's other addresses.".into());
            }
        }
        self.vendors.rows.insert(key, vendor);
        Ok(())
    }

    fn delete_vendor(&mut self, call: &GatewayCall) -> Result<Reply, GatewayError> {
        let code = first_value(&call.query, "vendorCode")
            .ok_or_else(|| GatewayError::bad_request("vendorCode is missing."))?;
        let address = first_value(&call.query, "addressCode")
            .ok_or_else(|| GatewayError::bad_request("addressCode is missing."))?;
        let removed = self
            .vendors
            .rows
            .remove(&(code.to_lowercase(), address.to_lowercase()));
        let vendor =
            removed.ok_or_else(|| GatewayError::bad_request("The vendor could not be found."))?;
        let mut row = vendor_row(&vendor, &call.base_url);
        row["StatusList"] = json!([{"Code": 0, "Message": "Vendor deleted.", "RecordNumber": 1,
            "Type": "SUCCESS"}]);
        Ok(Reply::ok(ROOT, collection(vec![row], 1, Value::Null)))
    }
}

/// The records of a batch: all scalars must be strings, else the whole request is unusable.
fn read_records(body: &[u8]) -> Result<Vec<Map<String, Value>>, GatewayError> {
    let unusable = || GatewayError::bad_request("The request body could not be read.");
    let Ok(Value::Object(mut body)) = serde_json::from_slice(body) else {
        return Err(unusable());
    };
    let Some(Value::Array(rows)) = body.remove("Vendor") else {
        return Err(GatewayError::bad_request("Vendor is missing."));
    };
    let mut records = Vec::with_capacity(rows.len());
    for row in rows {
        let Value::Object(record) = row else {
            return Err(unusable());
        };
        if let Some((name, _)) = record
            .iter()
            .find(|(_, value)| value.is_number() || value.is_boolean())
        {
            return Err(GatewayError::bad_request(format!(
                "{name} must be a string."
            )));
        }
        records.push(record);
    }
    if records.is_empty() {
        Err(GatewayError::bad_request("Vendor is missing."))
    } else {
        Ok(records)
    }
}

fn vendor_row(vendor: &Vendor, base_url: &str) -> Value {
    let mut row: Map<String, Value> = field_names()
        .iter()
        .map(|name| ((*name).to_owned(), Value::Null))
        .collect();
    row.extend(
        vendor
            .texts
            .iter()
            .map(|(name, text)| (name.to_owned(), Value::from(text))),
    );
    let id = format!(
        "{}/{}",
        vendor.texts.get("VendorCode"),
        vendor.texts.get("AddressCode")
    );
    row.insert(
        "Country".into(),
        Value::from(vendor.texts.get("CountryCode")),
    );
    row.insert(
        "URI".into(),
        Value::from(format!("{base_url}/api/v3.1/invoice/vendors/{id}")),
    );
    row.insert("ID".into(), Value::from(id));
    row.insert("VendorBankList".into(), Value::Null);
    row.insert("VendorGroupList".into(), Value::Null);
    row.insert("StatusList".into(), Value::Null);
    Value::Object(row)
}

fn collection(rows: Vec<Value>, total: usize, next_page: Value) -> Value {
    json!({"Items": null, "NextPage": next_page, "RequestRunSummary": null, "TotalCount": total,
        "Vendor": rows})
}

/// A count out of the query.
pub(crate) fn read_count(
    call: &GatewayCall,
    name: &str,
    default: usize,
) -> Result<usize, GatewayError> {
    match first_value(&call.query, name).filter(|text| !text.is_empty()) {
        Some(text) => text
            .parse()
            .map_err(|_| GatewayError::bad_request(format!("{name} is not valid."))),
        None => Ok(default),
    }
}

impl super::PaymentRequestConfig {
    /// `NextPage` where there is none.
    pub(crate) fn absent_next_page(&self) -> Value {
        match self.no_next_page {
            super::NoNextPage::Null => Value::Null,
            super::NoNextPage::Empty => json!(""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::concur::{ConcurHarness, vendor};

    const PATH: &str = "/api/v3.1/invoice/vendors";

    /// Type and message of each record of a batch.
    fn write(harness: &mut ConcurHarness, method: &str, records: Value) -> Vec<(String, String)> {
        let reply = harness.send(method, PATH, Some(json!({"Vendor": records})));
        assert_eq!(reply.status, 200);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let body = reply.value();
        let rows = body["Vendor"].as_array().expect("records");
        rows.iter()
            .map(|row| {
                (
                    text(&row["StatusList"][0]["Type"]),
                    text(&row["StatusList"][0]["Message"]),
                )
            })
            .collect()
    }

    fn with(changes: Value) -> Value {
        let mut record = vendor("FB-1");
        for (name, value) in changes.as_object().expect("an object") {
            record[name] = value.clone();
        }
        record
    }

    fn accepted(harness: &mut ConcurHarness, method: &str, record: Value) -> bool {
        write(harness, method, json!([record]))[0].0 == "SUCCESS"
    }

    fn codes(harness: &mut ConcurHarness, query: &str) -> Vec<String> {
        let reply = harness
            .send("GET", &format!("{PATH}?{query}"), None)
            .value();
        let rows = reply["Vendor"].as_array().cloned().unwrap_or_default();
        rows.iter()
            .map(|row| row["VendorCode"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    #[test]
    fn records_of_a_batch_fail_one_by_one() {
        let mut harness = ConcurHarness::new();
        let missing = with(json!({"VendorCode": "FB-2", "CountryCode": null}));
        let statuses = write(
            &mut harness,
            "POST",
            json!([vendor("FB-1"), missing, vendor("FB-3")]),
        );
        assert_eq!(statuses[0], ("SUCCESS".into(), "Vendor created.".into()));
        assert_eq!(
            statuses[1],
            (
                "WARNING".into(),
                "Required field CountryCode is missing.".into()
            )
        );
        assert_eq!(statuses[2].0, "SUCCESS");
        assert_eq!(codes(&mut harness, ""), ["FB-1", "FB-3"]);
    }

    #[test]
    fn country_currency_and_state_are_checked() {
        let mut harness = ConcurHarness::new();
        for wrong in [
            json!({"CountryCode": "ca"}),
            json!({"CurrencyCode": null}),
            json!({"CurrencyCode": "cad"}),
            json!({"State": null}),
            json!({"State": "Ontario"}),
            json!({"VendorName": ""}),
            json!({"VendorCode": "x".repeat(33)}),
            json!({"PaymentTerms": "0"}),
            json!({"PaymentMethodType": "VCHER"}),
            json!({"Approved": "yes"}),
        ] {
            assert!(
                !accepted(&mut harness, "POST", with(wrong.clone())),
                "{wrong}"
            );
        }
        assert!(accepted(
            &mut harness,
            "POST",
            with(json!({"CountryCode": "DE", "State": null}))
        ));
    }

    #[test]
    fn keys_ignore_case_and_posting_twice_is_refused_unless_switched() {
        let mut harness = ConcurHarness::new();
        assert!(accepted(&mut harness, "POST", vendor("FB-1")));
        let again = with(json!({"VendorCode": "fb-1", "AddressCode": "main", "City": "Ottawa"}));
        assert!(!accepted(&mut harness, "POST", again.clone()));
        harness.machine.config.vendors.post_updates = true;
        assert!(accepted(&mut harness, "POST", again));
        assert_eq!(harness.machine.vendors.rows.len(), 1);
        assert_eq!(codes(&mut harness, "vendorCode=FB-1&city=ottawa").len(), 1);
    }

    #[test]
    fn put_needs_the_key_to_exist_unless_switched() {
        let mut harness = ConcurHarness::new();
        assert!(!accepted(&mut harness, "PUT", vendor("FB-1")));
        harness.machine.config.vendors.put_creates = true;
        assert!(accepted(&mut harness, "PUT", vendor("FB-1")));
    }

    #[test]
    fn put_keeps_what_is_not_sent_unless_switched() {
        let mut harness = ConcurHarness::new();
        write(&mut harness, "POST", json!([vendor("FB-1")]));
        let partial = json!({"VendorCode": "FB-1", "AddressCode": "MAIN", "AccountNumber": "7"});
        assert!(accepted(&mut harness, "PUT", partial.clone()));
        assert_eq!(
            codes(&mut harness, "buyerAccountNumber=7&city=Toronto").len(),
            1
        );
        let emptied = json!({"VendorCode": "FB-1", "AddressCode": "MAIN", "AccountNumber": "N"});
        assert!(accepted(&mut harness, "PUT", emptied));
        assert_eq!(codes(&mut harness, "buyerAccountNumber=7").len(), 0);
        harness.machine.config.vendors.put_blanks = true;
        assert!(!accepted(&mut harness, "PUT", partial));
    }

    #[test]
    fn one_name_and_one_tax_id_per_code() {
        let mut harness = ConcurHarness::new();
        write(&mut harness, "POST", json!([with(json!({"TaxID": "DE1"}))]));
        let second = |changes: Value| {
            let mut record = with(json!({"AddressCode": "SECOND", "TaxID": "DE1"}));
            record
                .as_object_mut()
                .expect("an object")
                .extend(changes.as_object().expect("an object").clone());
            record
        };
        assert!(!accepted(
            &mut harness,
            "POST",
            second(json!({"VendorName": "Else"}))
        ));
        assert!(!accepted(
            &mut harness,
            "POST",
            second(json!({"TaxID": "DE2"}))
        ));
        assert!(accepted(&mut harness, "POST", second(json!({}))));
    }

    #[test]
    fn search_type_holds_for_all_filters() {
        let mut harness = ConcurHarness::new();
        write(
            &mut harness,
            "POST",
            json!([vendor("FB-1"), vendor("FB-12"), vendor("XFB-1")]),
        );
        assert_eq!(codes(&mut harness, "vendorCode=fb-1"), ["FB-1"]);
        assert_eq!(
            codes(&mut harness, "vendorCode=fb-1&searchType=begins"),
            ["FB-1", "FB-12"]
        );
        assert_eq!(
            codes(&mut harness, "vendorCode=fb-1&searchType=ends"),
            ["FB-1", "XFB-1"]
        );
        assert_eq!(
            codes(&mut harness, "vendorCode=b-1&searchType=contains&city=oro").len(),
            3
        );
        assert_eq!(
            harness
                .send("GET", &format!("{PATH}?searchType=fuzzy"), None)
                .status,
            400
        );
    }

    #[test]
    fn pages_follow_limit_and_offset() {
        let mut harness = ConcurHarness::new();
        let records: Vec<Value> = (0..30).map(|at| vendor(&format!("FB-{at:02}"))).collect();
        write(&mut harness, "POST", json!(records));
        let first = harness.send("GET", PATH, None).value();
        assert_eq!(
            (
                &first["TotalCount"],
                first["Vendor"].as_array().map(Vec::len)
            ),
            (&json!(30), Some(25))
        );
        let next =
            "https://us2.api.concursolutions.com/api/v3.1/invoice/vendors?limit=25&offset=25";
        assert_eq!(first["NextPage"], next);
        assert_eq!(codes(&mut harness, "limit=25&offset=25").len(), 5);
    }

    #[test]
    fn delete_needs_both_codes_and_an_existing_vendor() {
        let mut harness = ConcurHarness::new();
        write(&mut harness, "POST", json!([vendor("FB-1")]));
        let mut status = |query: &str| {
            harness
                .send("DELETE", &format!("{PATH}?{query}"), None)
                .status
        };
        assert_eq!(status("vendorCode=FB-1"), 400);
        assert_eq!(status("vendorCode=FB-1&addressCode=main"), 200);
        assert_eq!(status("vendorCode=FB-1&addressCode=main"), 400);
    }

    #[test]
    fn unusable_requests_are_400_as_a_whole() {
        let mut harness = ConcurHarness::new();
        for body in [
            json!([]),
            json!({}),
            json!({"Vendor": []}),
            json!({"Vendor": [with(json!({"PaymentTerms": 30}))]}),
        ] {
            assert_eq!(
                harness.send("POST", PATH, Some(body.clone())).status,
                400,
                "{body}"
            );
        }
    }

    #[test]
    fn custom_fields_may_be_tied_to_a_list() {
        let mut harness = ConcurHarness::new();
        harness
            .machine
            .config
            .vendor_lists
            .insert("Custom2".into(), ["A".to_owned()].into());
        assert!(!accepted(
            &mut harness,
            "POST",
            with(json!({"Custom2": "B"}))
        ));
        assert!(accepted(
            &mut harness,
            "POST",
            with(json!({"Custom2": "A"}))
        ));
    }

    #[test]
    fn unknown_fields_refuse_a_record_and_those_of_replies_do_not() {
        let mut harness = ConcurHarness::new();
        let misspelt = with(json!({"VendorNmae": "x"}));
        let statuses = write(&mut harness, "POST", json!([misspelt]));
        assert_eq!(statuses[0].1, "Field VendorNmae is not known.");
        let echoed = with(json!({"ID": "x", "Country": "CA", "StatusList": null}));
        assert!(accepted(&mut harness, "POST", echoed));
    }

    #[test]
    fn vendors_become_inactive_by_either_side() {
        let mut harness = ConcurHarness::new();
        write(
            &mut harness,
            "POST",
            json!([vendor("FB-1"), vendor("FB-2")]),
        );
        assert!(accepted(
            &mut harness,
            "PUT",
            with(json!({"Approved": "N"}))
        ));
        let by_hand = json!({"VendorCode": "fb-2", "AddressCode": "MAIN", "Approved": "N",
            "City": "Ottawa"});
        let edited = harness.machine.edit_vendor(&by_hand, harness.now);
        assert_eq!(edited, Ok(()));
        assert_eq!(codes(&mut harness, "approved=false"), ["FB-1", "fb-2"]);
        assert_eq!(codes(&mut harness, "approved=True"), [""; 0]);
        assert_eq!(codes(&mut harness, "city=Ottawa"), ["fb-2"]);
        assert!(harness.machine.remove_vendor("FB-2", "main"));
        assert!(!harness.machine.remove_vendor("FB-2", "main"));
        let wrong = json!({"VendorCode": "FB-1", "AddressCode": "MAIN", "State": "Ontario"});
        assert!(harness.machine.edit_vendor(&wrong, harness.now).is_err());
    }

    #[test]
    fn stale_look_ups_miss_the_youngest() {
        let mut harness = ConcurHarness::new();
        write(&mut harness, "POST", json!([vendor("FB-1")]));
        let request = harness.request("GET", PATH, None);
        assert_eq!(
            harness.machine.handle(&request, harness.now, 1).value()["TotalCount"],
            0
        );
        assert_eq!(
            harness.machine.handle(&request, harness.now + 1, 1).value()["TotalCount"],
            1
        );
    }

    #[test]
    fn replies_use_documented_names_only() {
        const EXTRA: [&str; 6] = [
            "Country",
            "ID",
            "URI",
            "StatusList",
            "VendorBankList",
            "VendorGroupList",
        ];
        let mut harness = ConcurHarness::new();
        write(&mut harness, "POST", json!([vendor("FB-1")]));
        let body = harness.send("GET", PATH, None).value();
        for name in body["Vendor"][0].as_object().expect("a vendor").keys() {
            assert!(
                field_names().contains(&name.as_str()) || EXTRA.contains(&name.as_str()),
                "{name}"
            );
        }
    }
}
