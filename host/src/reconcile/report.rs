//! What a comparison has found, as commands print it and programs read it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::contract::types::ObjectRef;

/// What is found about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// It is on one side only, and should be on both.
    Missing,
    /// It is more than once on the target side.
    Doubled,
    /// Both sides have it, and a field differs.
    Different,
    /// The same, and a run of it ended for a person to look at, with a code that is known.
    Parked,
    /// The same, and a run of it has not ended.
    Waiting,
    /// It is on the target side and did not come from us, such as one that was typed by hand.
    Foreign,
    /// It could not be compared.
    NotCompared,
}

impl FindingKind {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::Missing,
        Self::Doubled,
        Self::Different,
        Self::Parked,
        Self::Waiting,
        Self::Foreign,
        Self::NotCompared,
    ];

    /// The word for it in tables, files and labels.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Doubled => "doubled",
            Self::Different => "different",
            Self::Parked => "parked",
            Self::Waiting => "waiting",
            Self::Foreign => "foreign",
            Self::NotCompared => "not-compared",
        }
    }

    /// Whether the two sides do not agree because of it. What still waits may yet agree; what is
    /// foreign is none of ours; of what was not compared nobody knows.
    #[must_use]
    pub fn is_difference(self) -> bool {
        matches!(
            self,
            Self::Missing | Self::Doubled | Self::Different | Self::Parked
        )
    }
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Its name, as the target's system has it.
    pub field: String,
    /// What it should hold; none where the target has one more of them.
    pub source: Option<String>,
    /// What it holds; none where the target has one fewer.
    pub target: Option<String>,
}

/// A record that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What is wrong with it.
    pub kind: FindingKind,
    /// The flow that it belongs to.
    pub flow: String,
    /// The month of its own date, `YYYY-MM`; empty where it has none.
    pub month: String,
    /// ISO 4217 code; empty where it has none.
    pub currency: String,
    /// The record that it came from; none for a foreign one.
    pub source: Option<ObjectRef>,
    /// The records on the other side.
    pub targets: Vec<ObjectRef>,
    /// What people call it.
    pub number: Option<String>,
    /// The client, vendor or employee.
    pub party: Option<String>,
    /// Its own date, `YYYY-MM-DD`.
    pub date: Option<String>,
    /// Its total, as a decimal.
    pub amount: Option<String>,
    /// Which fields differ, and how.
    pub differences: Vec<Difference>,
    /// The code of the run that was parked, or why it was not compared.
    pub code: Option<String>,
    /// What it is, one plain sentence.
    pub message: String,
}

/// What the records of one flow, month and currency come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// The flow that they belong to.
    pub flow: String,
    /// The month of their own dates, `YYYY-MM`; empty for those without one.
    pub month: String,
    /// ISO 4217 code; empty for those without one.
    pub currency: String,
    /// Records that are carried over, or should be.
    pub sources: u64,
    /// The sum of their amounts.
    pub source_amount: String,
    /// Records of ours on the other side.
    pub targets: u64,
    /// The sum of theirs, likewise.
    pub target_amount: String,
    /// Records that are the same on both sides.
    pub same: u64,
    /// Records that no run carries over, such as drafts.
    pub left_out: u64,
    /// How many were found, by kind; none of a kind is left out.
    pub found: BTreeMap<FindingKind, u64>,
}

/// A comparison of both systems.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The name of the connection.
    pub connection: String,
    /// The first day that was compared, `YYYY-MM-DD`.
    pub from: String,
    /// The last day that was compared, `YYYY-MM-DD`.
    pub to: String,
    /// When it was finished, in milliseconds since 1970.
    pub at_ms: u64,
    /// How many requests it took.
    pub calls: u64,
    /// Lists that were not read to their end, one sentence each.
    pub cut: Vec<String>,
    /// By flow, month and currency, in this order.
    pub totals: Vec<Totals>,
    /// In the order of the totals; a reply of the service has a part of them.
    pub findings: Vec<Finding>,
}

impl Report {
    /// How many findings of a kind there are.
    #[must_use]
    pub fn count(&self, kind: FindingKind) -> u64 {
        let found = self.totals.iter().filter_map(|one| one.found.get(&kind));
        found.sum()
    }

    /// Whether all that was compared agrees.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let mut kinds = FindingKind::ALL.into_iter();
        !kinds.any(|kind| kind.is_difference() && self.count(kind) > 0)
    }
}
