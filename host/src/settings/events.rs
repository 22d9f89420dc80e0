//! `[receiver.events]`: where SAP Concur's events arrive, and from whom.

use std::path::{Path, PathBuf};

use super::receiver::{read_public_url, read_tls};
use super::table::Table;
use crate::config::{Events, EventsListen, Purpose, SignatureRule};

/// (Concur docs, event subscription service.)
const IDENTITY: &str = "webhook.api.concursolutions.com";

const SOCKET: &str = "unix:";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Direct,
    Proxy,
}

/// Reads the table, if the file has it.
pub(super) fn read(receiver: &mut Table<'_, '_>, directory: &Path) -> Option<Events> {
    if !receiver.has("events") {
        return receiver.table("events", |_| None);
    }
    receiver.table("events", |table| read_table(table, directory))
}

fn read_table(table: &mut Table<'_, '_>, directory: &Path) -> Option<Events> {
    let listen = read_listen(table, directory);
    let anchors = table.text("trust_anchors");
    let events = Events {
        public_url: read_public_url(table),
        trust_anchors: directory.join(anchors),
        identity: table.text_or("identity", IDENTITY),
        purpose: table.choice(
            "purpose",
            &[
                ("client-auth", Purpose::ClientAuth),
                (
                    "server-auth-with-signature",
                    Purpose::ServerAuthWithSignature,
                ),
            ],
        ),
        signature: table.choice(
            "signature",
            &[
                ("off", SignatureRule::Off),
                ("when-present", SignatureRule::WhenPresent),
                ("required", SignatureRule::Required),
            ],
        ),
        listen: listen?,
    };
    Some(events)
}

fn read_listen(table: &mut Table<'_, '_>, directory: &Path) -> Option<EventsListen> {
    let text = table.text("listen");
    let mode = table.choice("mode", &[("direct", Mode::Direct), ("proxy", Mode::Proxy)]);
    let tls = read_tls(table, directory);
    let proxies = table.optional_text("proxy_anchors");
    let proxies = proxies.map(|file| directory.join(file));
    match text.strip_prefix(SOCKET) {
        Some(path) => read_socket(table, directory.join(path), mode),
        None => {
            let proxy_anchors = read_proxies(table, mode, proxies);
            let address = text.parse().map_err(|_| {
                table.report(
                    "listen",
                    "expected an address and port such as \"0.0.0.0:8443\", or \"unix:\" and a path",
                );
            });
            if tls.is_none() && !table.has("tls_certificate") {
                table.report("tls_certificate", "must be set");
            }
            Some(EventsListen::Network {
                address: address.ok()?,
                tls: tls?,
                proxy_anchors,
            })
        }
    }
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
        (Mode::Proxy, None) if !table.has("proxy_anchors") => {
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
