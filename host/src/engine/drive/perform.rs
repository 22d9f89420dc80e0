//! Performs a run's demands: sends, finds objects, saves, waits and ends.

use std::time::Duration;

use zeroize::Zeroizing;

use super::{DriveError, Driver};
use crate::clock;
use crate::contract::http::{BodyPart, Request, Secret, SendOutcome};
use crate::contract::runs::{
    Action, Changes, Completion, Demand, Intent, NewTask, OutboundRequest, Report, Wait,
    WaitReason, Wake,
};
use crate::contract::types::Instant;
use crate::engine::connection::Connection;
use crate::engine::gates::GateClosed;
use crate::http_client::SecretParts;
use crate::secrets;
use crate::store::{NewRun, Write};

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

/// A verifier and the callback whose key it may become; the only secret that a run's requests may
/// name, since token requests are sent elsewhere.
struct NamedVerifier(Option<(String, secrets::Secret)>);

impl SecretParts for NamedVerifier {
    fn secret(&self, secret: &Secret) -> Option<Zeroizing<String>> {
        let Secret::Verifier(id) = secret else {
            return None;
        };
        let (_, verifier) = self.0.as_ref().filter(|(named, _)| named == id)?;
        Some(Zeroizing::new(verifier.reveal().to_owned()))
    }
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
                    let found = store
                        .object_statuses(&self.connection.name, objects)
                        .await?;
                    Ok(Performed::Report(Report::Found(found)))
                }
                Action::Save(changes) => Ok(Performed::Report(self.save(changes))),
                Action::TrustVerifier(id) => Ok(Performed::Report(self.trust_verifier(id)?)),
            },
            Demand::Wait(wait) => self.wait(wait).await,
            Demand::Done(completion) => {
                self.end(completion.clone()).await?;
                Ok(Performed::Suspended)
            }
        }
    }

    async fn send(
        &mut self,
        demand: &Demand,
        send: &OutboundRequest,
    ) -> Result<Performed, DriveError> {
        if self.connection.services.is_stopping() {
            self.commit(None, Vec::new()).await?;
            return Ok(Performed::Suspended);
        }
        let connection = self.connection;
        let permit = loop {
            match connection
                .permit(send.request.system, send.request.authorization)
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
            if is_write {
                self.written_to = send.request.system.as_str();
            }
            self.commit(intent, Vec::new()).await?;
        }
        let verifier = self.take_verifier(&send.request);
        let (outcome, gate) = connection.send(send, permit, &verifier).await;
        if let Some(gate) = gate {
            self.history.attach(connection.gate_write(gate));
        }
        self.note_sent_verifier(verifier, &outcome);
        Ok(Performed::Report(Report::Sent(outcome)))
    }

    /// The verifier that a request is to bring back to FreshBooks. It is looked up once, so that
    /// what is sent and what may be trusted afterwards are the same.
    fn take_verifier(&self, request: &Request) -> NamedVerifier {
        let id = request.body.iter().find_map(|part| match part {
            BodyPart::JsonSecret(Secret::Verifier(id))
            | BodyPart::FormSecret(Secret::Verifier(id)) => Some(id),
            BodyPart::Text(_) | BodyPart::JsonSecret(_) | BodyPart::FormSecret(_) => None,
        });
        let Connection { name, services, .. } = self.connection;
        NamedVerifier(id.and_then(|id| {
            let now = services.clock.now();
            let callbacks = &services.callbacks;
            let verifier = callbacks.take_candidate(name, self.run.id, id, now)?;
            Some((id.clone(), verifier))
        }))
    }

    fn note_sent_verifier(&mut self, sent: NamedVerifier, outcome: &SendOutcome) {
        let NamedVerifier(Some(sent)) = sent else {
            return;
        };
        let Connection { name, services, .. } = self.connection;
        let status = match outcome {
            SendOutcome::Response(response) => response.status,
            SendOutcome::NotSent(_) | SendOutcome::MaybeSent(_) => 0,
        };
        if matches!(status, 400 | 422)
            && services.callbacks.note_unconfirmed(name, &sent.0, &sent.1)
        {
            services.metrics.webhook(name, "handshake-unconfirmed");
        }
        self.sent_verifier = Some(sent);
    }

    /// Makes the verifier that this run has sent last for the callback its key: by value, whatever
    /// has arrived since. A run that was taken up anew since does not know it, and asks FreshBooks
    /// for another handshake.
    fn trust_verifier(&mut self, id: &str) -> Result<Report, DriveError> {
        let sent = self.sent_verifier.take();
        let Some((_, verifier)) = sent.filter(|(named, _)| named == id) else {
            return Ok(Report::Trusted(false));
        };
        let Connection { name, services, .. } = self.connection;
        let write = services.callbacks.trust(name, id, verifier)?;
        self.history.attach(write);
        Ok(Report::Trusted(true))
    }

    /// Suspends the run until the gate opens. The demand is not recorded: the run makes it again
    /// then.
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
            message: closed.message,
        };
        self.commit(None, vec![rest]).await?;
        Ok(Performed::Suspended)
    }

    fn save(&mut self, changes: &Changes) -> Report {
        let connection = self.connection;
        let now = connection.now_after(self.history.latest());
        if !(changes.links.is_empty() && changes.unlinks.is_empty()) {
            self.history.attach(Write::Links {
                connection: connection.name.clone(),
                links: changes.links.clone(),
                unlinks: changes.unlinks.clone(),
                run: Some(self.run.id),
                at: now,
            });
        }
        for task in &changes.tasks {
            let new = connection.new_run(task.clone(), now);
            self.history.attach(Write::StartOrMarkDirty(new));
        }
        Report::Saved
    }

    async fn wait(&mut self, wait: &Wait) -> Result<Performed, DriveError> {
        let now = self.connection.now_after(self.history.latest());
        if let Some(wake) = self.wake_already(wait, now) {
            return Ok(Performed::Report(Report::Woken(wake)));
        }
        let left = wait.until.saturating_sub(now);
        if left < REST_MIN_MS {
            tokio::time::sleep(Duration::from_millis(left)).await;
            // A clock that was set back meanwhile must not cut a settle time short.
            if wait.until <= self.connection.now_after(self.history.latest()) {
                return Ok(Performed::Report(Report::Woken(Wake::Due)));
            }
        }
        self.connection
            .services
            .metrics
            .wait(&self.connection.name, wait.reason.as_str());
        if wait.reason == WaitReason::Settle {
            tracing::warn!(
                connection = self.connection.name,
                run = self.run.id,
                kind = self.run.object.kind,
                object = self.run.object.id,
                system = self.written_to,
                until = %clock::written(wait.until),
                why = wait.message,
                "a write may or may not have been carried out; it is looked up again"
            );
        }
        let rest = Write::Wait {
            run: self.run.id,
            due: wait.until,
            reason: Some(wait.reason),
            on: wait.on.clone(),
            message: wait.message.clone(),
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
        if wait.reason == WaitReason::Settle {
            return None;
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
        if wait.reason == WaitReason::Settle {
            return None;
        }
        let connection = self.connection;
        if let Some(object) = &wait.on
            && connection
                .recent_wakes
                .has_ended_since(self.wakes_since, object)
        {
            self.wakes_since = connection.recent_wakes.next();
            return Some(Wake::ObjectEnded);
        }
        let callbacks = &connection.services.callbacks;
        let has_come = wait.reason == WaitReason::Handshake
            && callbacks.has_candidate_for(&connection.name, self.run.id);
        has_come.then_some(Wake::Due)
    }

    async fn end(&mut self, completion: Completion) -> Result<(), DriveError> {
        let connection = self.connection;
        connection.recent_wakes.add(self.run.object.clone());
        let end = Write::End {
            run: self.run.id,
            completion: completion.clone(),
            at: connection.now_after(self.history.latest()),
        };
        self.commit(None, vec![end]).await?;
        self.log_ending(&completion);
        let ending = completion.kind().as_str();
        connection
            .services
            .metrics
            .run_ended(&connection.name, ending);
        connection.runs_due.notify_one();
        self.end_registration().await;
        Ok(())
    }

    /// Gives up a run that the component cannot go on with; how it ended, the component says. If
    /// it fails over that too the run stays as it is.
    pub(super) async fn abandon(&mut self, why: &str) -> Result<(), DriveError> {
        let now = self.connection.now_after(self.history.latest());
        let mut history = self.given_up.clone();
        history.extend_from_slice(self.history.entries());
        let last = self.last_ending().await?;
        let abandoned = self
            .connection
            .instance
            .call(|instance| instance.abandon(&history, last.as_ref(), why, now));
        match abandoned {
            Ok(completion) => self.end(completion).await,
            Err(error) => Err(DriveError::Abandon(error)),
        }
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
