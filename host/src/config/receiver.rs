//! `[receiver]`: where webhooks and redirects arrive.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use hyper::Uri;
use ipnet::IpNet;

use super::events;
use super::table::Table;
use crate::config::{EventsConfig, TlsFiles};

const PORT: u16 = 8080;

pub(super) struct ReceiverSection {
    pub(super) listen: SocketAddr,
    pub(super) monitoring_listen: Option<SocketAddr>,
    pub(super) trusted_proxies: Vec<IpNet>,
    pub(super) tls_at_proxy: bool,
    pub(super) tls: Option<TlsFiles>,
    pub(super) public_url: String,
    pub(super) events: Option<EventsConfig>,
}

pub(super) fn read(table: &mut Table<'_, '_>, directory: &Path) -> ReceiverSection {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
    ReceiverSection {
        listen: table.parsed_or("listen", listen, |text| {
            text.parse()
                .map_err(|_| "an address and port such as \"0.0.0.0:8080\"".to_string())
        }),
        monitoring_listen: table.parsed_or("monitoring_listen", None, |text| {
            let address = text.parse().map(Some);
            address.map_err(|_| "an address and port such as \"127.0.0.1:9090\"".to_string())
        }),
        trusted_proxies: read_networks(table, "trusted_proxies"),
        tls_at_proxy: table.choice("tls", &[("here", false), ("at-proxy", true)]),
        public_url: read_public_url(table),
        tls: read_tls(table, directory),
        events: events::read(table, directory),
    }
}

/// Addresses, or networks such as `10.0.0.0/8`.
fn read_networks(table: &mut Table<'_, '_>, key: &'static str) -> Vec<IpNet> {
    let mut networks = Vec::new();
    for text in table.texts(key) {
        let address = text.parse::<IpAddr>().map(IpNet::from);
        match address.or_else(|_| text.parse::<IpNet>()) {
            Ok(network) => networks.push(network),
            Err(_) => {
                let expected = "expected addresses or networks such as \"192.0.2.1\" or \
                                \"10.0.0.0/8\"";
                table.report(key, expected);
            }
        }
    }
    networks
}

fn read_public_url(table: &mut Table<'_, '_>) -> String {
    let text = table.text("public_url");
    checked_base_url(table, "public_url", &text)
}

/// A base URL without its last slash; one that is none is reported, and an empty one has been.
pub(super) fn checked_base_url(table: &mut Table<'_, '_>, key: &str, text: &str) -> String {
    let trimmed = text.trim_end_matches('/');
    if !text.is_empty() && !is_base_url(trimmed, true) {
        table.report(key, "expected a URL such as \"https://sync.example.test\"");
    }
    trimmed.to_string()
}

pub(super) fn read_tls(table: &mut Table<'_, '_>, directory: &Path) -> Option<TlsFiles> {
    let certificate = table.optional_text("tls_certificate");
    let key = table.optional_text("tls_key");
    match (certificate, key) {
        (Some(certificate), Some(key)) => Some(TlsFiles {
            certificate: directory.join(certificate),
            key: directory.join(key),
        }),
        (Some(_), None) if !table.contains("tls_key") => {
            table.report("tls_key", "must be set together with tls_certificate");
            None
        }
        (None, Some(_)) if !table.contains("tls_certificate") => {
            table.report("tls_certificate", "must be set together with tls_key");
            None
        }
        _ => None,
    }
}

/// Whether a text is an http or https URL without user, query or fragment, and without a path
/// unless `path_allowed`.
pub(super) fn is_base_url(text: &str, path_allowed: bool) -> bool {
    let Ok(uri) = text.parse::<Uri>() else {
        return false;
    };
    let plain = uri
        .authority()
        .is_some_and(|authority| !authority.as_str().contains('@'));
    plain
        && matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.query().is_none()
        && !text.contains('#')
        && (path_allowed || uri.path() == "/")
}
