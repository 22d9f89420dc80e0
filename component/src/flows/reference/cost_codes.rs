//! The cost codes of a document's projects, where the settings name none.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use crate::contract::runs::{NewTask, ObjectStatus, StartReason, WaitReason};
use crate::flow::Flow;
use crate::flows::dependency::DEPENDENCY_LOOK;
use crate::reference::{linked_codes, unnamed_projects};

/// The codes of the list items that a document's projects are linked with, for those that the
/// setting `projects` does not name. A project that has no item yet is carried over first; what
/// has none even then is missing, and the translation says so.
pub(in crate::flows) async fn project_codes(
    flow: &Flow,
    projects: impl Iterator<Item = &String>,
) -> BTreeMap<String, String> {
    let unnamed = unnamed_projects(&flow.settings, projects);
    if unnamed.is_empty() {
        return BTreeMap::new();
    }
    let mut statuses = Vec::new();
    for status in flow.find(unnamed).await {
        statuses.push(carried_over(flow, status).await);
    }
    linked_codes(statuses)
}

/// The project after its run, if it needed one.
async fn carried_over(flow: &Flow, mut status: ObjectStatus) -> ObjectStatus {
    let mut started = false;
    loop {
        let is_known = status
            .link
            .as_ref()
            .is_some_and(|link| link.version.is_some());
        if is_known || started && !status.active {
            return status;
        }
        if !status.active {
            let task = NewTask {
                object: status.object.clone(),
                reason: StartReason::Dependency,
            };
            flow.start(vec![task]).await;
        }
        started = true;
        let message = format!("project {} must become a list item first", status.object.id);
        let on = Some(status.object.clone());
        flow.wait_on(DEPENDENCY_LOOK, WaitReason::Dependency, on, message)
            .await;
        status = flow.find_one(status.object).await;
    }
}
