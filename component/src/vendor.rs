//! A client or bill vendor as a SAP Concur vendor: a pure translation that gathers every problem.
//!
//! Vendor v3.1 wants code, address code, country and currency always, and a state where the country
//! has states (source: concur-vendor).

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::json;

use crate::concur::{self, VendorKey};
use crate::contract::types::{ObjectRef, Problem};
use crate::freshbooks::Party;
use crate::settings::Settings;
use crate::settings::reference::SourceOfTruth;
use crate::text::{clean, quoted, shortened};
use crate::{country, money, subdivisions};

// The longest values that Concur takes (source: concur-vendor).
const NAME_CHARS_MAX: usize = 255;
const TAX_ID_CHARS_MAX: usize = 48;
const POSTAL_CODE_CHARS_MAX: usize = 20;
const EMAIL_CHARS_MAX: usize = 254;
const PHONE_CHARS_MAX: usize = 25;
const CODE_CHARS_MAX: usize = 32;
/// As much of a name is repeated in a problem's message.
const SHOWN_CHARS_MAX: usize = 60;

/// A vendor to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Translated {
    /// Its key, made of the source's id.
    pub key: VendorKey,
    /// `VendorName`, at most 255 characters.
    pub name: String,
    /// All members by name, the key and name among them.
    pub fields: BTreeMap<&'static str, String>,
}

impl Translated {
    /// The body that creates it.
    #[must_use]
    pub(crate) fn to_create(&self) -> String {
        json!({"Vendor": [self.fields]}).to_string()
    }

    /// Whether a vendor of another key is this one: same name, first address line and postal code.
    /// A name alone is not enough.
    #[must_use]
    pub(crate) fn is_like(&self, vendor: &concur::Vendor) -> bool {
        let same = |name: &str, theirs: &str| {
            let ours = self
                .fields
                .get(name)
                .map(String::as_str)
                .unwrap_or_default();
            ours.eq_ignore_ascii_case(&clean(theirs))
        };
        self.fields.contains_key("Address1")
            && same("VendorName", &vendor.name)
            && same("Address1", &vendor.address1)
            && same("PostalCode", &vendor.postal_code)
    }
}

/// The code and address code of the vendor that a client or bill vendor becomes.
#[must_use]
pub(crate) fn key_of(object: &ObjectRef, settings: &Settings) -> VendorKey {
    let letter = if object.kind == "client" { 'C' } else { 'V' };
    VendorKey {
        code: format!("{}{letter}{}", settings.vendor.code_prefix, object.id),
        address: settings.vendor.address_code.clone(),
    }
}

/// Translates a client or bill vendor.
///
/// # Errors
///
/// Every problem found, each with the setting or the field that would help.
pub(crate) fn translate(
    object: &ObjectRef,
    party: &Party,
    settings: &Settings,
) -> Result<Translated, Vec<Problem>> {
    let mut work = Work {
        places: places(object),
        party,
        settings,
        problems: Vec::new(),
    };
    let translated = work.translate(object);
    if work.problems.is_empty() {
        Ok(translated)
    } else {
        Err(work.problems)
    }
}

/// The vendor as far as a document shows its client or bill vendor. A run reads their own record,
/// so that what is missing here is no problem.
pub(crate) fn as_shown(object: &ObjectRef, party: &Party, settings: &Settings) -> Translated {
    let mut work = Work {
        places: places(object),
        party,
        settings,
        problems: Vec::new(),
    };
    let mut translated = work.translate(object);
    translated.fields.retain(|_, value| !value.is_empty());
    translated
}

/// JSON Pointers into a client or bill vendor.
struct Places {
    name: &'static str,
    province: &'static str,
    country: &'static str,
}

fn places(object: &ObjectRef) -> &'static Places {
    if object.kind == "client" {
        &Places {
            name: "/organization",
            province: "/p_province",
            country: "/p_country",
        }
    } else {
        &Places {
            name: "/vendor_name",
            province: "/province",
            country: "/country",
        }
    }
}

struct Work<'a> {
    places: &'static Places,
    party: &'a Party,
    settings: &'a Settings,
    problems: Vec<Problem>,
}

