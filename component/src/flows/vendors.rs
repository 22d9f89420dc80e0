//! Clients and bill vendors become vendors: found by code, by exact name and address, or created.

use alloc::format;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use super::parties::read_party;
use super::vendor_changes;
use crate::concur::{self, VendorKey};
use crate::contract::runs::{Change, Confirmation, Ending, Intent, Link, StartReason};
use crate::contract::types::{ObjectRef, System};
use crate::flow::{EarlyEnd, Flow, LookUp, cannot_translate, remote_refused, unchanged};
use crate::freshbooks::Party;
use crate::marker;
use crate::text::non_empty;
use crate::vendor::{self, Translated};

/// Finds or creates the vendor of a client or bill vendor, and links them.
pub(super) async fn sync_vendor(flow: &Flow) -> Result<Ending, EarlyEnd> {
    let object = &flow.task.object;
    let is_compared = flow.settings.reference.vendors.is_some();
    match flow.find_own().await.link {
        Some(link) if is_compared => return vendor_changes::carry_over(flow, &link).await,
        Some(link) => {
            let message = format!("it is vendor {} already", link.target.id);
            return Ok(unchanged("linked", message));
        }
        None if is_notice(flow) => {
            let message = "no document has needed it as a vendor".to_string();
            return Ok(unchanged("not-carried", message));
        }
        None => {}
    }
    let party = read_party(flow, object)
        .await?
        .map_err(|refusal| remote_refused(flow, System::Freshbooks, "to show it", &refusal))?;
    flow.note_version(&party.version);
    flow.note_facts(party.facts());
    let translated = vendor::translate(object, &party, &flow.settings)
        .map_err(|problems| cannot_translate(flow, &object.kind, problems))?;
    let look_up = async || {
        Ok(match find_vendor(flow, &translated).await? {
            Some(key) => LookUp::Found(key),
            None => LookUp::Missing(concur::create_vendor(translated.to_create())),
        })
    };
    match flow
        .write(
            Intent::LookUpThenResend,
            concur::read_vendor_written,
            look_up,
        )
        .await?
    {
        Ok(written) if written.found => {
            link_vendor(flow, &party, &translated, written.record, Change::Adopted).await
        }
        Ok(written) => {
            link_vendor(flow, &party, &translated, written.record, Change::Created).await
        }
        Err(refusal) => Err(remote_refused(flow, System::Concur, "the vendor", &refusal)),
    }
}

/// Whether the run only heard that something was changed.
fn is_notice(flow: &Flow) -> bool {
    matches!(flow.task.reason, StartReason::Notice | StartReason::Sweep)
}

async fn find_vendor(flow: &Flow, translated: &Translated) -> Result<Option<VendorKey>, EarlyEnd> {
    let refused = |refusal| remote_refused(flow, System::Concur, "the look-up", &refusal);
    let by_key = concur::vendors_by_key(&translated.key);
    let vendors = flow
        .read(by_key, concur::read_vendors)
        .await?
        .map_err(refused)?;
    if let Some(vendor) = concur::with_key(vendors, &translated.key) {
        return Ok(Some(vendor.key));
    }
    let by_name = concur::vendors_by_name(&translated.name);
    let vendors = flow
        .read(by_name, concur::read_vendors)
        .await?
        .map_err(refused)?;
    let mut like: Vec<_> = vendors
        .into_iter()
        .filter(|vendor| translated.is_like(vendor))
        .collect();
    if like.len() > 1 {
        let codes: Vec<_> = like.iter().map(|vendor| vendor.key.to_id()).collect();
        let message = format!(
            "several vendors have this name and address: {}",
            codes.join(", ")
        );
        let remedy = "make one of them differ in SAP Concur, then `ml-connector replay --parked`";
        return Err(flow.parked("vendor-ambiguous", message, remedy));
    }
    Ok(like.pop().map(|vendor| vendor.key))
}

async fn link_vendor(
    flow: &Flow,
    party: &Party,
    translated: &Translated,
    key: VendorKey,
    change: Change,
) -> Result<Ending, EarlyEnd> {
    let target = ObjectRef::concur("vendor", key.to_id());
    let link = Link {
        source: flow.task.object.clone(),
        target: target.clone(),
        version: non_empty(party.version.clone()),
        content_hash: Some(marker::content_hash(translated.to_create().as_bytes())),
    };
    flow.save_links(vec![link.clone()]).await;
    if flow.settings.reference.vendors.is_some() {
        vendor_changes::note_shown(flow, &link, party).await?;
    }
    let message = match change {
        Change::Created => format!("created vendor {} (address {})", key.code, key.address),
        _ => format!(
            "vendor {} (address {}) was there already",
            key.code, key.address
        ),
    };
    Ok(Ending::Confirmed(Confirmation {
        target,
        change,
        message: message.to_string(),
    }))
}
