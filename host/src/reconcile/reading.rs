//! Reads both sides of a flow, one request at a time, so that live runs have all the others.

mod known;
mod requests;

use std::collections::{BTreeMap, BTreeSet};

use self::known::{
    Known, Side as Records, endless, forget_alike, not_answered, not_there, referred, unread,
};
pub use self::requests::ReconcileError;
use self::requests::Remotes;
use super::compare::Sides;
use super::progress::Progress;
use super::record::Key;
use crate::contract::reconciliation::{Content, Flow, Page, Period, Reading, Row, Side};
use crate::contract::runs::ObjectStatus;
use crate::contract::types::{Note, ObjectRef};
use crate::engine::Connection;
use crate::store::{Run, RunFilter};

/// Runs that are listed at once.
const RUNS_MAX: u32 = 500;
/// Objects that are asked of the store at once: as many as a run may ask for.
const OBJECTS_MAX: usize = 1_000;

/// Both sides, and what was not read of them.
pub(super) struct FlowRead {
    pub(super) sides: Sides,
    /// Lists that were not read to their end.
    pub(super) cut: Vec<Note>,
}

/// Reads the two sides of a flow.
pub(super) struct Reader<'c> {
    connection: &'c Connection,
    remotes: Remotes<'c>,
    progress: &'c Progress,
}

impl<'c> Reader<'c> {
    pub(super) fn new(connection: &'c Connection, progress: &'c Progress) -> Self {
        Self {
            connection,
            remotes: Remotes::new(connection, progress),
            progress,
        }
    }

    /// The flows that the settings have.
    pub(super) fn flows(&self) -> Result<Vec<Flow>, ReconcileError> {
        let connection = self.connection;
        let flows = connection
            .instance
            .call_with(&connection.settings, |instance, settings| {
                instance.reconciliation_flows(settings)
            });
        Ok(flows?)
    }

    /// Both sides within a period, and beyond it what a link leads to.
    pub(super) async fn read(
        &self,
        flow: &Flow,
        period: &Period,
    ) -> Result<FlowRead, ReconcileError> {
        self.progress.begin_flow(&flow.name);
        let (mut sources, sources_cut) = match flow.lists_sources {
            true => {
                let none = &mut Records::new();
                self.read_side(flow, period, Side::Source, none).await?
            }
            false => (self.read_sources(flow, period).await?, None),
        };
        let (mut targets, targets_cut) = {
            let known = &mut sources;
            self.read_side(flow, period, Side::Target, known).await?
        };
        let led_to = |known: &Records, kinds: &[String]| -> Vec<Key> {
            let links = known.values().filter_map(|one| one.link(kinds));
            links.cloned().collect()
        };
        let back = led_to(&targets, &flow.source_kinds);
        self.read_linked(flow, back, None, &mut sources).await?;
        let there = led_to(&sources, &flow.target_kinds);
        let cut = targets_cut.as_ref();
        self.read_linked(flow, there, cut, &mut targets).await?;
        let is_ours = |one: &Known| !one.belongs_elsewhere(flow);
        let sources = sources.into_iter().filter(|(_, one)| is_ours(one));
        let targets = targets.into_iter();
        Ok(FlowRead {
            sides: Sides {
                sources: sources
                    .map(|(key, one)| one.into_source(key, &flow.target_kinds))
                    .collect(),
                targets: targets
                    .map(|(key, one)| one.into_target(key, &flow.source_kinds))
                    .collect(),
                targets_cut: targets_cut.clone(),
                days: Some((period.from.clone(), period.to.clone())),
            },
            cut: sources_cut.into_iter().chain(targets_cut).collect(),
        })
    }

