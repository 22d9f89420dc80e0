//! What the service counts, for Prometheus.

use std::fmt::Write as _;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The labels of a count by connection and what happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Happened {
    /// The connection's name; empty where it is unknown, as for a peer that is refused.
    pub connection: String,
    /// What happened: a stable kebab-case word.
    pub what: String,
}

/// The labels of a count by connection, system and what happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct HappenedAt {
    /// The connection's name, 1 to 64 characters, such as `acme`.
    pub connection: String,
    /// The system's name: `freshbooks` or `concur`.
    pub system: String,
    /// What happened: a stable kebab-case word.
    pub what: String,
}

/// The labels of a count by listener and why a stranger was refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Refused {
    /// The listener: `webhooks`, `events`, `monitoring` or `admin`.
    pub listener: &'static str,
    /// Why: a stable kebab-case word.
    pub what: &'static str,
}

/// Everything that is counted since the start of the process.
pub struct Metrics {
    registry: Registry,
    /// Webhooks by what became of them: `notice`, `handshake`, `oddity`, a refusal's code,
    /// `unavailable`.
    pub webhooks: Family<Happened, Counter>,
    /// Events of SAP Concur by what became of them: `hint`, `ignored`, `repeated`, the code of an
    /// unreadable one, why a peer was not believed, `unavailable`; and what their signatures
    /// proved.
    pub events: Family<Happened, Counter>,
    /// What strangers were refused, by listener and reason.
    pub refusals: Family<Refused, Counter>,
    /// When the latest event arrived, in seconds since 1970.
    pub event_latest: Family<Happened, Gauge<u64, AtomicU64>>,
    /// When the client certificate that SAP Concur showed last ends, in seconds since 1970; 0 for
    /// none yet.
    pub event_certificate_ends: Gauge<u64, AtomicU64>,
    /// Ended runs by ending: `confirmed`, `unchanged`, `rejected`, `parked`, `conflict`.
    pub runs_ended: Family<Happened, Counter>,
    /// Requests by outcome: a status class such as `2xx`, `not-sent`, `withheld`, `maybe-sent`.
    pub requests: Family<HappenedAt, Counter>,
    /// Waits of runs by reason: `retry`, `settle`, `remote`, `dependency`, `handshake`, or
    /// `held-back` for a run that a closed gate stopped.
    pub waits: Family<Happened, Counter>,
    /// Token requests by outcome: `renewed`, `application`, `refused`, `unanswered`.
    pub token_requests: Family<HappenedAt, Counter>,
    /// Calls into the component that trapped.
    pub traps: Counter,
    /// Runs started over because their history did not replay.
    pub divergences: Counter,
    /// Notices without a decision.
    pub backlog: Gauge<i64, std::sync::atomic::AtomicI64>,
    /// Runs that are driven at this moment.
    pub runs_in_flight: Gauge<i64, std::sync::atomic::AtomicI64>,
    /// When a gate opens again, in seconds since 1970; 0 when it is open.
    pub gate_held_until: Family<HappenedAt, Gauge<u64, AtomicU64>>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("ml_connector");
        let metrics = Self {
            webhooks: Family::default(),
            events: Family::default(),
            refusals: Family::default(),
            event_latest: Family::default(),
            event_certificate_ends: Gauge::default(),
            runs_ended: Family::default(),
            requests: Family::default(),
            waits: Family::default(),
            token_requests: Family::default(),
            traps: Counter::default(),
            divergences: Counter::default(),
            backlog: Gauge::default(),
            runs_in_flight: Gauge::default(),
            gate_held_until: Family::default(),
            registry: Registry::default(),
        };
        metrics.register(&mut registry);
        Self {
            registry,
            ..metrics
        }
    }
}

impl Metrics {
    /// Counts one webhook in `ml_connector_webhooks_total`; `what` such as `notice`.
    pub fn webhook(&self, connection: &str, what: &str) {
        self.webhooks
            .get_or_create(&happened(connection, what))
            .inc();
    }

    /// Counts one event in `ml_connector_events_total`; `what` such as `hint`.
    pub fn event(&self, connection: &str, what: &str) {
        self.events.get_or_create(&happened(connection, what)).inc();
    }

