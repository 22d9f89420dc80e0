//! Which document is the first to use a form of payment requests, or of expense entries.
//!
//! SAP Concur drops a custom field in silence that it does not know, so the first payment request
//! that uses a set of fields is read back before a second one is made. Runs that start together
//! claim the first place, each by a link from the form's claim to its document; the form's own run,
//! of which there is one at a time, gives it to one of them (`flows::payment_request_form`).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use crate::contract::runs::{
    Changes, EndingKind, Link, NewTask, ObjectStatus, StartReason, WaitReason,
};
use crate::contract::types::{ObjectRef, System};
use crate::flow::{EarlyEnd, Flow};
use crate::flows::dependency::DEPENDENCY_LOOK;
use crate::marker;
use crate::payment_request::Translated;

/// The kind of a form's object.
const FORM: &str = "payment-request-form";
/// How often a run claims the first place or waits for who has it. Documents that were first and
/// made no payment request were refused or parked for reasons of their own, and so many of them
/// wait for a person.
const ROUNDS_MAX: u32 = 20;

/// Whether the fields of a form are known to arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::flows) enum Turn {
    /// This document is the first: what it writes proves the form, or stops all others.
    First,
    /// A payment request has shown what was written into these fields.
    Proven,
}

/// Where a form stands.
pub(in crate::flows) enum Standing {
    /// Nobody has the first place.
    Open,
    /// This document has it.
    Given(ObjectStatus),
    /// The payment request of this document does not show what was written into it.
    Unseen(String, ObjectStatus),
    /// A payment request has shown what was written into it.
    Proven,
}

/// The form that a document's payment request uses: the custom fields that are written, and what
/// decides in SAP Concur which form they must be on. Other settings make another form.
pub(super) fn form_of(flow: &Flow, translated: &Translated) -> ObjectRef {
    let request = &flow.settings.payment_request;
    let cost_code_field = if translated.has_cost_codes() {
        request.cost_code_field.as_str()
    } else {
        ""
    };
    let mut parts = vec![
        FORM,
        &flow.settings.concur.company_id,
        &request.marker_field,
        cost_code_field,
    ];
    for (name, value) in &request.owner {
        parts.extend([name.as_str(), value.as_str()]);
    }
    ObjectRef::concur(FORM, marker::short_hash(&parts))
}

/// The object whose link names the document that wants to be the first of a form.
pub(in crate::flows) fn claim_of(form: &ObjectRef) -> ObjectRef {
    ObjectRef::concur(&form.kind, format!("{}/claim", form.id))
}

/// Waits until this run may write the fields of a form.
pub(in crate::flows) async fn await_turn(flow: &Flow, form: &ObjectRef) -> Result<Turn, EarlyEnd> {
    let own = &flow.task.object;
    let mut has_claimed = false;
    for _ in 0..ROUNDS_MAX {
        match standing(flow, form).await {
            Standing::Proven => return Ok(Turn::Proven),
            // It changes no other payment request than the one that stopped all others.
            Standing::Unseen(_, holder) if holder.object == *own => return Ok(Turn::First),
            // An earlier run's place may have gone to another document since.
            Standing::Given(holder) if holder.object == *own && has_claimed => {
                return Ok(Turn::First);
            }
            Standing::Given(holder) | Standing::Unseen(_, holder)
                if holder.active && holder.object != *own =>
            {
                wait_for(flow, &holder.object).await;
            }
            Standing::Unseen(id, holder) => return Err(form_unseen(flow, &id, &holder)),
            Standing::Open | Standing::Given(_) => {
                claim(flow, form).await?;
                has_claimed = true;
            }
        }
    }
    Err(nobody_was_first(flow))
}

/// Where a form stands, by its link: to a document that has the first place, or to a payment
/// request, with a content hash if that has shown its fields.
pub(in crate::flows) async fn standing(flow: &Flow, form: &ObjectRef) -> Standing {
    let Some(link) = flow.find_one(form.clone()).await.link else {
        return Standing::Open;
    };
    if link.target.system == System::Freshbooks {
        return Standing::Given(flow.find_one(link.target).await);
    }
    if link.content_hash.is_some() {
        return Standing::Proven;
    }
    let id = link.target.id.clone();
    // It is withdrawn with its document, and holds nobody up then.
    match flow.find_one(link.target).await.link {
        Some(back) => Standing::Unseen(id, flow.find_one(back.target).await),
        None => Standing::Open,
    }
}

/// The link that says whether a payment request has shown the fields of a form.
pub(in crate::flows) fn seen_link(form: &ObjectRef, request: &ObjectRef, is_seen: bool) -> Link {
    Link {
        source: form.clone(),
        target: request.clone(),
        version: None,
        content_hash: is_seen.then(|| form.id.clone()),
    }
}

async fn claim(flow: &Flow, form: &ObjectRef) -> Result<(), EarlyEnd> {
    let link = Link {
        source: claim_of(form),
        target: flow.task.object.clone(),
        version: None,
        content_hash: None,
    };
    let task = NewTask {
        object: form.clone(),
        reason: StartReason::Dependency,
    };
    flow.save(Changes {
        links: vec![link],
        unlinks: Vec::new(),
        tasks: vec![task],
    })
    .await;
    wait_for(flow, form).await;
    let form = flow.find_one(form.clone()).await;
    match form.last {
        Some(last) if last.kind == EndingKind::Parked && !form.active => {
            let remedy = "fix what stopped it, then `ml-connector replay --parked`";
            let message = format!("its form was not looked at: {}", last.message);
            Err(flow.parked("form-unseen", message, remedy))
        }
        _ => Ok(()),
    }
}

async fn wait_for(flow: &Flow, object: &ObjectRef) {
    let message = if object.system == System::Freshbooks {
        format!(
            "{} {} is the first with these custom fields; its {} is read back before the next is \
             made",
            object.kind,
            object.id,
            record_of(&object.kind)
        )
    } else {
        "which document is the first with these custom fields is being settled".to_string()
    };
    let on = Some(object.clone());
    flow.wait_on(DEPENDENCY_LOOK, WaitReason::Dependency, on, message)
        .await;
}

/// What a document of this kind becomes, in a sentence.
fn record_of(kind: &str) -> &'static str {
    match kind {
        "expense" => "expense entry",
        _ => "payment request",
    }
}

fn form_unseen(flow: &Flow, id: &str, holder: &ObjectStatus) -> EarlyEnd {
    let ObjectRef { kind, id: name, .. } = &holder.object;
    let record = record_of(kind);
    let message = format!(
        "{record} {id} of {kind} {name} does not show the custom fields that were written \
         into it, so no other is made with the same ones"
    );
    let remedy = format!(
        "do what the run of {kind} {name} asks for; this one is then looked at again by itself, or \
         at once with `ml-connector replay --parked`"
    );
    flow.parked_for_now("form-unseen", message, &remedy)
}

fn nobody_was_first(flow: &Flow) -> EarlyEnd {
    let message = format!(
        "{ROUNDS_MAX} documents in turn were to be the first with these custom fields, and none of \
         them became one there"
    );
    let remedy = "fix what stopped them, then `ml-connector replay --parked`";
    flow.parked("retries-used-up", message, remedy)
}
