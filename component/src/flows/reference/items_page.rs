//! A page of a list of SAP Concur. Lists have no feed of changes and items no stamps, so what an
//! item says is compared with what it said (source: concur-lists).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{GONE, ITEM};
use super::{code_object, is_stopped, item_version, not_enabled, pair, parent_id, unknown_page};
use crate::concur::{self, ListItem};
use crate::contract::runs::{
    Change, Changes, Confirmation, Ending, Link, NewTask, ObjectStatus, StartReason,
};
use crate::contract::types::{ObjectRef, System};
use crate::flow::{EarlyEnd, Flow, remote_refused};
use crate::flows::looks_changed;
use crate::settings::reference::{REFERENCE_LIST, ReferenceKind, ReferenceList, SourceOfTruth};

/// Compares the page that the object's id names, links what we created, starts the runs of items
/// that were changed in SAP Concur, and the run of the next page.
pub(in crate::flows) async fn compare_items_page(flow: &Flow) -> Result<Ending, EarlyEnd> {
    let id = &flow.task.object.id;
    if let Some(offset) = id.strip_prefix("vendor/") {
        let offset = offset.parse::<u64>().map_err(|_| unknown_page(flow))?;
        return super::vendors_page::compare_vendors(flow, offset).await;
    }
    let (kind, list_id, page) = place(id).ok_or_else(|| unknown_page(flow))?;
    let list = flow.settings.reference.list(kind);
    let Some(list) = list.filter(|list| list.list_id == list_id) else {
        return Ok(not_enabled(kind.name()));
    };
    let parent = parent_id(flow, list).await?;
    let request = concur::list_items(&list.list_id, parent.as_deref(), page);
    let listed = flow.read(request, concur::read_items).await?;
    let listed =
        listed.map_err(|refusal| remote_refused(flow, System::Concur, "the list", &refusal))?;
    let found = compare(flow, list, &listed.items).await;
    let message = format!(
        "{} listed, {} linked, {} changed, {} are not ours",
        listed.items.len(),
        found.links.len() / 2,
        found.runs.len(),
        found.foreign
    );
    let mut tasks: Vec<NewTask> = found.runs;
    if u64::from(page) < listed.pages {
        let next = format!("{}/{list_id}/{}", kind.name(), page.saturating_add(1));
        tasks.push(NewTask {
            object: ObjectRef::concur(REFERENCE_LIST, next),
            reason: StartReason::Schedule,
        });
    }
    if !tasks.is_empty() || !found.links.is_empty() {
        flow.save(Changes {
            links: found.links,
            unlinks: Vec::new(),
            tasks,
        })
        .await;
    }
    Ok(Ending::Confirmed(Confirmation {
        target: flow.task.object.clone(),
        change: Change::Checked,
        message,
    }))
}

fn place(id: &str) -> Option<(ReferenceKind, &str, u32)> {
    let mut parts = id.split('/');
    let kind = ReferenceKind::named(parts.next()?)?;
    let list_id = parts.next()?;
    let page = parts.next()?.parse().ok()?;
    parts.next().is_none().then_some((kind, list_id, page))
}

/// What a page shows.
#[derive(Default)]
struct Found {
    links: Vec<Link>,
    runs: Vec<NewTask>,
    foreign: usize,
}

impl Found {
    fn run(&mut self, object: ObjectRef) {
        self.runs.push(NewTask {
            object,
            reason: StartReason::Sweep,
        });
    }
}

async fn compare(flow: &Flow, list: &ReferenceList, items: &[ListItem]) -> Found {
    let mut found = Found::default();
    if items.is_empty() {
        return found;
    }
    let objects = items
        .iter()
        .map(|item| ObjectRef::concur(ITEM, item.id.clone()));
    let statuses = flow.find(objects.collect()).await;
    let mut unlinked = Vec::new();
    for (item, status) in items.iter().zip(statuses) {
        let version = item_version(Some(item), list);
        match &status.link {
            Some(link) if needs_run(link, &version, &status) => found.run(status.object),
            Some(_) => {}
            None if version == GONE => {}
            None => unlinked.push((item, status, version)),
        }
    }
    link_ours(flow, list, unlinked, &mut found).await;
    found
}

/// Whether the run of a linked item has something to do. One that says what it said ends what its
/// run stopped for.
pub(super) fn needs_run(link: &Link, version: &str, status: &ObjectStatus) -> bool {
    match link.content_hash.as_deref() == Some(version) {
        true => is_stopped(status),
        false => looks_changed(status, version),
    }
}

/// Links the items whose codes our records have claimed.
async fn link_ours(
    flow: &Flow,
    list: &ReferenceList,
    unlinked: Vec<(&ListItem, ObjectStatus, String)>,
    found: &mut Found,
) {
    if unlinked.is_empty() {
        return;
    }
    let codes = unlinked
        .iter()
        .map(|(item, ..)| code_object(list, &item.content.code));
    let claims = flow.find(codes.collect()).await;
    let mut ours = Vec::new();
    for ((item, status, version), known) in unlinked.into_iter().zip(claims) {
        match known.link {
            Some(claim) => ours.push((item, version, claim)),
            // Which record it is in FreshBooks is for a person to say.
            None if list.source_of_truth == SourceOfTruth::Concur => {
                found.foreign += 1;
                if looks_changed(&status, &version) {
                    found.run(status.object);
                }
            }
            None => found.foreign += 1,
        }
    }
    if ours.is_empty() {
        return;
    }
    let records = ours.iter().map(|(.., claim)| claim.target.clone());
    let records = flow.find(records.collect()).await;
    for ((item, version, claim), record) in ours.into_iter().zip(records) {
        let is_as_sent = claim.content_hash.as_deref() == Some(version.as_str());
        match (&record.link, &claim.version) {
            (None, Some(carried)) if is_as_sent => {
                let code = &item.content.code;
                found
                    .links
                    .extend(pair(&claim.target, carried, &item.id, code, &version));
            }
            // Its own run says what is different.
            (None, _) if !is_stopped(&record) => found.run(claim.target),
            _ => {}
        }
    }
}
