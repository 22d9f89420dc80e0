//! A page of FreshBooks' projects, services or accounts: what changed gets a run of its own, and
//! what is new becomes items in one call.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::{claim, code_object, is_stopped, not_enabled};
use crate::concur;
use crate::contract::runs::{Change, Confirmation, Ending, NewTask, ObjectStatus, StartReason};
use crate::contract::types::{ObjectRef, System};
use crate::error_bodies::{Cause, Refusal};
use crate::flow::{EarlyEnd, Flow, remote_refused};
use crate::flows::looks_changed;
use crate::freshbooks::{self, RecordPage};
use crate::reference::{self, Content, Record};
use crate::settings::reference::{REFERENCE_LIST, ReferenceKind, ReferenceList, SourceOfTruth};

/// Rows of a page where FreshBooks sends all at once. A bulk create takes 250.
const ROWS: usize = 100;

/// Compares a page, starts what it needs, and then the next page or the first one of the list.
pub(super) async fn compare_page(
    flow: &Flow,
    kind: ReferenceKind,
    page: u32,
) -> Result<Ending, EarlyEnd> {
    let Some(list) = flow.settings.reference.list(kind) else {
        return Ok(not_enabled(kind.name()));
    };
    let (records, pages) = read_page(flow, kind, page).await?;
    let objects = records
        .iter()
        .map(|record| ObjectRef::freshbooks(kind.name(), record.id.clone()))
        .collect::<Vec<_>>();
    let statuses = match objects.is_empty() {
        true => Vec::new(),
        false => flow.find(objects).await,
    };
    let mut runs: Vec<ObjectRef> = Vec::new();
    let mut fresh = Vec::new();
    for (record, status) in records.iter().zip(statuses) {
        match standing(record, &status, list) {
            Standing::Same => {}
            Standing::Changed => runs.push(status.object),
            Standing::New(content) => fresh.push(New {
                object: status.object,
                record,
                content,
            }),
        }
    }
    let created = create(flow, list, fresh, &mut runs).await?;
    let changed = runs.len();
    let mut tasks: Vec<NewTask> = runs.into_iter().map(swept).collect();
    tasks.push(next(list, page, pages));
    flow.start(tasks).await;
    Ok(Ending::Confirmed(Confirmation {
        target: flow.task.object.clone(),
        change: Change::Checked,
        message: format!(
            "{} listed, {created} sent to the list, {changed} to be looked at",
            records.len()
        ),
    }))
}

/// A record that becomes an item.
struct New<'a> {
    object: ObjectRef,
    record: &'a Record,
    content: Content,
}

enum Standing {
    /// There is nothing to do about it.
    Same,
    /// Its own run looks at it.
    Changed,
    /// It becomes this item.
    New(Content),
}

fn standing(record: &Record, status: &ObjectStatus, list: &ReferenceList) -> Standing {
    let hash = record.hash();
    let changed = match looks_changed(status, &hash) {
        true => Standing::Changed,
        false => Standing::Same,
    };
    if let Some(link) = &status.link {
        return match &link.content_hash {
            // What its run stopped for is over.
            Some(carried) if *carried == hash && is_stopped(status) => Standing::Changed,
            Some(carried) if *carried == hash => Standing::Same,
            // Linked by hand: its run has yet to compare both.
            None if !is_conflict(status) => Standing::Changed,
            _ => changed,
        };
    }
    if record.inactive || list.source_of_truth == SourceOfTruth::Concur {
        return Standing::Same;
    }
    match reference::translate(record, list) {
        Ok(content) if !status.active && !is_stopped(status) => Standing::New(content),
        _ => changed,
    }
}

/// Whether the last run has shown both values, and waits for a person.
fn is_conflict(status: &ObjectStatus) -> bool {
    let code = status.last.as_ref().and_then(|last| last.code.as_deref());
    matches!(code, Some("changed-in-concur" | "changed-in-freshbooks"))
}

