//! What is read, on the model.

use std::collections::BTreeMap;

use super::State;
use crate::contract::runs::{Completion, EndingKind, Facts, ObjectStatus};
use crate::contract::types::ObjectRef;
use crate::store::{EventCount, Inbox, Run, RunCount, RunFilter, RunId, RunState};

impl State {
    pub(super) fn inbox(&self) -> Inbox {
        let mut counts: BTreeMap<&str, EventCount> = BTreeMap::new();
        for (event, repeats) in self.events.values() {
            let count = counts.entry(&event.connection).or_insert(EventCount {
                connection: event.connection.clone(),
                events: 0,
                repeats: 0,
                latest: 0,
            });
            count.events += 1;
            count.repeats += repeats;
            count.latest = count.latest.max(event.received);
        }
        Inbox {
            events: counts.into_values().collect(),
            oddities: self.oddities.len() as u64,
        }
    }

    pub(super) fn runs(&self) -> impl DoubleEndedIterator<Item = &Run> {
        self.runs.iter().map(|kept| &kept.run)
    }

    pub(super) fn of_object(
        &self,
        connection: &str,
        object: &ObjectRef,
    ) -> impl DoubleEndedIterator<Item = &Run> {
        self.runs()
            .filter(move |run| run.connection == connection && run.object == *object)
    }

    pub(super) fn active_of(&self, connection: &str, except: &[RunId]) -> Vec<Run> {
        let active = self.runs().filter(|run| {
            run.connection == connection
                && run.state != RunState::Ended
                && !except.contains(&run.id)
        });
        let mut active: Vec<_> = active.cloned().collect();
        active.sort_by_key(|run| (run.due, run.id));
        active
    }

    pub(super) fn matching(&self, filter: &RunFilter) -> Vec<Run> {
        let limit = if filter.limit == 0 {
            usize::MAX
        } else {
            filter.limit as usize
        };
        self.runs()
            .rev()
            .filter(|run| self.matches(run, filter))
            .take(limit)
            .cloned()
            .collect()
    }

    fn matches(&self, run: &Run, filter: &RunFilter) -> bool {
        let ended_only = !filter.endings.is_empty();
        filter
            .connection
            .as_ref()
            .is_none_or(|connection| run.connection == *connection)
            && filter
                .object
                .as_ref()
                .is_none_or(|object| run.object == *object)
            && filter.find.as_ref().is_none_or(|text| is_found(run, text))
            && filter.state.is_none_or(|state| run.state == state)
            && (!ended_only || ending(run).is_some_and(|kind| filter.endings.contains(&kind)))
            && (!filter.latest_only || self.is_latest(run, ended_only))
            && filter.before.is_none_or(|before| run.id < before)
    }

    pub(super) fn is_latest(&self, run: &Run, ended_only: bool) -> bool {
        let mut later = self
            .of_object(&run.connection, &run.object)
            .filter(|later| later.id > run.id);
        !later.any(|later| !ended_only || later.state == RunState::Ended)
    }

    pub(super) fn counts(&self) -> Vec<RunCount> {
        let mut counts: Vec<RunCount> = Vec::new();
        for run in self.runs().filter(|run| run.state != RunState::Ended) {
            let fits =
                |count: &RunCount| (&count.connection, count.state) == (&run.connection, run.state);
            let at = counts.iter().position(fits).unwrap_or_else(|| {
                counts.push(RunCount {
                    connection: run.connection.clone(),
                    state: run.state,
                    ending: None,
                    objects: 0,
                    planned: 0,
                    runs: 0,
                    oldest_started: None,
                });
                counts.len() - 1
            });
            counts[at].runs += 1;
            counts[at].objects += 1;
            let is_waiting = run.state == RunState::Waiting && run.wait_reason.is_none();
            counts[at].planned += u64::from(is_waiting && run.due == run.started);
            let oldest = &mut counts[at].oldest_started;
            *oldest = Some(oldest.map_or(run.started, |oldest| oldest.min(run.started)));
        }
        let ended = self.ended.iter();
        counts.extend(ended.map(|((connection, word), runs)| RunCount {
            connection: connection.clone(),
            state: RunState::Ended,
            ending: EndingKind::from_word(word),
            objects: self.latest_ended(connection, word),
            planned: 0,
            runs: *runs,
            oldest_started: None,
        }));
        counts
    }

    fn latest_ended(&self, connection: &str, word: &str) -> u64 {
        let latest = self.runs().filter(|run| {
            let how = ending(run).map(EndingKind::as_str);
            run.connection == connection && how == Some(word) && self.is_latest(run, true)
        });
        latest.count() as u64
    }

    pub(super) fn object_status(&self, connection: &str, object: &ObjectRef) -> ObjectStatus {
        let mut runs = self.of_object(connection, object);
        let active = runs.any(|run| run.state != RunState::Ended);
        let last = self
            .of_object(connection, object)
            .rev()
            .find_map(|run| run.completion.as_ref());
        ObjectStatus {
            object: object.clone(),
            link: self.link(connection, object).cloned(),
            active,
            last: last.map(Completion::to_last_ending),
        }
    }
}

fn ending(run: &Run) -> Option<EndingKind> {
    run.completion.as_ref().map(Completion::kind)
}

fn is_found(run: &Run, text: &str) -> bool {
    let Facts {
        number,
        party,
        amount,
        ..
    } = &run.facts;
    let fields = [
        Some(&run.object.id),
        number.as_ref(),
        party.as_ref(),
        amount.as_ref(),
    ];
    let text = text.to_ascii_lowercase();
    let mut fields = fields.into_iter().flatten();
    fields.any(|field| field.to_ascii_lowercase().contains(&text))
}
