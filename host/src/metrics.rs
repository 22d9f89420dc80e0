//! What the service counts, for Prometheus.

mod labels;

use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

pub use self::labels::{ComponentLabels, Happened, HappenedAt, Refused};
use crate::guest::Guest;
use crate::store::Receipt;

/// Everything that is counted since the start of the process.
pub struct Metrics {
    registry: Registry,
    /// Webhooks by what became of them: `notice`, `coalesced`, `handshake`, `handshake-early`,
    /// `handshake-unsigned`, `handshake-unconfirmed`, `handshake-refused`, `oddity`, a refusal's
    /// code, `unknown-address`, `cut-short`, `too-many`, `unavailable`.
    pub webhooks: Family<Happened, Counter>,
    /// Events of SAP Concur by what became of them: `hint`, `ignored`, `repeated`, the code of an
    /// unreadable one, why a peer was not believed, `too-many`, `unavailable`; and what their
    /// signatures proved.
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
    /// Unreadable deliveries that were deleted to make room for later ones.
    pub oddities_dropped: Counter,
    /// Notices without a decision.
    pub backlog: Gauge<i64, AtomicI64>,
    /// Runs that are driven at this moment.
    pub runs_in_flight: Gauge<i64, AtomicI64>,
    /// When a gate opens again, in seconds since 1970; 0 when it is open.
    pub gate_held_until: Family<HappenedAt, Gauge<u64, AtomicU64>>,
    /// Objects by how their latest run stands: `due`, `waiting`, `confirmed`, `unchanged`,
    /// `rejected`, `parked`, `conflict`.
    pub objects: Family<Happened, Gauge<u64, AtomicU64>>,
    /// When the oldest run was started that has not ended, in seconds since 1970; 0 for none.
    pub oldest_open: Family<Happened, Gauge<u64, AtomicU64>>,
    /// Records by what the last comparison on the schedule found of them, and whether it failed.
    pub compared: Family<Happened, Gauge<u64, AtomicU64>>,
    /// 1 for what a credential is, 0 for what it is not: `live`, `dead`, `absent`.
    pub credentials: Family<HappenedAt, Gauge<i64, AtomicI64>>,
    /// By when a person must connect again, in seconds since 1970; 0 for never.
    pub reconnect_by: Family<HappenedAt, Gauge<u64, AtomicU64>>,
    /// 1 while commits succeed, 0 while they fail.
    pub store_writable: Gauge<i64, AtomicI64>,
    /// How many connections, and the store itself, are known to be damaged.
    pub store_damaged: Gauge<i64, AtomicI64>,
    /// 1 for the component that runs.
    pub component_info: Family<ComponentLabels, Gauge>,
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
            oddities_dropped: Counter::default(),
            backlog: Gauge::default(),
            runs_in_flight: Gauge::default(),
            gate_held_until: Family::default(),
            objects: Family::default(),
            oldest_open: Family::default(),
            compared: Family::default(),
            credentials: Family::default(),
            reconnect_by: Family::default(),
            store_writable: writable(),
            store_damaged: Gauge::default(),
            component_info: Family::default(),
            registry: Registry::default(),
        };
        metrics.register(&mut registry);
        metrics.register_standing(&mut registry);
        Self {
            registry,
            ..metrics
        }
    }
}

