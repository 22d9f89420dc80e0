//! The event subscription: SAP Concur announces what is ready to us, and goes on doing so.
//!
//! SAP adds a company to a subscription when its company request token is exchanged, and never
//! later: a company that was connected before the subscription existed has to be connected again. A
//! subscription without a successful delivery is deleted after 30 days, so this is looked at again
//! and again (source: concur-event-subscription).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::concur::{self, Subscription};
use crate::contract::runs::{Change, Confirmation, Ending, Failure, Intent};
use crate::contract::types::{ObjectRef, System};
use crate::error_bodies::Refusal;
use crate::flow::{EarlyEnd, Flow, LookUp, Written, remote_refused, unchanged};
use crate::remedy::{Replay, after_settings};

/// The code of the failure when events are subscribed to and the company is not among those that
/// they come from.
const COMPANY_MISSING: &str = "company-not-subscribed";

const TOPIC_PREFIX: &str = "public.concur.";

/// Sees to it that our subscription for this topic exists, leads here, and holds our company.
pub(super) async fn check_subscription(flow: &Flow) -> Result<Ending, EarlyEnd> {
    let Some(url) = &flow.task.receive_url else {
        let message = "no events are received here; the schedule finds what is ready".to_string();
        return Ok(unchanged("no-receiver", message));
    };
    flow.find_own().await;
    let wanted = wanted(flow, url);
    let written = find_or_subscribe(flow, &wanted).await?;
    let stored = match written.record {
        Some(stored) if written.found => Some(stored),
        _ => read_stored(flow, &wanted.id).await?,
    };
    let stored = stored.filter(|stored| is_as_wanted(stored, &wanted));
    let Some(stored) = stored else {
        return Err(subscription_differs(flow, &wanted));
    };
    if !holds_company(&stored, &flow.settings.concur.company_id) {
        return Err(company_missing(flow, &stored));
    }
    let change = if written.found {
        Change::Checked
    } else {
        Change::Created
    };
    Ok(confirmed(&stored, change))
}

fn wanted(flow: &Flow, url: &str) -> Subscription {
    let topic = &flow.task.object.id;
    Subscription {
        id: flow.settings.subscription_id(topic),
        topic: format!("{TOPIC_PREFIX}{topic}"),
        filter: flow.settings.events.filter.clone(),
        endpoint: url.to_string(),
        companies: Vec::new(),
    }
}

/// Our subscription, made or changed if it is not as it should be.
async fn find_or_subscribe(
    flow: &Flow,
    wanted: &Subscription,
) -> Result<Written<Option<Subscription>>, EarlyEnd> {
    let look_up = async || {
        let there = read_stored(flow, &wanted.id).await?;
        Ok(match there.filter(|there| is_as_wanted(there, wanted)) {
            Some(there) => LookUp::Found(Some(there)),
            None => LookUp::Missing(concur::put_subscription(wanted)),
        })
    };
    let written = flow
        .write(Intent::LookUpThenResend, concur::read_nothing, look_up)
        .await?;
    written.map_err(|refusal| refused(flow, &refusal))
}

async fn read_stored(flow: &Flow, id: &str) -> Result<Option<Subscription>, EarlyEnd> {
    match flow
        .read(concur::get_subscription(id), concur::read_subscription)
        .await?
    {
        Ok(found) => Ok(found.filter(|found| found.id == id)),
        Err(refusal) if refusal.is_missing() => Ok(None),
        Err(refusal) => Err(refused(flow, &refusal)),
    }
}

/// Concur shows the topic with and without its prefix.
fn is_as_wanted(there: &Subscription, wanted: &Subscription) -> bool {
    let bare = |topic: &str| {
        let topic = topic.strip_prefix("public.").unwrap_or(topic);
        topic.to_string()
    };
    there.endpoint == wanted.endpoint
        && there.filter == wanted.filter
        && bare(&there.topic) == bare(&wanted.topic)
}

fn holds_company(stored: &Subscription, company_id: &str) -> bool {
    let mut companies = stored.companies.iter();
    companies.any(|company| company.eq_ignore_ascii_case(company_id))
}

fn subscription_differs(flow: &Flow, wanted: &Subscription) -> EarlyEnd {
    let message = format!(
        "SAP Concur accepted the event subscription {}, but does not show it as it was sent",
        wanted.id
    );
    let change = "set `events.subscription_id` to an id that is not in use elsewhere";
    let remedy = after_settings(change, Replay::Run);
    flow.parked("subscription-differs", message, &remedy)
}

fn company_missing(flow: &Flow, stored: &Subscription) -> EarlyEnd {
    let message = format!(
        "SAP Concur does not send us the events of company {}: it was connected before the event \
         subscription {} existed, or was disconnected since",
        flow.settings.concur.company_id, stored.id
    );
    let remedy = "have an administrator make a new company request token, then run `ml-connector \
        connect concur`";
    EarlyEnd::park(Failure {
        reconnect: Some(System::Concur),
        ..flow.failure(COMPANY_MISSING, message, remedy)
    })
}

fn refused(flow: &Flow, refusal: &Refusal) -> EarlyEnd {
    remote_refused(flow, System::Concur, "the event subscription", refusal)
}

fn confirmed(stored: &Subscription, change: Change) -> Ending {
    Ending::Confirmed(Confirmation {
        target: ObjectRef::concur("event-subscription", stored.id.clone()),
        change,
        message: announced(stored),
    })
}

fn announced(stored: &Subscription) -> String {
    format!(
        "SAP Concur announces what is ready to us (event subscription {})",
        stored.id
    )
}
