//! What a back-fill would do, page by page: its runs and those of its documents are rehearsed.

use std::io::Write;

use indicatif::{ProgressBar, ProgressStyle};
use ml_connector::admin::{AdminReply, AdminRequest};
use ml_connector::contract::runs::{Changes, Completion, EndingKind, Link, NewTask, StartReason};
use ml_connector::contract::types::ObjectRef;
use ml_connector::engine::{AssumedLink, Rehearsal, RehearsalEnd};
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::{Done, client, exit, facts, labels};
use super::follow::Counts;
use super::{Asked, Backfill};

/// A page as it would be done.
struct Page {
    kind: &'static str,
    page: u64,
    counts: Counts,
    documents: Vec<Document>,
}

/// A document whose run would be started.
struct Document {
    object: ObjectRef,
    outcome: Outcome,
    /// What is known of it, and why.
    message: String,
}

/// What would become of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It would be carried over.
    Carried,
    /// It is there already, and would be linked.
    Linked,
    /// It would be left alone.
    Unchanged,
    /// It would stop for a person.
    Stopped,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Carried => "carried",
            Self::Linked => "linked",
            Self::Unchanged => "unchanged",
            Self::Stopped => "stopped",
        }
    }
}

pub(super) fn show(
    asked: &Asked,
    backfills: &[Backfill],
    as_json: bool,
    out: &mut impl Write,
) -> Done {
    let mut pages = Vec::new();
    for backfill in backfills {
        rehearse(asked, backfill, |page| {
            if !as_json {
                print(&page, out)?;
            }
            pages.push(page);
            Ok(())
        })?;
    }
    if as_json {
        let pages: Vec<Value> = pages.iter().map(page_as_json).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&pages)?)?;
    } else {
        writeln!(out, "Nothing was stored, and nothing but reads was sent.")?;
    }
    let documents = pages.iter().flat_map(|page| &page.documents);
    let mut outcomes = documents.map(|document| document.outcome);
    Ok(match outcomes.any(|outcome| outcome == Outcome::Stopped) {
        true => exit::NOT_IN_ORDER,
        false => exit::OK,
    })
}

/// Rehearses the first pass of a back-fill, from its beginning, and hands out each page.
fn rehearse(
    asked: &Asked,
    backfill: &Backfill,
    mut page_done: impl FnMut(Page) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut assumed = vec![complete(&backfill.head)];
    let mut next = Some(NewTask {
        object: backfill.head.clone(),
        reason: StartReason::Backfill,
    });
    let mut is_beginning = true;
    while let Some(task) = next.take() {
        let rehearsal = rehearse_run(asked, task, assumed.clone(), true)?;
        if let Some(refusal) = refusal(backfill, &rehearsal) {
            return refusal;
        }
        let (pages, documents): (Vec<_>, Vec<_>) = rehearsal
            .tasks
            .into_iter()
            .partition(|task| task.object.kind == backfill.head.kind);
        next = pages.into_iter().next();
        for stored in rehearsal.links {
            assumed.retain(|known| known.object != stored.object);
            assumed.push(stored);
        }
        let counts = counts(&backfill.head, &assumed);
        if is_beginning {
            is_beginning = false;
            continue;
        }
        let page = counts.pages_done.max(1);
        let is_last = counts.pages_done == 0 || counts.pages_done >= counts.pages;
        page_done(Page {
            kind: backfill.kind,
            page: if counts.pages_done == 0 {
                counts.pages
            } else {
                page
            },
            counts,
            documents: rehearse_all(asked, documents)?,
        })?;
        if is_last {
            return Ok(());
        }
    }
    Ok(())
}

/// A back-fill that is complete begins anew, whatever is under way.
fn complete(head: &ObjectRef) -> AssumedLink {
    AssumedLink {
        object: head.clone(),
        link: Some(Link {
            source: head.clone(),
            target: head.clone(),
            version: None,
            content_hash: None,
        }),
    }
}

fn counts(head: &ObjectRef, links: &[AssumedLink]) -> Counts {
    let own = links.iter().find(|assumed| assumed.object == *head);
    let link = own.and_then(|assumed| assumed.link.as_ref());
    Counts::read(link.and_then(|link| link.version.as_deref()))
}

/// Why a page cannot be rehearsed; nothing if it was.
fn refusal(backfill: &Backfill, rehearsal: &Rehearsal) -> Option<Result<(), Failure>> {
    match &rehearsal.end {
        RehearsalEnd::Ends(completion) if completion.kind() == EndingKind::Confirmed => None,
        // A kind that the settings do not carry over, and nobody asked for.
        RehearsalEnd::Ends(completion)
            if completion.kind() == EndingKind::Unchanged && !backfill.is_named =>
        {
            Some(Ok(()))
        }
        RehearsalEnd::Ends(completion) if completion.kind() == EndingKind::Unchanged => {
            Some(Err(Failure::new(exit::SETTINGS, completion.message())))
        }
        RehearsalEnd::Ends(completion) => {
            Some(Err(Failure::new(exit::REMOTE, completion.message())))
        }
        RehearsalEnd::Waits { message } => Some(Err(Failure::new(exit::REMOTE, message))),
        RehearsalEnd::Writes { .. } | RehearsalEnd::Saves(_) => {
            let message = "a page would write something; report this as a bug";
            Some(Err(Failure::new(exit::NOT_IN_ORDER, message)))
        }
    }
}

