//! `[receiver.events]`: where SAP Concur's events arrive, and from whom.

use std::path::{Path, PathBuf};

use super::receiver::{checked_base_url, read_tls};
use super::table::Table;
use crate::config::{EventsConfig, EventsListen, Purpose, SignatureRule};

/// The name in the certificate that SAP Concur shows (source: concur-event-certificates).
const IDENTITY: &str = "webhook.api.concursolutions.com";

const SOCKET: &str = "unix:";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Direct,
    Proxy,
}

/// Reads the table. Without `listen` no events are received, and nothing else need be set.
pub(super) fn read(receiver: &mut Table<'_, '_>, directory: &Path) -> Option<EventsConfig> {
    receiver.table("events", |table| {
        let is_wanted = table.contains("listen");
        let events = read_table(table, directory, is_wanted);
        events.filter(|_| is_wanted)
    })
}

fn read_table(
    table: &mut Table<'_, '_>,
    directory: &Path,
    is_wanted: bool,
) -> Option<EventsConfig> {
    let needed = |table: &mut Table<'_, '_>, key| match is_wanted {
        true => table.text(key),
        false => table.text_or(key, ""),
    };
    let public_url = needed(table, "public_url");
    let anchors = needed(table, "trust_anchors");
    let listen = read_listen(table, directory, is_wanted);
    let events = EventsConfig {
        public_url: checked_base_url(table, "public_url", &public_url),
        trust_anchors: directory.join(anchors),
        identity: table.text_or("identity", IDENTITY),
        purpose: table.choice("purpose", &PURPOSES),
        signature: table.choice("signature", &SIGNATURES),
        listen: listen?,
    };
    Some(events)
}

const PURPOSES: [(&str, Purpose); 2] = [
    ("client-auth", Purpose::ClientAuth),
    (
        "server-auth-with-signature",
        Purpose::ServerAuthWithSignature,
    ),
];

const SIGNATURES: [(&str, SignatureRule); 3] = [
    ("off", SignatureRule::Off),
    ("when-present", SignatureRule::WhenPresent),
    ("required", SignatureRule::Required),
];

fn read_listen(
    table: &mut Table<'_, '_>,
    directory: &Path,
    is_wanted: bool,
) -> Option<EventsListen> {
    let text = table.optional_text("listen");
    let mode = table.choice("mode", &[("direct", Mode::Direct), ("proxy", Mode::Proxy)]);
    let tls = read_tls(table, directory);
    let proxies = table.optional_text("proxy_anchors");
    let proxies = proxies.map(|file| directory.join(file));
    let text = text.filter(|_| is_wanted)?;
    if let Some(path) = text.strip_prefix(SOCKET) {
        return read_socket(table, directory.join(path), mode);
    }
    let proxy_anchors = read_proxies(table, mode, proxies);
    if tls.is_none() && !table.contains("tls_certificate") {
        table.report("tls_certificate", "must be set");
    }
    let Ok(address) = text.parse() else {
        let expected =
            "expected an address and port such as \"0.0.0.0:8443\", or \"unix:\" and a path";
        table.report("listen", expected);
        return None;
    };
    Some(EventsListen::Network {
        address,
        tls: tls?,
        proxy_anchors,
    })
}

fn read_socket(table: &mut Table<'_, '_>, path: PathBuf, mode: Mode) -> Option<EventsListen> {
    if mode != Mode::Proxy {
        table.report("mode", "must be \"proxy\" where listen is a Unix socket");
        return None;
    }
    Some(EventsListen::Socket(path))
}

fn read_proxies(
    table: &mut Table<'_, '_>,
    mode: Mode,
    proxies: Option<PathBuf>,
) -> Option<PathBuf> {
    match (mode, &proxies) {
        (Mode::Proxy, None) if !table.contains("proxy_anchors") => {
            table.report(
                "proxy_anchors",
                "must be set together with mode = \"proxy\"",
            );
        }
        (Mode::Direct, Some(_)) => {
            table.report("mode", "must be \"proxy\" where proxy_anchors is set");
        }
        _ => {}
    }
    proxies
}
