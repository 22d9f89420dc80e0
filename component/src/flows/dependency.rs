//! What has to be carried over first.

use alloc::format;
use alloc::vec;

use crate::contract::runs::{NewTask, ObjectStatus, StartReason, WaitReason};
use crate::contract::types::{Duration, ObjectRef};
use crate::flow::{EarlyEnd, Flow};

/// How often a run checks on another object that it waits for, in milliseconds. That object's run
/// wakes it when it ends; this is for a wake-up that got lost.
pub(super) const DEPENDENCY_LOOK: Duration = 3_600_000;

/// What a client, a bill vendor or a supplier is in the other system; carried over first if it is
/// not there.
pub(super) async fn require_link(flow: &Flow, party: ObjectRef) -> Result<ObjectRef, EarlyEnd> {
    let mut party = flow.find_one(party).await;
    let mut awaited = false;
    loop {
        if let Some(link) = party.link {
            return Ok(link.target);
        }
        if awaited && !party.active {
            return Err(vendor_stopped(flow, &party));
        }
        if !party.active {
            let task = NewTask {
                object: party.object.clone(),
                reason: StartReason::Dependency,
            };
            flow.start(vec![task]).await;
        }
        awaited = true;
        let message = format!(
            "{} {} must become a vendor first",
            party.object.kind, party.object.id
        );
        let on = Some(party.object.clone());
        flow.wait_on(DEPENDENCY_LOOK, WaitReason::Dependency, on, message)
            .await;
        party = flow.find_one(party.object).await;
    }
}

fn vendor_stopped(flow: &Flow, party: &ObjectStatus) -> EarlyEnd {
    let last = party.last.as_ref();
    let message = format!(
        "its {} {} has not become a vendor: {}",
        party.object.kind,
        party.object.id,
        last.map_or("it was never carried over", |last| &last.message)
    );
    let code = last.and_then(|last| last.code.as_deref());
    let remedy = "fix what stopped the vendor, then `ml-connector replay --parked`";
    flow.parked(
        &format!("vendor-{}", code.unwrap_or("unknown")),
        message,
        remedy,
    )
}
