//! How connections stand, for programs: docs/operating.md has the names and units.

use ml_connector::service::Orphan;
use serde_json::{Value, json};

use super::super::runs;
use super::{ConnectionStanding, Surroundings};

pub(super) fn as_json(standings: &[ConnectionStanding], surroundings: &Surroundings) -> Vec<Value> {
    let orphans = surroundings.orphans.iter().map(orphan_as_json);
    let known = standings.iter().map(|one| one_as_json(one, surroundings));
    known.chain(orphans).collect()
}

/// With the members of every other connection that a program may look into.
fn orphan_as_json(orphan: &Orphan) -> Value {
    json!({
        "connection": orphan.connection,
        "in_settings": false,
        "message": orphan.to_string(),
        "credentials": [],
        "held": [],
        "counts": [],
        "needs_person_count": 0,
        "needs_person": [],
        "runs": orphan.runs,
        "waiting": orphan.waiting,
        "stopped": orphan.stopped,
        "has_secrets": orphan.has_secrets,
    })
}

fn one_as_json(standing: &ConnectionStanding, surroundings: &Surroundings) -> Value {
    let credentials = standing.credentials.iter().map(|one| {
        json!({
            "credential": runs::portable(&one.credential),
            "plan": runs::portable(&one.plan),
        })
    });
    json!({
        "connection": standing.name,
        "damage": standing.damage,
        "in_settings": true,
        "component": surroundings.component,
        "service_running": surroundings.is_running,
        "client_secrets": standing.client_secrets,
        "credentials": credentials.collect::<Vec<_>>(),
        "held": runs::portable(&standing.held),
        "events": standing.events,
        "queues": standing.queues,
        "counts": standing.counts,
        "compared": standing.compared,
        "oldest_open": standing.oldest_open.as_ref().map(runs::as_json),
        "needs_person_count": standing.needs_person_count(),
        "needs_person": standing.needs_person.iter().map(runs::as_json).collect::<Vec<_>>(),
    })
}
