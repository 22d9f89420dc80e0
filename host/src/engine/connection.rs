//! One connection at run time: its instance of the component, its settings, gates and tokens.

use std::sync::Arc;

use tokio::sync::{Notify, SemaphorePermit};

use super::Services;
use super::gates::{GateClosed, Gates};
use super::recent_wakes::RecentWakes;
use super::token_refresh::{NoAccess, PAUSE_MS, TokenRefresh, retry_at};
use crate::contract::http::{Authorization, SendOutcome};
use crate::contract::pacing::{Gate, HoldReason};
use crate::contract::runs::{OutboundRequest, WaitReason};
use crate::contract::settings::{ReceiverNeed, Schedule};
use crate::contract::types::{Instant, ObjectRef, System};
use crate::credentials::Access;
use crate::guest::{SettingsText, SharedInstance};
use crate::http_client::SecretParts;
use crate::store::{Run, RunFilter, RunState, StoreError, Write};

/// Waiting runs that are read and released in one commit when a gate opens early. Enough that
/// thousands take seconds, few enough that other commits are not held up.
const RELEASE_BATCH_MAX: u32 = 256;

/// One connection at run time.
pub struct Connection {
    /// As in the settings file, such as `acme`.
    pub name: String,
    /// The URL for its FreshBooks webhooks; none where none are received.
    pub webhook_url: Option<String>,
    /// The URL for its SAP Concur events; none where none are received.
    pub events_url: Option<String>,
    /// The settings that new runs begin with.
    pub settings: SettingsText,
    /// The runs that are started again and again.
    pub schedules: Vec<Schedule>,
    /// Shared by all of its runs.
    pub instance: Arc<SharedInstance>,
    /// Its circuit breakers, one for each system.
    pub gates: Gates,
    /// Refreshes its tokens before they expire.
    pub token_refresh: TokenRefresh,
    /// Wakes the scheduler when runs may be due.
    pub runs_due: Notify,
    /// For runs that are about to wait for what has just happened.
    pub recent_wakes: RecentWakes,
    /// What all connections share.
    pub services: Arc<Services>,
}

/// Permission to send one request: a token, and the turn to probe a gate that was closed.
pub struct SendPermit<'c> {
    access: Access,
    authorization: Authorization,
    _probe: Option<SemaphorePermit<'c>>,
}

impl Connection {
    /// The `receive-url` of an object's task: where what its run registers is to be sent. None for
    /// an object whose schedule needs no receiver, and where there is no such receiver.
    #[must_use]
    pub fn receive_url(&self, object: &ObjectRef) -> Option<String> {
        let mut schedules = self.schedules.iter();
        let schedule = schedules.find(|schedule| schedule.object == *object)?;
        match schedule.needs? {
            ReceiverNeed::Webhooks => self.webhook_url.clone(),
            ReceiverNeed::Events => self.events_url.clone(),
        }
    }

    /// The object whose run subscribes to events; none where none are received or the settings do
    /// not want them.
    #[must_use]
    pub fn subscription(&self) -> Option<&ObjectRef> {
        self.events_url.as_ref()?;
        let mut schedules = self.schedules.iter();
        let schedule = schedules.find(|schedule| schedule.needs == Some(ReceiverNeed::Events))?;
        Some(&schedule.object)
    }