impl Metrics {
    /// Nothing counted yet, with the component that runs.
    #[must_use]
    pub fn of_component(guest: &Guest) -> Self {
        let metrics = Self::default();
        let labels = ComponentLabels {
            sha256: guest.sha256_hex().to_owned(),
            contract_version: guest.contract_version().to_owned(),
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        metrics.component_info.get_or_create(&labels).set(1);
        metrics
    }

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

    /// Counts the unreadable deliveries that a commit has deleted to make room.
    pub fn oddities_dropped(&self, receipt: &Receipt) {
        self.oddities_dropped
            .inc_by(receipt.dropped_oddities.into());
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

    /// Sets when the gate of a system opens again, in milliseconds since 1970; nothing for an open
    /// one.
    pub fn set_gate(&self, connection: &str, system: &str, held_until: Option<u64>) {
        self.gate_held_until
            .get_or_create(&happened_at(connection, system, "held"))
            .set(held_until.unwrap_or(0) / 1_000);
    }

    /// Sets how many objects of a connection stand so; `what` such as `parked`.
    pub fn set_objects(&self, connection: &str, what: &str, objects: u64) {
        self.objects
            .get_or_create(&happened(connection, what))
            .set(objects);
    }

    /// Sets when the oldest open run was started, in milliseconds since 1970; 0 for none.
    pub fn set_oldest_open(&self, connection: &str, started: u64) {
        self.oldest_open
            .get_or_create(&happened(connection, "started"))
            .set(started / 1_000);
    }

    /// Sets how many records the last comparison found so; `what` such as `missing`.
    pub fn set_compared(&self, connection: &str, what: &str, records: u64) {
        self.compared
            .get_or_create(&happened(connection, what))
            .set(records);
    }

    /// Sets whether a credential is `what`, such as `live`: 1 or 0.
    pub fn set_credential(&self, connection: &str, system: &str, what: &str, value: i64) {
        self.credentials
            .get_or_create(&happened_at(connection, system, what))
            .set(value);
    }

    /// Sets by when a person must connect a system again, in milliseconds since 1970.
    pub fn set_reconnect_by(&self, connection: &str, system: &str, by: Option<u64>) {
        self.reconnect_by
            .get_or_create(&happened_at(connection, system, "reconnect"))
            .set(by.unwrap_or(0) / 1_000);
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
        self.register_work(registry);
    }

    /// What the component and the store come to.
    fn register_work(&self, registry: &mut Registry) {
        registry.register(
            "component_traps",
            "Calls into the component that failed",
            self.traps.clone(),
        );
        registry.register(
            "divergences",
            "Runs started over because their history did not replay",
            self.divergences.clone(),
        );
        registry.register(
            "oddities_dropped",
            "Unreadable deliveries that were deleted to make room for later ones",
            self.oddities_dropped.clone(),
        );
        registry.register(
            "notices_undecided",
            "Webhooks and events that are stored and not worked on yet",
            self.backlog.clone(),
        );
        registry.register(
            "runs_in_flight",
            "Runs that are under way now",
            self.runs_in_flight.clone(),
        );
        registry.register(
            "gate_held_until_seconds",
            "When requests to a system go on, Unix time; 0 when they go on now",
            self.gate_held_until.clone(),
        );
        registry.register(
            "component_info",
            "Which component runs; always 1",
            self.component_info.clone(),
        );
    }

    /// How things stand, rather than what has happened.
    fn register_standing(&self, registry: &mut Registry) {
        registry.register(
            "objects",
            "Objects, by how their latest run stands",
            self.objects.clone(),
        );
        registry.register(
            "oldest_open_run_seconds",
            "When the oldest run was started that has not ended, Unix time; 0 for none",
            self.oldest_open.clone(),
        );
        registry.register(
            "compared_records",
            "Records, by what the last comparison on the schedule found of them",
            self.compared.clone(),
        );
        registry.register(
            "credentials",
            "1 for what a credential is, 0 for what it is not",
            self.credentials.clone(),
        );
        registry.register(
            "credential_reconnect_by_seconds",
            "By when a person must connect again, Unix time; 0 for never",
            self.reconnect_by.clone(),
        );
        registry.register(
            "store_writable",
            "1 while commits succeed, 0 while they fail",
            self.store_writable.clone(),
        );
        registry.register(
            "store_damaged",
            "How many connections, and the store itself, are known to be damaged",
            self.store_damaged.clone(),
        );
    }
}

/// Nothing has failed yet.
fn writable() -> Gauge<i64, AtomicI64> {
    let gauge = Gauge::default();
    gauge.set(1);
    gauge
}

fn happened(connection: &str, what: &str) -> Happened {
    Happened {
        connection: connection.to_string(),
        what: what.to_string(),
    }
}

/// The labels for a connection, a system and what happened.
fn happened_at(connection: &str, system: &str, what: &str) -> HappenedAt {
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