impl Work<'_> {
    fn translate(&mut self, object: &ObjectRef) -> Translated {
        let key = self.key(object);
        let name = self.name();
        let country = self.country();
        let mut fields = BTreeMap::from([
            ("VendorCode", key.code.clone()),
            ("AddressCode", key.address.clone()),
            ("VendorName", name.clone()),
            ("CountryCode", country.clone()),
            ("CurrencyCode", self.currency()),
            ("Approved", self.approved().to_string()),
        ]);
        if let Some(state) = self.state(&country) {
            fields.insert("State", state);
        }
        self.address(&mut fields);
        Translated { key, name, fields }
    }

    /// Where FreshBooks is right, what is archived or deleted there is not approved any more.
    fn approved(&self) -> &'static str {
        let is_source = self.settings.reference.vendors == Some(SourceOfTruth::Freshbooks);
        if self.party.inactive && is_source {
            "N"
        } else {
            "Y"
        }
    }

    fn key(&mut self, object: &ObjectRef) -> VendorKey {
        let key = key_of(object, self.settings);
        if key.code.chars().count() > CODE_CHARS_MAX {
            let message = format!(
                "the vendor code is longer than {CODE_CHARS_MAX} characters; shorten \
                 `vendor.code_prefix`"
            );
            self.report("", "code-too-long", message);
        }
        key
    }

    fn name(&mut self) -> String {
        let name = self.party.name.as_deref().map(clean).unwrap_or_default();
        if name.is_empty() {
            let message = "it has neither an organisation nor a name nor an e-mail address; fill \
                one in in FreshBooks";
            self.report(self.places.name, "name-missing", message.to_string());
        }
        shortened(&name, NAME_CHARS_MAX)
    }

    fn country(&mut self) -> String {
        let default = self.settings.vendor.default_country.as_deref();
        let Some(name) = self.party.country.as_deref().or(default) else {
            let message =
                "it has no country; enter it in FreshBooks or set `vendor.default_country`";
            self.report(self.places.country, "country-missing", message.to_string());
            return String::new();
        };
        country::code(name, &self.settings.countries).unwrap_or_else(|| {
            let message = country::unknown_message(name);
            self.report(self.places.country, "country-unmapped", message);
            String::new()
        })
    }

    fn currency(&mut self) -> String {
        let currency = self.party.currency.clone().unwrap_or_default();
        if money::minor_units(&currency).is_none() {
            let message = if currency.is_empty() {
                "it has no currency; choose one in FreshBooks".to_string()
            } else {
                let shown = quoted(&currency, SHOWN_CHARS_MAX);
                format!("{shown} is not an ISO 4217 currency; choose one in FreshBooks")
            };
            self.report("/currency_code", "currency-unknown", message);
        }
        currency
    }

    fn state(&mut self, country: &str) -> Option<String> {
        let province = self.party.province.as_deref().map(clean);
        let province = province.filter(|province| !province.is_empty());
        if !subdivisions::are_required(country) {
            return province.map(|province| shortened(&province, NAME_CHARS_MAX));
        }
        let own = &self.settings.subdivisions;
        let code = province
            .as_deref()
            .and_then(|name| subdivisions::subdivision_code(country, name, own));
        if code.is_none() {
            let message = match province.as_deref() {
                Some(said) => format!(
                    "{} is not a known state or province of {country}; correct it in FreshBooks, \
                     or add it to `subdivisions`",
                    quoted(said, SHOWN_CHARS_MAX)
                ),
                None => format!(
                    "it has no state or province, which SAP Concur requires for {country}; enter \
                     it in FreshBooks"
                ),
            };
            self.report(self.places.province, "state-unmapped", message);
        }
        code
    }

    fn address(&self, fields: &mut BTreeMap<&'static str, String>) {
        let party = self.party;
        let optional = [
            ("Address1", &party.street, NAME_CHARS_MAX),
            ("Address2", &party.street2, NAME_CHARS_MAX),
            ("City", &party.city, NAME_CHARS_MAX),
            ("PostalCode", &party.postal_code, POSTAL_CODE_CHARS_MAX),
            ("TaxID", &party.tax_number, TAX_ID_CHARS_MAX),
            ("ContactFirstName", &party.first_name, NAME_CHARS_MAX),
            ("ContactLastName", &party.last_name, NAME_CHARS_MAX),
            ("ContactEmail", &party.email, EMAIL_CHARS_MAX),
            ("ContactPhoneNumber", &party.phone, PHONE_CHARS_MAX),
        ];
        for (name, value, characters_max) in optional {
            let value = value.as_deref().map(clean).unwrap_or_default();
            let is_too_long = value.chars().count() > characters_max;
            // Half a tax number or telephone number is worse than none.
            if value.is_empty() || (is_too_long && characters_max < NAME_CHARS_MAX) {
                continue;
            }
            fields.insert(name, shortened(&value, characters_max));
        }
    }

    fn report(&mut self, pointer: &str, code: &str, message: String) {
        self.problems.push(Problem {
            pointer: pointer.to_string(),
            code: code.to_string(),
            message,
        });
    }
}

#[cfg(test)]
mod tests;
