//! Suppliers of SAP Concur become FreshBooks bill vendors: found by our marker, by the vendor that
//! we carried the other way, by name, or created.
//!
//! They are runs of their own, so that ten invoices of a new supplier make one vendor.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::dependency;
use crate::concur::VendorKey;
use crate::contract::runs::{Change, Confirmation, Conflict, Ending, Intent, Link};
use crate::contract::types::{ObjectRef, System};
use crate::financial::Supplier;
use crate::flow::{EarlyEnd, Flow, LookUp, remote_refused, unchanged};
use crate::freshbooks::{self, BillVendorRow};
use crate::remedy::{Replay, after_settings};
use crate::text::clean;

/// The kind of a supplier as an object.
const KIND: &str = "supplier";
/// Pages of bill vendors that a look-up reads, of 100 each; the bound ends a list whose number of
/// pages is wrong.
const PAGES_MAX: u32 = 200;

/// FreshBooks' id of the bill vendor of a supplier: as the settings say, else found or created.
pub(super) async fn require_bill_vendor(
    flow: &Flow,
    supplier: &Supplier,
) -> Result<String, EarlyEnd> {
    let vendors = &flow.settings.financial.bills.vendors;
    if let Some(id) = vendors.get(supplier.key()) {
        return Ok(id.clone());
    }
    let object = ObjectRef::concur(KIND, supplier.to_id());
    let vendor = dependency::require_link(flow, object).await?;
    Ok(vendor.target.id)
}

/// Finds or creates the bill vendor of a supplier, and links them.
pub(super) async fn sync_supplier(flow: &Flow) -> Result<Ending, EarlyEnd> {
    if let Some(link) = flow.find_own().await.link {
        let message = format!("it is bill vendor {} already", link.target.id);
        return Ok(unchanged("linked", message));
    }
    let id = &flow.task.object.id;
    let Some(supplier) = Supplier::from_id(id) else {
        let message = format!("\"{id}\" names no supplier");
        return Err(flow.parked("unknown-supplier", message, "report this as a bug"));
    };
    let marker = flow.marker("bill-vendor");
    let look_up = async || {
        Ok(match find(flow, &supplier, &marker).await? {
            Some(vendor) => LookUp::Found(vendor),
            None => LookUp::Missing(freshbooks::create_bill_vendor(
                &flow.settings.freshbooks.account_id,
                &supplier,
                &flow.settings.financial.bills.language,
                &marker,
            )),
        })
    };
    let reader = freshbooks::read_created_bill_vendor;
    // A second vendor is a nuisance and not a second debt, and the next look-up names both.
    match flow
        .write(Intent::LookUpThenResend, reader, look_up)
        .await?
    {
        Ok(written) if written.found => Ok(link(flow, written.record, Change::Adopted).await),
        Ok(written) => Ok(link(flow, written.record, Change::Created).await),
        Err(refusal) => Err(remote_refused(
            flow,
            System::Freshbooks,
            "the bill vendor",
            &refusal,
        )),
    }
}

/// The bill vendor that is this supplier.
async fn find(
    flow: &Flow,
    supplier: &Supplier,
    marker: &str,
) -> Result<Option<ObjectRef>, EarlyEnd> {
    let vendors = list(flow).await?;
    let marked = vendors.iter().filter(|vendor| vendor.note.contains(marker));
    let marked: BTreeSet<&str> = marked.map(|vendor| vendor.id.as_str()).collect();
    if marked.len() > 1 {
        return Err(conflict(marker, &marked));
    }
    if let Some(id) = marked.into_iter().next() {
        return Ok(Some(vendor_object(id)));
    }
    if let Some(vendor) = carried_there(flow, supplier, &vendors).await {
        return Ok(Some(vendor));
    }
    let name = folded(supplier.shown());
    let alike = vendors.iter().filter(|vendor| folded(&vendor.name) == name);
    let alike: BTreeSet<&str> = alike.map(|vendor| vendor.id.as_str()).collect();
    if alike.len() > 1 {
        return Err(ambiguous(flow, supplier, &alike));
    }
    Ok(alike.into_iter().next().map(vendor_object))
}

/// The bill vendor that became this vendor of SAP Concur.
async fn carried_there(
    flow: &Flow,
    supplier: &Supplier,
    vendors: &[BillVendorRow],
) -> Option<ObjectRef> {
    if supplier.code.is_empty() || vendors.is_empty() {
        return None;
    }
    let objects = vendors.iter().map(|vendor| vendor_object(&vendor.id));
    let statuses = flow.find(objects.collect()).await;
    let is_it = |link: &Link| {
        let key = VendorKey::from_id(&link.target.id);
        key.is_some_and(|key| key.code.eq_ignore_ascii_case(&supplier.code))
    };
    let found = statuses
        .into_iter()
        .find(|status| status.link.as_ref().is_some_and(is_it));
    found.map(|status| status.object)
}

async fn list(flow: &Flow) -> Result<Vec<BillVendorRow>, EarlyEnd> {
    let account_id = &flow.settings.freshbooks.account_id;
    let mut vendors = Vec::new();
    for page in 1..=PAGES_MAX {
        let request = freshbooks::list_bill_vendors(account_id, page);
        let listed = match flow.read(request, freshbooks::read_bill_vendors).await? {
            Ok(listed) => listed,
            Err(refusal) => {
                let what = "the list of bill vendors";
                return Err(remote_refused(flow, System::Freshbooks, what, &refusal));
            }
        };
        vendors.extend(listed.vendors);
        if u64::from(page) >= listed.pages {
            break;
        }
    }
    Ok(vendors)
}

async fn link(flow: &Flow, vendor: ObjectRef, change: Change) -> Ending {
    let link = Link {
        source: flow.task.object.clone(),
        target: vendor.clone(),
        version: None,
        content_hash: None,
    };
    flow.save_links(vec![link]).await;
    let message = match change {
        Change::Created => format!("created bill vendor {}", vendor.id),
        _ => format!("bill vendor {} was there already", vendor.id),
    };
    Ending::Confirmed(Confirmation {
        target: vendor,
        change,
        message,
    })
}

fn conflict(marker: &str, ids: &BTreeSet<&str>) -> EarlyEnd {
    let listed: Vec<&str> = ids.iter().copied().collect();
    EarlyEnd::Conflict(Conflict {
        targets: ids.iter().map(|id| vendor_object(id)).collect(),
        message: format!(
            "{} bill vendors carry our marker {marker}: {}",
            ids.len(),
            listed.join(", ")
        ),
        remedy: "they are one supplier twice: keep the one with bills, take the others away \
                 in FreshBooks, then `ml-connector replay RUN`"
            .to_string(),
    })
}

fn ambiguous(flow: &Flow, supplier: &Supplier, ids: &BTreeSet<&str>) -> EarlyEnd {
    let listed: Vec<&str> = ids.iter().copied().collect();
    let message = format!(
        "several bill vendors in FreshBooks are called \"{}\": {}",
        supplier.shown(),
        listed.join(", ")
    );
    let change = format!(
        "add \"{}\" with the right one to `financial.bills.vendors`",
        supplier.key()
    );
    let remedy = after_settings(&change, Replay::Parked);
    flow.parked("vendor-ambiguous", message, &remedy)
}

fn vendor_object(id: &str) -> ObjectRef {
    ObjectRef::freshbooks("bill-vendor", id)
}

/// A name without what people vary: white space and case.
fn folded(name: &str) -> String {
    clean(name).to_lowercase()
}
