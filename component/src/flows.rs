//! The flows: what is to be done for each kind of object, as async functions that read like the
//! story they tell.

mod ambiguity;
mod documents;
mod financial_document;
mod financial_queue;
mod registration;
mod stamp;
mod subscription;
mod sweep;
mod vendors;

use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::future::Future;
use core::pin::Pin;

use crate::contract::runs::{Completion, Ending, Note, OpenError, Stop, Task};
use crate::contract::types::{ObjectRef, Problem, System};
use crate::document::Kind;
use crate::refusals::Refusal;
use crate::runs::{Flow, Halt, Port, name};
use crate::settings::Settings;

type Story = Pin<Box<dyn Future<Output = Completion>>>;

/// Starts the flow for a task.
pub(crate) fn start(
    port: Rc<Port>,
    task: Task,
    settings: Rc<Settings>,
) -> Result<Story, OpenError> {
    let object = task.object.clone();
    let flow = Flow::new(port, task, settings);
    match (object.system, object.kind.as_str()) {
        (System::Freshbooks, "invoice") => Ok(Box::pin(document(flow, Kind::Invoice))),
        (System::Freshbooks, "bill") => Ok(Box::pin(document(flow, Kind::Bill))),
        (System::Freshbooks, "client" | "bill-vendor") => Ok(Box::pin(vendor(flow))),
        (System::Freshbooks, "callback") => Ok(Box::pin(registration(flow))),
        (System::Freshbooks, "sweep") => Ok(Box::pin(sweep(flow))),
        (System::Concur, "financial-queue") => Ok(Box::pin(financial_queue(flow))),
        (System::Concur, "financial-document") => Ok(Box::pin(financial_document(flow))),
        (System::Concur, "event-subscription") => Ok(Box::pin(subscription(flow))),
        (system, kind) => Err(OpenError::UnknownKind(format!("{} {kind}", name(system)))),
    }
}

async fn document(flow: Flow, kind: Kind) -> Completion {
    let ended = documents::carry(&flow, kind).await;
    completion(&flow, ended)
}

async fn vendor(flow: Flow) -> Completion {
    let ended = vendors::carry(&flow).await;
    completion(&flow, ended)
}

async fn registration(flow: Flow) -> Completion {
    let ended = registration::check(&flow).await;
    completion(&flow, ended)
}

async fn subscription(flow: Flow) -> Completion {
    let ended = subscription::check(&flow).await;
    completion(&flow, ended)
}

async fn sweep(flow: Flow) -> Completion {
    let ended = sweep::page(&flow).await;
    completion(&flow, ended)
}

async fn financial_queue(flow: Flow) -> Completion {
    let ended = financial_queue::read(&flow).await;
    completion(&flow, ended)
}

async fn financial_document(flow: Flow) -> Completion {
    let ended = financial_document::carry(&flow).await;
    completion(&flow, ended)
}

/// A completion that stands in before the first poll.
pub(crate) fn nothing_done() -> Completion {
    Completion {
        ending: unchanged("nothing", String::new()),
        version: String::new(),
    }
}

fn completion(flow: &Flow, ended: Result<Ending, Halt>) -> Completion {
    let ending = ended.unwrap_or_else(|halt| match halt {
        Halt::Parked(stop) => Ending::Parked(lasting(flow, stop)),
        Halt::Rejected(stop) => Ending::Rejected(lasting(flow, stop)),
        Halt::Conflict(conflict) => Ending::Conflict(conflict),
    });
    Completion {
        ending,
        version: flow.version(),
    }
}

/// The stop, since the first run that it stopped.
fn lasting(flow: &Flow, stop: Stop) -> Stop {
    Stop {
        since: flow.since(&stop),
        ..stop
    }
}

fn unchanged(code: &str, sentence: String) -> Ending {
    Ending::Unchanged(Note {
        code: code.to_string(),
        sentence,
    })
}

/// A definite refusal by a remote, in its own words.
fn rejected(flow: &Flow, system: System, what: &str, refusal: &Refusal) -> Halt {
    let sentence = format!(
        "{} refused {what} (HTTP {}): \"{}\"",
        name(system),
        refusal.status,
        refusal.words
    );
    let remedy = "correct the record or the settings, then `ml-connector replay RUN`";
    Halt::Rejected(flow.stop("refused", sentence, remedy))
}

/// A document that cannot be translated.
fn unmapped(flow: &Flow, what: &str, problems: Vec<Problem>) -> Halt {
    let code = problems
        .first()
        .map_or("unmapped", |problem| problem.code.as_str())
        .to_string();
    let sentence = format!("the {what} cannot be translated: {}", told(&problems));
    let remedy = "mend what is named, then `ml-connector replay --parked`";
    Halt::Parked(Stop {
        problems,
        ..flow.stop(&code, sentence, remedy)
    })
}

/// What is wrong, each thing once; the first few of many.
fn told(problems: &[Problem]) -> String {
    const TOLD_MAX: usize = 5;
    let mut messages: Vec<&str> = Vec::new();
    for problem in problems {
        if !messages.contains(&problem.message.as_str()) {
            messages.push(&problem.message);
        }
    }
    let more = messages.len().saturating_sub(TOLD_MAX);
    messages.truncate(TOLD_MAX);
    let told = messages.join("; ");
    if more == 0 {
        told
    } else {
        format!("{told}; and {more} more")
    }
}

fn concur(kind: &str, id: String) -> ObjectRef {
    ObjectRef {
        system: System::Concur,
        kind: kind.to_string(),
        id,
    }
}

#[cfg(test)]
mod tests;
