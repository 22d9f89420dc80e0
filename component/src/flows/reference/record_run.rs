//! A FreshBooks project, service or account and its list item: found by code, created, renamed, or
//! taken out of the list.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;

use super::item_write::{code_deleted, deleted_in_concur, is_changed, write_name};
use super::{
    GONE, ITEM, changed_in_concur, claim, code_object, find_by_code, not_enabled, pair, parent_id,
    read_item, read_record, shared,
};
use crate::concur::{self, ListItem};
use crate::contract::runs::{
    Change, Confirmation, Ending, Facts, Intent, Link, ObjectStatus, StartReason,
};
use crate::contract::types::{ObjectRef, System};
use crate::error_bodies::Refusal;
use crate::flow::{EarlyEnd, Flow, LookUp, cannot_translate, remote_refused, unchanged};
use crate::reference::{self, Content, Record};
use crate::remedy::{Replay, after_settings};
use crate::settings::reference::{ReferenceKind, ReferenceList, SourceOfTruth};

/// Reads the record, and brings its item to what it says.
pub(in crate::flows) async fn sync_record(
    flow: &Flow,
    kind: ReferenceKind,
) -> Result<Ending, EarlyEnd> {
    let own = flow.find_own().await;
    let Some(list) = flow.settings.reference.list(kind) else {
        return Ok(not_enabled(kind.name()));
    };
    let id = &flow.task.object.id;
    let record = match read_record(flow, kind, id).await? {
        Ok(record) => record,
        Err(refusal) if refusal.is_missing() => Record {
            id: id.clone(),
            inactive: true,
            ..Record::default()
        },
        Err(refusal) => {
            let system = System::Freshbooks;
            return Err(remote_refused(flow, system, "to show it", &refusal));
        }
    };
    flow.note_version(&record.hash());
    flow.note_facts(Facts {
        number: own.link.as_ref().and_then(|link| link.version.clone()),
        party: record.name.clone(),
        amount: None,
        currency: None,
        date: None,
    });
    let run = RecordRun { flow, list, record };
    match own.link {
        Some(link) => run.compare(&link).await,
        None => run.create().await,
    }
}

struct RecordRun<'a> {
    flow: &'a Flow,
    list: &'a ReferenceList,
    record: Record,
}

