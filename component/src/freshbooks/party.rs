//! A client or bill vendor as FreshBooks shows it, one shape for both.

use alloc::format;
use alloc::string::String;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::envelope::result_member;
use super::requests::{accounting_path, get, segment};
use crate::contract::http::{Request, Response};
use crate::error_bodies::{self, Unread};
use crate::lax_json::{Raw, lax_text, parse};

/// The other party of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Party {
    /// FreshBooks' id of the client or bill vendor.
    pub id: String,
    /// The organisation, else the person, else the e-mail address.
    pub name: Option<String>,
    /// First name of the contact.
    pub first_name: Option<String>,
    /// Last name of the contact.
    pub last_name: Option<String>,
    /// E-mail address of the contact.
    pub email: Option<String>,
    /// Telephone number, as it was typed.
    pub phone: Option<String>,
    /// First line of the address.
    pub street: Option<String>,
    /// Second line of the address.
    pub street2: Option<String>,
    /// City of the address.
    pub city: Option<String>,
    /// State or province, as FreshBooks writes it.
    pub province: Option<String>,
    /// Postal code of the address.
    pub postal_code: Option<String>,
    /// Country, as FreshBooks writes it.
    pub country: Option<String>,
    /// The currency that it is invoiced in, ISO 4217.
    pub currency: Option<String>,
    /// Tax number; bill vendors have none here.
    pub tax_number: Option<String>,
    /// When it was last changed, in FreshBooks' own words; opaque.
    pub version: String,
}

#[derive(Deserialize)]
struct RawClient<'a> {
    #[serde(borrow)]
    id: Raw<'a>,
    #[serde(borrow)]
    organization: Raw<'a>,
    #[serde(borrow)]
    fname: Raw<'a>,
    #[serde(borrow)]
    lname: Raw<'a>,
    #[serde(borrow)]
    email: Raw<'a>,
    #[serde(borrow)]
    bus_phone: Raw<'a>,
    #[serde(borrow)]
    p_street: Raw<'a>,
    #[serde(borrow)]
    p_street2: Raw<'a>,
    #[serde(borrow)]
    p_city: Raw<'a>,
    #[serde(borrow)]
    p_province: Raw<'a>,
    #[serde(borrow)]
    p_code: Raw<'a>,
    #[serde(borrow)]
    p_country: Raw<'a>,
    #[serde(borrow)]
    currency_code: Raw<'a>,
    #[serde(borrow)]
    vat_number: Raw<'a>,
    #[serde(borrow)]
    updated: Raw<'a>,
}

#[derive(Deserialize)]
struct RawBillVendor<'a> {
    #[serde(borrow)]
    vendorid: Raw<'a>,
    #[serde(borrow)]
    vendor_name: Raw<'a>,
    #[serde(borrow)]
    primary_contact_first_name: Raw<'a>,
    #[serde(borrow)]
    primary_contact_last_name: Raw<'a>,
    #[serde(borrow)]
    primary_contact_email: Raw<'a>,
    #[serde(borrow)]
    phone: Raw<'a>,
    #[serde(borrow)]
    street: Raw<'a>,
    #[serde(borrow)]
    street2: Raw<'a>,
    #[serde(borrow)]
    city: Raw<'a>,
    #[serde(borrow)]
    province: Raw<'a>,
    #[serde(borrow)]
    postal_code: Raw<'a>,
    #[serde(borrow)]
    country: Raw<'a>,
    #[serde(borrow)]
    currency_code: Raw<'a>,
    #[serde(borrow)]
    updated_at: Raw<'a>,
}

impl Party {
    /// Reads a client from its bare JSON object.
    ///
    /// # Errors
    ///
    /// Only if it is no object of that shape at all.
    pub(crate) fn read_client(raw: &RawValue) -> Result<Self, Unread> {
        let raw: RawClient = parse(raw)?;
        let (first_name, last_name) = (lax_text(raw.fname), lax_text(raw.lname));
        let email = lax_text(raw.email);
        Ok(Self {
            id: lax_text(raw.id).unwrap_or_default(),
            name: lax_text(raw.organization)
                .or_else(|| person_name(first_name.as_deref(), last_name.as_deref()))
                .or_else(|| email.clone()),
            first_name,
            last_name,
            email,
            phone: lax_text(raw.bus_phone),
            street: lax_text(raw.p_street),
            street2: lax_text(raw.p_street2),
            city: lax_text(raw.p_city),
            province: lax_text(raw.p_province),
            postal_code: lax_text(raw.p_code),
            country: lax_text(raw.p_country),
            currency: lax_text(raw.currency_code),
            tax_number: lax_text(raw.vat_number),
            version: lax_text(raw.updated).unwrap_or_default(),
        })
    }

    /// Reads a bill vendor from its bare JSON object.
    ///
    /// # Errors
    ///
    /// Only if it is no object of that shape at all.
    pub(crate) fn read_bill_vendor(raw: &RawValue) -> Result<Self, Unread> {
        let raw: RawBillVendor = parse(raw)?;
        Ok(Self {
            id: lax_text(raw.vendorid).unwrap_or_default(),
            name: lax_text(raw.vendor_name),
            first_name: lax_text(raw.primary_contact_first_name),
            last_name: lax_text(raw.primary_contact_last_name),
            email: lax_text(raw.primary_contact_email),
            phone: lax_text(raw.phone),
            street: lax_text(raw.street),
            street2: lax_text(raw.street2),
            city: lax_text(raw.city),
            province: lax_text(raw.province),
            postal_code: lax_text(raw.postal_code),
            country: lax_text(raw.country),
            currency: lax_text(raw.currency_code),
            tax_number: None,
            version: lax_text(raw.updated_at).unwrap_or_default(),
        })
    }
}

/// The name of a person, as far as it is known.
pub(crate) fn person_name(first: Option<&str>, last: Option<&str>) -> Option<String> {
    match (first, last) {
        (Some(first), Some(last)) => Some(format!("{first} {last}")),
        (one, None) | (None, one) => one.map(String::from),
    }
}

/// Asks for one client.
pub(crate) fn get_client(account_id: &str, id: &str) -> Request {
    let path = accounting_path(account_id, "users/clients");
    get(format!("{path}/{}", segment(id)))
}

/// Reads the answer that holds a client.
pub(crate) fn read_client(response: &Response) -> Result<Party, Unread> {
    let text = error_bodies::text(response)?;
    Party::read_client(result_member(text, "client", response)?)
}

/// Asks for one bill vendor.
pub(crate) fn get_bill_vendor(account_id: &str, id: &str) -> Request {
    let path = accounting_path(account_id, "bill_vendors/bill_vendors");
    get(format!("{path}/{}", segment(id)))
}

/// Reads the answer that holds a bill vendor.
pub(crate) fn read_bill_vendor(response: &Response) -> Result<Party, Unread> {
    let text = error_bodies::text(response)?;
    Party::read_bill_vendor(result_member(text, "bill_vendor", response)?)
}
