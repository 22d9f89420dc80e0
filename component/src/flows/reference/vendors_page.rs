//! Pages of clients, bill vendors and vendors: those that are held in step and were changed get a
//! run of their own.

use alloc::format;
use alloc::vec::Vec;

use super::items_page::needs_run;
use super::{is_stopped, not_enabled};
use crate::concur;
use crate::contract::runs::{Change, Confirmation, Ending, NewTask, StartReason};
use crate::contract::types::{ObjectRef, System};
use crate::flow::{EarlyEnd, Flow, remote_refused};
use crate::flows::looks_changed;
use crate::freshbooks::{self, Row};
use crate::settings::reference::REFERENCE_LIST;

/// The last kind of parties that is compared; vendors follow.
const LAST: &str = "bill-vendor";

/// Compares a page of clients or bill vendors: only those that became vendors, since others are
/// carried over when a document needs them.
pub(super) async fn compare_parties(
    flow: &Flow,
    kind: &str,
    page: u32,
) -> Result<Ending, EarlyEnd> {
    if flow.settings.reference.vendors.is_none() {
        return Ok(not_enabled(kind));
    }
    let account_id = &flow.settings.freshbooks.account_id;
    let request = freshbooks::list_parties(account_id, kind, page);
    let reader = match kind {
        "client" => freshbooks::read_client_page,
        _ => freshbooks::read_bill_vendor_page,
    };
    let listed = flow.read(request, reader).await?;
    let listed =
        listed.map_err(|refusal| remote_refused(flow, System::Freshbooks, "the list", &refusal))?;
    let mut tasks = changed_parties(flow, kind, &listed.rows).await;
    let changed = tasks.len();
    if u64::from(page) < listed.pages {
        let next = format!("{kind}/{}", page.saturating_add(1));
        let next = ObjectRef::freshbooks(REFERENCE_LIST, next);
        tasks.push(task(next, StartReason::Schedule));
    } else if kind == LAST {
        let next = ObjectRef::concur(REFERENCE_LIST, "vendor/0");
        tasks.push(task(next, StartReason::Schedule));
    }
    finish(flow, listed.rows.len(), changed, tasks).await
}

/// Runs of the parties that were changed, and of those whose vendors were never read back.
async fn changed_parties(flow: &Flow, kind: &str, rows: &[Row]) -> Vec<NewTask> {
    if rows.is_empty() {
        return Vec::new();
    }
    let objects = rows
        .iter()
        .map(|row| ObjectRef::freshbooks(kind, row.id.clone()));
    let statuses = flow.find(objects.collect()).await;
    let mut linked = Vec::new();
    for (row, status) in rows.iter().zip(statuses) {
        if let Some(link) = &status.link {
            // What its run stopped for is over if this version was carried over since.
            let is_over = is_stopped(&status) && link.version.as_ref() == Some(&row.version);
            let is_changed = looks_changed(&status, &row.version) || is_over;
            linked.push((link.target.clone(), is_changed, status));
        }
    }
    if linked.is_empty() {
        return Vec::new();
    }
    let targets = linked.iter().map(|(target, ..)| target.clone());
    let reverse = flow.find(targets.collect()).await;
    let compared = linked.into_iter().zip(reverse);
    let changed = compared.filter(|((_, is_changed, status), reverse)| {
        let is_unread = reverse.link.is_none() && !is_stopped(status);
        *is_changed || is_unread
    });
    changed
        .map(|((_, _, status), _)| task(status.object, StartReason::Sweep))
        .collect()
}

/// Compares a page of vendors from an offset with what they said.
pub(super) async fn compare_vendors(flow: &Flow, offset: u64) -> Result<Ending, EarlyEnd> {
    if flow.settings.reference.vendors.is_none() {
        return Ok(not_enabled("vendor"));
    }
    let request = concur::list_vendors(offset);
    let vendors = flow.read(request, concur::read_shown_vendors).await?;
    let vendors =
        vendors.map_err(|refusal| remote_refused(flow, System::Concur, "the list", &refusal))?;
    let objects: Vec<ObjectRef> = vendors
        .iter()
        .map(|vendor| ObjectRef::concur("vendor", vendor.key.to_id()))
        .collect();
    let statuses = match objects.is_empty() {
        true => Vec::new(),
        false => flow.find(objects).await,
    };
    let mut tasks = Vec::new();
    for (vendor, status) in vendors.iter().zip(statuses) {
        let version = vendor.hash();
        let link = status.link.as_ref();
        let is_changed = link.is_some_and(|link| needs_run(link, &version, &status));
        if is_changed {
            tasks.push(task(status.object, StartReason::Sweep));
        }
    }
    let (listed, changed) = (vendors.len(), tasks.len());
    if listed as u64 >= concur::VENDOR_PAGE_ROWS {
        let next = offset.saturating_add(concur::VENDOR_PAGE_ROWS);
        let next = ObjectRef::concur(REFERENCE_LIST, format!("vendor/{next}"));
        tasks.push(task(next, StartReason::Schedule));
    }
    finish(flow, listed, changed, tasks).await
}

async fn finish(
    flow: &Flow,
    listed: usize,
    changed: usize,
    tasks: Vec<NewTask>,
) -> Result<Ending, EarlyEnd> {
    if !tasks.is_empty() {
        flow.start(tasks).await;
    }
    Ok(Ending::Confirmed(Confirmation {
        target: flow.task.object.clone(),
        change: Change::Checked,
        message: format!("{listed} listed, {changed} to be looked at"),
    }))
}

fn task(object: ObjectRef, reason: StartReason) -> NewTask {
    NewTask { object, reason }
}