    /// All records of a side, and why the list was not read to its end. `sources` are those that
    /// targets are compared with as they come.
    async fn read_side(
        &self,
        flow: &Flow,
        period: &Period,
        side: Side,
        sources: &mut Records,
    ) -> Result<(Records, Option<Note>), ReconcileError> {
        let (mut known, mut cut) = (Records::new(), None);
        let mut cursor: Option<String> = None;
        loop {
            let place = (side, period, cursor.as_deref());
            let page = self.read_page(flow, place).await?;
            let mut rows = Vec::new();
            for row in page.rows {
                rows.push(self.completed(flow, row, None).await?);
            }
            let read: Vec<Key> = rows.iter().map(|row| Key::of(&row.object)).collect();
            self.remember(rows, &mut known).await?;
            forget_alike(sources, &mut known, &read);
            cut = cut.or(page.cut);
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok((known, cut)),
            }
        }
    }

    /// The sources that runs have known, where no list shows all of them.
    async fn read_sources(&self, flow: &Flow, period: &Period) -> Result<Records, ReconcileError> {
        let (mut known, mut before) = (Records::new(), None);
        loop {
            let filter = RunFilter {
                connection: Some(self.connection.name.clone()),
                latest_only: true,
                before,
                limit: RUNS_MAX,
                ..RunFilter::default()
            };
            let runs = self.connection.services.store.runs(filter).await?;
            let Some(last) = runs.last() else {
                return Ok(known);
            };
            before = Some(last.id);
            let objects = runs.into_iter().filter(|run| is_source(flow, period, run));
            let objects = objects.map(|run| Key::of(&run.object)).collect();
            self.read_linked(flow, objects, None, &mut known).await?;
        }
    }

    async fn read_page(
        &self,
        flow: &Flow,
        (side, period, cursor): (Side, &Period, Option<&str>),
    ) -> Result<Page, ReconcileError> {
        let Connection {
            instance, settings, ..
        } = self.connection;
        let name = &flow.name;
        let asked = instance.call_with(settings, |instance, settings| {
            instance.list_request(settings, name, side, period, cursor)
        })?;
        let request = asked.ok_or_else(|| ReconcileError::NoRequest(flow.name.clone()))?;
        let answer = self.remotes.ask(&request).await?;
        let read = instance.call_with(settings, |instance, settings| {
            instance.read_list(settings, name, side, period, cursor, &answer)
        })?;
        read.map_err(|why| ReconcileError::List {
            system: request.system,
            why: why.message,
        })
    }

    /// The row with all that its record holds. `cut` is why the list of its side has no end.
    async fn completed(
        &self,
        flow: &Flow,
        row: Row,
        cut: Option<&Note>,
    ) -> Result<Row, ReconcileError> {
        self.progress.note_record();
        if row.content != Content::Partial {
            return Ok(row);
        }
        Ok(match self.read_one(flow, &row.object).await? {
            Reading::Record(full) => full,
            Reading::ListOnly => Row {
                content: match cut {
                    Some(cut) => Content::Unreadable(cut.clone()),
                    None => Content::Gone(not_there(&row.object)),
                },
                ..row
            },
            Reading::Missing => Row {
                content: Content::Gone(not_there(&row.object)),
                ..row
            },
            Reading::Unreadable(why) => Row {
                content: Content::Unreadable(why),
                ..row
            },
            Reading::Send(_) | Reading::Find(_) => Row {
                content: Content::Unreadable(endless(&row.object)),
                ..row
            },
        })
    }

    /// Reads one record: with as many questions as the component has, up to a bound.
    async fn read_one(&self, flow: &Flow, object: &ObjectRef) -> Result<Reading, ReconcileError> {
        /// A document and its party are two, and an expense entry asks for two objects.
        const QUESTIONS_MAX: usize = 10;
        let (mut answers, mut known) = (Vec::new(), Vec::new());
        for _ in 0..QUESTIONS_MAX {
            let Connection {
                instance, settings, ..
            } = self.connection;
            let reading = instance.call_with(settings, |instance, settings| {
                instance.read_one(settings, &flow.name, object, (&answers, &known))
            })?;
            match reading {
                Reading::Send(request) => match self.remotes.ask(&request).await {
                    Ok(answer) => answers.push(answer),
                    Err(ReconcileError::NotAnswered { why, .. }) => {
                        return Ok(Reading::Unreadable(not_answered(why)));
                    }
                    Err(error) => return Err(error),
                },
                Reading::Find(objects) => known.extend(self.statuses(objects).await?),
                reading => return Ok(reading),
            }
        }
        Ok(Reading::Unreadable(endless(object)))
    }

    /// Reads what links lead to and no list has shown.
    async fn read_linked(
        &self,
        flow: &Flow,
        objects: Vec<Key>,
        cut: Option<&Note>,
        known: &mut Records,
    ) -> Result<(), ReconcileError> {
        let mut rows = Vec::new();
        let mut asked = BTreeSet::new();
        for key in objects {
            let object = key.object();
            let is_new = !known.contains_key(&key) && asked.insert(key);
            if is_new {
                let row = unread(object);
                rows.push(self.completed(flow, row, cut).await?);
            }
        }
        self.remember(rows, known).await
    }

    /// Adds what the store knows of the records, and of what their fields refer to.
    async fn remember(&self, rows: Vec<Row>, known: &mut Records) -> Result<(), ReconcileError> {
        for rows in rows.chunks(OBJECTS_MAX / 2) {
            let objects: Vec<ObjectRef> = rows.iter().map(|row| row.object.clone()).collect();
            let parties = rows.iter().flat_map(referred).cloned();
            let parties: BTreeMap<Key, ObjectRef> =
                parties.map(|party| (Key::of(&party), party)).collect();
            let linked = self.statuses(parties.into_values().collect()).await?;
            let linked: BTreeMap<Key, String> = linked
                .into_iter()
                .filter_map(|status| Some((Key::of(&status.object), status.link?.target.id)))
                .collect();
            for (row, status) in rows.iter().zip(self.statuses(objects).await?) {
                let key = Key::of(&row.object);
                Known::new(row.clone(), status, &linked).add_to(key, known);
            }
        }
        Ok(())
    }

    async fn statuses(&self, objects: Vec<ObjectRef>) -> Result<Vec<ObjectStatus>, ReconcileError> {
        let Connection { name, services, .. } = self.connection;
        let mut statuses = Vec::new();
        for objects in objects.chunks(OBJECTS_MAX) {
            statuses.extend(services.store.object_statuses(name, objects).await?);
        }
        Ok(statuses)
    }
}

/// Whether a run was of a source of the flow whose day may be within the period.
fn is_source(flow: &Flow, period: &Period, run: &Run) -> bool {
    let own = run
        .completion
        .as_ref()
        .and_then(|one| one.facts.date.as_ref());
    let day = own.or(run.facts.date.as_ref());
    flow.source_kinds.contains(&run.object.kind)
        && day.is_none_or(|day| (&period.from..=&period.to).contains(&day))
}
