//! Views for test oracles: what a company really holds, whatever the API would show.

use serde::Serialize;
use std::collections::BTreeMap;

use super::Concur;
use super::invoice::payment_requests::PaymentRequest;
use super::invoice::view::{approval_code, payment_code};
use crate::http::Millis;

/// A payment request as it is stored, amounts as they were sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PaymentRequestRecord {
    /// Its id, 20 upper-case hexadecimal digits.
    pub id: String,
    /// The vendor's invoice number.
    pub number: String,
    /// Its name, the title that people see.
    pub name: String,
    /// The vendor code it was matched to.
    pub vendor_code: String,
    /// The vendor's address code.
    pub address_code: String,
    /// The amount of the header.
    pub amount: String,
    /// The currency code of its amounts.
    pub currency: String,
    /// Custom fields of the header that hold something.
    pub customs: BTreeMap<String, String>,
    /// Custom fields of all allocations that hold something, line by line.
    pub allocation_customs: Vec<BTreeMap<String, String>>,
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
    /// that search logs and stores for them.
    pub fn secrets(&self) -> Vec<String> {
        let clients = self
            .config
            .apps
            .iter()
            .flat_map(|app| app.client_secrets.clone());
        self.oauth.secrets().into_iter().chain(clients).collect()
    }

    /// The company's UUID, as token requests name it.
    pub fn company_uuid(&self) -> &str {
        &self.config.company_uuid
    }

    /// All payment requests in the order of creation, deleted ones included.
    pub fn payment_requests(&self) -> Vec<PaymentRequestRecord> {
        self.requests
            .rows
            .iter()
            .map(|request| self.payment_request_record(request))
            .collect()
    }

    /// How many payment requests there are, deleted ones included.
    pub fn payment_request_count(&self) -> usize {
        self.requests.rows.len()
    }

    /// The payment request of that id; none if there is none.
    pub fn payment_request(&self, id: &str) -> Option<PaymentRequestRecord> {
        self.requests
            .get(id)
            .map(|request| self.payment_request_record(request))
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

    fn payment_request_record(&self, request: &PaymentRequest) -> PaymentRequestRecord {
        let header = |name: &str| request.header.get(name).to_owned();
        let vendor = |name: &str| request.vendor.texts.get(name).to_owned();
        let owned = |(name, text): (&str, &str)| (name.to_owned(), text.to_owned());
        let customs = request
            .header
            .iter()
            .filter(|(name, _)| name.starts_with("Custom"));
        let allocations = request.lines.iter().flat_map(|line| &line.allocations);
        PaymentRequestRecord {
            id: request.id.clone(),
            number: header("InvoiceNumber"),
            name: header("Name"),
            vendor_code: vendor("VendorCode"),
            address_code: vendor("AddressCode"),
            amount: header("InvoiceAmount"),
            currency: header("CurrencyCode"),
            customs: customs.map(owned).collect(),
            allocation_customs: allocations
                .map(|share| share.texts.iter().map(owned).collect())
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
