//! The writes, on the model.

use super::{KeptRun, KeptSettings, State, key, object_key};
use crate::contract::runs::{Completion, Facts, NewTask, StartReason, WaitReason};
use crate::contract::types::{Instant, ObjectRef};
use crate::store::{Attempt, HistoryRow, NewRun, Receipt, Run, RunId, RunState, StoreError, Write};

impl State {
    pub(super) fn apply_all(&mut self, batch: Vec<Write>) -> Result<Receipt, StoreError> {
        let mut receipt = Receipt::default();
        batch
            .into_iter()
            .try_for_each(|write| self.apply(write, &mut receipt))?;
        Ok(receipt)
    }

    fn apply(&mut self, write: Write, receipt: &mut Receipt) -> Result<(), StoreError> {
        match write {
            Write::Notice {
                connection,
                object,
                event,
                received,
            } => {
                let notice = self.notice(connection, object, event, received);
                receipt.notices.extend(notice);
            }
            Write::Event(event) => self.event(event, receipt),
            Write::Start(new) => receipt.runs.push(self.start(&new)?),
            Write::StartOrMarkDirty(new) => receipt.runs.extend(self.start_or_mark_dirty(&new)?),
            Write::End {
                run,
                completion,
                at,
            } => {
                receipt.runs.extend(self.end(run, &completion, at)?);
            }
            Write::Decide {
                notice,
                arrivals,
                decision,
            } => {
                let is_decided = self.decide(notice, Some(arrivals), decision)?;
                receipt.left_undecided += u32::from(!is_decided);
            }
            Write::Oddity(oddity) => self.oddity(oddity, receipt),
            Write::Append { run, rows } => {
                let kept = self.active(run)?;
                rows.into_iter().try_for_each(|row| kept.append(row))?;
            }
            Write::Wait {
                run,
                due,
                reason,
                on,
                message,
            } => {
                self.wait(run, due, reason, on, message)?;
            }
            Write::BoundDue {
                state,
                reason,
                due_max,
            } => self.bound_due(state, reason, due_max),
            Write::StartOver {
                run,
                settings_version,
                started,
                message,
            } => self
                .active(run)?
                .start_over(settings_version, started, message),
            other => self.keep(other)?,
        }
        Ok(())
    }

    fn wait(
        &mut self,
        run: RunId,
        due: Instant,
        reason: Option<WaitReason>,
        on: Option<ObjectRef>,
        message: String,
    ) -> Result<(), StoreError> {
        let connection = self.active(run)?.run.connection.clone();
        let is_over = on
            .as_ref()
            .is_some_and(|on| self.active_of_object(&connection, on).is_none());
        let kept = self.active(run)?;
        if is_over {
            kept.set_due(RunState::Due, 0, None, String::new());
            kept.run.woken_by_object = true;
        } else {
            let waiting = reason.map(|_| RunState::Waiting);
            kept.set_due(waiting.unwrap_or(RunState::Due), due, on, message);
            kept.run.wait_reason = reason;
        }
        Ok(())
    }

    fn keep(&mut self, write: Write) -> Result<(), StoreError> {
        match write {
            Write::Links {
                connection,
                links,
                unlinks,
                run,
                at,
            } => {
                for link in links {
                    self.keep_link(&connection, link, (run, at));
                }
                for source in unlinks {
                    self.links.remove(&object_key(&connection, &source));
                }
            }
            Write::EditLinks(edit) => self.edit_links(edit)?,
            Write::Settings {
                connection,
                version,
                json,
                at,
            } => {
                let kept = KeptSettings { json, stored: at };
                let kept = self.settings.entry((connection, version)).or_insert(kept);
                kept.stored = at;
            }
            Write::Credential(stored) => {
                let key = key(&stored.connection, stored.credential.system.as_str());
                let kept = self.credentials.get(&key);
                if kept
                    .is_some_and(|kept| kept.credential.generation > stored.credential.generation)
                {
                    return Err(refused());
                }
                self.credentials.insert(key, stored);
            }
            Write::Callback(callback) => {
                self.callbacks
                    .insert(key(&callback.connection, &callback.id), callback);
            }
            Write::Gate { connection, gate } => {
                self.gates
                    .insert(key(&connection, gate.system.as_str()), gate);
            }
            Write::Mark { name, value } => drop(self.marks.insert(name, value)),
            Write::Forget { received_before } => {
                self.events
                    .retain(|_, (event, _)| event.received >= received_before);
                self.oddities
                    .retain(|oddity| oddity.received >= received_before);
            }
            Write::Retire { ended_before } => self.retire(ended_before),
            Write::Checkpoint {
                connection,
                checkpoint,
            } => self.chains.keep_checkpoint(connection, checkpoint),
            _ => return Err(refused()),
        }
        Ok(())
    }

    fn start(&mut self, new: &NewRun) -> Result<RunId, StoreError> {
        let NewTask { object, reason } = &new.task;
        if self.active_of_object(&new.connection, object).is_some() {
            return Err(refused());
        }
        let (connection, version) = (&new.connection, &new.settings_version);
        let run = self.insert(
            connection,
            object,
            *reason,
            version,
            new.started,
            RunState::Due,
        );
        self.decide_for(new, run)?;
        Ok(run)
    }

