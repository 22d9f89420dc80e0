//! Reference data: FreshBooks projects, services and accounts are items of SAP Concur's lists.
//!
//! - [`records_page`]: a page of FreshBooks' records, of which the new ones become items at once;
//! - [`record_run`]: one record and its item;
//! - [`items_page`]: a page of a list, since lists announce nothing;
//! - [`item_run`]: an item that was changed in SAP Concur;
//! - [`item_write`]: what is written into an item;
//! - [`vendors_page`]: pages of clients, bill vendors and vendors;
//! - [`cost_codes`]: what documents take from it.
//!
//! Three links hold a pair together. The record's names the item, with the item's code as version
//! and the hash of the record that was last carried over. The item's names the record, with the
//! hash of what the item last said: that shows a change in SAP Concur. And before an item is
//! created, its code is linked with the record ("list-code"): bulk creates return no ids, and a
//! run that was stopped recognises what it made.

mod cost_codes;
mod item_run;
mod item_write;
mod items_page;
mod record_run;
mod records_page;
pub(super) mod vendors_page;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use crate::concur::{self, ListItem};
use crate::contract::runs::{Ending, EndingKind, Link, ObjectStatus};
use crate::contract::types::{ObjectRef, System};
use crate::error_bodies::Refusal;
use crate::flow::{EarlyEnd, Flow, remote_refused, unchanged};
use crate::freshbooks;
use crate::reference::{Content, Record};
use crate::remedy::{Replay, after_settings};
use crate::settings::reference::{ReferenceKind, ReferenceList};
use crate::text::non_empty;
pub(super) use cost_codes::project_codes;
pub(super) use item_run::sync_item;
pub(super) use items_page::compare_items_page;
pub(super) use record_run::sync_record;

/// The kind of an item as an object.
const ITEM: &str = "list-item";
/// The kind of a code that a record has claimed.
const CODE: &str = "list-code";
/// The hash of an item that its list has no more.
const GONE: &str = "gone";
/// Pages that a look-up by code reads, where the filter means "contains".
const LOOK_UP_PAGES_MAX: u32 = 20;

/// Compares a page of FreshBooks' records, or of its clients or bill vendors.
pub(super) async fn compare_records_page(flow: &Flow) -> Result<Ending, EarlyEnd> {
    let id = &flow.task.object.id;
    let place = id.split_once('/');
    let place = place.and_then(|(kind, page)| Some((kind, page.parse::<u32>().ok()?)));
    match place {
        Some((kind @ ("client" | "bill-vendor"), page)) => {
            vendors_page::compare_parties(flow, kind, page).await
        }
        Some((kind, page)) => match ReferenceKind::named(kind) {
            Some(kind) => records_page::compare_page(flow, kind, page).await,
            None => Err(unknown_page(flow)),
        },
        None => Err(unknown_page(flow)),
    }
}

fn unknown_page(flow: &Flow) -> EarlyEnd {
    let message = format!("\"{}\" names no page of a list", flow.task.object.id);
    flow.parked("unknown-list", message, "report this as a bug")
}

fn not_enabled(kind: &str) -> Ending {
    unchanged(
        "not-enabled",
        format!("the settings have no list of the kind {kind} in `reference.lists`"),
    )
}

/// Reads a record, or how FreshBooks refuses it.
async fn read_record(
    flow: &Flow,
    kind: ReferenceKind,
    id: &str,
) -> Result<Result<Record, Refusal>, EarlyEnd> {
    let request = freshbooks::get_record(&flow.settings, kind, id);
    let reader = match kind {
        ReferenceKind::Project => freshbooks::read_project,
        ReferenceKind::Service => freshbooks::read_service,
        ReferenceKind::Account => freshbooks::read_ledger_account,
    };
    flow.read(request, reader).await
}

/// Reads an item; none where SAP Concur shows none.
async fn read_item(flow: &Flow, id: &str) -> Result<Option<ListItem>, EarlyEnd> {
    match flow.read(concur::get_item(id), concur::read_item).await? {
        Ok(item) => Ok(Some(item)),
        Err(refusal) if refusal.is_missing() => Ok(None),
        Err(refusal) => Err(remote_refused(flow, System::Concur, "to show it", &refusal)),
    }
}

