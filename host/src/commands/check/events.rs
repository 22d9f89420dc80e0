//! Is everything there to receive SAP Concur's events?

use ml_connector::config::{self, EventsListen, Purpose};
use ml_connector::events::client_certificate::Trust;

use super::super::context::{self, Checked};
use super::super::exit;
use super::super::failure::Failure;
use super::{Finding, Verdict};

const SUBJECT: &str = "events";

/// The findings about `[receiver.events]` and the connections that want events.
pub(super) fn check_events(checked: &Checked) -> Result<Vec<Finding>, Failure> {
    let config = &checked.settings.config;
    let mut instance = Some(checked.guest.instance()?);
    let names = config.connections.iter().map(|one| one.name.as_str());
    let wanting: Vec<&str> = names
        .filter(|name| context::wants_events(&mut instance, &checked.settings, name))
        .collect();
    Ok(match &config.events {
        Some(events) => receiver(events, &wanting),
        None if wanting.is_empty() => Vec::new(),
        None => vec![Finding::new(
            SUBJECT,
            Verdict::Later,
            exit::OK,
            format!(
                "are wanted by {} and not received: set [receiver.events]",
                wanting.join(", ")
            ),
        )],
    })
}

fn receiver(events: &config::EventsConfig, wanting: &[&str]) -> Vec<Finding> {
    let mut findings = vec![anchors("events.trust_anchors", &events.trust_anchors)];
    if let EventsListen::Network {
        tls, proxy_anchors, ..
    } = &events.listen
    {
        findings.extend(super::tls_files("events TLS", tls));
        let proxies = proxy_anchors.iter();
        findings.extend(proxies.map(|file| anchors("events.proxy_anchors", file)));
    }
    findings.push(match wanting {
        [] => Finding::new(
            SUBJECT,
            Verdict::Later,
            exit::OK,
            "are received and wanted by no connection: set events.enabled".to_string(),
        ),
        names => Finding::ok(SUBJECT, format!("are received for {}", names.join(", "))),
    });
    findings
}

fn anchors(subject: &str, file: &std::path::Path) -> Finding {
    match Trust::open(file, None, Purpose::ClientAuth) {
        Ok(trust) => Finding::ok(
            subject,
            format!("{} holds {} roots", file.display(), trust.count()),
        ),
        Err(error) => Finding::wrong(subject, exit::SETTINGS, error.to_string()),
    }
}
