//! Invoices and bills become payment requests.

mod carried;

use alloc::format;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use carried::Carried;

use super::{ambiguity, rejected, stamp, unchanged, unmapped};
use crate::concur::{self as wire, VendorKey};
use crate::contract::runs::{
    Confirmation, Ending, How, NewTask, Reason, Save, Standing, WaitReason,
};
use crate::contract::types::{Duration, Instant, ObjectRef, System};
use crate::document::{Document, Kind};
use crate::payment_request;
use crate::runs::{Flow, Halt};
use crate::{freshbooks, marker};

/// How often a run looks after a vendor that is being carried over, unless it is woken.
const VENDOR_LOOK: Duration = 3_600_000;

/// Reads the document, and creates or changes its payment request if its content is not there yet.
pub(super) async fn carry(flow: &Flow, kind: Kind) -> Result<Ending, Halt> {
    let own = flow.find_own().await;
    let ended = look(flow, kind, &own).await;
    match unknown_since(flow, &own) {
        Some(since) => ambiguity::still(flow, since, ended),
        None => ended,
    }
}

async fn look(flow: &Flow, kind: Kind, own: &Standing) -> Result<Ending, Halt> {
    if !enabled(flow, kind) {
        let sentence = format!("the settings do not carry over {}s", kind.name());
        return Ok(unchanged("not-enabled", sentence));
    }
    let id = &flow.task.object.id;
    let request = freshbooks::document(&flow.settings.freshbooks.account_id, kind, id);
    let reader = match kind {
        Kind::Invoice => freshbooks::read_invoice,
        Kind::Bill => freshbooks::read_bill,
    };
    let document = match flow.read(request, reader).await? {
        Ok(document) => document,
        Err(refusal) if refusal.is_missing() => return gone(flow, kind, own, "is not there").await,
        Err(refusal) => return Err(rejected(flow, System::Freshbooks, "to show it", &refusal)),
    };
    if !document.id.is_empty() && document.id != *id {
        return Err(other_document(flow, &document));
    }
    flow.looked_at(&stamp::settled(&document.version, flow.now()));
    if document.deleted {
        return gone(flow, kind, own, "was deleted").await;
    }
    carry_document(flow, &document, own).await
}

async fn carry_document(flow: &Flow, document: &Document, own: &Standing) -> Result<Ending, Halt> {
    if document.draft && !flow.settings.invoice.drafts && own.link.is_none() {
        let sentence = "a draft; it is carried over when it is sent".to_string();
        return Ok(unchanged("draft", sentence));
    }
    let marker = flow.marker("payment-request");
    let translated = payment_request::translate(document, &flow.settings, &marker)
        .map_err(|problems| unmapped(flow, document.kind.name(), problems))?;
    let vendor = vendor(flow, document.party.clone()).await?;
    let body = translated.to_create(&vendor);
    let carried = Carried {
        flow,
        document,
        hash: marker::content_hash(body.as_bytes()),
        translated,
        vendor,
        body,
        marker,
    };
    match &own.link {
        Some(link) if link.content_hash == carried.hash => {
            let sentence = format!("its content is already there as {}", link.target.id);
            Ok(unchanged("same-content", sentence))
        }
        Some(link) => carried.update(&link.target.id).await,
        None => carried.create(own).await,
    }
}

fn other_document(flow: &Flow, document: &Document) -> Halt {
    let sentence = format!(
        "FreshBooks was asked for {} {} and showed {}",
        document.kind.name(),
        flow.task.object.id,
        document.id
    );
    let remedy = "check `freshbooks.account_id`, then `ml-connector replay RUN`";
    Halt::Parked(flow.stop("other-document", sentence, remedy))
}

fn enabled(flow: &Flow, kind: Kind) -> bool {
    match kind {
        Kind::Invoice => flow.settings.invoice.enabled,
        Kind::Bill => flow.settings.bill_enabled,
    }
}

/// The vendor of the document's party; carried over first if it is not there.
async fn vendor(flow: &Flow, party: ObjectRef) -> Result<VendorKey, Halt> {
    let mut party = flow.find_one(party).await;
    let mut awaited = false;
    while party.link.is_none() {
        if awaited && !party.active {
            return Err(vendor_stopped(flow, &party));
        }
        if !party.active {
            let task = NewTask {
                object: party.object.clone(),
                reason: Reason::Dependency,
            };
            flow.start(vec![task]).await;
        }
        awaited = true;
        let sentence = format!(
            "{} {} must become a vendor first",
            party.object.kind, party.object.id
        );
        let on = Some(party.object.clone());
        flow.wait_on(VENDOR_LOOK, WaitReason::Dependency, on, sentence)
            .await;
        party = flow.find_one(party.object).await;
    }
    let id = party.link.map(|link| link.target.id).unwrap_or_default();
    VendorKey::from_id(&id).ok_or_else(|| {
        Halt::Parked(flow.stop(
            "link-unreadable",
            format!("the link to vendor {id} cannot be read"),
            "report this as a bug",
        ))
    })
}

fn vendor_stopped(flow: &Flow, party: &Standing) -> Halt {
    let sentence = format!(
        "its {} {} has not become a vendor: {}",
        party.object.kind, party.object.id, party.sentence
    );
    let remedy = "mend what stopped the vendor, then `ml-connector replay --parked`";
    Halt::Parked(flow.stop(&format!("vendor-{}", party.code), sentence, remedy))
}

/// A document that is no longer there. SAP Concur's API cannot delete a payment request.
async fn gone(flow: &Flow, kind: Kind, own: &Standing, how: &str) -> Result<Ending, Halt> {
    let Some(link) = own.link.clone() else {
        let sentence = format!(
            "the {} {how} in FreshBooks and was never carried over",
            kind.name()
        );
        return Ok(unchanged("not-carried", sentence));
    };
    let id = &link.target.id;
    let there = match flow
        .read(wire::payment_request(id), wire::read_payment_request)
        .await?
    {
        Ok(request) => !request.deleted,
        Err(refusal) if refusal.is_missing() => false,
        Err(refusal) => return Err(rejected(flow, System::Concur, "to show it", &refusal)),
    };
    if there {
        let sentence = format!(
            "the {} {how} in FreshBooks; SAP Concur has no call that deletes payment request {id}",
            kind.name()
        );
        let remedy = "delete it in SAP Concur by hand, then `ml-connector replay RUN`";
        return Err(Halt::Parked(flow.stop(
            "deleted-in-freshbooks",
            sentence,
            remedy,
        )));
    }
    flow.save(Save {
        links: Vec::new(),
        unlinks: vec![flow.task.object.clone(), link.target.clone()],
        tasks: Vec::new(),
    })
    .await;
    Ok(Ending::Confirmed(Confirmation {
        sentence: format!("deleted here and payment request {id} is deleted there"),
        target: link.target,
        how: How::Withdrawn,
    }))
}

/// Since when nobody can know whether the payment request was created. What is linked was created;
/// a change of it is made of what a fresh read shows.
fn unknown_since(flow: &Flow, own: &Standing) -> Option<Instant> {
    let is_new = own.link.is_none();
    ambiguity::since(flow, own, flow.settings.payment_request.ambiguity, is_new)
}