impl RecordRun<'_> {
    fn object(&self) -> &ObjectRef {
        &self.flow.task.object
    }

    async fn create(&self) -> Result<Ending, EarlyEnd> {
        let kind = self.list.kind.name();
        if self.record.inactive {
            let message = format!("the {kind} is not in use and was never carried over");
            return Ok(unchanged("not-carried", message));
        }
        if self.list.source_of_truth == SourceOfTruth::Concur {
            let message = format!(
                "no item is linked with the {kind}; SAP Concur's list is the source, so none is \
                 created"
            );
            return Ok(unchanged("not-carried", message));
        }
        let content = reference::translate(&self.record, self.list)
            .map_err(|problem| cannot_translate(self.flow, kind, vec![problem]))?;
        let code = code_object(self.list, &content.code);
        let claimed = self.flow.find_one(code).await.link;
        if let Some(other) = claimed
            .as_ref()
            .filter(|link| link.target != *self.object())
        {
            return Err(self.code_taken(&content, &other.target));
        }
        let parent = parent_id(self.flow, self.list).await?;
        if claimed.is_none() {
            // What is there before we claim the code is not ours.
            if let Some(item) =
                find_by_code(self.flow, self.list, parent.as_deref(), &content.code).await?
            {
                return self.adopt(item, &content).await;
            }
        }
        let own_claim = claim(self.list, self.object(), &self.record, &content);
        if claimed.is_none() {
            self.flow.save_links(vec![own_claim]).await;
        }
        self.create_claimed(&content, parent.as_deref(), claimed.as_ref())
            .await
    }

    async fn create_claimed(
        &self,
        content: &Content,
        parent: Option<&str>,
        earlier: Option<&Link>,
    ) -> Result<Ending, EarlyEnd> {
        let (flow, list) = (self.flow, self.list);
        let look_up = async || {
            let found = find_by_code(flow, list, parent, &content.code).await?;
            Ok(match found {
                Some(item) if item.is_in(&list.list_id) => LookUp::Found(item),
                Some(_) => return Err(self.code_deleted(&content.code)),
                None => LookUp::Missing(concur::create_item(
                    &list.list_id,
                    list.parent_code.as_deref(),
                    content,
                )),
            })
        };
        let intent = Intent::LookUpThenResend;
        match flow.write(intent, concur::read_item, look_up).await? {
            Ok(written) if !written.found => {
                Ok(self.link(&written.record, content, Change::Created).await)
            }
            Ok(written) => {
                let item = written.record;
                let said = item.content.hash();
                let sent = earlier.and_then(|claim| claim.content_hash.as_ref());
                if said == content.hash() {
                    return Ok(self.link(&item, content, Change::Created).await);
                }
                if sent != Some(&said) {
                    return Err(self.unlinked(&item, content));
                }
                // The record was renamed after the item was made.
                self.rename(&item.id, &item.content.code, Some(&said)).await
            }
            Err(refusal) if is_of_deleted(&refusal) => Err(self.code_deleted(&content.code)),
            Err(refusal) => Err(remote_refused(
                flow,
                System::Concur,
                "the list item",
                &refusal,
            )),
        }
    }

    /// An item that was there before: it is the record's if both say the same.
    async fn adopt(&self, item: ListItem, content: &Content) -> Result<Ending, EarlyEnd> {
        if !item.is_in(&self.list.list_id) {
            return Err(self.code_deleted(&content.code));
        }
        let known = self
            .flow
            .find_one(ObjectRef::concur(ITEM, item.id.clone()))
            .await;
        if let Some(link) = known.link.filter(|link| link.target != *self.object()) {
            return Err(self.code_taken(content, &link.target));
        }
        if item.content.hash() == content.hash() {
            return Ok(self.link(&item, content, Change::Adopted).await);
        }
        Err(self.unlinked(&item, content))
    }

    /// An item with our code and another name: whose it is, a person must say.
    fn unlinked(&self, item: &ListItem, content: &Content) -> EarlyEnd {
        let message = format!(
            "the list has an item {}, and FreshBooks calls the {} \"{}\"",
            item.content.shown(),
            self.list.kind.name(),
            content.name
        );
        let remedy = "if they are the same, link them with `ml-connector links adopt`; else change \
                      the item's code in SAP Concur; then `ml-connector replay RUN`";
        self.flow.parked("item-unlinked", message, remedy)
    }

    /// Brings a linked item to what the record says.
    async fn compare(&self, link: &Link) -> Result<Ending, EarlyEnd> {
        let is_carried = link.content_hash.as_deref() == Some(self.record.hash().as_str());
        if is_carried && self.flow.task.reason != StartReason::Replay {
            let message = format!("its content is already there as {}", link.target.id);
            return Ok(unchanged("same-content", message));
        }
        let reverse = self.flow.find_one(link.target.clone()).await;
        let said = last_said(&reverse);
        if self.record.inactive {
            return self.withdraw(link, said.as_deref()).await;
        }
        let code = link.version.clone().unwrap_or_default();
        if self.list.source_of_truth == SourceOfTruth::Concur {
            return self.compare_with_source(link).await;
        }
        self.rename(&link.target.id, &code, said.as_deref()).await
    }

    async fn rename(
        &self,
        item_id: &str,
        code: &str,
        said: Option<&str>,
    ) -> Result<Ending, EarlyEnd> {
        let name = self.record.item_name();
        let item = write_name(self.flow, self.list, item_id, &name, code, said).await?;
        Ok(self.link(&item, &item.content, Change::Updated).await)
    }

    /// SAP Concur is right: a change in FreshBooks is shown.
    async fn compare_with_source(&self, link: &Link) -> Result<Ending, EarlyEnd> {
        let item = read_item(self.flow, &link.target.id).await?;
        let item = item.filter(|item| item.is_in(&self.list.list_id));
        let Some(item) = item else {
            return Err(deleted_in_concur(self.flow, &link.target.id));
        };
        let name = self.record.item_name();
        if item.content.name == name {
            return Ok(self.link(&item, &item.content, Change::Checked).await);
        }
        let message = format!(
            "FreshBooks says \"{name}\", and SAP Concur's item {}; SAP Concur is the source",
            item.content.shown()
        );
        let remedy = "enter SAP Concur's name in FreshBooks, or rename the item in SAP Concur; \
                      then `ml-connector replay RUN`";
        Err(self.flow.parked("changed-in-freshbooks", message, remedy))
    }

    /// Takes the item out of our list.
    async fn withdraw(&self, link: &Link, said: Option<&str>) -> Result<Ending, EarlyEnd> {
        let (flow, list) = (self.flow, self.list);
        let id = link.target.id.as_str();
        if list.source_of_truth == SourceOfTruth::Concur {
            let message = format!(
                "the {} is not in use in FreshBooks; SAP Concur's list is the source, and item \
                 {id} stays",
                list.kind.name()
            );
            return Ok(unchanged("not-carried", message));
        }
        let look_up = async || {
            let item = read_item(flow, id).await?;
            let Some(item) = item.filter(|item| item.is_in(&list.list_id)) else {
                return Ok(LookUp::Found(()));
            };
            if item.is_shared() {
                return Err(shared(flow, &item));
            }
            if is_changed(flow, &item, said) {
                return Err(changed_in_concur(flow, &item.content, "not in use"));
            }
            Ok(LookUp::Missing(concur::delete_item(&list.list_id, id)))
        };
        let intent = Intent::LookUpThenResend;
        let written = flow.write(intent, concur::read_deleted, look_up).await?;
        written
            .map_err(|refusal| remote_refused(flow, System::Concur, "the deletion", &refusal))?;
        let code = link.version.clone().unwrap_or_default();
        let links = pair(self.object(), &self.record.hash(), id, "", GONE);
        flow.save_links(links).await;
        Ok(Ending::Confirmed(Confirmation {
            target: link.target.clone(),
            change: Change::Withdrawn,
            message: format!("item {code} is taken out of the list"),
        }))
    }

    async fn link(&self, item: &ListItem, content: &Content, change: Change) -> Ending {
        let (id, code) = (item.id.as_str(), item.content.code.as_str());
        let code = if code.is_empty() { &content.code } else { code };
        let version = Content {
            code: code.to_string(),
            name: content.name.clone(),
        };
        let links = pair(
            self.object(),
            &self.record.hash(),
            id,
            code,
            &version.hash(),
        );
        self.flow.save_links(links).await;
        let what = match change {
            Change::Created => "created",
            Change::Updated => "changed",
            _ => "found",
        };
        Ending::Confirmed(Confirmation {
            target: ObjectRef::concur(ITEM, id),
            change,
            message: format!("{what} list item {}", version.shown()),
        })
    }

    fn code_taken(&self, content: &Content, other: &ObjectRef) -> EarlyEnd {
        let message = format!(
            "code {} is that of {} {} already",
            content.code, other.kind, other.id
        );
        let change = "give one of them another title or number in FreshBooks, or use `code = \
                      \"id\"` in `reference.lists`";
        let remedy = after_settings(change, Replay::Run);
        self.flow.parked("code-taken", message, remedy)
    }

    fn code_deleted(&self, code: &str) -> EarlyEnd {
        code_deleted(self.flow, code)
    }
}

/// Whether the remote refused a code because it was deleted (source: concur-list-items-bulk).
fn is_of_deleted(refusal: &Refusal) -> bool {
    ["item.duplicate.code.deleted", "item.deleted"]
        .iter()
        .any(|code| refusal.has_code(code))
}

/// What an item said last, as far as we know.
fn last_said(reverse: &ObjectStatus) -> Option<String> {
    let link = reverse.link.as_ref();
    link.and_then(|link| link.content_hash.clone())
}
