//! The query filters of a vendor look-up (source: concur-vendor).

use super::record::{Vendor, field_names};
use crate::concur::gateway::{GatewayCall, GatewayError};
use crate::http::first_value;

/// Query parameters with the field that each one filters by.
const FILTERS: [(&str, &str); 13] = [
    ("vendorCode", "VendorCode"),
    ("vendorName", "VendorName"),
    ("taxID", "TaxID"),
    ("buyerAccountNumber", "AccountNumber"),
    ("paymentMethodType", "PaymentMethodType"),
    ("addressCode", "AddressCode"),
    ("address1", "Address1"),
    ("address2", "Address2"),
    ("address3", "Address3"),
    ("city", "City"),
    ("state", "State"),
    ("postalCode", "PostalCode"),
    ("country", "CountryCode"),
];

/// The filters of a GET.
pub(super) struct VendorFilters<'a> {
    wanted: Vec<(&'static str, &'a str)>,
    customs: Vec<(String, &'a str)>,
    approved: Option<&'static str>,
    kind: &'a str,
    pub(super) sort_by: &'static str,
}

impl<'a> VendorFilters<'a> {
    pub(super) fn read(call: &'a GatewayCall) -> Result<Self, GatewayError> {
        let given = |(query, field): &(&str, &'static str)| {
            first_value(&call.query, query).map(|value| (*field, value))
        };
        let wanted = FILTERS.iter().filter_map(given).collect();
        let custom = |at: usize| {
            first_value(&call.query, &format!("custom{at}"))
                .map(|value| (format!("Custom{at}"), value))
        };
        let kind = first_value(&call.query, "searchType").unwrap_or("exact");
        if !["exact", "begins", "contains", "ends"].contains(&kind) {
            return Err(GatewayError::bad_request(format!(
                "searchType {kind} is not valid."
            )));
        }
        let approved = match first_value(&call.query, "approved")
            .map(str::to_ascii_lowercase)
            .as_deref()
        {
            Some("true") => Some("Y"),
            Some("false") => Some("N"),
            _ => None,
        };
        let asked = first_value(&call.query, "sortBy").unwrap_or("VendorName");
        let sort_by = field_names()
            .iter()
            .find(|name| name.eq_ignore_ascii_case(asked))
            .copied()
            .unwrap_or("VendorName");
        Ok(Self {
            wanted,
            customs: (1..=20).filter_map(custom).collect(),
            approved,
            kind,
            sort_by,
        })
    }

    /// The vendor code, if it narrows exactly.
    pub(super) fn exact_code(&self) -> Option<&'a str> {
        let code = self.wanted.iter().find(|(field, _)| *field == "VendorCode");
        code.filter(|_| self.kind == "exact")
            .map(|(_, value)| *value)
    }

    pub(super) fn matches(&self, vendor: &Vendor) -> bool {
        let alike = |field: &str, value: &str| {
            let (text, value) = (vendor.texts.get(field).to_lowercase(), value.to_lowercase());
            match self.kind {
                "begins" => text.starts_with(&value),
                "contains" => text.contains(&value),
                "ends" => text.ends_with(&value),
                _ => text == value,
            }
        };
        let approved = if vendor.texts.get("Approved") == "Y" {
            "Y"
        } else {
            "N"
        };
        self.wanted.iter().all(|(field, value)| alike(field, value))
            && self
                .customs
                .iter()
                .all(|(field, value)| alike(field, value))
            && self.approved.is_none_or(|wanted| wanted == approved)
    }
}
