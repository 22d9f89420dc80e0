//! A client or bill vendor as FreshBooks shows it, one shape for both.

use alloc::format;
use alloc::string::String;

use serde_json::value::RawValue;

use super::envelope::{page_count, result_member, result_rows};
use super::fields;
use super::lists::{Page, Row};
use super::requests::{PAGE_ROWS_MAX, accounting_path, get, segment};
use crate::contract::http::{Request, Response};
use crate::error_bodies::{self, Unread};
use crate::lax_json::Object;

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
    /// Whether it is archived or deleted.
    pub inactive: bool,
}

impl Party {
    /// Reads a client from its bare JSON object.
    ///
    /// # Errors
    ///
    /// Only if it is no object at all.
    pub(crate) fn read_client(raw: &RawValue) -> Result<Self, Unread> {
        let client = fields::object(raw, "client")?;
        let (first_name, last_name) = (client.text("fname"), client.text("lname"));
        let person = person_name(first_name.as_deref(), last_name.as_deref());
        let email = client.text("email");
        Ok(Self {
            id: one_of(&client, ["id", "userid"]),
            name: client.text("organization").or(person).or(email.clone()),
            first_name,
            last_name,
            email,
            phone: client.text("bus_phone"),
            street: client.text("p_street"),
            street2: client.text("p_street2"),
            city: client.text("p_city"),
            province: client.text("p_province"),
            postal_code: client.text("p_code"),
            country: client.text("p_country"),
            currency: currency(&client),
            tax_number: client.text("vat_number"),
            version: version(&client, ["updated", "updated_at"]),
            inactive: is_inactive(&client),
        })
    }

    /// Reads what an invoice shows of its client, as it was at the time.
    ///
    /// # Errors
    ///
    /// Only if it is no object at all.
    pub(crate) fn read_in_invoice(raw: &RawValue) -> Result<Self, Unread> {
        let invoice = fields::object(raw, "invoice")?;
        let (first_name, last_name) = (invoice.text("fname"), invoice.text("lname"));
        let person = person_name(first_name.as_deref(), last_name.as_deref());
        Ok(Self {
            id: one_of(&invoice, ["customerid", "customerid"]),
            name: invoice.text("organization").or(person),
            first_name,
            last_name,
            street: invoice.text("street"),
            street2: invoice.text("street2"),
            city: invoice.text("city"),
            province: invoice.text("province"),
            postal_code: invoice.text("code"),
            country: invoice.text("country"),
            currency: currency(&invoice),
            tax_number: invoice.text("vat_number"),
            ..Self::default()
        })
    }

    /// Reads a bill vendor from its bare JSON object.
    ///
    /// # Errors
    ///
    /// Only if it is no object at all.
    pub(crate) fn read_bill_vendor(raw: &RawValue) -> Result<Self, Unread> {
        let vendor = fields::object(raw, "bill vendor")?;
        let first_name = vendor.text("primary_contact_first_name");
        let last_name = vendor.text("primary_contact_last_name");
        let person = person_name(first_name.as_deref(), last_name.as_deref());
        let email = vendor.text("primary_contact_email");
        Ok(Self {
            id: one_of(&vendor, ["vendorid", "id"]),
            name: vendor.text("vendor_name").or(person).or(email.clone()),
            first_name,
            last_name,
            email,
            phone: vendor.text("phone"),
            street: vendor.text("street"),
            street2: vendor.text("street2"),
            city: vendor.text("city"),
            province: vendor.text("province"),
            postal_code: vendor.text("postal_code"),
            country: vendor.text("country"),
            currency: currency(&vendor),
            tax_number: None,
            version: version(&vendor, ["updated_at", "updated"]),
            inactive: is_inactive(&vendor),
        })
    }
}

/// The id under the first of these names that holds one; empty where none does.
fn one_of(object: &Object, names: [&str; 2]) -> String {
    let mut ids = names
        .iter()
        .filter_map(|name| fields::id(object.get(name), &[]));
    ids.next().unwrap_or_default()
}

fn currency(object: &Object) -> Option<String> {
    let code = object.text("currency_code");
    code.map(|code| fields::currency_code(&code))
}

fn version(object: &Object, names: [&str; 2]) -> String {
    object.first_text(&names).1.unwrap_or_default()
}

/// `vis_state` 1 is deleted, 2 archived (source: freshbooks-active-deleted).
fn is_inactive(object: &Object) -> bool {
    matches!(object.text("vis_state").as_deref(), Some("1" | "2"))
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

/// A page of clients or bill vendors, as far as a comparison needs them.
pub(crate) fn list_parties(account_id: &str, kind: &str, page: u32) -> Request {
    let resource = match kind {
        "client" => "users/clients",
        _ => "bill_vendors/bill_vendors",
    };
    let path = accounting_path(account_id, resource);
    get(format!("{path}?page={page}&per_page={PAGE_ROWS_MAX}"))
}

/// Reads a page of clients.
pub(crate) fn read_client_page(response: &Response) -> Result<Page, Unread> {
    read_page(
        response,
        "clients",
        ["id", "userid"],
        ["updated", "updated_at"],
    )
}

/// Reads a page of bill vendors.
pub(crate) fn read_bill_vendor_page(response: &Response) -> Result<Page, Unread> {
    let stamps = ["updated_at", "updated"];
    read_page(response, "bill_vendors", ["vendorid", "id"], stamps)
}

fn read_page(
    response: &Response,
    list: &str,
    ids: [&str; 2],
    stamps: [&str; 2],
) -> Result<Page, Unread> {
    let (rows, members) = result_rows(response, list)?;
    let rows = rows.iter().map(|row| Row {
        id: one_of(row, ids),
        version: version(row, stamps),
        issued: None,
        status: String::new(),
    });
    Ok(Page {
        rows: rows.filter(|row| !row.id.is_empty()).collect(),
        pages: page_count(&members),
    })
}
