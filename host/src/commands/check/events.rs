//! Is everything there to receive SAP Concur's events?

use ml_connector::config::{self, Config, EventsListen, Purpose};
use ml_connector::events::client_certificate::Trust;
use ml_connector::guest::Guest;

use super::super::context;
use super::super::exit;
use super::super::failure::Failure;
use super::{Finding, Verdict, secrets};

const SUBJECT: &str = "events";

/// The findings about `[receiver.events]` and the connections that want events.
/// Which connections want them is the component's to say.
pub(super) fn check_events(
    config: &Config,
    guest: Option<&Guest>,
) -> Result<Vec<Finding>, Failure> {
    let mut instance = guest.map(Guest::instance).transpose()?;
    let names = config.connections.iter().map(|one| one.name.as_str());
    let wanting: Vec<&str> = names
        .filter(|name| context::wants_events(&mut instance, config, name))
        .collect();
    Ok(match &config.events {
        Some(events) => receiver(events, guest.map(|_| &*wanting)),
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

/// `wanting` is nothing where nobody can say which connections want events.
fn receiver(events: &config::EventsConfig, wanting: Option<&[&str]>) -> Vec<Finding> {
    let mut findings = vec![anchors("events.trust_anchors", &events.trust_anchors)];
    if let EventsListen::Network {
        tls, proxy_anchors, ..
    } = &events.listen
    {
        findings.extend(secrets::tls_files("events TLS", tls));
        let proxies = proxy_anchors.iter();
        findings.extend(proxies.map(|file| anchors("events.proxy_anchors", file)));
    }
    findings.extend(wanting.map(|wanting| match wanting {
        [] => Finding::new(
            SUBJECT,
            Verdict::Later,
            exit::OK,
            "are received and wanted by no connection: set events.enabled".to_string(),
        ),
        names => Finding::ok(SUBJECT, format!("are received for {}", names.join(", "))),
    }));
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
