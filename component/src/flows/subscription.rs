//! The event subscription: SAP Concur announces what is ready to us, and goes on doing so.
//!
//! SAP adds a company to a subscription when its company request token is exchanged, and never
//! later: a company that was connected before the subscription existed has to be connected again. A
//! subscription without a successful delivery is deleted after 30 days, so this is looked at again
//! and again. (Concur docs, event subscription service.)

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{concur, rejected, unchanged};
use crate::concur::{Subscription, put_subscription, read_saved, read_subscription, subscription};
use crate::contract::runs::{Confirmation, Ending, How, Intent, Stop};
use crate::contract::types::System;
use crate::refusals::Refusal;
use crate::runs::{Flow, Halt, LookUp, Written};

/// The code of the stop when events are subscribed to and the company is not among those that they
/// come from.
const COMPANY_MISSING: &str = "company-not-subscribed";

const TOPIC_PREFIX: &str = "public.concur.";

/// Sees to it that our subscription for this topic exists, leads here, and holds our company.
pub(super) async fn check(flow: &Flow) -> Result<Ending, Halt> {
    if flow.task.webhook_url.is_empty() {
        let sentence = "no events are received here; the schedule finds what is ready".to_string();
        return Ok(unchanged("no-receiver", sentence));
    }
    flow.find_own().await;
    let wanted = wanted(flow);
    let written = subscribed(flow, &wanted).await?;
    let kept = match written.record {
        Some(kept) if written.found => Some(kept),
        _ => read(flow, &wanted.id).await?,
    };
    let kept = kept.filter(|kept| is_as_wanted(kept, &wanted));
    let Some(kept) = kept else {
        return Err(Halt::Parked(not_ours(flow, &wanted)));
    };
    if !holds(&kept, &flow.settings.concur.company_id) {
        return Err(Halt::Parked(company_missing(flow, &kept)));
    }
    let how = if written.found {
        How::Checked
    } else {
        How::Created
    };
    Ok(confirmed(&kept, how))
}

fn wanted(flow: &Flow) -> Subscription {
    let topic = &flow.task.object.id;
    Subscription {
        id: flow.settings.subscription_id(&flow.task.connection, topic),
        topic: format!("{TOPIC_PREFIX}{topic}"),
        filter: flow.settings.events.filter.clone(),
        endpoint: flow.task.webhook_url.clone(),
        companies: Vec::new(),
    }
}

/// Our subscription, made or changed if it is not as it should be.
async fn subscribed(
    flow: &Flow,
    wanted: &Subscription,
) -> Result<Written<Option<Subscription>>, Halt> {
    let look_up = async || {
        let there = read(flow, &wanted.id).await?;
        Ok(match there.filter(|there| is_as_wanted(there, wanted)) {
            Some(there) => LookUp::There(Some(there)),
            None => LookUp::Missing(put_subscription(wanted)),
        })
    };
    let written = flow
        .write(Intent::LookUpThenResend, read_saved, look_up)
        .await?;
    written.map_err(|refusal| refused(flow, &refusal))
}

async fn read(flow: &Flow, id: &str) -> Result<Option<Subscription>, Halt> {
    match flow.read(subscription(id), read_subscription).await? {
        Ok(found) => Ok(found.filter(|found| found.id == id)),
        Err(refusal) if refusal.is_missing() => Ok(None),
        Err(refusal) => Err(refused(flow, &refusal)),
    }
}

/// The topic is told with and without its prefix.
fn is_as_wanted(there: &Subscription, wanted: &Subscription) -> bool {
    let bare = |topic: &str| {
        let topic = topic.strip_prefix("public.").unwrap_or(topic);
        topic.to_string()
    };
    there.endpoint == wanted.endpoint
        && there.filter == wanted.filter
        && bare(&there.topic) == bare(&wanted.topic)
}

fn holds(kept: &Subscription, company_id: &str) -> bool {
    let mut companies = kept.companies.iter();
    companies.any(|company| company.eq_ignore_ascii_case(company_id))
}

fn not_ours(flow: &Flow, wanted: &Subscription) -> Stop {
    let sentence = format!(
        "SAP Concur said that it kept the event subscription {}, and does not show it as it was sent",
        wanted.id
    );
    let remedy = "set `events.subscription_id` to an id that nobody else uses, then `ml-connector replay RUN`";
    flow.stop("subscription-differs", sentence, remedy)
}

fn company_missing(flow: &Flow, kept: &Subscription) -> Stop {
    let sentence = format!(
        "SAP Concur does not send us the events of company {}: it was connected before the event subscription {} \
         existed, or was disconnected since",
        flow.settings.concur.company_id, kept.id
    );
    let remedy = "have an administrator make a new company request token, then run `ml-connector connect concur`";
    flow.stop(COMPANY_MISSING, sentence, remedy)
}

fn refused(flow: &Flow, refusal: &Refusal) -> Halt {
    rejected(flow, System::Concur, "the event subscription", refusal)
}

fn confirmed(kept: &Subscription, how: How) -> Ending {
    Ending::Confirmed(Confirmation {
        target: concur("event-subscription", kept.id.clone()),
        how,
        sentence: announced(kept),
    })
}

fn announced(kept: &Subscription) -> String {
    format!(
        "SAP Concur announces what is ready to us (event subscription {})",
        kept.id
    )
}
