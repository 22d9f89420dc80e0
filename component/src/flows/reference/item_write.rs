//! What is written into an item, and how it is seen that it was changed or deleted meanwhile.

use alloc::format;
use alloc::string::ToString;

use super::{GONE, changed_in_concur, read_item, shared};
use crate::concur::{self, ListItem};
use crate::contract::runs::{Intent, StartReason};
use crate::contract::types::System;
use crate::flow::{EarlyEnd, Flow, LookUp, remote_refused};
use crate::reference::Content;
use crate::settings::reference::ReferenceList;

/// Writes a name into an item, unless the item was changed since it was written last. The look
/// right before the write is what counts.
pub(super) async fn write_name(
    flow: &Flow,
    list: &ReferenceList,
    item_id: &str,
    name: &str,
    code: &str,
    said: Option<&str>,
) -> Result<ListItem, EarlyEnd> {
    let look_up = async || {
        let item = read_item(flow, item_id).await?;
        let item = item.filter(|item| item.is_in(&list.list_id));
        let Some(item) = item else {
            return Err(match said {
                Some(GONE) if code.is_empty() => code_deleted(flow, item_id),
                Some(GONE) => code_deleted(flow, code),
                _ => deleted_in_concur(flow, item_id),
            });
        };
        let wanted = Content {
            code: match code {
                "" => item.content.code.clone(),
                code => code.to_string(),
            },
            name: name.to_string(),
        };
        if item.content.hash() == wanted.hash() {
            return Ok(LookUp::Found(item));
        }
        if is_changed(flow, &item, said) {
            return Err(changed_in_concur(flow, &item.content, name));
        }
        if item.is_shared() {
            return Err(shared(flow, &item));
        }
        Ok(LookUp::Missing(concur::update_item(item_id, &wanted)))
    };
    let intent = Intent::LookUpThenResend;
    let written = flow.write(intent, concur::read_item, look_up).await?;
    match written {
        Ok(written) => Ok(written.record),
        Err(refusal) => Err(remote_refused(
            flow,
            System::Concur,
            "the change of the list item",
            &refusal,
        )),
    }
}

/// Whether an item says something else than it said last; a person who replays the run has seen
/// it.
pub(super) fn is_changed(flow: &Flow, item: &ListItem, said: Option<&str>) -> bool {
    let is_known = said == Some(item.content.hash().as_str());
    !is_known && flow.task.reason != StartReason::Replay
}

/// A code that the list remembers as deleted.
pub(super) fn code_deleted(flow: &Flow, code: &str) -> EarlyEnd {
    let message = format!(
        "item {code} was deleted from the list, and SAP Concur does not let a deleted \
         code be created again"
    );
    let remedy = "have SAP Concur restore the item, or break the link with `ml-connector links \
                  break` and give the record another code; then `ml-connector replay RUN`";
    flow.parked("code-deleted", message, remedy)
}

/// An item that was taken out of the list by somebody else.
pub(super) fn deleted_in_concur(flow: &Flow, item_id: &str) -> EarlyEnd {
    let message = format!(
        "item {item_id} was deleted from the list in SAP Concur, and a deleted code cannot be \
         created again"
    );
    let remedy = "have SAP Concur restore the item, or take the record out of use in FreshBooks; \
                  then `ml-connector replay RUN`";
    flow.parked("deleted-in-concur", message, remedy)
}
