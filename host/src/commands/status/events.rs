//! How SAP Concur's events stand.

use std::io::Write;

use ml_connector::contract::types::Instant;
use ml_connector::events::{SeenCertificate, days_to_warn, seen_certificates};
use ml_connector::store::sqlite::SqliteStore;
use ml_connector::store::{EventCount, Store, StoreError};
use serde::Serialize;

use super::super::failure::Failure;
use super::super::style::{self, Tone};
use super::super::time_format;

/// How the events of a connection stand.
#[derive(Debug, Serialize)]
pub(super) struct EventStanding {
    /// Those that were kept; nothing where none has come.
    count: Option<EventCount>,
    /// Deliveries of all connections that could not be read.
    unreadable: u64,
    /// The certificates that SAP Concur showed, the latest first.
    certificates: Vec<SeenCertificate>,
}

pub(super) async fn gather(
    store: &SqliteStore,
    connection: &str,
) -> Result<EventStanding, StoreError> {
    let inbox = store.inbox().await?;
    let mut events = inbox.events.into_iter();
    Ok(EventStanding {
        count: events.find(|count| count.connection == connection),
        unreadable: inbox.oddities,
        certificates: seen_certificates(store).await?,
    })
}

pub(super) fn print(
    standing: &EventStanding,
    now: Instant,
    out: &mut impl Write,
) -> Result<(), Failure> {
    const INDENT: &str = "              ";
    let latest = match &standing.count {
        None => style::coloured("none has arrived yet", Tone::Waiting),
        Some(count) => format!(
            "the last arrived {}",
            time_format::relative(count.latest, now)
        ),
    };
    writeln!(out, "  {:<11} {latest}", "Events")?;
    if standing.unreadable > 0 {
        let count = standing.unreadable;
        writeln!(
            out,
            "{INDENT}{count} requests to this receiver could not be read and are stored"
        )?;
    }
    if let Some(latest) = standing.certificates.first() {
        let ends = format!(
            "SAP Concur's certificate ends on {} ({})",
            time_format::day(latest.ends),
            time_format::relative(latest.ends, now)
        );
        match days_to_warn(latest.ends, now) {
            None => writeln!(out, "{INDENT}{ends}")?,
            Some(_) => writeln!(
                out,
                "{INDENT}{}: see that trust_anchors holds the root of the next one",
                style::coloured(&ends, Tone::Bad)
            )?,
        }
    }
    Ok(())
}
