//! What has to be carried over first.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;

use crate::contract::runs::{EndingKind, Link, NewTask, ObjectStatus, StartReason, WaitReason};
use crate::contract::types::{Duration, ObjectRef};
use crate::flow::{EarlyEnd, Flow};

/// How often a run checks on another object that it waits for, in milliseconds. That object's run
/// wakes it when it ends; this is for a wake-up that got lost.
pub(super) const DEPENDENCY_LOOK: Duration = 3_600_000;

/// How often an object's run is started that ends with nothing to do: the one that was awaited may
/// have been that of a notice, which does not know that the object is needed.
const STARTS_MAX: u32 = 3;

/// What an object is in the other system; carried over first if it is not there.
pub(super) async fn require_link(flow: &Flow, object: ObjectRef) -> Result<Link, EarlyEnd> {
    let mut needed = flow.find_one(object).await;
    let mut awaited = false;
    let mut starts = 0;
    loop {
        if let Some(link) = needed.link {
            return Ok(link);
        }
        let last = needed.last.as_ref();
        let has_nothing_to_do = last.is_some_and(|last| last.kind == EndingKind::Unchanged);
        if awaited && !needed.active && !(has_nothing_to_do && starts < STARTS_MAX) {
            return Err(stopped(flow, &needed));
        }
        if !needed.active {
            starts += 1;
            let task = NewTask {
                object: needed.object.clone(),
                reason: StartReason::Dependency,
            };
            flow.start(vec![task]).await;
        }
        awaited = true;
        let (kind, id) = (&needed.object.kind, &needed.object.id);
        let becomes = becomes(kind).with_article;
        let message = format!("{kind} {id} must become {becomes} first");
        let on = Some(needed.object.clone());
        flow.wait_on(DEPENDENCY_LOOK, WaitReason::Dependency, on, message)
            .await;
        needed = flow.find_one(needed.object).await;
    }
}

/// What objects of a kind become.
struct Becomes {
    noun: &'static str,
    with_article: &'static str,
}

fn becomes(kind: &str) -> Becomes {
    let (noun, with_article) = match kind {
        "staff" => ("employee", "an employee"),
        "expense-report" => ("report", "a report"),
        _ => ("vendor", "a vendor"),
    };
    Becomes { noun, with_article }
}

fn stopped(flow: &Flow, needed: &ObjectStatus) -> EarlyEnd {
    let last = needed.last.as_ref();
    let Becomes { noun, with_article } = becomes(&needed.object.kind);
    let message = format!(
        "its {} {} has not become {with_article}: {}",
        needed.object.kind,
        needed.object.id,
        last.map_or("it was never carried over", |last| &last.message)
    );
    let code = last.and_then(|last| last.code.as_deref());
    let remedy = format!("fix what stopped the {noun}, then `ml-connector replay --parked`");
    flow.parked(
        &stopped_code(noun, code.unwrap_or("unknown")),
        message,
        &remedy,
    )
}

/// The code of the other run, with the noun before it.
fn stopped_code(noun: &str, code: &str) -> String {
    if noun != "vendor" && code.starts_with(noun) {
        return code.to_string();
    }
    format!("{noun}-{code}")
}