    /// Counts something that a stranger was refused, in `ml_connector_refusals_total`.
    pub fn refusal(&self, listener: &'static str, what: &'static str) {
        self.refusals
            .get_or_create(&Refused { listener, what })
            .inc();
    }

    /// Sets when the latest event of a connection arrived, in milliseconds since 1970.
    pub fn event_at(&self, connection: &str, at: u64) {
        let latest = &self.event_latest;
        latest
            .get_or_create(&happened(connection, "arrived"))
            .set(at / 1_000);
    }

    /// Counts one ended run.
    pub fn run_ended(&self, connection: &str, how: &str) {
        self.runs_ended
            .get_or_create(&happened(connection, how))
            .inc();
    }

    /// Counts a run that starts to wait.
    pub fn wait(&self, connection: &str, reason: &str) {
        self.waits
            .get_or_create(&happened(connection, reason))
            .inc();
    }

    /// Counts a request to a remote by its outcome.
    pub fn request(&self, connection: &str, system: &str, what: &str) {
        self.requests
            .get_or_create(&happened_at(connection, system, what))
            .inc();
    }

    /// Counts a token request by its outcome.
    pub fn token_request(&self, connection: &str, system: &str, what: &str) {
        self.token_requests
            .get_or_create(&happened_at(connection, system, what))
            .inc();
    }

    /// Everything in the text format that Prometheus reads.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            let _ = writeln!(text, "# EOF");
        }
        text
    }

    fn register(&self, registry: &mut Registry) {
        registry.register(
            "webhooks",
            "Webhooks that arrived, by what became of them",
            self.webhooks.clone(),
        );
        registry.register(
            "events",
            "Events of SAP Concur, by what became of them",
            self.events.clone(),
        );
        registry.register(
            "refusals",
            "What strangers were refused, by listener and reason",
            self.refusals.clone(),
        );
        registry.register(
            "event_latest_seconds",
            "When the latest event of SAP Concur arrived, Unix time",
            self.event_latest.clone(),
        );
        registry.register(
            "event_certificate_ends_seconds",
            "When the client certificate that SAP Concur showed last ends, Unix time; 0 for none \
             yet",
            self.event_certificate_ends.clone(),
        );
        registry.register(
            "runs_ended",
            "Runs that ended, by how",
            self.runs_ended.clone(),
        );
        registry.register(
            "requests",
            "Requests to the remotes, by outcome",
            self.requests.clone(),
        );
        registry.register("waits", "Waits of runs, by reason", self.waits.clone());
        registry.register(
            "token_requests",
            "Token requests, by outcome",
            self.token_requests.clone(),
        );
        registry.register(
            "component_traps",
            "Calls into the component that trapped",
            self.traps.clone(),
        );
        registry.register(
            "divergences",
            "Runs started over because their history did not replay",
            self.divergences.clone(),
        );
        registry.register(
            "notices_undecided",
            "Notices without a decision",
            self.backlog.clone(),
        );
        registry.register(
            "runs_in_flight",
            "Runs under way",
            self.runs_in_flight.clone(),
        );
        registry.register(
            "gate_held_until_seconds",
            "When a gate opens again, Unix time; 0 when it is open",
            self.gate_held_until.clone(),
        );
    }
}

fn happened(connection: &str, what: &str) -> Happened {
    Happened {
        connection: connection.to_string(),
        what: what.to_string(),
    }
}

/// The labels for a connection, a system and what happened.
#[must_use]
pub fn happened_at(connection: &str, system: &str, what: &str) -> HappenedAt {
    HappenedAt {
        connection: connection.to_string(),
        system: system.to_string(),
        what: what.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_told_with_its_help() {
        let metrics = Metrics::default();
        metrics.webhook("acme", "notice");
        metrics.webhook("acme", "notice");
        let text = metrics.text();
        assert!(
            text.contains(r#"ml_connector_webhooks_total{connection="acme",what="notice"} 2"#),
            "{text}"
        );
        assert!(
            text.contains("# HELP ml_connector_webhooks Webhooks that arrived"),
            "{text}"
        );
    }
}
