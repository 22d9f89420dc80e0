//! A record as it was read, with what the store knows of it.

use std::collections::BTreeMap;

use crate::contract::reconciliation::{Content, FieldValue, Flow, Row};
use crate::contract::runs::{EndingKind, Facts, ObjectStatus};
use crate::contract::types::{Note, ObjectRef};
use crate::reconcile::amount::Amount;
use crate::reconcile::record::{FieldIn, Fields, Holding, Record, Source, Standing, Target};

/// A row with all that it says, and what the store knows of its record.
pub(super) struct Known {
    pub(super) row: Row,
    pub(super) linked: Option<ObjectRef>,
    pub(super) standing: Standing,
    pub(super) fields: Option<Fields>,
}

/// An object by its system, kind and id, in an order.
pub(super) type Key = (&'static str, String, String);

pub(super) fn key_of(object: &ObjectRef) -> Key {
    let ObjectRef { system, kind, id } = object;
    (system.as_str(), kind.clone(), id.clone())
}

/// The objects whose links a row's fields name.
pub(super) fn referred(row: &Row) -> impl Iterator<Item = &ObjectRef> {
    let fields = match &row.content {
        Content::Fields(fields) | Content::Part(fields) => fields.as_slice(),
        Content::Partial | Content::Gone(_) | Content::Unreadable(_) => &[],
    };
    fields.iter().filter_map(|field| match &field.value {
        FieldValue::TargetOf(object) => Some(object),
        FieldValue::Text(_) => None,
    })
}

pub(super) fn fields_of(row: &Row, linked: &BTreeMap<Key, String>) -> Option<Fields> {
    let (Content::Fields(fields) | Content::Part(fields)) = &row.content else {
        return None;
    };
    let fields = fields.iter().filter_map(|field| {
        let (value, any_case) = match &field.value {
            FieldValue::Text(text) => (text, false),
            FieldValue::TargetOf(object) => (linked.get(&key_of(object))?, true),
        };
        let name = &field.name;
        Some(FieldIn {
            name,
            value,
            any_case,
        })
    });
    Some(Fields::new(fields))
}

pub(super) fn row_without_fields(row: &Row) -> Row {
    Row {
        object: row.object.clone(),
        marker: row.marker.clone(),
        facts: row.facts.clone(),
        left_out: row.left_out.clone(),
        content: match &row.content {
            Content::Fields(_) | Content::Part(_) => Content::Fields(Vec::new()),
            content => content.clone(),
        },
    }
}

/// A record of which nothing is read yet.
pub(super) fn unread(object: ObjectRef) -> Row {
    Row {
        object,
        marker: None,
        facts: Facts::NONE,
        left_out: None,
        content: Content::Partial,
    }
}

impl Known {
    /// Adds what another row of the same record says.
    pub(super) fn add(&mut self, other: Self) {
        self.fields = match (self.fields.take(), other.fields) {
            (Some(fields), Some(more)) => Some(fields.merged(&more)),
            (fields, more) => fields.or(more),
        };
        let amounts = [&self.row.facts.amount, &other.row.facts.amount];
        let mut sum = Amount::default();
        for amount in amounts.into_iter().flatten() {
            if let Some(amount) = Amount::parse(amount) {
                sum.add(amount);
            }
        }
        self.row.facts.amount = Some(sum.to_string());
    }

    /// What the record is linked to, if that is of one of these kinds.
    pub(super) fn link(&self, kinds: &[String]) -> Option<&ObjectRef> {
        let linked = self.linked.as_ref();
        linked.filter(|linked| kinds.contains(&linked.kind))
    }

    /// Whether it is linked to something of another flow.
    pub(super) fn belongs_elsewhere(&self, flow: &Flow) -> bool {
        let own = [&flow.target_kinds, &flow.passing_kinds];
        let mut linked = self.linked.iter();
        linked.any(|linked| !own.iter().any(|kinds| kinds.contains(&linked.kind)))
    }

    pub(super) fn into_source(self, kinds: &[String]) -> Source {
        Source {
            link: self.link(kinds).cloned(),
            standing: self.standing.clone(),
            left_out: self.row.left_out.clone(),
            record: self.into_record(),
        }
    }

    pub(super) fn into_target(self, kinds: &[String]) -> Target {
        Target {
            link: self.link(kinds).cloned(),
            record: self.into_record(),
        }
    }

    fn into_record(self) -> Record {
        let Self { row, fields, .. } = self;
        Record {
            content: match (row.content, fields) {
                (Content::Fields(_), Some(fields)) => Holding::Fields(fields),
                (Content::Gone(why), _) => Holding::Gone(why),
                (Content::Unreadable(why), _) => Holding::Unreadable(why),
                (Content::Partial | Content::Part(_) | Content::Fields(_), _) => {
                    Holding::Unreadable(endless(&row.object))
                }
            },
            object: row.object,
            marker: row.marker.map(String::into_boxed_str),
            facts: row.facts,
        }
    }
}

/// How the runs of an object stand.
pub(super) fn standing(status: &ObjectStatus) -> Standing {
    match &status.last {
        Some(last) if is_stopped(last.kind) => Standing::Stopped {
            code: last.code.clone().unwrap_or_else(|| "conflict".to_owned()),
            message: last.message.clone(),
        },
        _ if status.active => Standing::Open,
        _ => Standing::Settled,
    }
}

fn is_stopped(kind: EndingKind) -> bool {
    matches!(
        kind,
        EndingKind::Parked | EndingKind::Rejected | EndingKind::Conflict
    )
}

pub(super) fn not_there(object: &ObjectRef) -> Note {
    let system = object.system.display_name();
    Note {
        code: "not-there".to_owned(),
        message: format!("{system} does not show {} {}", object.kind, object.id),
    }
}

pub(super) fn not_answered(why: String) -> Note {
    Note {
        code: "not-answered".to_owned(),
        message: why,
    }
}

pub(super) fn endless(object: &ObjectRef) -> Note {
    Note {
        code: "unreadable".to_owned(),
        message: format!("{} {} was not read in full", object.kind, object.id),
    }
}