/// Creates the items of new records. What another record has claimed, and what is refused, is left
/// to runs of its own, which say why. Returns how many were sent.
async fn create(
    flow: &Flow,
    list: &ReferenceList,
    fresh: Vec<New<'_>>,
    runs: &mut Vec<ObjectRef>,
) -> Result<usize, EarlyEnd> {
    if fresh.is_empty() {
        return Ok(0);
    }
    let sent = unclaimed(flow, list, fresh, runs).await;
    if sent.is_empty() {
        return Ok(0);
    }
    let claimed = sent
        .iter()
        .map(|new| claim(list, &new.object, new.record, &new.content));
    flow.save_links(claimed.collect()).await;
    let contents: Vec<Content> = sent.iter().map(|new| new.content.clone()).collect();
    let request = concur::create_items(&list.list_id, list.parent_code.as_deref(), &contents);
    let failed = match flow.send_idempotent(request, concur::read_bulk).await? {
        Ok(failed) => failed,
        // All of them failed, each for a reason that its own run will show.
        Err(refusal) if is_of_items(&refusal) => vec![String::new()],
        Err(refusal) => {
            return Err(remote_refused(flow, System::Concur, "the items", &refusal));
        }
    };
    let count = sent.len();
    let is_same = |code: &str, new: &New<'_>| code.eq_ignore_ascii_case(&new.content.code);
    // A failure that names none of our codes may be any of them.
    let is_unclear = failed
        .iter()
        .any(|code| !sent.iter().any(|new| is_same(code, new)));
    let is_failed = |new: &New<'_>| is_unclear || failed.iter().any(|code| is_same(code, new));
    runs.extend(sent.into_iter().filter(is_failed).map(|new| new.object));
    Ok(count)
}

/// The new records whose codes no other record has; those of the others get runs.
async fn unclaimed<'a>(
    flow: &Flow,
    list: &ReferenceList,
    fresh: Vec<New<'a>>,
    runs: &mut Vec<ObjectRef>,
) -> Vec<New<'a>> {
    let codes = fresh
        .iter()
        .map(|new| code_object(list, &new.content.code))
        .collect();
    let claims = flow.find(codes).await;
    let mut seen = BTreeSet::new();
    let mut sent = Vec::new();
    for (new, known) in fresh.into_iter().zip(claims) {
        let is_free = known.link.is_none_or(|link| link.target == new.object);
        if is_free && seen.insert(new.content.code.to_ascii_lowercase()) {
            sent.push(new);
        } else {
            runs.push(new.object);
        }
    }
    sent
}

/// Whether a refused bulk call was refused for its items: their errors have ids of their own
/// (source: concur-list-items-bulk).
fn is_of_items(refusal: &Refusal) -> bool {
    let mut codes = refusal.codes.iter();
    codes.any(|code| code.starts_with("item.")) || refusal.cause(System::Concur) == Cause::Record
}

async fn read_page(
    flow: &Flow,
    kind: ReferenceKind,
    page: u32,
) -> Result<(Vec<Record>, u64), EarlyEnd> {
    let request = freshbooks::list_records(&flow.settings, kind, page);
    let reader = match kind {
        ReferenceKind::Project => freshbooks::read_projects,
        ReferenceKind::Service => freshbooks::read_services,
        ReferenceKind::Account => freshbooks::read_ledger_accounts,
    };
    let listed = flow.read(request, reader).await?;
    let RecordPage { records, pages } =
        listed.map_err(|refusal| remote_refused(flow, System::Freshbooks, "the list", &refusal))?;
    if kind != ReferenceKind::Account {
        return Ok((records, pages));
    }
    let pages = records.len().div_ceil(ROWS) as u64;
    let before = (page as usize).saturating_sub(1).saturating_mul(ROWS);
    let rows = records.into_iter().skip(before).take(ROWS);
    Ok((rows.collect(), pages))
}

fn swept(object: ObjectRef) -> NewTask {
    NewTask {
        object,
        reason: StartReason::Sweep,
    }
}

/// The next page of records; after the last one the first page of the list, which links what was
/// created.
fn next(list: &ReferenceList, page: u32, pages: u64) -> NewTask {
    let kind = list.kind.name();
    let object = if u64::from(page) < pages {
        let page = page.saturating_add(1);
        ObjectRef::freshbooks(REFERENCE_LIST, format!("{kind}/{page}"))
    } else {
        ObjectRef::concur(REFERENCE_LIST, format!("{kind}/{}/1", list.list_id))
    };
    NewTask {
        object,
        reason: StartReason::Schedule,
    }
}
