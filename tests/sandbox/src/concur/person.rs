//! What people do in Concur's pages, and what an oracle may look at.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Concur;
use super::financial::{CannotDo, Filing};
use super::payment_request_view::{approval_code, payment_code};
use super::payment_requests::PaymentRequest;
use crate::http::Millis;

/// A payment request as it is stored, amounts as they were sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PaymentRequestRecord {
    /// Its id.
    pub id: String,
    /// The vendor's invoice number.
    pub number: String,
    /// Its name.
    pub name: String,
    /// The vendor code it was matched to.
    pub vendor_code: String,
    /// The vendor's address code.
    pub address_code: String,
    /// The amount of the header.
    pub amount: String,
    /// Its currency.
    pub currency: String,
    /// Custom fields of the header that hold something.
    pub customs: BTreeMap<String, String>,
    /// How many lines it has.
    pub lines: usize,
    /// It was flagged as a duplicate when it was created.
    pub duplicate: bool,
    /// A person deleted it.
    pub deleted: bool,
    /// The code of its approval status.
    pub approval_status: String,
    /// The code of its payment status.
    pub payment_status: String,
    /// When it was created.
    pub created: Millis,
    /// When it was last changed.
    pub modified: Millis,
}

/// A vendor as it is stored: its fields by name.
pub type VendorRecord = BTreeMap<String, String>;

impl Concur {
    /// Every secret that a client was ever given: tokens, codes and client secrets. For oracles
    /// that look for them where they must not be.
    pub fn secrets(&self) -> Vec<String> {
        let clients = self
            .config
            .apps
            .iter()
            .flat_map(|app| app.client_secrets.clone());
        self.oauth.secrets().into_iter().chain(clients).collect()
    }

    /// A company request token for the first app, good for 24 hours.
    pub fn company_request_token(&mut self, now: Millis) -> String {
        self.oauth.issue_request_token(0, now)
    }

    /// An authorization code for the first app, as the consent page would send it to the redirect
    /// URI.
    pub fn issue_authorization_code(&mut self, redirect_uri: &str, now: Millis) -> String {
        self.oauth.issue_code(0, redirect_uri, now)
    }

    /// The company's UUID.
    pub fn company_uuid(&self) -> &str {
        &self.config.company_uuid
    }

    /// Moves the company to another datacenter; false if there is none of that name.
    pub fn move_company(&mut self, datacenter: &str) -> bool {
        let known = self.config.hosts.contains_key(datacenter) && datacenter != super::LANDING_ZONE;
        if known {
            self.config.datacenter = datacenter.to_owned();
        }
        known
    }

    /// Begins or ends scheduled maintenance of the company: token code 134.
    pub fn set_maintenance(&mut self, on: bool) {
        self.config.token.maintenance = on;
    }

    /// Ends every access token before its time.
    pub fn expire_access_tokens(&mut self) {
        self.oauth.expire_access_tokens();
    }

    /// Disconnects the company: every refresh token is dead, and subscriptions get no events of it
    /// any more.
    pub fn revoke_refresh_tokens(&mut self) {
        self.oauth.revoke_refresh_tokens();
        self.events.disconnect(&self.config.company_uuid);
    }

    /// A person submits a request; false if there is none or it is deleted.
    pub fn submit_payment_request(&mut self, id: &str, now: Millis) -> bool {
        self.work_on(id, now, |request| request.submitted = Some(now))
    }

    /// A person approves a request; it becomes an invoice document, if the company has the
    /// integration.
    pub fn approve_payment_request(&mut self, id: &str, now: Millis) -> bool {
        let approved = self.approve_payment_request_alone(id, now);
        if approved {
            self.file_payment_request(id, &Filing::default(), now);
        }
        approved
    }

    /// A person approves a request, and that is all.
    pub(crate) fn approve_payment_request_alone(&mut self, id: &str, now: Millis) -> bool {
        self.work_on(id, now, |request| {
            request.submitted.get_or_insert(now);
            request.approved = Some(now);
        })
    }

    /// A request is sent back or recalled: it can be changed again. False once its document is
    /// acknowledged.
    pub fn recall_payment_request(&mut self, id: &str, now: Millis) -> bool {
        if matches!(self.recall(id, now), Err(CannotDo::InState(_))) {
            return false;
        }
        self.work_on(id, now, |request| {
            (request.submitted, request.approved) = (None, None)
        })
    }

    /// A request is paid.
    pub fn pay_payment_request(&mut self, id: &str, now: Millis) -> bool {
        self.work_on(id, now, |request| request.paid = Some(now))
    }

