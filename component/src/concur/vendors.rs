//! Vendors on the wire, v3.1. (Concur docs, vendor.)

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

use super::{get, items, json, listed, query, text, with_body};
use crate::contract::http::{Method, Request, Response};
use crate::refusals::{self, Refusal, Unread};

const VENDORS: &str = "/api/v3.1/invoice/vendors";

/// The key of a vendor: both codes, compared without regard to case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorKey {
    /// `VendorCode`, at most 32 characters.
    pub code: String,
    /// `AddressCode`, at most 32 characters.
    pub address: String,
}

impl VendorKey {
    /// The key as the id of an object reference: both codes with a bar between.
    #[must_use]
    pub fn to_id(&self) -> String {
        let plain = |text: &str| text.replace('%', "%25").replace('|', "%7C");
        format!("{}|{}", plain(&self.code), plain(&self.address))
    }

    /// The key out of the id of an object reference.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        let plain = |text: &str| text.replace("%7C", "|").replace("%25", "%");
        let (code, address) = id.split_once('|')?;
        Some(Self {
            code: plain(code),
            address: plain(address),
        })
    }

    fn is(&self, other: &Self) -> bool {
        self.code.eq_ignore_ascii_case(&other.code)
            && self.address.eq_ignore_ascii_case(&other.address)
    }
}

/// A vendor as Concur tells it, as far as it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vendor {
    /// Its key.
    pub key: VendorKey,
    /// `VendorName`.
    pub name: String,
    /// `Address1`.
    pub address1: String,
    /// `PostalCode`.
    pub postal_code: String,
}

/// Vendors with exactly this key.
pub(crate) fn vendors_by_key(key: &VendorKey) -> Request {
    get(format!(
        "{VENDORS}?vendorCode={}&addressCode={}&searchType=exact&limit=25",
        query(&key.code),
        query(&key.address)
    ))
}

/// Vendors with exactly this name.
pub(crate) fn vendors_by_name(name: &str) -> Request {
    get(format!(
        "{VENDORS}?vendorName={}&searchType=exact&limit=1000",
        query(name)
    ))
}

/// Creates a vendor.
pub(crate) fn create_vendor(json: String) -> Request {
    with_body(Method::Post, VENDORS, json)
}

/// Reads vendors.
pub(crate) fn read_vendors(response: &Response) -> Result<Vec<Vendor>, Unread> {
    let value = json(response)?;
    let vendors = listed(&value, "Vendor")?;
    Ok(vendors.into_iter().filter_map(vendor).collect())
}

/// Reads the answer to a vendor write: HTTP 200 with a status for each record.
pub(crate) fn read_vendor_written(response: &Response) -> Result<VendorKey, Unread> {
    let value = json(response)?;
    let Some(record) = items(&value, "Vendor").into_iter().next() else {
        return Err(Unread::Garbled("the answer names no vendor".to_string()));
    };
    let statuses = items(record, "StatusList");
    if statuses.iter().any(|status| is_failure(status)) {
        let words: Vec<String> = statuses
            .iter()
            .map(|status| text(status, "Message"))
            .collect();
        return Err(Unread::Refused(Refusal {
            status: response.status,
            codes: statuses.iter().map(|status| text(status, "Code")).collect(),
            words: refusals::of_words(response, &words.join("; ")),
        }));
    }
    let vendor = vendor(record).map(|vendor| vendor.key);
    vendor.ok_or_else(|| Unread::Garbled("the answer has no vendor code".to_string()))
}

// No list of types is published; integrators take everything but success for a failure.
fn is_failure(status: &Value) -> bool {
    let kind = text(status, "Type").to_ascii_uppercase();
    let says_missing = text(status, "Message")
        .to_ascii_lowercase()
        .contains("missing");
    !matches!(kind.as_str(), "" | "SUCCESS" | "INFO") || says_missing
}

fn vendor(value: &Value) -> Option<Vendor> {
    let code = text(value, "VendorCode");
    (!code.is_empty()).then(|| Vendor {
        key: VendorKey {
            code,
            address: text(value, "AddressCode"),
        },
        name: text(value, "VendorName"),
        address1: text(value, "Address1"),
        postal_code: text(value, "PostalCode"),
    })
}

/// The vendor with this key.
pub(crate) fn with_key(vendors: Vec<Vendor>, key: &VendorKey) -> Option<Vendor> {
    vendors.into_iter().find(|vendor| vendor.key.is(key))
}
