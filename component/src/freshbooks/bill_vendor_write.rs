//! Bill vendors that we find or make (source: freshbooks-bill-vendors).
//!
//! FreshBooks cannot search for one, so that all are listed.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use serde_json::json;

use super::envelope::{page_count, result_member, result_rows};
use super::requests::{PAGE_ROWS_MAX, accounting_path, get, with_body};
use crate::contract::http::{BodyPart, Method, Request, Response};
use crate::contract::types::ObjectRef;
use crate::error_bodies::{self, Unread};
use crate::financial::Supplier;
use crate::lax_json::{Object, parse};

const RESOURCE: &str = "bill_vendors/bill_vendors";

/// A bill vendor of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BillVendorRow {
    /// FreshBooks' id of it.
    pub(crate) id: String,
    /// The name that people see.
    pub(crate) name: String,
    /// Its note, which holds our marker if we made it.
    pub(crate) note: String,
}

/// A page of bill vendors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BillVendorPage {
    pub(crate) vendors: Vec<BillVendorRow>,
    pub(crate) pages: u64,
}

/// A page of all bill vendors. Page 1 is the first.
pub(crate) fn list_bill_vendors(account_id: &str, page: u32) -> Request {
    let path = accounting_path(account_id, RESOURCE);
    get(format!("{path}?page={page}&per_page={PAGE_ROWS_MAX}"))
}

/// Creates the bill vendor of a supplier; the marker stands in its note.
pub(crate) fn create_bill_vendor(
    account_id: &str,
    supplier: &Supplier,
    language: &str,
    marker: &str,
) -> Request {
    let note = format!("SAP Concur vendor {} ({marker})", supplier.key());
    let vendor = json!({
        "vendor_name": supplier.shown(),
        "language": language,
        "note": note,
    });
    let body = json!({"bill_vendor": vendor}).to_string();
    let path = accounting_path(account_id, RESOURCE);
    with_body(Method::Post, path, vec![BodyPart::Text(body)])
}

/// Reads the bill vendor that was created, as an object.
pub(crate) fn read_created_bill_vendor(response: &Response) -> Result<ObjectRef, Unread> {
    let text = error_bodies::text(response)?;
    let vendor: Object = parse(result_member(text, "bill_vendor", response)?)?;
    id(&vendor)
        .map(|id| ObjectRef::freshbooks("bill-vendor", id))
        .ok_or_else(|| Unread::Garbled("the answer names no bill vendor".to_string()))
}

/// Reads a page of bill vendors. Deleted ones and rows without an id are left out.
pub(crate) fn read_bill_vendors(response: &Response) -> Result<BillVendorPage, Unread> {
    let (rows, members) = result_rows(response, "bill_vendors")?;
    Ok(BillVendorPage {
        vendors: rows.iter().filter_map(row).collect(),
        pages: page_count(&members),
    })
}

fn row(vendor: &Object) -> Option<BillVendorRow> {
    if vendor.text("vis_state").as_deref() == Some("1") {
        return None;
    }
    Some(BillVendorRow {
        id: id(vendor)?,
        name: vendor.text("vendor_name").unwrap_or_default(),
        note: vendor.text("note").unwrap_or_default(),
    })
}

fn id(vendor: &Object) -> Option<String> {
    vendor.first_text(&["vendorid", "id"]).1
}
