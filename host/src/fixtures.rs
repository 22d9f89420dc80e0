//! Settings for tests.

use std::time::Duration;

use crate::config::{ConnectionConfig, Limits};

/// The documented defaults.
pub(crate) fn limits() -> Limits {
    Limits {
        runs_in_flight_max: 32,
        requests_in_flight_max: 32,
        answer_bytes_max: 4 << 20,
        connections_max: 512,
        notices_max: 100_000,
        component_bytes_max: 64 << 20,
        component_fuel_max: 2_000_000_000,
        shutdown_grace: Duration::from_secs(20),
        history_retention: Duration::from_secs(400 * 86_400),
    }
}

/// A connection with the real base URLs.
pub(crate) fn connection() -> ConnectionConfig {
    ConnectionConfig {
        name: "main".into(),
        json: "{}".into(),
        freshbooks_base: "https://api.freshbooks.com".into(),
        freshbooks_consent_base: "https://auth.freshbooks.com".into(),
        freshbooks_account_id: "AbC123".into(),
        concur_token_base: "https://glz.api.concursolutions.com".into(),
        concur_extra_bases: vec![],
    }
}
