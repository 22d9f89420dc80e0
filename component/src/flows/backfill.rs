//! The back-fill: what was there before the connector was, by the documents' own dates.
//!
//! A run does one page of the list: it starts the runs of documents that nobody has looked at, a
//! few at a time, and waits for them, so that what webhooks announce finds room. Then it starts the
//! next page. All of it is runs, so that a back-fill goes on after a kill like anything else, and a
//! document that a webhook announces meanwhile has one run at a time as ever.
//!
//! Where it stands is a link of the back-fill's own object: its target is the page that is next,
//! its version has the counts so far. A list moves while it is read page by page, and what is
//! deleted moves documents to pages that are done: the list is read again until it shows nothing
//! new.

mod counts;
mod place;

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use counts::Counts;
use place::{Range, Step};

use super::dependency::DEPENDENCY_LOOK;
use super::documents::cut_over::{BEFORE_CUT_OVER, is_dated_before};
use super::{documents, looks_changed};
use crate::contract::runs::{
    Change, Changes, Confirmation, Ending, Link, NewTask, ObjectStatus, StartReason, WaitReason,
};
use crate::contract::types::{ObjectRef, System};
use crate::flow::{EarlyEnd, Flow, remote_refused, unchanged};
use crate::freshbooks::{self, Kind, Listed, Page, Row};

/// Passes over a list of several pages, at most: what is then still missed was deleted or changed
/// meanwhile, and the sweep finds it.
const PASSES_MAX: u32 = 5;

/// Does the step that the object's id names.
pub(super) async fn back_fill(flow: &Flow) -> Result<Ending, EarlyEnd> {
    let id = &flow.task.object.id;
    let Some((range, step)) = place::read(id) else {
        let message = format!("\"{id}\" names no back-fill");
        return Err(flow.parked("unknown-backfill", message, "report this as a bug"));
    };
    if !is_enabled(flow, range.kind) {
        let message = format!("the settings do not carry over {}s", range.kind.name());
        return Ok(unchanged("not-enabled", message));
    }
    match step {
        Step::Start => Ok(start(flow, range).await),
        Step::Cancel => Ok(cancel(flow, range).await),
        Step::Page { pass, page } => do_page(flow, range, pass, page).await,
    }
}

fn is_enabled(flow: &Flow, listed: Listed) -> bool {
    match listed {
        Listed::Documents(kind) => documents::is_enabled(flow, kind),
        Listed::Expenses => flow.settings.expense.enabled,
    }
}

/// Begins, or goes on with the page that is next.
async fn start(flow: &Flow, range: Range) -> Ending {
    let own = flow.find_own().await;
    let next = own.link.map(|link| link.target);
    let goes_on = next.filter(|next| *next != own.object);
    let (links, page, message) = match goes_on {
        Some(page) => (Vec::new(), page, "goes on"),
        None => {
            let page = range.object(Step::FIRST);
            let link = cursor(range, &page, Counts::default());
            (vec![link], page, "begins")
        }
    };
    let message = format!("{message} with {}", page.id);
    let is_active = flow.find_one(page.clone()).await.active;
    let task = (!is_active).then(|| task(page));
    flow.save(Changes {
        links,
        unlinks: vec![range.object(Step::Cancel)],
        tasks: task.into_iter().collect(),
    })
    .await;
    checked(flow, message)
}

async fn cancel(flow: &Flow, range: Range) -> Ending {
    let link = Link {
        source: flow.task.object.clone(),
        target: range.object(Step::Start),
        version: None,
        content_hash: None,
    };
    flow.save_links(vec![link]).await;
    let message = "what it has started goes on; it starts nothing more".into();
    checked(flow, message)
}

async fn do_page(flow: &Flow, range: Range, pass: u32, page: u32) -> Result<Ending, EarlyEnd> {
    let head = flow.find_one(range.object(Step::Start)).await;
    let link = head.link.filter(|link| link.target == flow.task.object);
    let Some(link) = link else {
        let message = "the back-fill does not stand at this page".into();
        return Ok(unchanged("not-its-turn", message));
    };
    let mut counts = Counts::read(link.version.as_deref());
    let listed = read_page(flow, range, page).await?;
    (counts.pass, counts.pages) = (pass, listed.pages);
    let rows: Vec<&Row> = listed
        .rows
        .iter()
        .filter(|row| range.contains(row))
        .collect();
    for some in rows.chunks(flow.settings.backfill.runs_under_way_max) {
        if !carry_over(flow, range, some, &mut counts).await {
            let message = "a person cancelled it; start it again to go on here".into();
            return Ok(unchanged("cancelled", message));
        }
    }
    counts.pages_done = page;
    Ok(go_on(flow, range, page, counts).await)
}

async fn read_page(flow: &Flow, range: Range, page: u32) -> Result<Page, EarlyEnd> {
    let Range { kind, from, to } = range;
    let account_id = &flow.settings.freshbooks.account_id;
    let request = match kind {
        Listed::Documents(kind) => {
            freshbooks::list_dated_documents(account_id, kind, page, from, to)
        }
        Listed::Expenses => freshbooks::list_dated_expenses(account_id, page, from, to),
    };
    let reader = match kind {
        Listed::Documents(Kind::Invoice) => freshbooks::read_invoice_page,
        Listed::Documents(Kind::Bill) => freshbooks::read_bill_page,
        Listed::Expenses => freshbooks::read_expense_page,
    };
    let read = flow.read(request, reader).await?;
    read.map_err(|refusal| remote_refused(flow, System::Freshbooks, "the list", &refusal))
}

