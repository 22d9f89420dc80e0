//! Vendors on the wire, v3.1 (source: concur-vendor).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

use super::json::{items, json_object, list_rows, member_text};
use super::requests::{encoded, get, with_body};
use crate::contract::http::{Method, Request, Response};
use crate::error_bodies::{self, Unread};

const VENDORS: &str = "/api/v3.1/invoice/vendors";

/// The key of a vendor: both codes, compared without regard to case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VendorKey {
    /// `VendorCode`, at most 32 characters.
    pub code: String,
    /// `AddressCode`, at most 32 characters.
    pub address: String,
}

impl VendorKey {
    /// The key as the id of an object reference: both codes with a bar between.
    #[must_use]
    pub(crate) fn to_id(&self) -> String {
        let plain = |text: &str| text.replace('%', "%25").replace('|', "%7C");
        format!("{}|{}", plain(&self.code), plain(&self.address))
    }

    /// The key out of the id of an object reference.
    #[must_use]
    pub(crate) fn from_id(id: &str) -> Option<Self> {
        let plain = |text: &str| text.replace("%7C", "|").replace("%25", "%");
        let (code, address) = id.split_once('|')?;
        Some(Self {
            code: plain(code),
            address: plain(address),
        })
    }

    /// Whether both are the same key.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.code.eq_ignore_ascii_case(&other.code)
            && self.address.eq_ignore_ascii_case(&other.address)
    }
}

/// A vendor as Concur shows it, as far as it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Vendor {
    /// Code and address code.
    pub key: VendorKey,
    /// `VendorName`; empty where Concur has none.
    pub name: String,
    /// `Address1`, the street; empty where Concur has none.
    pub address1: String,
    /// `PostalCode`; empty where Concur has none.
    pub postal_code: String,
}

/// Vendors with exactly this key.
pub(crate) fn vendors_by_key(key: &VendorKey) -> Request {
    get(format!(
        "{VENDORS}?vendorCode={}&addressCode={}&searchType=exact&limit=25",
        encoded(&key.code),
        encoded(&key.address)
    ))
}

/// Vendors with exactly this name.
pub(crate) fn vendors_by_name(name: &str) -> Request {
    get(format!(
        "{VENDORS}?vendorName={}&searchType=exact&limit=1000",
        encoded(name)
    ))
}

/// Creates a vendor; `json` is the list of one that Concur takes.
pub(crate) fn create_vendor(json: String) -> Request {
    with_body(Method::Post, VENDORS, json)
}

/// Reads a list of vendors; rows without a code are left out.
pub(crate) fn read_vendors(response: &Response) -> Result<Vec<Vendor>, Unread> {
    let value = json_object(response)?;
    let vendors = list_rows(&value, "Vendor")?;
    Ok(vendors.into_iter().filter_map(vendor).collect())
}

/// Reads the answer to a vendor write: HTTP 200 with a status for each record.
pub(crate) fn read_vendor_written(response: &Response) -> Result<VendorKey, Unread> {
    let value = json_object(response)?;
    let Some(record) = items(&value, "Vendor").into_iter().next() else {
        return Err(Unread::Garbled("the answer names no vendor".to_string()));
    };
    let statuses = items(record, "StatusList");
    if statuses.iter().any(|status| is_failure(status)) {
        let words: Vec<String> = statuses
            .iter()
            .map(|status| member_text(status, "Message"))
            .collect();
        let codes = statuses.iter().map(|status| member_text(status, "Code"));
        let refusal =
            error_bodies::refusal_of_record(response.status, codes.collect(), &words.join("; "));
        return Err(Unread::Refused(refusal));
    }
    let vendor = vendor(record).map(|vendor| vendor.key);
    vendor.ok_or_else(|| Unread::Garbled("the answer has no vendor code".to_string()))
}

// No list of types is published; integrators take everything but success for a failure.
fn is_failure(status: &Value) -> bool {
    let kind = member_text(status, "Type").to_ascii_uppercase();
    let says_missing = member_text(status, "Message")
        .to_ascii_lowercase()
        .contains("missing");
    !matches!(kind.as_str(), "" | "SUCCESS" | "INFO") || says_missing
}

fn vendor(value: &Value) -> Option<Vendor> {
    let code = member_text(value, "VendorCode");
    (!code.is_empty()).then(|| Vendor {
        key: VendorKey {
            code,
            address: member_text(value, "AddressCode"),
        },
        name: member_text(value, "VendorName"),
        address1: member_text(value, "Address1"),
        postal_code: member_text(value, "PostalCode"),
    })
}

/// The vendor with this key.
pub(crate) fn with_key(vendors: Vec<Vendor>, key: &VendorKey) -> Option<Vendor> {
    vendors.into_iter().find(|vendor| vendor.key.is_same(key))
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;
    use crate::error_bodies::tests::answer;

    #[test]
    fn rows_are_found_under_either_member() {
        for body in [
            r#"{"Vendor":[{"VendorCode":"A"}],"Items":null}"#,
            r#"{"Vendor":null,"Items":[{"VendorCode":"A"}]}"#,
            r#"{"Items":{"Vendor":{"VendorCode":"A"}}}"#,
        ] {
            assert_eq!(
                read_vendors(&answer(body)).expect("is read").len(),
                1,
                "{body}"
            );
        }
    }

    #[test]
    fn a_refused_vendor_hides_in_a_200() {
        let body = r#"{"Vendor":[{"VendorCode":"FB-1","StatusList":[{"Code":9,
        "Message":"State is missing","Type":"WARNING"}]}]}"#;
        let Err(Unread::Refused(refusal)) = read_vendor_written(&answer(body)) else {
            panic!("is a refusal");
        };
        assert_eq!(refusal.words, "State is missing");
        let wordless = r#"{"Vendor":[{"VendorCode":"FB-1","StatusList":[{"Type":"ERROR"}]}]}"#;
        let Err(Unread::Refused(refusal)) = read_vendor_written(&answer(wordless)) else {
            panic!("is a refusal");
        };
        assert_eq!(refusal.said(), "(HTTP 200) without a word");
    }

    #[test]
    fn keys_are_compared_without_case() {
        let vendors = vec![Vendor {
            key: VendorKey {
                code: "fb-c1".to_string(),
                address: "main".to_string(),
            },
            name: String::new(),
            address1: String::new(),
            postal_code: String::new(),
        }];
        let key = VendorKey {
            code: "FB-C1".to_string(),
            address: "MAIN".to_string(),
        };
        assert!(with_key(vendors, &key).is_some());
    }

    proptest! {
        #[test]
        fn a_vendor_key_survives_as_an_id(code in ".{1,32}", address in ".{1,32}") {
            let key = VendorKey { code, address };
            prop_assert_eq!(VendorKey::from_id(&key.to_id()), Some(key));
        }
    }
}