fn rehearse_run(
    asked: &Asked,
    task: NewTask,
    assumed: Vec<AssumedLink>,
    goes_on: bool,
) -> Result<Rehearsal, Failure> {
    let request = AdminRequest::Rehearse {
        connection: asked.connection.to_owned(),
        task,
        assumed,
        goes_on,
    };
    match asked.ask(request)? {
        AdminReply::Rehearsed(rehearsal) => Ok(*rehearsal),
        reply => Err(client::refused(reply, exit::STORE)),
    }
}

fn rehearse_all(asked: &Asked, tasks: Vec<NewTask>) -> Result<Vec<Document>, Failure> {
    let bar = ProgressBar::new(tasks.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("  {bar:30} {pos}/{len} documents of a page") {
        bar.set_style(style);
    }
    let documents = tasks.into_iter().map(|task| {
        let object = task.object.clone();
        let rehearsal = rehearse_run(asked, task, Vec::new(), false)?;
        bar.inc(1);
        document(object, rehearsal.end)
    });
    let documents = documents.collect();
    bar.finish_and_clear();
    documents
}

fn document(object: ObjectRef, end: RehearsalEnd) -> Result<Document, Failure> {
    let (outcome, message) = match end {
        RehearsalEnd::Writes { .. } => (Outcome::Carried, String::new()),
        RehearsalEnd::Saves(changes) if is_linked(&object, &changes) => {
            (Outcome::Linked, "it is there with our marker".to_owned())
        }
        RehearsalEnd::Saves(changes) => (Outcome::Carried, first_of_all(&changes)),
        RehearsalEnd::Ends(completion) => {
            let outcome = match completion.kind() {
                EndingKind::Confirmed => Outcome::Carried,
                EndingKind::Unchanged => Outcome::Unchanged,
                EndingKind::Parked | EndingKind::Rejected | EndingKind::Conflict => {
                    Outcome::Stopped
                }
            };
            (outcome, said(&completion))
        }
        RehearsalEnd::Waits { message } => return Err(Failure::new(exit::REMOTE, message)),
    };
    Ok(Document {
        object,
        outcome,
        message,
    })
}

fn is_linked(object: &ObjectRef, changes: &Changes) -> bool {
    changes.links.iter().any(|link| link.source == *object)
}

/// What comes before the document itself.
fn first_of_all(changes: &Changes) -> String {
    const FIRST: [&str; 4] = ["client", "bill-vendor", "staff", "expense-report"];
    let party = changes
        .tasks
        .iter()
        .find(|task| FIRST.contains(&task.object.kind.as_str()));
    party.map_or_else(String::new, |task| {
        format!("after {} {}", task.object.kind, task.object.id)
    })
}

fn said(completion: &Completion) -> String {
    let code = completion.code().unwrap_or_default();
    let known = facts::line(&completion.facts);
    let known = if known.is_empty() {
        known
    } else {
        format!("({known}) ")
    };
    format!("{known}{code}: {}", completion.message())
}

fn print(page: &Page, out: &mut impl Write) -> Result<(), Failure> {
    let of = |outcome: Outcome| {
        let documents = page.documents.iter();
        documents
            .filter(|document| document.outcome == outcome)
            .count()
    };
    writeln!(
        out,
        "{}, page {} of {}: {} would be carried over, {} linked, {} left alone, {} stopped for a \
         person; {} documents so far are in SAP Concur already",
        page.kind,
        page.page,
        page.counts.pages,
        of(Outcome::Carried),
        of(Outcome::Linked),
        of(Outcome::Unchanged),
        of(Outcome::Stopped),
        page.counts.carried
    )?;
    let told = page.documents.iter();
    for document in told.filter(|document| document.outcome != Outcome::Carried) {
        writeln!(
            out,
            "  {} {}: {}",
            labels::object(&document.object),
            document.outcome.as_str(),
            document.message
        )?;
    }
    Ok(())
}

fn page_as_json(page: &Page) -> Value {
    let documents = page.documents.iter().map(|document| {
        json!({"object": labels::object(&document.object),
            "outcome": document.outcome.as_str(), "message": document.message})
    });
    json!({
        "kind": page.kind,
        "page": page.page,
        "pages": page.counts.pages,
        "already_there": page.counts.carried,
        "documents": documents.collect::<Vec<Value>>(),
    })
}