    fn start_or_mark_dirty(&mut self, new: &NewRun) -> Result<Option<RunId>, StoreError> {
        let Some(kept) = self.active_of_object(&new.connection, &new.task.object) else {
            return self.start(new).map(Some);
        };
        let waits_only = kept.run.state == RunState::Waiting && kept.run.wait_reason.is_none();
        let (reason, settings_version) = (new.task.reason, new.settings_version.clone());
        if waits_only && kept.run.due > new.started {
            kept.run.due = new.started;
            kept.run.state = RunState::Due;
            kept.run = Run {
                reason,
                settings_version,
                started: new.started,
                ..kept.run.clone()
            };
        } else {
            let replay = matches!(kept.next, Some((StartReason::Replay, _)));
            kept.next = Some((
                if replay { StartReason::Replay } else { reason },
                settings_version,
            ));
            kept.run.dirty = true;
        }
        let run = kept.run.id;
        self.decide_for(new, run).map(|()| None)
    }

    fn end(
        &mut self,
        run: RunId,
        completion: &Completion,
        at: Instant,
    ) -> Result<Option<RunId>, StoreError> {
        let kept = self.active(run)?;
        kept.set_due(RunState::Ended, kept.run.due, None, String::new());
        kept.run.ended = Some(at);
        kept.run.completion = Some(completion.clone());
        let ended = kept.clone();
        self.chains
            .add(&ended.run.connection, &(run, completion, at));
        let how = key(&ended.run.connection, completion.kind().as_str());
        *self.ended.entry(how).or_default() += 1;
        self.retire_oldest(&ended.run, completion.kind());
        let Run {
            connection,
            object,
            settings_version,
            ..
        } = ended.run;
        let facts = completion.facts.clone().or_earlier(&ended.run.facts);
        for kept in &mut self.runs {
            if kept.run.connection == connection && kept.run.object == object {
                kept.run.facts = facts.clone();
            }
        }
        for waiting in &mut self.runs {
            if waiting.run.connection == connection && waiting.waits_on.as_ref() == Some(&object) {
                waiting.set_due(RunState::Due, at, None, String::new());
                waiting.run.woken_by_object = true;
            }
        }
        let (reason, version, started, state) = match (ended.next, completion.look_again()) {
            (Some((reason, version)), _) => (reason, version, at, RunState::Due),
            (None, Some(again)) => (
                StartReason::LookAgain,
                settings_version,
                again,
                RunState::Waiting,
            ),
            (None, None) => return Ok(None),
        };
        Ok(Some(self.insert(
            &connection,
            &object,
            reason,
            &version,
            started,
            state,
        )))
    }

    fn insert(
        &mut self,
        connection: &str,
        object: &ObjectRef,
        reason: StartReason,
        settings_version: &str,
        started: Instant,
        state: RunState,
    ) -> RunId {
        let id = self.runs.last().map_or(0, |last| last.run.id) + 1;
        let earlier = self.of_object(connection, object).next();
        let run = Run {
            id,
            connection: connection.into(),
            object: object.clone(),
            reason,
            started,
            settings_version: settings_version.into(),
            epoch: 0,
            state,
            due: started,
            wait_reason: None,
            woken_by_object: false,
            dirty: false,
            message: String::new(),
            completion: None,
            ended: None,
            facts: earlier.map_or(Facts::NONE, |run| run.facts.clone()),
        };
        self.runs.push(KeptRun {
            run,
            retired: false,
            superseded: false,
            next: None,
            waits_on: None,
            history: Vec::new(),
            attempts: Vec::new(),
        });
        id
    }

    fn bound_due(&mut self, state: RunState, reason: Option<WaitReason>, due_max: Instant) {
        let same = |run: &Run| run.state == state && run.wait_reason == reason;
        for kept in self.runs.iter_mut().filter(|kept| same(&kept.run)) {
            kept.run.due = kept.run.due.min(due_max);
        }
    }

    fn active(&mut self, id: RunId) -> Result<&mut KeptRun, StoreError> {
        let active = |kept: &&mut KeptRun| kept.run.id == id && kept.run.state != RunState::Ended;
        self.runs.iter_mut().find(active).ok_or_else(refused)
    }

    fn active_of_object(&mut self, connection: &str, object: &ObjectRef) -> Option<&mut KeptRun> {
        self.runs.iter_mut().find(|kept| {
            kept.run.connection == connection
                && kept.run.object == *object
                && kept.run.state != RunState::Ended
        })
    }
}

impl KeptRun {
    fn append(&mut self, row: HistoryRow) -> Result<(), StoreError> {
        if row.epoch != self.run.epoch {
            return Err(refused());
        }
        let of_epoch = self
            .history
            .iter_mut()
            .filter(|kept| kept.epoch == row.epoch);
        let last = of_epoch.last();
        let next = last.as_ref().map_or(0, |last| last.index + 1);
        match last {
            _ if row.index == next => self.history.push(row),
            Some(last)
                if row.index == last.index
                    && last.outcome.is_none()
                    && row.outcome.is_some()
                    && last.demand == row.demand =>
            {
                last.outcome = row.outcome;
            }
            _ => return Err(refused()),
        }
        Ok(())
    }

    pub(super) fn retire(&mut self, is_superseded: bool) {
        self.retired = true;
        self.superseded = is_superseded;
        self.history.clear();
        self.attempts.clear();
    }

    fn start_over(&mut self, settings_version: String, started: Instant, message: String) {
        self.attempts.push(Attempt {
            epoch: self.run.epoch,
            settings_version: self.run.settings_version.clone(),
            started: self.run.started,
        });
        self.set_due(RunState::Due, started, None, message);
        self.run = Run {
            epoch: self.run.epoch + 1,
            settings_version,
            started,
            ..self.run.clone()
        };
    }

    fn set_due(&mut self, state: RunState, due: Instant, on: Option<ObjectRef>, message: String) {
        self.waits_on = on;
        self.run.state = state;
        self.run.due = due;
        self.run.wait_reason = None;
        self.run.woken_by_object = false;
        self.run.message = message;
    }
}

pub(super) fn refused() -> StoreError {
    StoreError::Refused("the model refuses it".into())
}
