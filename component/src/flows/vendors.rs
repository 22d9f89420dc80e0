//! Clients and bill vendors become vendors: found by code, by exact name and address, or created.

use alloc::format;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use super::{concur, rejected, unchanged, unmapped};
use crate::concur::{self as wire, VendorKey};
use crate::contract::runs::{Confirmation, Ending, How, Intent, Link, Save};
use crate::contract::types::System;
use crate::party::Party;
use crate::runs::{Flow, Halt, LookUp};
use crate::vendor::{self, Translated};
use crate::{freshbooks, marker};

/// Finds or creates the vendor of a client or bill vendor, and links them.
pub(super) async fn carry(flow: &Flow) -> Result<Ending, Halt> {
    let object = &flow.task.object;
    if let Some(link) = flow.find_own().await.link {
        let sentence = format!("it is vendor {} already", link.target.id);
        return Ok(unchanged("linked", sentence));
    }
    let party = party(flow).await?;
    flow.looked_at(&party.version);
    let translated = vendor::translate(object, &party, &flow.settings)
        .map_err(|problems| unmapped(flow, &object.kind, problems))?;
    let look_up = async || {
        Ok(match find(flow, &translated).await? {
            Some(key) => LookUp::There(key),
            None => LookUp::Missing(wire::create_vendor(translated.to_create())),
        })
    };
    match flow
        .write(Intent::LookUpThenResend, wire::read_vendor_written, look_up)
        .await?
    {
        Ok(written) if written.found => {
            link(flow, &party, &translated, written.record, How::Adopted).await
        }
        Ok(written) => link(flow, &party, &translated, written.record, How::Created).await,
        Err(refusal) => Err(rejected(flow, System::Concur, "the vendor", &refusal)),
    }
}

async fn party(flow: &Flow) -> Result<Party, Halt> {
    let account_id = &flow.settings.freshbooks.account_id;
    let id = &flow.task.object.id;
    let read = if flow.task.object.kind == "client" {
        flow.read(freshbooks::client(account_id, id), freshbooks::read_client)
            .await?
    } else {
        flow.read(
            freshbooks::bill_vendor(account_id, id),
            freshbooks::read_bill_vendor,
        )
        .await?
    };
    read.map_err(|refusal| rejected(flow, System::Freshbooks, "to show it", &refusal))
}

async fn find(flow: &Flow, translated: &Translated) -> Result<Option<VendorKey>, Halt> {
    let refused = |refusal| rejected(flow, System::Concur, "the look-up", &refusal);
    let by_key = wire::vendors_by_key(&translated.key);
    let vendors = flow
        .read(by_key, wire::read_vendors)
        .await?
        .map_err(refused)?;
    if let Some(vendor) = wire::with_key(vendors, &translated.key) {
        return Ok(Some(vendor.key));
    }
    let by_name = wire::vendors_by_name(&translated.name);
    let vendors = flow
        .read(by_name, wire::read_vendors)
        .await?
        .map_err(refused)?;
    let mut like: Vec<_> = vendors
        .into_iter()
        .filter(|vendor| translated.is_like(vendor))
        .collect();
    if like.len() > 1 {
        let codes: Vec<_> = like.iter().map(|vendor| vendor.key.to_id()).collect();
        let sentence = format!(
            "several vendors have this name and address: {}",
            codes.join(", ")
        );
        let remedy = "make one of them differ in SAP Concur, then `ml-connector replay --parked`";
        return Err(Halt::Parked(flow.stop(
            "vendor-ambiguous",
            sentence,
            remedy,
        )));
    }
    Ok(like.pop().map(|vendor| vendor.key))
}

async fn link(
    flow: &Flow,
    party: &Party,
    translated: &Translated,
    key: VendorKey,
    how: How,
) -> Result<Ending, Halt> {
    let target = concur("vendor", key.to_id());
    let link = Link {
        source: flow.task.object.clone(),
        target: target.clone(),
        version: party.version.clone(),
        content_hash: marker::content_hash(translated.to_create().as_bytes()),
    };
    flow.save(Save {
        links: vec![link],
        unlinks: Vec::new(),
        tasks: Vec::new(),
    })
    .await;
    let sentence = match how {
        How::Created => format!("created vendor {} (address {})", key.code, key.address),
        _ => format!(
            "vendor {} (address {}) was there already",
            key.code, key.address
        ),
    };
    Ok(Ending::Confirmed(Confirmation {
        target,
        how,
        sentence: sentence.to_string(),
    }))
}
