//! Webhook registrations: FreshBooks announces invoices, bills and expenses to us, and goes on
//! doing so.

use alloc::format;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Reverse;

use crate::contract::http::{BodyPart, Method, Request, Secret};
use crate::contract::runs::{Change, Confirmation, Ending, Intent, Link, WaitReason};
use crate::contract::types::{Duration, Instant, ObjectRef, System};
use crate::error_bodies::Refusal;
use crate::flow::{EarlyEnd, Flow, LookUp, Written, remote_refused, unchanged};
use crate::freshbooks::{self, Callback};
use crate::remedy::{Replay, after_settings};

/// Pages of registrations that are looked through. An account has a handful of registrations; the
/// bound ends a list whose number of pages is wrong.
const PAGES_MAX: u32 = 20;
/// How long the handshake may take before it is asked for again, in milliseconds, and how often
/// that is done. FreshBooks sends it within seconds; after five minutes the address is wrong.
const HANDSHAKE_WAIT: Duration = 60_000;
const HANDSHAKES_MAX: u32 = 5;
/// The same where others have come that are not FreshBooks': they may have taken its place at the
/// host, so it is asked for again sooner, and not at once, since its own may be on its way.
const HANDSHAKE_WAIT_AMONG_OTHERS: Duration = 10_000;
/// How often a run asks for a confirmation. It takes two for each handshake that comes, and anyone
/// who knows our address can send some, faster than FreshBooks answers. Enough for those of several
/// seconds, and an end of the requests that a stranger can make us send.
const CONFIRMATIONS_MAX: u32 = 300;

/// The code of the failure when no verification came that FreshBooks confirms.
const HANDSHAKE_MISSING: &str = "handshake-missing";

/// Sees to it that our registration for this noun exists, is verified, and has a verifier that we
/// hold.
pub(super) async fn check_registration(flow: &Flow) -> Result<Ending, EarlyEnd> {
    let Some(url) = &flow.task.receive_url else {
        let message = "no webhooks are received here; the sweep finds what changed".to_string();
        return Ok(unchanged("no-receiver", message));
    };
    let held = flow.find_own().await.link;
    let Written {
        record: callback,
        found,
    } = find_or_register(flow, url).await?;
    if callback.verified && held.is_some_and(|link| link.target.id == callback.id) {
        return Ok(confirmed(&callback, Change::Checked));
    }
    // FreshBooks sends the handshake of a new registration by itself.
    verify(flow, &callback, !found).await?;
    let link = Link {
        source: flow.task.object.clone(),
        target: target(&callback),
        version: None,
        content_hash: None,
    };
    flow.save_links(vec![link]).await;
    Ok(confirmed(&callback, Change::Created))
}

/// Our registration, made if it is not there.
async fn find_or_register(flow: &Flow, url: &str) -> Result<Written<Callback>, EarlyEnd> {
    let look_up = async || {
        Ok(match find_registration(flow, url).await? {
            Some(callback) => LookUp::Found(callback),
            None => LookUp::Missing(register_request(flow, url)),
        })
    };
    let written = flow
        .write(Intent::LookUpThenResend, freshbooks::read_callback, look_up)
        .await?;
    written.map_err(|refusal| refused(flow, &refusal))
}

