//! What a vendor record is, and what makes one acceptable (source: concur-vendor).

use serde_json::{Map, Value};

use crate::concur::config::ConcurConfig;
use crate::http::Millis;
use crate::money::Currency;
use crate::sparse_fields::SparseFields;

/// Writable fields, each with its greatest length in characters.
const FIELDS: &[(&str, usize)] = &[
    ("VendorCode", 32),
    ("AddressCode", 32),
    ("VendorName", 255),
    ("CountryCode", 2),
    ("CurrencyCode", 3),
    ("State", 255),
    ("Address1", 255),
    ("Address2", 255),
    ("Address3", 255),
    ("City", 255),
    ("PostalCode", 20),
    ("TaxID", 48),
    ("ProvincialTaxID", 15),
    ("TaxType", 4),
    ("AccountNumber", 50),
    ("PaymentTerms", 3),
    ("DiscountPercentage", 12),
    ("DiscountTermsDays", 3),
    ("PaymentMethodType", 6),
    ("Approved", 1),
    ("IsLineItemVatIncld", 1),
    ("IsVisibleForContentExtraction", 1),
    ("ContactFirstName", 255),
    ("ContactLastName", 255),
    ("ContactEmail", 255),
    ("ContactPhoneNumber", 25),
    ("PurchaseOrderContactFirstName", 255),
    ("PurchaseOrderContactLastName", 255),
    ("PurchaseOrderContactEmail", 255),
    ("PurchaseOrderContactPhoneNumber", 25),
    ("DefaultEmployeeID", 48),
    ("DefaultExpenseTypeName", 64),
    ("VendorFormName", 64),
    ("AddressImportSyncID", 20),
    ("ShippingMethod", 10),
    ("ShippingTerms", 10),
    ("VoucherNotes", 250),
    ("Custom1", 48),
    ("Custom2", 48),
    ("Custom3", 48),
    ("Custom4", 48),
    ("Custom5", 48),
    ("Custom6", 48),
    ("Custom7", 48),
    ("Custom8", 48),
    ("Custom9", 48),
    ("Custom10", 48),
    ("Custom11", 48),
    ("Custom12", 48),
    ("Custom13", 48),
    ("Custom14", 48),
    ("Custom15", 48),
    ("Custom16", 48),
    ("Custom17", 48),
    ("Custom18", 48),
    ("Custom19", 48),
    ("Custom20", 48),
];

const NAMES: &[&str] = &{
    let mut names = [""; FIELDS.len()];
    let mut at = 0;
    while at < FIELDS.len() {
        names[at] = FIELDS[at].0;
        at += 1;
    }
    names
};

/// Fields that replies have and requests may carry back; they are not written.
const READ_ONLY: [&str; 6] = [
    "Country",
    "ID",
    "URI",
    "StatusList",
    "VendorBankList",
    "VendorGroupList",
];

/// Fields that the single letter N empties.
const EMPTIED_BY_N: [&str; 4] = [
    "AccountNumber",
    "DefaultEmployeeID",
    "DefaultExpenseTypeName",
    "VendorFormName",
];

/// Fields that take Y or N.
const FLAGS: [&str; 3] = [
    "Approved",
    "IsLineItemVatIncld",
    "IsVisibleForContentExtraction",
];

const PAYMENT_METHODS: [&str; 7] = ["ACH", "CARD", "CHECK", "CLIENT", "PAYPVD", "VCHER", "WIRE"];

/// Vendor code and address code, in lower case.
pub(crate) type VendorKey = (String, String);

/// A vendor at one address.
#[derive(Clone, Debug)]
pub(crate) struct Vendor {
    pub(crate) texts: SparseFields,
    pub(crate) created: Millis,
}

impl Vendor {
    /// A vendor whose fields are all empty.
    pub(crate) fn empty(now: Millis) -> Self {
        Self {
            texts: SparseFields::new(NAMES),
            created: now,
        }
    }