    /// Permission to send one request to a system with this authorization.
    ///
    /// # Errors
    ///
    /// [`GateClosed`]; nothing may be sent until it opens.
    pub async fn permit(
        &self,
        system: System,
        authorization: Authorization,
    ) -> Result<SendPermit<'_>, GateClosed> {
        if authorization == Authorization::Application {
            return self.permit_for_application(system).await;
        }
        let now = || self.services.clock.now();
        let probe = self.gates.pass(system, now).await?;
        match self.token_refresh.access(self, system).await {
            Ok(access) => Ok(SendPermit {
                access,
                authorization,
                _probe: probe,
            }),
            Err(NoAccess::Later(closed)) => Err(closed),
            Err(NoAccess::Reconnect(message)) => {
                Err(self.hold_for_reconnect(system, message).await)
            }
        }
    }

    /// The application needs no company that is connected, so that a gate that waits for that is
    /// none for it.
    async fn permit_for_application(&self, system: System) -> Result<SendPermit<'_>, GateClosed> {
        let probe = match self.gates.get(system).hold {
            Some(hold) if hold.reason == HoldReason::NeedsReconnect => None,
            _ => {
                self.gates
                    .pass(system, || self.services.clock.now())
                    .await?
            }
        };
        let access = self.services.credentials.application(&self.name).await;
        match access {
            Ok(access) => Ok(SendPermit {
                access,
                authorization: Authorization::Application,
                _probe: probe,
            }),
            Err(error) => {
                let until = retry_at(&error, self.services.clock.now());
                let message = format!("the application's token cannot be obtained: {error}");
                Err(GateClosed { until, message })
            }
        }
    }

    /// Sends a request and observes what its outcome says about the remote. A gate that has changed
    /// is for the caller to store.
    pub async fn send(
        &self,
        send: &OutboundRequest,
        permit: SendPermit<'_>,
        secrets: &dyn SecretParts,
    ) -> (SendOutcome, Option<Gate>) {
        let request = &send.request;
        let (access, http_client) = (&permit.access, &self.services.http_client);
        let bearer = match permit.authorization {
            Authorization::None => None,
            Authorization::Connection | Authorization::Application => Some(&access.bearer),
        };
        let outcome = http_client
            .send(request, &access.origin, bearer, secrets)
            .await;
        self.services
            .metrics
            .request(&self.name, request.system.as_str(), outcome.label());
        let observed = self.gates.observe(
            &self.instance,
            request.system,
            permit.authorization,
            &outcome,
            self.services.clock.now(),
        );
        if observed.token_refused {
            self.note_token_refused(request.system, &permit).await;
        }
        (outcome, observed.changed)
    }

    async fn note_token_refused(&self, system: System, permit: &SendPermit<'_>) {
        match permit.authorization {
            Authorization::Application => {
                let credentials = &self.services.credentials;
                credentials.forget_application(&self.name).await;
            }
            Authorization::Connection => {
                let generation = permit.access.generation;
                self.token_refresh.note_refused(system, generation);
            }
            Authorization::None => {}
        }
    }

    /// To be called when a person has connected a system: opens its gate.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub async fn connected(&self, system: System) -> Result<(), StoreError> {
        self.token_refresh.note_connected(system);
        self.open_gate(system).await
    }

    /// Opens the gate of a system, and makes the runs that wait for it due.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub async fn open_gate(&self, system: System) -> Result<(), StoreError> {
        let opened = self.instance.call(|instance| instance.initial_gate(system));
        if let Some(gate) = opened.ok().and_then(|gate| self.gates.set(gate)) {
            self.services
                .store
                .commit(vec![self.gate_write(gate)])
                .await?;
        }
        self.release_waiting_runs().await
    }

    /// The write that stores a gate, which is shown in the metrics from here on.
    #[must_use]
    pub fn gate_write(&self, gate: Gate) -> Write {
        self.show_gate(&gate);
        Write::Gate {
            connection: self.name.clone(),
            gate,
        }
    }

    /// Shows a gate in the metrics.
    pub fn show_gate(&self, gate: &Gate) {
        let held_until = gate.hold.map(|hold| hold.until);
        let metrics = &self.services.metrics;
        metrics.set_gate(&self.name, gate.system.as_str(), held_until);
    }

    /// A message without the addresses at which this connection receives: those are secrets, and
    /// logs are read by more people than the store.
    pub(super) fn without_addresses(&self, message: &str) -> String {
        let urls = [&self.webhook_url, &self.events_url].into_iter().flatten();
        urls.fold(message.to_owned(), |message, url| {
            message.replace(url.as_str(), "its address")
        })
    }

    /// Makes the runs that wait for a remote due now. Those behind a row that cannot be read wake
    /// at their own instants: the gate is open all the same.
    async fn release_waiting_runs(&self) -> Result<(), StoreError> {
        let mut before = None;
        loop {
            let filter = RunFilter {
                connection: Some(self.name.clone()),
                state: Some(RunState::Waiting),
                before,
                limit: RELEASE_BATCH_MAX,
                ..RunFilter::default()
            };
            let page = match self.services.store.runs(filter).await {
                Err(error @ (StoreError::UnreadableRun { .. } | StoreError::Corrupt(_))) => {
                    let connection = &self.name;
                    tracing::error!(connection, %error, "not all runs were woken early");
                    break;
                }
                page => page?,
            };
            let Some(last) = page.last() else { break };
            before = Some(last.id);
            self.make_due(page).await;
        }
        self.runs_due.notify_one();
        Ok(())
    }

    async fn make_due(&self, runs: Vec<Run>) {
        let now = self.services.clock.now();
        let waiting = runs
            .into_iter()
            .filter(|run| run.wait_reason == Some(WaitReason::Remote) && run.due > now);
        let writes: Vec<Write> = waiting
            .map(|run| Write::Wait {
                run: run.id,
                due: now,
                reason: run.wait_reason,
                on: None,
                message: run.message,
            })
            .collect();
        if writes.is_empty() {
            return;
        }
        if let Err(error) = self.services.store.commit(writes).await {
            // They wake at their own instants.
            tracing::warn!(connection = self.name, %error, "waiting runs were not woken early");
        }
    }

    async fn hold_for_reconnect(&self, system: System, message: String) -> GateClosed {
        let now = self.services.clock.now();
        let held = self.gates.hold_for_reconnect(&self.instance, system, now);
        let until = match held {
            Ok(gate) => {
                let write = self.gate_write(gate);
                if let Err(error) = self.services.store.commit(vec![write]).await {
                    tracing::warn!(
                        connection = self.name, %error,
                        "a closed gate could not be stored"
                    );
                }
                gate.hold.map_or(now, |hold| hold.until)
            }
            Err(error) => {
                tracing::error!(connection = self.name, %error, "a gate could not be closed");
                now
            }
        };
        GateClosed {
            // A hold that is over already would have the run asked for again without a pause.
            until: if until > now {
                until
            } else {
                now.saturating_add(PAUSE_MS)
            },
            message,
        }
    }

    pub(super) fn now_after(&self, earlier: Instant) -> Instant {
        self.services.clock.now().max(earlier)
    }
}
