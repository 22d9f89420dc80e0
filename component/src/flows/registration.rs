//! Webhook registrations: FreshBooks announces invoices and bills to us, and goes on doing so.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::{rejected, unchanged};
use crate::contract::http::{BodyPart, Method, Request};
use crate::contract::runs::{Confirmation, Ending, How, Intent, Link, Save, WaitReason};
use crate::contract::types::{Duration, ObjectRef, System};
use crate::freshbooks::{self, Callback};
use crate::refusals::Refusal;
use crate::runs::{Flow, Halt, LookUp, Written};

/// Pages of registrations that are looked through.
const PAGES_MAX: u32 = 20;
/// How long the handshake may take before it is asked for again, and how often that is done.
const HANDSHAKE_WAIT: Duration = 60_000;
const HANDSHAKES_MAX: u32 = 5;

/// Sees to it that our registration for this noun exists, is verified, and has a verifier that we
/// hold.
pub(super) async fn check(flow: &Flow) -> Result<Ending, Halt> {
    if flow.task.webhook_url.is_empty() {
        let sentence = "no webhooks are received here; the sweep finds what changed".to_string();
        return Ok(unchanged("no-receiver", sentence));
    }
    let held = flow.find_own().await.link;
    let Written {
        record: callback,
        found,
    } = registered(flow).await?;
    if callback.verified && held.is_some_and(|link| link.target.id == callback.id) {
        return Ok(confirmed(&callback, How::Checked));
    }
    // FreshBooks sends the handshake of a new registration by itself.
    verified(flow, &callback, !found).await?;
    flow.trust_verifier(&callback.id).await;
    let link = Link {
        source: flow.task.object.clone(),
        target: target(&callback),
        version: String::new(),
        content_hash: String::new(),
    };
    flow.save(Save {
        links: vec![link],
        unlinks: Vec::new(),
        tasks: Vec::new(),
    })
    .await;
    Ok(confirmed(&callback, How::Created))
}

/// Our registration, made if it is not there.
async fn registered(flow: &Flow) -> Result<Written<Callback>, Halt> {
    let look_up = async || {
        Ok(match find(flow).await? {
            Some(callback) => LookUp::There(callback),
            None => LookUp::Missing(register(flow)),
        })
    };
    let written = flow
        .write(Intent::LookUpThenResend, freshbooks::read_callback, look_up)
        .await?;
    written.map_err(|refusal| refused(flow, &refusal))
}

async fn find(flow: &Flow) -> Result<Option<Callback>, Halt> {
    let noun = &flow.task.object.id;
    let account_id = &flow.settings.freshbooks.account_id;
    // A filter may be ignored silently, so the rows are looked at again.
    let ours =
        |callback: &Callback| callback.event == *noun && callback.uri == flow.task.webhook_url;
    let mut found: Option<Callback> = None;
    for page in 1..=PAGES_MAX {
        let request = freshbooks::callbacks(account_id, noun, page);
        let listed = flow.read(request, freshbooks::read_callbacks).await?;
        let listed = listed.map_err(|refusal| refused(flow, &refusal))?;
        // One that is verified comes before one that a lost answer left behind.
        let here = listed.callbacks.into_iter().filter(ours);
        found = found
            .into_iter()
            .chain(here)
            .max_by_key(|callback| (callback.verified, Reverse(callback.id.clone())));
        if u64::from(page) >= listed.pages {
            break;
        }
    }
    Ok(found)
}

fn register(flow: &Flow) -> Request {
    let body = serde_json::json!({"callback": {"event": flow.task.object.id, "uri": flow.task.webhook_url}});
    let path = freshbooks::callbacks_path(&flow.settings.freshbooks.account_id);
    freshbooks::with_body(Method::Post, path, vec![BodyPart::Text(body.to_string())])
}

/// Waits for the handshake and sends its verifier back, asking for the handshake again if it does
/// not come.
async fn verified(flow: &Flow, callback: &Callback, mut awaited: bool) -> Result<(), Halt> {
    for _ in 0..HANDSHAKES_MAX {
        if !awaited {
            flow.try_once(resend(flow, callback), freshbooks::read_callback)
                .await;
        }
        awaited = false;
        let sentence =
            "waiting for FreshBooks to send the verifier to our webhook address".to_string();
        flow.wait(HANDSHAKE_WAIT, WaitReason::Handshake, sentence)
            .await;
        let answer = flow
            .try_once(confirm(flow, callback), freshbooks::read_callback)
            .await;
        if answer.is_some_and(|callback| callback.verified) {
            return Ok(());
        }
    }
    let sentence = format!(
        "FreshBooks' verification of {} did not reach us",
        flow.task.webhook_url
    );
    let remedy = "check that `receiver.public_url` can be reached from the internet, then `ml-connector replay RUN`";
    Err(Halt::Parked(flow.stop(
        "handshake-missing",
        sentence,
        remedy,
    )))
}

fn resend(flow: &Flow, callback: &Callback) -> Request {
    let body = r#"{"callback":{"resend":true}}"#.to_string();
    put(flow, callback, vec![BodyPart::Text(body)])
}

fn confirm(flow: &Flow, callback: &Callback) -> Request {
    let body = vec![
        BodyPart::Text(r#"{"callback":{"verifier":""#.to_string()),
        BodyPart::JsonSecret(format!("verifier:{}", callback.id)),
        BodyPart::Text(r#""}}"#.to_string()),
    ];
    put(flow, callback, body)
}

fn put(flow: &Flow, callback: &Callback, body: Vec<BodyPart>) -> Request {
    let account_id = &flow.settings.freshbooks.account_id;
    let path = freshbooks::callback_path(account_id, &callback.id);
    freshbooks::with_body(Method::Put, path, body)
}

fn refused(flow: &Flow, refusal: &Refusal) -> Halt {
    rejected(
        flow,
        System::Freshbooks,
        "the webhook registration",
        refusal,
    )
}

fn target(callback: &Callback) -> ObjectRef {
    ObjectRef {
        system: System::Freshbooks,
        kind: "callback".to_string(),
        id: callback.id.clone(),
    }
}

fn confirmed(callback: &Callback, how: How) -> Ending {
    Ending::Confirmed(Confirmation {
        target: target(callback),
        how,
        sentence: format!(
            "FreshBooks announces each {} to us (callback {})",
            callback.event, callback.id
        ),
    })
}