    /// A person deletes a request. It stays readable with a flag.
    pub fn delete_payment_request(&mut self, id: &str, now: Millis) -> bool {
        self.work_on(id, now, |request| request.deleted = Some(now))
    }

    /// All payment requests in the order of creation, deleted ones included.
    pub fn payment_requests(&self) -> Vec<PaymentRequestRecord> {
        self.requests
            .rows
            .iter()
            .map(|request| self.record(request))
            .collect()
    }

    /// How many payment requests there are, deleted ones included.
    pub fn payment_request_count(&self) -> usize {
        self.requests.rows.len()
    }

    /// One payment request.
    pub fn payment_request(&self, id: &str) -> Option<PaymentRequestRecord> {
        self.requests.get(id).map(|request| self.record(request))
    }

    /// All vendors by key.
    pub fn vendors(&self) -> Vec<VendorRecord> {
        let fields = |(name, text): (&str, &str)| (name.to_owned(), text.to_owned());
        self.vendors
            .rows
            .values()
            .map(|vendor| vendor.texts.iter().map(fields).collect())
            .collect()
    }

    /// The vendor with both codes, whatever their case.
    pub fn vendor_record(&self, code: &str, address: &str) -> Option<VendorRecord> {
        let fields = |(name, text): (&str, &str)| (name.to_owned(), text.to_owned());
        self.vendors
            .get(code, address)
            .map(|vendor| vendor.texts.iter().map(fields).collect())
    }

    fn work_on(&mut self, id: &str, now: Millis, change: impl FnOnce(&mut PaymentRequest)) -> bool {
        let Some(request) = self
            .requests
            .get_mut(id)
            .filter(|request| request.deleted.is_none())
        else {
            return false;
        };
        change(request);
        request.modified = now;
        true
    }

    fn record(&self, request: &PaymentRequest) -> PaymentRequestRecord {
        let header = |name: &str| request.header.get(name).to_owned();
        let vendor = |name: &str| request.vendor.texts.get(name).to_owned();
        let customs = request
            .header
            .iter()
            .filter(|(name, _)| name.starts_with("Custom"));
        PaymentRequestRecord {
            id: request.id.clone(),
            number: header("InvoiceNumber"),
            name: header("Name"),
            vendor_code: vendor("VendorCode"),
            address_code: vendor("AddressCode"),
            amount: header("InvoiceAmount"),
            currency: header("CurrencyCode"),
            customs: customs
                .map(|(name, text)| (name.to_owned(), text.to_owned()))
                .collect(),
            lines: request.lines.len(),
            duplicate: request.duplicate,
            deleted: request.deleted.is_some(),
            approval_status: approval_code(request, &self.config).to_owned(),
            payment_status: payment_code(request).to_owned(),
            created: request.created,
            modified: request.modified,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::harness::Harness;

    #[test]
    fn records_show_what_was_sent() {
        let mut harness = Harness::new();
        harness.vendor("FB-1");
        let id = harness.posted(json!({}));
        let record = harness.machine.payment_request(&id).expect("the record");
        assert_eq!((record.amount.as_str(), record.lines), ("1130.00", 2));
        assert_eq!(
            record.customs.get("Custom5").map(String::as_str),
            Some("FB:778120")
        );
        assert_eq!(
            harness
                .machine
                .vendor_record("fb-1", "main")
                .expect("the vendor")["City"],
            "Toronto"
        );
    }

    #[test]
    fn deleted_requests_take_no_more_steps() {
        let mut harness = Harness::new();
        harness.vendor("FB-1");
        let id = harness.posted(json!({}));
        assert!(harness.machine.delete_payment_request(&id, harness.now));
        assert!(!harness.machine.submit_payment_request(&id, harness.now));
        assert!(
            !harness
                .machine
                .delete_payment_request("unknown", harness.now)
        );
    }

    #[test]
    fn a_recall_reopens() {
        let mut harness = Harness::new();
        harness.vendor("FB-1");
        let id = harness.posted(json!({}));
        harness.machine.approve_payment_request(&id, harness.now);
        harness.machine.recall_payment_request(&id, harness.now);
        assert_eq!(
            harness
                .machine
                .payment_request(&id)
                .expect("the record")
                .approval_status,
            "R_NOTF"
        );
    }

    #[test]
    fn companies_move_to_known_datacenters_only() {
        let mut harness = Harness::new();
        assert!(!harness.machine.move_company("mars"));
        assert!(!harness.machine.move_company("glz"));
        assert!(harness.machine.move_company("eu2"));
    }
}
