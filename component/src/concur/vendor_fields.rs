//! What a vendor says, member by member: for comparing, and for changes (source: concur-vendor).

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::json::{is_true, json_object, list_rows, member_text};
use super::requests::{get, with_body};
use super::vendors::VendorKey;
use crate::contract::http::{Method, Request, Response};
use crate::error_bodies::Unread;
use crate::marker;
use crate::text::clean;

const VENDORS: &str = "/api/v3.1/invoice/vendors";
/// Vendors of a page; SAP Concur allows 1,000 (source: concur-vendor).
pub(crate) const PAGE_ROWS: u64 = 250;

/// The members that both sides have.
const COMPARED: [&str; 14] = [
    "Address1",
    "Address2",
    "Approved",
    "City",
    "ContactEmail",
    "ContactFirstName",
    "ContactLastName",
    "ContactPhoneNumber",
    "CountryCode",
    "CurrencyCode",
    "PostalCode",
    "State",
    "TaxID",
    "VendorName",
];

/// A vendor as SAP Concur shows it, in the members that are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShownVendor {
    /// Code and address code.
    pub key: VendorKey,
    /// Members by name; empty ones are left out.
    pub fields: BTreeMap<&'static str, String>,
}

impl ShownVendor {
    /// The hash that says whether the vendor was changed.
    pub(crate) fn hash(&self) -> String {
        marker::content_hash(json!(self.fields).to_string().as_bytes())
    }

    /// The members that differ from what they should say: name, value here, value there.
    pub(crate) fn differences<'a>(
        &'a self,
        wanted: &'a BTreeMap<&'static str, String>,
    ) -> Vec<(&'static str, &'a str, &'a str)> {
        let said = |name: &str| self.fields.get(name).map_or("", String::as_str);
        let compared = wanted.iter().filter(|(name, _)| COMPARED.contains(name));
        compared
            .map(|(name, value)| (*name, value.as_str(), said(name)))
            .filter(|(_, wanted, said)| wanted != said)
            .collect()
    }
}

/// A page of all vendors.
pub(crate) fn list_vendors(offset: u64) -> Request {
    get(format!("{VENDORS}?limit={PAGE_ROWS}&offset={offset}"))
}

/// Changes a vendor; `fields` hold its key.
pub(crate) fn update_vendor(fields: &BTreeMap<&'static str, String>) -> Request {
    let body = json!({"Vendor": [fields]});
    with_body(Method::Put, VENDORS, body.to_string())
}

/// Reads vendors with their members.
pub(crate) fn read_shown_vendors(response: &Response) -> Result<Vec<ShownVendor>, Unread> {
    let value = json_object(response)?;
    let vendors = list_rows(&value, "Vendor")?;
    Ok(vendors.into_iter().filter_map(shown).collect())
}

fn shown(value: &Value) -> Option<ShownVendor> {
    let code = member_text(value, "VendorCode");
    let fields = COMPARED.iter().filter_map(|name| {
        let text = match (*name, member_text(value, name)) {
            (_, text) if text.is_empty() => return None,
            ("Approved", _) if is_true(value, name) => "Y".to_string(),
            ("Approved", _) => "N".to_string(),
            (_, text) => clean(&text),
        };
        Some((*name, text))
    });
    (!code.is_empty()).then(|| ShownVendor {
        key: VendorKey {
            code,
            address: member_text(value, "AddressCode"),
        },
        fields: fields.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_bodies::tests::answer;

    #[test]
    fn what_differs_is_named_with_both_values() {
        let body = r#"{"Vendor":[{"VendorCode":"A","AddressCode":"M","VendorName":"Old  Ltd",
            "Approved":"True","City":"","Custom1":"x"}]}"#;
        let vendors = read_shown_vendors(&answer(body)).expect("is read");
        let wanted = BTreeMap::from([
            ("VendorCode", "B".to_string()),
            ("VendorName", "New Ltd".to_string()),
            ("Approved", "Y".to_string()),
            ("City", "Toronto".to_string()),
        ]);
        let different = vendors[0].differences(&wanted);
        assert_eq!(
            different,
            [
                ("City", "Toronto", ""),
                ("VendorName", "New Ltd", "Old Ltd")
            ]
        );
    }
}
