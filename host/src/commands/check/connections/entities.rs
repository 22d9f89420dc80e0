//! How the connections of one SAP Concur company share its financial documents: by
//! `financial.ledgers`.

use ml_connector::config::Config;
use ml_connector::service::overlaps::{Overlap, Share};

use super::super::super::exit;
use super::{Finding, Verdict};

/// What two connections of a company would take both, and what none would. `refused` are those of
/// which that is said already.
pub(super) fn of_company(config: &Config, names: &[String], refused: &[&Overlap]) -> Vec<Finding> {
    let connections = config.connections.iter();
    let shares: Vec<Share> = connections
        .filter(|connection| names.contains(&connection.name))
        .filter_map(Share::of)
        .collect();
    let is_said = |one: &Share, other: &Share| {
        let has = |overlap: &Overlap, share: &Share| {
            overlap
                .connections
                .iter()
                .any(|name| name == share.connection)
        };
        let mut refused = refused.iter();
        refused.any(|overlap| has(overlap, one) && has(overlap, other))
    };
    let mut findings = Vec::new();
    for (index, share) in shares.iter().enumerate() {
        let others = shares.iter().skip(index + 1);
        let others = others.filter(|other| share.overlaps(other) && !is_said(share, other));
        findings.extend(others.map(|other| {
            warning(format!(
                "{} and {} can both take the same financial document: whichever is first posts it, \
                 and it parks in the other; give each its own ledgers, policies or countries in \
                 financial.ledgers, and `unnamed` to one of them",
                share.connection, other.connection
            ))
        }));
    }
    if shares.len() > 1 && !shares.iter().any(|share| share.takes_unnamed) {
        findings.push(warning(format!(
            "none of {} takes financial documents that name no ledger, policy or country, as cash \
             advances do: they stay in SAP Concur's queue; set financial.ledgers.unnamed in one of \
             them",
            names.join(", ")
        )));
    }
    findings
}

fn warning(message: String) -> Finding {
    Finding::new("connections", Verdict::Warning, exit::OK, message)
}