async fn find_registration(flow: &Flow, url: &str) -> Result<Option<Callback>, EarlyEnd> {
    let noun = &flow.task.object.id;
    let account_id = &flow.settings.freshbooks.account_id;
    // A filter may be ignored silently, so the rows are looked at again.
    let ours = |callback: &Callback| callback.event == *noun && callback.uri == url;
    let mut found: Option<Callback> = None;
    for page in 1..=PAGES_MAX {
        let request = freshbooks::list_callbacks(account_id, noun, page);
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

fn register_request(flow: &Flow, url: &str) -> Request {
    let body = serde_json::json!({"callback": {"event": flow.task.object.id, "uri": url}});
    let path = freshbooks::callbacks_path(&flow.settings.freshbooks.account_id);
    freshbooks::with_body(Method::Post, path, vec![BodyPart::Text(body.to_string())])
}

/// What came of sending a verifier back.
enum Confirmed {
    /// FreshBooks has confirmed it, and it is the key now.
    Key,
    /// FreshBooks did not take it: it is somebody else's.
    NotTheirs,
    /// The host holds none that was not sent yet, or there was no answer.
    NotYet,
    /// FreshBooks has confirmed it, and the host does not know any more which one it was.
    Lost,
}

/// Sends the verifiers that arrive back until FreshBooks confirms one, which is made the key, and
/// asks for the handshake again if it does not come.
///
/// A handshake proves nothing: anyone who knows our address can send one. So what is trusted is the
/// verifier that FreshBooks has confirmed, and one that it refuses only leads to the next.
async fn verify(flow: &Flow, callback: &Callback, mut awaited: bool) -> Result<(), EarlyEnd> {
    let (mut sent, mut not_theirs) = (0, 0);
    for _ in 0..HANDSHAKES_MAX {
        if !awaited {
            flow.try_once(resend_request(flow, callback), freshbooks::read_callback)
                .await;
        }
        awaited = false;
        let asked = flow.now();
        let mut until = asked.saturating_add(HANDSHAKE_WAIT);
        loop {
            if sent == CONFIRMATIONS_MAX {
                return Err(handshake_missing(flow, not_theirs));
            }
            sent += 1;
            match confirm(flow, callback).await {
                Confirmed::Key => return Ok(()),
                Confirmed::NotTheirs => {
                    not_theirs += 1;
                    until = asked.saturating_add(HANDSHAKE_WAIT_AMONG_OTHERS);
                }
                Confirmed::Lost => break,
                Confirmed::NotYet if flow.now() >= until => break,
                Confirmed::NotYet => await_handshake(flow, until).await,
            }
        }
    }
    Err(handshake_missing(flow, not_theirs))
}

/// Sends the next verifier that the host holds. That this names the callback also tells the host
/// whose handshakes to keep.
async fn confirm(flow: &Flow, callback: &Callback) -> Confirmed {
    let answer = flow
        .try_once(confirm_request(flow, callback), freshbooks::read_callback)
        .await;
    match answer {
        Some(Ok(there)) if there.verified && there.id == callback.id => {
            match flow.trust_verifier(&callback.id).await {
                true => Confirmed::Key,
                false => Confirmed::Lost,
            }
        }
        Some(_) => Confirmed::NotTheirs,
        None => Confirmed::NotYet,
    }
}

async fn await_handshake(flow: &Flow, until: Instant) {
    let message = "waiting for FreshBooks to send the verifier to our webhook address".to_string();
    let delay = until.saturating_sub(flow.now());
    flow.wait(delay, WaitReason::Handshake, message).await;
}

fn handshake_missing(flow: &Flow, not_theirs: u32) -> EarlyEnd {
    if not_theirs > 0 {
        let message = format!(
            "FreshBooks' verification did not reach our webhook address, and {not_theirs} others \
             did that FreshBooks did not confirm: somebody else knows that address"
        );
        let remedy = "change the webhook address as the operating manual says, or `ml-connector \
            replay RUN` once it is quiet";
        return flow.parked(HANDSHAKE_MISSING, message, remedy);
    }
    let message = "FreshBooks' verification did not reach our webhook address".to_string();
    let change = "check that `receiver.public_url` can be reached from the internet, and whether \
        the log shows a webhook that was refused";
    let remedy = after_settings(change, Replay::Run);
    flow.parked(HANDSHAKE_MISSING, message, &remedy)
}

fn resend_request(flow: &Flow, callback: &Callback) -> Request {
    let body = r#"{"callback":{"resend":true}}"#.to_string();
    put_request(flow, callback, vec![BodyPart::Text(body)])
}

fn confirm_request(flow: &Flow, callback: &Callback) -> Request {
    let body = vec![
        BodyPart::Text(r#"{"callback":{"verifier":""#.to_string()),
        BodyPart::JsonSecret(Secret::Verifier(callback.id.clone())),
        BodyPart::Text(r#""}}"#.to_string()),
    ];
    put_request(flow, callback, body)
}

fn put_request(flow: &Flow, callback: &Callback, body: Vec<BodyPart>) -> Request {
    let account_id = &flow.settings.freshbooks.account_id;
    let path = freshbooks::callback_path(account_id, &callback.id);
    freshbooks::with_body(Method::Put, path, body)
}

fn refused(flow: &Flow, refusal: &Refusal) -> EarlyEnd {
    remote_refused(
        flow,
        System::Freshbooks,
        "the webhook registration",
        refusal,
    )
}

fn target(callback: &Callback) -> ObjectRef {
    ObjectRef::freshbooks("callback", callback.id.clone())
}

fn confirmed(callback: &Callback, change: Change) -> Ending {
    Ending::Confirmed(Confirmation {
        target: target(callback),
        change,
        message: format!(
            "FreshBooks announces each {} to us (callback {})",
            callback.event, callback.id
        ),
    })
}
