//! What a back-fill has come to so far.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::contract::runs::{EndingKind, ObjectStatus};
use crate::flows::documents::cut_over::{BEFORE_CUT_OVER, TYPED_BY_HAND};

/// The counts of a back-fill, as the link of its object stores them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Counts {
    /// The pass over the list that is under way, from 1.
    pub(super) pass: u32,
    /// Pages of the list, as far as it says.
    pub(super) pages: u64,
    /// Pages of this pass that are done.
    pub(super) pages_done: u32,
    /// Documents with the dates of the back-fill.
    pub(super) listed: u64,
    /// Runs that it started.
    pub(super) started: u64,
    /// Documents that are in the other system now.
    pub(super) carried: u64,
    /// Documents that needed nothing, such as drafts.
    pub(super) unchanged: u64,
    /// Documents before the cut-over that the other system has nothing of.
    pub(super) before_cut_over: u64,
    /// Documents before the cut-over that wait for a person to adopt them.
    pub(super) typed_by_hand: u64,
    /// Other documents that wait for a person.
    pub(super) stopped: u64,
    /// Documents whose runs others had started, and that have not ended.
    pub(super) under_way: u64,
    /// Runs that it started in this pass.
    pub(super) started_in_pass: u64,
}

impl Counts {
    /// The counts that a link stores; those of a beginning if it holds none.
    pub(super) fn read(version: Option<&str>) -> Self {
        let read = version.and_then(|text| serde_json::from_str(text).ok());
        read.unwrap_or_default()
    }

    pub(super) fn to_json(self) -> Option<String> {
        serde_json::to_string(&self).ok()
    }

    /// Counts a document by how it stands after its run, if it had one.
    pub(super) fn count(&mut self, status: &ObjectStatus) {
        self.listed += 1;
        *self.place_of(status) += 1;
    }

    fn place_of(&mut self, status: &ObjectStatus) -> &mut u64 {
        if status.link.is_some() {
            return &mut self.carried;
        }
        let last = status.last.as_ref().filter(|_| !status.active);
        match last.map(|last| (last.kind, last.code.as_deref())) {
            None => &mut self.under_way,
            Some((_, Some(BEFORE_CUT_OVER))) => &mut self.before_cut_over,
            Some((_, Some(TYPED_BY_HAND))) => &mut self.typed_by_hand,
            Some((EndingKind::Confirmed | EndingKind::Unchanged, _)) => &mut self.unchanged,
            Some((EndingKind::Parked | EndingKind::Rejected | EndingKind::Conflict, _)) => {
                &mut self.stopped
            }
        }
    }

    /// The counts in words, those of nothing left out.
    pub(super) fn sentence(&self) -> String {
        let parts = [
            (self.started, "runs started"),
            (self.carried, "in SAP Concur"),
            (self.unchanged, "that needed nothing"),
            (self.before_cut_over, "before the cut-over"),
            (self.typed_by_hand, "typed by hand"),
            (self.stopped, "stopped for a person"),
            (self.under_way, "still under way"),
        ];
        let counted = parts.into_iter().filter(|(count, _)| *count > 0);
        let counted: Vec<String> = counted
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        match counted.is_empty() {
            true => format!("{} listed", self.listed),
            false => format!("{} listed, {}", self.listed, counted.join(", ")),
        }
    }
}
