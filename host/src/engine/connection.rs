//! One connection at run time: its instance of the component, its settings, gates and tokens.

use std::sync::Arc;

use tokio::sync::{Notify, SemaphorePermit};
use zeroize::Zeroizing;

use super::Services;
use super::gates::{GateClosed, Gates};
use super::recent_wakes::RecentWakes;
use super::token_refresh::{NoAccess, TokenRefresh, retry_at};
use crate::contract::http::{Bearer, SendOutcome};
use crate::contract::mapping::Schedule;
use crate::contract::pacing::{Gate, HoldReason};
use crate::contract::runs::{Send, WaitReason};
use crate::contract::types::{Instant, ObjectRef, System};
use crate::credentials::Access;
use crate::guest::{SettingsText, SharedInstance};
use crate::http_client::SecretParts;
use crate::metrics::happened_at;
use crate::store::{Run, RunFilter, RunState, StoreError, Write};

/// How long a gate stays closed at a time while a person is needed. Connecting opens it at once, so
/// that this only bounds how often waiting runs are driven in vain.
const RECONNECT_HOLD_MS: u64 = 10 * 60_000;

/// Waiting runs that are read and released in one commit when a gate opens early. Enough that
/// thousands take seconds, few enough that other commits are not held up.
const RELEASE_BATCH_MAX: u32 = 256;

/// The kind of the objects whose runs subscribe to events.
pub(crate) const SUBSCRIPTION_KIND: &str = "event-subscription";

/// One connection at run time.
pub struct Connection {
    /// As in the settings file, such as `acme`.
    pub name: String,
    /// The URL for its FreshBooks webhooks; empty where none are received.
    pub webhook_url: String,
    /// The URL for its SAP Concur events; empty where none are received.
    pub events_url: String,
    /// The settings that new runs begin with.
    pub settings: SettingsText,
    /// The runs that are started again and again.
    pub schedules: Vec<Schedule>,
    /// Shared by all of its runs.
    pub instance: Arc<SharedInstance>,
    /// Its circuit breakers.
    pub gates: Gates,
    /// Refreshes its tokens.
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
    bearer: Option<Bearer>,
    _probe: Option<SemaphorePermit<'c>>,
}

impl Connection {
    /// Where what an object's run registers is to be sent: events or webhooks.
    #[must_use]
    pub fn address_of(&self, object: &ObjectRef) -> &str {
        match object.kind.as_str() {
            SUBSCRIPTION_KIND => &self.events_url,
            _ => &self.webhook_url,
        }
    }

    /// The object whose run subscribes to events; nothing where none are received or the settings
    /// do not want them.
    #[must_use]
    pub fn subscription(&self) -> Option<&ObjectRef> {
        let mut objects = self.schedules.iter().map(|schedule| &schedule.object);
        objects.find(|object| object.kind == SUBSCRIPTION_KIND && !self.events_url.is_empty())
    }

