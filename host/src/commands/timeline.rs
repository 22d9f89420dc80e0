//! A run's history as a person reads it, and as a program does.

use std::io::Write;

use ml_connector::contract::http::{Body, BodyPart, Request, SendOutcome};
use ml_connector::contract::runs::{
    Action, Changes, Demand, ObjectStatus, OutboundRequest, Outcome, Report, Wait, Wake,
};
use ml_connector::store::HistoryRow;
use serde_json::Value;

use super::failure::Failure;
use super::{labels, time_format};

/// Whether the bodies of requests and answers are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bodies {
    /// They are shown, indented, below their request.
    Shown,
    /// They are left out.
    Left,
}

const INDENT: &str = "              ";

/// Prints a history, a day's name before its first row.
pub(super) fn print(
    history: &[HistoryRow],
    bodies: Bodies,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut day = String::new();
    let mut epoch = 0;
    for row in history {
        if row.epoch != epoch {
            epoch = row.epoch;
            writeln!(
                out,
                "\nStarted over; the earlier history is shown for the record."
            )?;
        }
        if time_format::day(row.at) != day {
            day = time_format::day(row.at);
            writeln!(out, "\n{day}")?;
        }
        print_row(row, bodies, out)?;
    }
    Ok(())
}

fn print_row(row: &HistoryRow, bodies: Bodies, out: &mut impl Write) -> Result<(), Failure> {
    writeln!(
        out,
        "{}  {}",
        time_format::time_of_day(row.at),
        demand(&row.demand)
    )?;
    if let (Bodies::Shown, Some(send)) = (bodies, sending(&row.demand)) {
        print_body(&request_body(&send.request), out)?;
    }
    match &row.outcome {
        None => writeln!(out, "{INDENT}the outcome was never recorded")?,
        Some(outcome) => {
            let took = time_format::largest_unit(outcome.at.saturating_sub(row.at));
            writeln!(out, "{INDENT}{} ({took})", report(outcome))?;
            if let (Bodies::Shown, Report::Sent(SendOutcome::Response(response))) =
                (bodies, &outcome.report)
            {
                print_body(&answer_body(&response.body), out)?;
            }
        }
    }
    Ok(())
}

fn print_body(body: &str, out: &mut impl Write) -> Result<(), Failure> {
    for line in pretty(body).lines() {
        writeln!(out, "{INDENT}| {line}")?;
    }
    Ok(())
}

fn sending(demand: &Demand) -> Option<&OutboundRequest> {
    match demand {
        Demand::Perform(effect) => match &effect.action {
            Action::Send(send) => Some(send),
            _ => None,
        },
        _ => None,
    }
}

fn demand(demand: &Demand) -> String {
    match demand {
        Demand::Perform(effect) => action(&effect.action),
        Demand::Wait(wait) => waiting(wait),
        Demand::Done(_) => "ended".to_string(),
    }
}

fn action(action: &Action) -> String {
    match action {
        Action::Send(send) => {
            let Request {
                system,
                method,
                path_with_query,
                ..
            } = &send.request;
            let (intent, method) = (labels::intent(send.intent), labels::method(*method));
            format!(
                "{intent}: {} {method} {path_with_query}",
                system.display_name()
            )
        }
        Action::FindObjects(objects) => {
            format!(
                "look up what is stored about {}",
                listed(objects.iter().map(labels::object))
            )
        }
        Action::Save(changes) => saving(changes),
        Action::TrustVerifier(callback) => format!("trust the verifier of callback {callback}"),
    }
}

fn saving(changes: &Changes) -> String {
    let links = changes.links.iter().map(|link| {
        format!(
            "link {} to {}",
            labels::object(&link.source),
            labels::object(&link.target)
        )
    });
    let unlinks = changes
        .unlinks
        .iter()
        .map(|source| format!("forget the link of {}", labels::object(source)));
    let tasks = changes
        .tasks
        .iter()
        .map(|task| format!("start a run of {}", labels::object(&task.object)));
    let all: Vec<String> = links.chain(unlinks).chain(tasks).collect();
    format!("save: {}", listed(all.into_iter()))
}

fn waiting(wait: &Wait) -> String {
    let on = wait.on.as_ref().map_or(String::new(), |object| {
        format!(" or until {} ends", labels::object(object))
    });
    format!(
        "wait {} until {}{on}: {}",
        labels::wait_reason(wait.reason),
        time_format::date_time(wait.until),
        wait.message
    )
}

fn report(outcome: &Outcome) -> String {
    match &outcome.report {
        Report::Sent(SendOutcome::Response(response)) => {
            format!(
                "answered {}, {} bytes",
                response.status,
                body_length(&response.body)
            )
        }
        Report::Sent(SendOutcome::NotSent(error)) => {
            format!(
                "not sent: {}{}",
                labels::send_error(error.code),
                detail(&error.detail)
            )
        }
        Report::Sent(SendOutcome::MaybeSent(error)) => format!(
            "maybe sent, the outcome is unknown: {}{}",
            labels::send_error(error.code),
            detail(&error.detail)
        ),
        Report::Found(statuses) => listed(statuses.iter().map(object_status)),
        Report::Saved => "saved".to_string(),
        Report::Trusted(true) => "it is the key now".to_string(),
        Report::Trusted(false) => "there is no such verifier".to_string(),
        Report::Woken(Wake::Due) => "woken when it was due".to_string(),
        Report::Woken(Wake::ObjectEnded) => "woken because that object's run ended".to_string(),
    }
}

fn object_status(status: &ObjectStatus) -> String {
    let object = labels::object(&status.object);
    match &status.link {
        Some(link) => format!("{object} is {}", labels::object(&link.target)),
        None if status.active => format!("{object} is under way"),
        None => format!("{object} has not been carried over"),
    }
}

fn detail(detail: &str) -> String {
    if detail.is_empty() {
        String::new()
    } else {
        format!(" ({detail})")
    }
}

fn listed(items: impl Iterator<Item = String>) -> String {
    const SHOWN_MAX: usize = 8;
    let mut items: Vec<String> = items.collect();
    if items.is_empty() {
        return "nothing".to_string();
    }
    let more = items.len().saturating_sub(SHOWN_MAX);
    items.truncate(SHOWN_MAX);
    let text = items.join(", ");
    if more > 0 {
        format!("{text} and {more} more")
    } else {
        text
    }
}

fn request_body(request: &Request) -> String {
    let part = |part: &BodyPart| match part {
        BodyPart::Text(text) => text.clone(),
        BodyPart::JsonSecret(secret) | BodyPart::FormSecret(secret) => {
            format!("[secret: {secret}]")
        }
    };
    request.body.iter().map(part).collect()
}

fn answer_body(body: &Body) -> String {
    match body {
        Body::Text(text) => text.clone(),
        Body::Bytes(bytes) => format!("[{} bytes that are not text]", bytes.len()),
    }
}

fn body_length(body: &Body) -> usize {
    match body {
        Body::Text(text) => text.len(),
        Body::Bytes(bytes) => bytes.len(),
    }
}

fn pretty(body: &str) -> String {
    let parsed = serde_json::from_str::<Value>(body);
    let pretty = parsed.and_then(|value| serde_json::to_string_pretty(&value));
    pretty.unwrap_or_else(|_| body.to_string())
}
