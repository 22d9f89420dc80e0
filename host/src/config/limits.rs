//! `[limits]`: every queue, body and count has a bound.

use std::time::Duration;

use super::table::Table;
use crate::config::Limits;

const MIB: usize = 1024 * 1024;
const DAY_S: u64 = 86_400;

pub(super) fn read(table: &mut Table<'_, '_>) -> Limits {
    let default = Limits::default();
    let grace_s = default.shutdown_grace.as_secs();
    let shutdown_grace_s = table.whole("shutdown_grace_s", grace_s, 0..=600);
    let days = default.history_retention.as_secs() / DAY_S;
    let history_retention_days = table.whole("history_retention_days", days, 1..=36_500);
    let peer_timeout_s = table.whole("peer_timeout_s", default.peer_timeout.as_secs(), 1..=60);
    Limits {
        runs_in_flight_max: count(
            table,
            "runs_in_flight_max",
            default.runs_in_flight_max,
            4_096,
        ),
        requests_in_flight_max: count(
            table,
            "requests_in_flight_max",
            default.requests_in_flight_max,
            4_096,
        ),
        answer_bytes_max: bytes(
            table,
            "answer_bytes_max",
            default.answer_bytes_max,
            64 * MIB,
        ),
        connections_max: size(table.whole(
            "connections_max",
            default.connections_max as u64,
            1..=65_536,
        )),
        peer_timeout: Duration::from_secs(peer_timeout_s),
        notices_max: table.whole("notices_max", default.notices_max, 1..=10_000_000),
        component_bytes_max: bytes(
            table,
            "component_bytes_max",
            default.component_bytes_max,
            4_096 * MIB,
        ),
        component_fuel_max: table.whole(
            "component_fuel_max",
            default.component_fuel_max,
            1_000_000..=1_000_000_000_000,
        ),
        shutdown_grace: Duration::from_secs(shutdown_grace_s),
        history_retention: Duration::from_secs(history_retention_days * DAY_S),
    }
}

fn count(table: &mut Table<'_, '_>, key: &'static str, default: u32, most: u64) -> u32 {
    u32::try_from(table.whole(key, default.into(), 1..=most)).unwrap_or(u32::MAX)
}

fn bytes(table: &mut Table<'_, '_>, key: &'static str, default: usize, most: usize) -> usize {
    // One WebAssembly page, and more than any token response.
    const LEAST: u64 = 65_536;
    size(table.whole(key, default as u64, LEAST..=most as u64))
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
