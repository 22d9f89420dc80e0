//! A list item that was changed in SAP Concur: shown with both values, and written over only when
//! a person says so.

use alloc::format;

use super::GONE;
use super::item_write::{deleted_in_concur, write_name};
use super::{changed_in_concur, item_version, not_enabled, pair, read_item, read_record};
use crate::concur::ListItem;
use crate::contract::runs::{Change, Confirmation, Ending, Facts, Link, StartReason};
use crate::contract::types::System;
use crate::flow::{EarlyEnd, Flow, remote_refused, unchanged};
use crate::reference::Record;
use crate::settings::reference::{ReferenceKind, ReferenceList, SourceOfTruth};

/// Reads the item and the record that it is linked with, and says how they differ.
pub(in crate::flows) async fn sync_item(flow: &Flow) -> Result<Ending, EarlyEnd> {
    let own = flow.find_own().await;
    let id = &flow.task.object.id;
    let item = read_item(flow, id).await?;
    note_facts(flow, item.as_ref());
    let lists = &flow.settings.reference.lists;
    let Some(link) = own.link else {
        let list = item
            .as_ref()
            .and_then(|item| lists.iter().find(|list| item.is_in(&list.list_id)));
        return missing_record(flow, item.as_ref(), list);
    };
    let kind = ReferenceKind::named(&link.target.kind);
    let Some(list) = kind.and_then(|kind| flow.settings.reference.list(kind)) else {
        return Ok(not_enabled(&link.target.kind));
    };
    let version = item_version(item.as_ref(), list);
    flow.note_version(&version);
    if link.content_hash.as_deref() == Some(version.as_str()) {
        return Ok(unchanged(
            "same-content",
            format!("item {id} says what it said"),
        ));
    }
    let record = match read_record(flow, list.kind, &link.target.id).await? {
        Ok(record) => record,
        Err(refusal) if refusal.is_missing() => Record {
            inactive: true,
            ..Record::default()
        },
        Err(refusal) => {
            let system = System::Freshbooks;
            return Err(remote_refused(flow, system, "to show it", &refusal));
        }
    };
    let item = item.filter(|_| version != GONE);
    compare(flow, list, &link, item, &record).await
}

async fn compare(
    flow: &Flow,
    list: &ReferenceList,
    link: &Link,
    item: Option<ListItem>,
    record: &Record,
) -> Result<Ending, EarlyEnd> {
    let id = &flow.task.object.id;
    let known = flow.find_one(link.target.clone()).await.link;
    let code = known.and_then(|link| link.version).unwrap_or_default();
    let Some(item) = item else {
        if record.inactive {
            return Ok(settle(flow, link, record, "", GONE).await);
        }
        return Err(deleted_in_concur(flow, id));
    };
    let name = record.item_name();
    let has_same_code = code.is_empty() || item.content.code.eq_ignore_ascii_case(&code);
    if item.content.name == name && has_same_code {
        let version = item.content.hash();
        return Ok(settle(flow, link, record, &item.content.code, &version).await);
    }
    if list.source_of_truth == SourceOfTruth::Concur {
        let message = format!(
            "SAP Concur's item says {}, and FreshBooks \"{name}\"; SAP Concur is the source",
            item.content.shown()
        );
        let remedy = "enter SAP Concur's name in FreshBooks, then `ml-connector replay RUN`";
        return Err(flow.parked("changed-in-concur", message, remedy));
    }
    if flow.task.reason != StartReason::Replay {
        return Err(changed_in_concur(flow, &item.content, &name));
    }
    let said = link.content_hash.as_deref();
    let item = write_name(flow, list, id, &name, &code, said).await?;
    let version = item.content.hash();
    Ok(settle(flow, link, record, &item.content.code, &version).await)
}

/// Both sides say the same: that is where the next comparison begins.
async fn settle(flow: &Flow, link: &Link, record: &Record, code: &str, version: &str) -> Ending {
    let id = &flow.task.object.id;
    let links = pair(&link.target, &record.hash(), id, code, version);
    flow.save_links(links).await;
    Ending::Confirmed(Confirmation {
        target: link.target.clone(),
        change: Change::Checked,
        message: format!("item {id} and its {} say the same", link.target.kind),
    })
}

/// An item that no record is linked with, of a list that is the source.
fn missing_record(
    flow: &Flow,
    item: Option<&ListItem>,
    list: Option<&ReferenceList>,
) -> Result<Ending, EarlyEnd> {
    let list = list.filter(|list| list.source_of_truth == SourceOfTruth::Concur);
    let (Some(item), Some(list)) = (item, list) else {
        let message = "no record is linked with it, and none is made of it";
        return Ok(unchanged("not-carried", message.into()));
    };
    flow.note_version(&item_version(Some(item), list));
    let kind = list.kind.name();
    let message = format!(
        "no FreshBooks {kind} is linked with item {}",
        item.content.shown()
    );
    let remedy = format!(
        "enter the {kind} in FreshBooks if it is missing, then link them with `ml-connector links \
         adopt`"
    );
    Err(flow.parked("not-in-freshbooks", message, &remedy))
}

fn note_facts(flow: &Flow, item: Option<&ListItem>) {
    flow.note_facts(Facts {
        number: item.map(|item| item.content.code.clone()),
        party: item.map(|item| item.content.name.clone()),
        amount: None,
        currency: None,
        date: None,
    });
}
