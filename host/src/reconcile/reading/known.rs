//! A record as it was read, with what the store knows of it.

use std::collections::BTreeMap;

use crate::contract::reconciliation::{Content, FieldValue, Flow, Row};
use crate::contract::runs::{EndingKind, Facts, ObjectStatus};
use crate::contract::types::{Note, ObjectRef};
use crate::reconcile::amount::Amount;
use crate::reconcile::record::{
    FieldIn, Fields, Holding, Key, PackedFacts, Record, Source, Standing, Target,
};

/// What a row says of its record, and what the store knows of it.
pub(super) struct Known {
    marker: Option<Box<str>>,
    facts: PackedFacts,
    left_out: Option<Note>,
    content: Holding,
    linked: Option<Key>,
    standing: Standing,
    /// Whether other rows have the rest of it.
    is_part: bool,
}

/// All records of a side. They are boxed, since a tree leaves room for as many again.
pub(super) type Side = BTreeMap<Key, Box<Known>>;

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

fn fields_of(row: &Row, linked: &BTreeMap<Key, String>) -> Option<Fields> {
    let (Content::Fields(fields) | Content::Part(fields)) = &row.content else {
        return None;
    };
    let fields = fields.iter().filter_map(|field| {
        let (value, any_case) = match &field.value {
            FieldValue::Text(text) => (text, false),
            FieldValue::TargetOf(object) => (linked.get(&Key::of(object))?, true),
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
    /// What a row says. `linked` has the ids that its fields refer to.
    pub(super) fn new(row: Row, status: ObjectStatus, linked: &BTreeMap<Key, String>) -> Self {
        let is_part = matches!(row.content, Content::Part(_));
        let content = match fields_of(&row, linked) {
            Some(fields) => Holding::Fields(fields),
            None => match row.content {
                Content::Gone(why) => Holding::Gone(why),
                Content::Unreadable(why) => Holding::Unreadable(why),
                Content::Partial | Content::Part(_) | Content::Fields(_) => {
                    Holding::Unreadable(endless(&row.object))
                }
            },
        };
        Self {
            marker: row.marker.map(String::into_boxed_str),
            facts: PackedFacts::of(&row.facts),
            left_out: row.left_out,
            content,
            standing: standing(&status),
            linked: status.link.map(|link| Key::of(&link.target)),
            is_part,
        }
    }

    /// Adds another row, whose record may be the same.
    pub(super) fn add_to(self, key: Key, side: &mut Side) {
        match side.get_mut(&key) {
            Some(earlier) if self.is_part => earlier.add(&self),
            _ => drop(side.insert(key, Box::new(self))),
        }
    }

    /// Adds what another row of the same record says.
    fn add(&mut self, other: &Self) {
        if let (Holding::Fields(fields), Holding::Fields(more)) = (&self.content, &other.content) {
            self.content = Holding::Fields(fields.merged(more));
        }
        let mut facts = self.facts.facts();
        let amounts = [facts.amount.take(), other.facts.facts().amount];
        let mut sum = Amount::default();
        for amount in amounts.iter().flatten() {
            if let Some(amount) = Amount::parse(amount) {
                sum.add(amount);
            }
        }
        facts.amount = Some(sum.to_string());
        self.facts = PackedFacts::of(&facts);
    }

    /// Forgets the fields of a source and its target that do not differ.
    fn forget_alike(&mut self, target: &mut Self) {
        let contents = (&self.content, &target.content);
        let (Holding::Fields(wanted), Holding::Fields(there)) = contents else {
            return;
        };
        if !target.is_part && wanted.differences(there).is_empty() {
            self.content = Holding::Fields(Fields::none());
            target.content = Holding::Fields(Fields::none());
        }
    }

    /// What the record is linked to, if that is of one of these kinds.
    pub(super) fn link(&self, kinds: &[String]) -> Option<&Key> {
        let linked = self.linked.as_ref();
        linked.filter(|linked| is_of(linked, kinds))
    }

    /// Whether it is linked to something of another flow.
    pub(super) fn belongs_elsewhere(&self, flow: &Flow) -> bool {
        let own = [&flow.target_kinds, &flow.passing_kinds];
        let mut linked = self.linked.iter();
        linked.any(|linked| !own.iter().any(|kinds| is_of(linked, kinds)))
    }

    pub(super) fn into_source(self, object: Key, kinds: &[String]) -> Source {
        Source {
            link: self.link(kinds).cloned(),
            standing: self.standing.clone(),
            left_out: self.left_out.clone(),
            record: self.into_record(object),
        }
    }

    pub(super) fn into_target(self, object: Key, kinds: &[String]) -> Target {
        Target {
            link: self.link(kinds).cloned(),
            record: self.into_record(object),
        }
    }

    fn into_record(self, object: Key) -> Record {
        Record {
            object,
            marker: self.marker,
            facts: self.facts,
            content: self.content,
        }
    }
}

fn is_of(key: &Key, kinds: &[String]) -> bool {
    kinds.iter().any(|kind| kind == key.kind())
}

/// Forgets the fields of targets that say what their sources say, and those of the sources, so that
/// never all fields of both sides are there at once.
pub(super) fn forget_alike(sources: &mut Side, targets: &mut Side, read: &[Key]) {
    for key in read {
        let Some(target) = targets.get_mut(key) else {
            continue;
        };
        let source = target.linked.as_ref().and_then(|own| sources.get_mut(own));
        if let Some(source) = source {
            source.forget_alike(target);
        }
    }
}

/// How the runs of an object stand.
fn standing(status: &ObjectStatus) -> Standing {
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
