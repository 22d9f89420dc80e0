//! Performs a run's demands: sends, finds objects, saves, waits and ends.

use std::time::Duration;

use super::{DriveError, Driver};
use crate::contract::runs::{
    Action, Completion, Demand, Ending, Intent, NewTask, Report, Save, Send, Stop, Wait,
    WaitReason, Wake,
};
use crate::contract::types::Instant;
use crate::engine::connection::Connection;
use crate::engine::gates::GateClosed;
use crate::engine::recent_wakes::WakeEvent;
use crate::store::{NewRun, Write};

/// The code of a stop after a write that may or may not have happened; `wit/runs.wit` names it.
const AMBIGUOUS: &str = "ambiguous";
/// Shorter waits are slept through: suspending and opening the run again costs two commits and a
/// replay, which take about as long.
const REST_MIN_MS: u64 = 200;

/// What came of a demand.
pub(super) enum Performed {
    /// It was performed; the run goes on with this report.
    Report(Report),
    /// The run waits or has ended, and that is in the store.
    Suspended,
}

impl Driver<'_> {
    pub(super) async fn perform(&mut self, demand: &Demand) -> Result<Performed, DriveError> {
        match demand {
            Demand::Perform(effect) => match &effect.action {
                Action::Send(send) => self.send(demand, send).await,
                Action::FindObjects(objects) => {
                    if self.history.has_attached() {
                        self.commit(None, Vec::new()).await?;
                    }
                    let store = &self.connection.services.store;
                    let found = store.standings(&self.connection.name, objects).await?;
                    Ok(Performed::Report(Report::Found(found)))
                }
                Action::Save(save) => Ok(Performed::Report(self.save(save))),
                Action::TrustVerifier(id) => {
                    let write = self
                        .connection
                        .services
                        .callbacks
                        .trust(&self.connection.name, id)?;
                    let saved = u32::from(write.is_some());
                    write
                        .into_iter()
                        .for_each(|write| self.history.attach(write));
                    Ok(Performed::Report(Report::Saved(saved)))
                }
            },
            Demand::Wait(wait) => self.wait(wait).await,
            Demand::Done(completion) => {
                self.end(completion.clone()).await?;
                Ok(Performed::Suspended)
            }
        }
    }

    async fn send(&mut self, demand: &Demand, send: &Send) -> Result<Performed, DriveError> {
        if self.connection.services.is_stopping() {
            self.commit(None, Vec::new()).await?;
            return Ok(Performed::Suspended);
        }
        let connection = self.connection;
        let permit = loop {
            match connection
                .permit(send.request.system, send.request.bearer)
                .await
            {
                Ok(permit) => break permit,
                Err(closed) if closed.until < connection.services.clock.now() + REST_MIN_MS => {
                    tokio::time::sleep(Duration::from_millis(REST_MIN_MS)).await;
                }
                Err(closed) => return self.wait_for_gate(closed).await,
            }
        };
        let is_write = send.intent != Intent::Read;
        if is_write || self.history.has_unstored_write() {
            let intent = is_write.then_some(demand);
            self.commit(intent, Vec::new()).await?;
        }
        let (outcome, gate) = connection.send(send, permit).await;
        if let Some(gate) = gate {
            self.history.attach(connection.gate_write(gate));
        }
        Ok(Performed::Report(Report::Sent(outcome)))
    }

    /// Suspends the run until the gate opens. The demand is not recorded: the run makes it again then.
    async fn wait_for_gate(&mut self, closed: GateClosed) -> Result<Performed, DriveError> {
        self.connection
            .services
            .metrics
            .wait(&self.connection.name, "held-back");
        let rest = Write::Wait {
            run: self.run.id,
            due: closed.until,
            reason: Some(WaitReason::Remote),
            on: None,
            sentence: closed.sentence,
        };
        self.commit(None, vec![rest]).await?;
        Ok(Performed::Suspended)
    }

    fn save(&mut self, save: &Save) -> Report {
        let connection = self.connection;
        if !(save.links.is_empty() && save.unlinks.is_empty()) {
            self.history.attach(Write::Links {
                connection: connection.name.clone(),
                links: save.links.clone(),
                unlinks: save.unlinks.clone(),
            });
        }
        let started = connection.now_after(self.history.latest());
        for task in &save.tasks {
            let new = connection.new_run(task.clone(), started);
            self.history.attach(Write::StartOrMarkDirty(new));
        }
        let saved = save.links.len() + save.unlinks.len() + save.tasks.len();
        Report::Saved(u32::try_from(saved).unwrap_or(u32::MAX))
    }

    async fn wait(&mut self, wait: &Wait) -> Result<Performed, DriveError> {
        let now = self.connection.now_after(self.history.latest());
        if let Some(wake) = self.wake_already(wait, now) {
            return Ok(Performed::Report(Report::Woken(wake)));
        }
        let left = wait.until.saturating_sub(now);
        if left < REST_MIN_MS {
            tokio::time::sleep(Duration::from_millis(left)).await;
            return Ok(Performed::Report(Report::Woken(Wake::Due)));
        }
        self.connection
            .services
            .metrics
            .wait(&self.connection.name, wait.reason.as_str());
        let rest = Write::Wait {
            run: self.run.id,
            due: wait.until,
            reason: Some(wait.reason),
            on: wait.on.clone(),
            sentence: wait.sentence.clone(),
        };
        self.commit(None, vec![rest]).await?;
        Ok(self.wake_missed(wait).map_or(Performed::Suspended, |wake| {
            Performed::Report(Report::Woken(wake))
        }))
    }

    /// Whether a wait is over already.
    fn wake_already(&mut self, wait: &Wait, now: Instant) -> Option<Wake> {
        if wait.until <= now {
            return Some(Wake::Due);
        }
        if self.is_waking && wait.on.is_some() && self.run.woken_by_object {
            return Some(Wake::ObjectEnded);
        }
        let is_handshake = wait.reason == WaitReason::Handshake;
        let was_waiting = self.run.wait_reason == Some(WaitReason::Handshake);
        if self.is_waking && is_handshake && was_waiting {
            // Due before its instant: the receiver has woken it.
            return Some(Wake::Due);
        }
        self.wake_missed(wait)
    }

    /// Whether what is waited for has happened since this run was taken up.
    fn wake_missed(&mut self, wait: &Wait) -> Option<Wake> {
        let connection = self.connection;
        if let Some(object) = &wait.on
            && connection
                .recent_wakes
                .has_happened_since(self.wakes_since, &WakeEvent::Ended(object.clone()))
        {
            self.wakes_since = connection.recent_wakes.next();
            return Some(Wake::ObjectEnded);
        }
        let arrivals = connection.services.callbacks.arrivals();
        if wait.reason == WaitReason::Handshake && arrivals != self.handshakes_since {
            self.handshakes_since = arrivals;
            return Some(Wake::Due);
        }
        None
    }

    async fn end(&mut self, completion: Completion) -> Result<(), DriveError> {
        let connection = self.connection;
        let ending = completion.kind().as_str();
        tracing::info!(
            connection = connection.name,
            run = self.run.id,
            kind = self.run.object.kind,
            object = self.run.object.id,
            ending,
            code = completion.code(),
            "a run has ended"
        );
        connection
            .recent_wakes
            .add(WakeEvent::Ended(self.run.object.clone()));
        let end = Write::End {
            run: self.run.id,
            completion,
            at: connection.now_after(self.history.latest()),
        };
        self.commit(None, vec![end]).await?;
        connection
            .services
            .metrics
            .run_ended(&connection.name, ending);
        connection.runs_due.notify_one();
        Ok(())
    }

    /// The one ending that the host makes: of a run that the component cannot go on with.
    pub(super) async fn park(&mut self, code: &str, sentence: String) -> Result<(), DriveError> {
        let remedy =
            "update the component, then `ml-connector replay --parked`; report it if it stays";
        let stop = match self.earliest_unknown_since() {
            // What cannot be known must not be forgotten over it.
            Some(since) => Stop {
                code: AMBIGUOUS.into(),
                sentence: format!(
                    "the last write may or may not have been carried out, and now {sentence}"
                ),
                remedy: format!("check in the remote whether the record is there; then {remedy}"),
                problems: Vec::new(),
                since,
                look_again: None,
            },
            None => Stop {
                code: code.into(),
                sentence,
                remedy: remedy.into(),
                problems: Vec::new(),
                since: self.connection.now_after(self.history.latest()),
                look_again: None,
            },
        };
        self.end(Completion {
            ending: Ending::Parked(stop),
            version: String::new(),
        })
        .await
    }
}

impl Connection {
    /// A run to start, under the present settings.
    #[must_use]
    pub fn new_run(&self, task: NewTask, started: Instant) -> NewRun {
        NewRun {
            connection: self.name.clone(),
            task,
            settings_version: self.settings.version.clone(),
            started,
            notice: None,
        }
    }
}