/// The item that ours are below; none if they are on the first level.
async fn parent_id(flow: &Flow, list: &ReferenceList) -> Result<Option<String>, EarlyEnd> {
    let mut parent = None;
    let levels = list.parent_code.as_deref().unwrap_or_default();
    for code in levels.split('-').filter(|code| !code.is_empty()) {
        let found = find_by_code(flow, list, parent.as_deref(), code).await?;
        let Some(item) = found.filter(|item| item.is_in(&list.list_id)) else {
            let message = format!("the list {} has no item {levels}", list.list_id);
            let change = "correct `parent_code` in `reference.lists`";
            let remedy = after_settings(change, Replay::Parked);
            return Err(flow.parked("parent-missing", message, remedy));
        };
        parent = Some(item.id);
    }
    Ok(parent)
}

/// The item of a level with this short code: one that is there before one that was deleted.
async fn find_by_code(
    flow: &Flow,
    list: &ReferenceList,
    parent: Option<&str>,
    code: &str,
) -> Result<Option<ListItem>, EarlyEnd> {
    let mut deleted = None;
    for page in 1..=LOOK_UP_PAGES_MAX {
        let request = concur::items_by_code(&list.list_id, parent, code, page);
        let found = flow.read(request, concur::read_items).await?;
        let found = found
            .map_err(|refusal| remote_refused(flow, System::Concur, "the look-up", &refusal))?;
        for item in found.items {
            if item.content.code.eq_ignore_ascii_case(code) {
                if item.is_in(&list.list_id) {
                    return Ok(Some(item));
                }
                deleted = Some(item);
            }
        }
        if u64::from(page) >= found.pages {
            break;
        }
    }
    Ok(deleted)
}

/// The object of a code in a list.
fn code_object(list: &ReferenceList, code: &str) -> ObjectRef {
    let code = code.to_ascii_lowercase();
    ObjectRef::concur(CODE, format!("{}/{code}", list.list_id))
}

/// The link that claims a code for a record before its item is created.
fn claim(list: &ReferenceList, object: &ObjectRef, record: &Record, content: &Content) -> Link {
    Link {
        source: code_object(list, &content.code),
        target: object.clone(),
        version: Some(record.hash()),
        content_hash: Some(content.hash()),
    }
}

/// What an item says now, as far as it is compared.
fn item_version(item: Option<&ListItem>, list: &ReferenceList) -> String {
    match item.filter(|item| item.is_in(&list.list_id)) {
        Some(item) => item.content.hash(),
        None => GONE.to_string(),
    }
}

/// Both links of a pair: what was carried over of the record, and what the item says now.
fn pair(object: &ObjectRef, carried: &str, item_id: &str, code: &str, version: &str) -> Vec<Link> {
    let item = ObjectRef::concur(ITEM, item_id);
    vec![
        Link {
            source: object.clone(),
            target: item.clone(),
            // Without one nothing names the item any more.
            version: non_empty(code),
            content_hash: Some(carried.to_string()),
        },
        Link {
            source: item,
            target: object.clone(),
            version: None,
            content_hash: Some(version.to_string()),
        },
    ]
}

/// Whether an object's last run stopped for a person.
fn is_stopped(status: &ObjectStatus) -> bool {
    status.last.as_ref().is_some_and(|last| {
        matches!(
            last.kind,
            EndingKind::Parked | EndingKind::Rejected | EndingKind::Conflict
        )
    })
}

/// A change on the side that is not the source of truth, with both values.
fn changed_in_concur(flow: &Flow, item: &Content, wanted: &str) -> EarlyEnd {
    let message = format!(
        "SAP Concur's item says {}, and FreshBooks \"{wanted}\"; it was changed in SAP Concur",
        item.shown()
    );
    let remedy = "to have FreshBooks' value, `ml-connector replay RUN`; to have SAP Concur's, \
                  enter it in FreshBooks";
    flow.parked("changed-in-concur", message, remedy)
}

/// An item that other lists have too is left alone.
fn shared(flow: &Flow, item: &ListItem) -> EarlyEnd {
    let message = format!(
        "item {} is in {} lists of SAP Concur, and others may need it as it is",
        item.content.shown(),
        item.lists.len()
    );
    let remedy = "change or delete it in SAP Concur by hand, then `ml-connector replay RUN`";
    flow.parked("item-shared", message, remedy)
}