    /// Permission to send one request to a system, with this bearer token instead of the connection's
    /// own if one is named.
    ///
    /// # Errors
    ///
    /// [`GateClosed`]; nothing may be sent until it opens.
    pub async fn permit(
        &self,
        system: System,
        bearer: Option<Bearer>,
    ) -> Result<SendPermit<'_>, GateClosed> {
        if bearer == Some(Bearer::Application) {
            return self.permit_for_application(system).await;
        }
        let now = || self.services.clock.now();
        let probe = self.gates.pass(system, now).await?;
        match self.token_refresh.access(self, system).await {
            Ok(access) => Ok(SendPermit {
                access,
                bearer,
                _probe: probe,
            }),
            Err(NoAccess::Later(closed)) => Err(closed),
            Err(NoAccess::Reconnect(sentence)) => {
                Err(self.hold_for_reconnect(system, sentence).await)
            }
        }
    }

    /// The application needs no company that is connected, so that a gate that waits for that is
    /// none for it.
    async fn permit_for_application(&self, system: System) -> Result<SendPermit<'_>, GateClosed> {
        let probe = match self.gates.get(system).reason {
            HoldReason::NeedsReconnect => None,
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
                bearer: Some(Bearer::Application),
                _probe: probe,
            }),
            Err(error) => {
                let until = retry_at(&error, self.services.clock.now());
                let sentence = format!("the application's token cannot be obtained: {error}");
                Err(GateClosed { until, sentence })
            }
        }
    }

    /// Sends a request and observes what its outcome says about the remote. A gate that has changed
    /// is for the caller to store.
    pub async fn send(&self, send: &Send, permit: SendPermit<'_>) -> (SendOutcome, Option<Gate>) {
        let request = &send.request;
        let (access, http_client) = (&permit.access, &self.services.http_client);
        let bearer = Some(&access.bearer);
        let outcome = http_client
            .send(request, &access.origin, bearer, self)
            .await;
        let label = outcome.label();
        self.services
            .metrics
            .request(&self.name, request.system.as_str(), label);
        if label == "withheld" {
            // Says something about the request's own secrets and nothing about the remote.
            return (outcome, None);
        }
        if permit.bearer.is_some() && is_unauthorized(&outcome) {
            // Says something about the application's token, and nothing about the company's.
            self.services
                .credentials
                .forget_application(&self.name)
                .await;
            return (outcome, None);
        }
        let changed = self.gates.observe(
            &self.instance,
            request.system,
            &outcome,
            self.services.clock.now(),
        );
        if changed.is_some_and(|gate| gate.reason == HoldReason::TokenExpired) {
            self.token_refresh
                .note_refused(request.system, access.generation);
        }
        (outcome, changed)
    }

    /// Opens the gate of a system that was just connected, and makes the runs that wait for it due.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub async fn connected(&self, system: System) -> Result<(), StoreError> {
        let opened = self.instance.call(|instance| instance.open_gate(system));
        if let Some(gate) = opened.ok().and_then(|gate| self.gates.set(gate)) {
            self.services
                .store
                .commit(vec![self.gate_write(gate)])
                .await?;
        }
        self.token_refresh.note_connected(system);
        self.release_waiting_runs().await
    }

    /// The write that stores a gate, which is shown in the metrics from here on.
    #[must_use]
    pub fn gate_write(&self, gate: Gate) -> Write {
        let labels = happened_at(&self.name, gate.system.as_str(), "held");
        let held_until = &self.services.metrics.gate_held_until;
        held_until
            .get_or_create(&labels)
            .set(gate.held_until / 1_000);
        Write::Gate {
            connection: self.name.clone(),
            gate,
        }
    }

    /// Makes the runs that wait for a remote due now.
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
            let page = self.services.store.runs(filter).await?;
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
                sentence: run.sentence,
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

    async fn hold_for_reconnect(&self, system: System, sentence: String) -> GateClosed {
        let now = self.services.clock.now();
        let before = self.gates.get(system);
        let is_new = before.reason != HoldReason::NeedsReconnect;
        let gate = Gate {
            system,
            held_until: now.saturating_add(RECONNECT_HOLD_MS),
            reason: HoldReason::NeedsReconnect,
            failures: before.failures.max(1),
            failing_since: if is_new { now } else { before.failing_since },
        };
        if let Some(gate) = self.gates.set(gate)
            && let Err(error) = self
                .services
                .store
                .commit(vec![self.gate_write(gate)])
                .await
        {
            tracing::warn!(connection = self.name, %error, "a closed gate could not be stored");
        }
        GateClosed {
            until: gate.held_until,
            sentence,
        }
    }

    pub(super) fn now_after(&self, earlier: Instant) -> Instant {
        self.services.clock.now().max(earlier)
    }
}

fn is_unauthorized(outcome: &SendOutcome) -> bool {
    matches!(outcome, SendOutcome::Response(response) if matches!(response.status, 401 | 403))
}

impl SecretParts for Connection {
    /// Only verifiers: token requests are sent elsewhere.
    fn secret(&self, name: &str) -> Option<Zeroizing<String>> {
        let id = name.strip_prefix("verifier:")?;
        let verifier = self.services.callbacks.verifier(&self.name, id)?;
        Some(Zeroizing::new(verifier.reveal().to_owned()))
    }
}