/// Has a few documents carried over, and waits for those that it started; false if the back-fill
/// was cancelled.
async fn carry_over(flow: &Flow, range: Range, rows: &[&Row], counts: &mut Counts) -> bool {
    let objects = rows
        .iter()
        .map(|row| ObjectRef::freshbooks(range.kind.name(), row.id.clone()));
    let cancel = range.object(Step::Cancel);
    let mut statuses = flow.find(objects.chain([cancel]).collect()).await;
    if statuses.pop().is_some_and(|cancel| cancel.link.is_some()) {
        return false;
    }
    let is_first_pass = counts.pass == 1;
    let all = rows.iter().zip(statuses);
    let (new, known): (Vec<_>, Vec<_>) = all.partition(|(row, status)| match is_first_pass {
        true => is_missing(flow, row, status),
        false => is_unknown(status),
    });
    if is_first_pass {
        known.iter().for_each(|(_, status)| counts.count(status));
    }
    let new: Vec<ObjectRef> = new.into_iter().map(|(_, status)| status.object).collect();
    if new.is_empty() {
        return true;
    }
    let started = u64::try_from(new.len()).unwrap_or_default();
    counts.started += started;
    counts.started_in_pass += started;
    flow.start(new.iter().cloned().map(task).collect()).await;
    let ended = wait_for_all(flow, new, counts).await;
    ended.iter().for_each(|status| counts.count(status));
    true
}

/// A document that no run has looked at.
fn is_unknown(status: &ObjectStatus) -> bool {
    status.link.is_none() && !status.active && status.last.is_none()
}

/// A document that has not been carried over and that a run may carry over now: nobody has looked
/// at it in this version, or it was before a cut-over that has been moved since.
fn is_missing(flow: &Flow, row: &Row, status: &ObjectStatus) -> bool {
    let code = status.last.as_ref().and_then(|last| last.code.as_deref());
    let was_before = code == Some(BEFORE_CUT_OVER) && !is_dated_before(flow, row.issued);
    let is_open = status.link.is_none() && !status.active;
    is_open && (was_before || looks_changed(status, &row.version))
}

/// Waits until the runs of these objects have ended, and says how they stand then.
async fn wait_for_all(flow: &Flow, started: Vec<ObjectRef>, counts: &Counts) -> Vec<ObjectStatus> {
    let mut ended = Vec::new();
    let mut left = started;
    loop {
        let statuses = flow.find(left).await;
        let (active, done): (Vec<_>, Vec<_>) =
            statuses.into_iter().partition(|status| status.active);
        ended.extend(done);
        let Some(first) = active.first().map(|status| status.object.clone()) else {
            return ended;
        };
        let message = format!(
            "{} documents are under way, {} of {} pages are done",
            active.len(),
            counts.pages_done,
            counts.pages
        );
        let reason = WaitReason::Dependency;
        flow.wait_on(DEPENDENCY_LOOK, reason, Some(first), message)
            .await;
        left = active.into_iter().map(|status| status.object).collect();
    }
}

/// Stores that this page is done, together with the start of the next one.
async fn go_on(flow: &Flow, range: Range, page: u32, mut counts: Counts) -> Ending {
    let message = format!("page {page} of {}: {}", counts.pages, counts.sentence());
    let Some(next) = next_page(page, &mut counts) else {
        let head = range.object(Step::Start);
        flow.save_links(vec![cursor(range, &head, counts)]).await;
        let kind = range.kind.name();
        let message = format!(
            "complete: each {kind} {}: {}",
            range.days(),
            counts.sentence()
        );
        return checked(flow, message);
    };
    let next = range.object(next);
    flow.save(Changes {
        links: vec![cursor(range, &next, counts)],
        unlinks: Vec::new(),
        tasks: vec![task(next)],
    })
    .await;
    checked(flow, message)
}

/// The page after one; none if the back-fill is complete.
fn next_page(page: u32, counts: &mut Counts) -> Option<Step> {
    let pass = counts.pass;
    if u64::from(page) < counts.pages {
        let page = page.saturating_add(1);
        return Some(Step::Page { pass, page });
    }
    let is_quiet = pass > 1 && counts.started_in_pass == 0;
    if page == 1 || is_quiet || pass >= PASSES_MAX {
        return None;
    }
    (counts.started_in_pass, counts.pages_done) = (0, 0);
    Some(Step::Page {
        pass: pass + 1,
        page: 1,
    })
}

/// The link that says where a back-fill stands.
fn cursor(range: Range, next: &ObjectRef, counts: Counts) -> Link {
    Link {
        source: range.object(Step::Start),
        target: next.clone(),
        version: counts.to_json(),
        content_hash: None,
    }
}

fn task(object: ObjectRef) -> NewTask {
    let reason = StartReason::Backfill;
    NewTask { object, reason }
}

fn checked(flow: &Flow, message: String) -> Ending {
    Ending::Confirmed(Confirmation {
        target: flow.task.object.clone(),
        change: Change::Checked,
        message,
    })
}