    /// The key under which a record is filed.
    pub(crate) fn key_of(record: &Map<String, Value>) -> VendorKey {
        let lower = |name: &str| {
            record
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_lowercase()
        };
        (lower("VendorCode"), lower("AddressCode"))
    }

    /// Writes the fields that a record names. Country and currency keep their case: lower case is
    /// refused later.
    pub(crate) fn write_fields(&mut self, record: &Map<String, Value>) {
        for (name, value) in record {
            let text = value.as_str().unwrap_or_default();
            let emptied = text == "N" && EMPTIED_BY_N.contains(&name.as_str());
            self.texts.set(name, if emptied { "" } else { text });
        }
    }

    /// All that is wrong with it, as one sentence; none if nothing is.
    pub(crate) fn problem(&self, config: &ConcurConfig) -> Option<String> {
        let get = |name: &str| self.texts.get(name);
        let required = [
            "VendorCode",
            "AddressCode",
            "VendorName",
            "CountryCode",
            "CurrencyCode",
        ];
        if let Some(name) = required.iter().find(|name| get(name).is_empty()) {
            return Some(format!("Required field {name} is missing."));
        }
        if let Some((name, length)) = FIELDS
            .iter()
            .find(|(name, length)| get(name).chars().count() > *length)
        {
            return Some(format!("Field {name} is longer than {length} characters."));
        }
        if !is_country(get("CountryCode")) {
            return Some("CountryCode is not a valid country code.".into());
        }
        if Currency::parse(get("CurrencyCode")).is_none() {
            return Some("CurrencyCode is not a valid currency code.".into());
        }
        self.state_problem().or_else(|| self.value_problem(config))
    }

    fn state_problem(&self) -> Option<String> {
        let (country, state) = (self.texts.get("CountryCode"), self.texts.get("State"));
        if !matches!(country, "US" | "CA") {
            return None;
        }
        if state.is_empty() {
            return Some(format!(
                "Required field State is missing for country {country}."
            ));
        }
        let code = state.len() == 2 && state.bytes().all(|byte| byte.is_ascii_uppercase());
        (!code).then(|| format!("State {state} is not valid for country {country}."))
    }

    fn value_problem(&self, config: &ConcurConfig) -> Option<String> {
        let get = |name: &str| self.texts.get(name);
        if let Some(flag) = FLAGS
            .iter()
            .find(|name| !matches!(get(name), "" | "Y" | "N"))
        {
            return Some(format!("{flag} must be Y or N."));
        }
        let method = get("PaymentMethodType");
        if !method.is_empty() && !PAYMENT_METHODS.contains(&method) {
            return Some(format!("PaymentMethodType {method} is not valid."));
        }
        if method == "VCHER" && get("ContactEmail").is_empty() {
            return Some(
                "Required field ContactEmail is missing for PaymentMethodType VCHER.".into(),
            );
        }
        let terms = get("PaymentTerms");
        let in_range = |days: u16| (1..=999).contains(&days);
        if !terms.is_empty() && !terms.parse().is_ok_and(in_range) {
            return Some("PaymentTerms must be an integer from 1 to 999.".into());
        }
        let unknown = |(name, codes): &(&String, &std::collections::BTreeSet<String>)| {
            !get(name).is_empty() && !codes.contains(get(name))
        };
        let list = config.vendor_lists.iter().find(unknown);
        list.map(|(name, _)| format!("{name} {} is not a valid list item code.", get(name)))
    }
}

/// The first field of a record that no page names.
pub(crate) fn unknown_field(record: &Map<String, Value>) -> Option<&str> {
    let is_known = |name: &str| NAMES.contains(&name) || READ_ONLY.contains(&name);
    let mut names = record.keys().map(String::as_str);
    names.find(|name| !is_known(name))
}

/// Whether it is two upper-case letters.
pub(crate) fn is_country(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// The names of all writable fields.
pub(crate) fn field_names() -> &'static [&'static str] {
    NAMES
}
