//! Settings that nobody means: they would give a secret away, or believe anyone. `check` tells of
//! them, and the service does not start with them.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;

use hyper::Uri;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;

use crate::config::{Config, ConnectionConfig, EventsConfig, EventsListen};
use crate::contract::settings::Endpoints;

/// A setting that gives something away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    /// The key from the top of the file, such as `receiver.public_url`.
    pub setting: String,
    /// What it gives away and what helps, to follow the key and a colon.
    pub message: String,
}

impl fmt::Display for Exposure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.setting, self.message)
    }
}

/// What the settings of the receivers give away.
#[must_use]
pub fn of_receivers(config: &Config) -> Vec<Exposure> {
    let mut found = Vec::new();
    let public_url = ("receiver.public_url", config.public_url.as_str());
    let events_url = config.events.as_ref().map(|events| {
        let url = events.public_url.as_str();
        ("receiver.events.public_url", url)
    });
    for (setting, url) in std::iter::once(public_url).chain(events_url) {
        found.extend(plain_url(setting.to_owned(), url));
    }
    found.extend(plain_listener(config));
    if let Some(events) = &config.events {
        found.extend(any_identity(events));
        found.extend(shared_root(events));
    }
    found
}

/// What the settings give away, as far as the file alone tells: before anything is loaded, made or
/// listened at.
#[must_use]
pub fn of_settings(config: &Config) -> Vec<Exposure> {
    let connections = config.connections.iter().flat_map(of_table);
    of_receivers(config)
        .into_iter()
        .chain(connections)
        .collect()
}

/// The URLs that a connection's table names.
fn of_table(connection: &ConnectionConfig) -> Vec<Exposure> {
    let settings: Value = serde_json::from_str(&connection.json).unwrap_or_default();
    let mut found = Vec::new();
    for key in [
        "freshbooks.base",
        "freshbooks.consent_base",
        "freshbooks.redirect_uri",
        "concur.token_base",
        "concur.extra_bases",
    ] {
        let value = settings.pointer(&format!("/{}", key.replace('.', "/")));
        let urls = match value {
            Some(Value::Array(urls)) => urls.as_slice(),
            Some(url) => std::slice::from_ref(url),
            None => &[],
        };
        found.extend(urls.iter().filter_map(|url| {
            let setting = format!("connections.{}.{key}", connection.name);
            plain_url(setting, url.as_str()?)
        }));
    }
    found
}

/// What the endpoints give away that the component makes of a connection's settings: the same, if
/// it takes the settings at their word.
#[must_use]
pub fn of_endpoints(connection: &str, endpoints: &Endpoints) -> Vec<Exposure> {
    let urls = [
        ("freshbooks.base", &endpoints.freshbooks),
        ("freshbooks.consent_base", &endpoints.freshbooks_consent),
        ("concur.token_base", &endpoints.concur_token),
    ];
    let extra = endpoints.concur_extra.iter();
    let extra = extra.map(|base| ("concur.extra_bases", base));
    urls.into_iter()
        .chain(extra)
        .filter_map(|(key, url)| plain_url(format!("connections.{connection}.{key}"), url))
        .collect()
}

/// Tokens, codes and secret addresses pass over these URLs.
fn plain_url(setting: String, url: &str) -> Option<Exposure> {
    let uri: Uri = url.parse().ok()?;
    let is_plain = uri.scheme_str() == Some("http") && !is_this_machine(uri.host()?);
    is_plain.then(|| Exposure {
        setting,
        message: format!(
            "{url} sends tokens, codes and secret addresses over the network in the clear; use \
             https, or a loopback address such as http://127.0.0.1:8080"
        ),
    })
}

fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse::<IpAddr>() {
        Ok(address) => is_loopback(address),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

fn is_loopback(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback(),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => mapped.is_loopback(),
            None => address == Ipv6Addr::LOCALHOST,
        },
    }
}

fn plain_listener(config: &Config) -> Option<Exposure> {
    if config.tls.is_some() || is_loopback(config.listen.ip()) {
        return None;
    }
    let message = match (config.tls_at_proxy, config.trusted_proxies.is_empty()) {
        (true, false) => return None,
        (true, true) => {
            "a proxy speaks TLS for this address, and nothing says which; set \
             receiver.trusted_proxies to its address"
        }
        (false, _) => {
            "others can reach this address, and it speaks no TLS; set receiver.tls_certificate and \
             tls_key, or listen on 127.0.0.1, or say that a proxy speaks it: receiver.tls = \
             \"at-proxy\" and receiver.trusted_proxies"
        }
    };
    Some(Exposure {
        setting: "receiver.listen".into(),
        message: message.into(),
    })
}

fn any_identity(events: &EventsConfig) -> Option<Exposure> {
    events.identity.contains('*').then(|| Exposure {
        setting: "receiver.events.identity".into(),
        message: "a pattern would believe others than SAP Concur; name it exactly".into(),
    })
}

fn shared_root(events: &EventsConfig) -> Option<Exposure> {
    let EventsListen::Network {
        proxy_anchors: Some(proxies),
        ..
    } = &events.listen
    else {
        return None;
    };
    let shared = roots(&events.trust_anchors);
    let is_shared = roots(proxies).iter().any(|root| shared.contains(root));
    is_shared.then(|| Exposure {
        setting: "receiver.events.proxy_anchors".into(),
        message:
            "it has a root of trust_anchors, under which anyone may buy a certificate and speak \
                  for SAP Concur; make a root of your own for the proxies"
                .into(),
    })
}

/// The certificates of a file; none of one that cannot be read, which the receiver reports.
fn roots(file: &Path) -> BTreeSet<Vec<u8>> {
    let read = CertificateDer::pem_file_iter(file);
    let certificates = read.into_iter().flatten().flatten();
    certificates.map(|one| one.to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Draft;
    use crate::fixtures;

    fn config(receiver: &str) -> Config {
        let text = format!("{receiver}\n[connections.acme.freshbooks]\naccount_id = \"AbC123\"\n");
        let draft = Draft::parse(Path::new("/nowhere/ml-connector.toml"), &text).expect("TOML");
        draft.finish(&|_, _| Vec::new()).expect("is right").config
    }

    fn settings(found: &[Exposure]) -> Vec<&str> {
        found.iter().map(|one| one.setting.as_str()).collect()
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        let exposed = |url: &str| plain_url("x".into(), url).is_some();
        for url in [
            "http://api.freshbooks.com",
            "http://10.0.0.1",
            "HTTP://us2.api.concursolutions.com:80",
            "http://0.0.0.0:8080",
            "http://127.0.0.1.evil.test",
            "http://localhost.evil.test",
            "http://[::ffff:10.0.0.1]:1",
            "http://[2001:db8::1]",
        ] {
            assert!(exposed(url), "{url}");
        }
        for url in [
            "https://api.freshbooks.com",
            "http://127.0.0.1:8080",
            "http://127.9.9.9",
            "http://[::1]:8080",
            "http://[::ffff:127.0.0.1]",
            "http://localhost:1",
            "http://freshbooks.localhost",
            "",
        ] {
            assert!(!exposed(url), "{url}");
        }
    }

    #[test]
    fn every_url_of_a_connection_is_looked_at() {
        let connection = ConnectionConfig {
            name: "acme".into(),
            json: r#"{"freshbooks": {"redirect_uri": "http://sync.example.test/oauth",
                "base": "http://a.test", "consent_base": "http://a.test"},
                "concur": {"token_base": "https://a.test", "extra_bases": ["http://a.test", 1]}}"#
                .into(),
        };
        assert_eq!(
            settings(&of_table(&connection)),
            [
                "connections.acme.freshbooks.base",
                "connections.acme.freshbooks.consent_base",
                "connections.acme.freshbooks.redirect_uri",
                "connections.acme.concur.extra_bases",
            ]
        );
        let mut endpoints = fixtures::endpoints();
        assert_eq!(of_endpoints("acme", &endpoints), []);
        endpoints.freshbooks = "http://api.freshbooks.com".into();
        endpoints.freshbooks_consent = "http://auth.freshbooks.com".into();
        endpoints.concur_token = "http://us2.api.concursolutions.com".into();
        endpoints.concur_extra = vec!["https://a.test".into(), "http://10.0.0.1".into()];
        assert_eq!(of_endpoints("acme", &endpoints).len(), 4);
    }

    #[test]
    fn a_public_listener_speaks_tls_or_names_its_proxy() {
        const URL: &str = "[receiver]\npublic_url = \"https://a.test\"\n";
        let found = |rest: &str| of_receivers(&config(&format!("{URL}{rest}"))).len();
        for safe in [
            "",
            "listen = \"[::1]:8080\"",
            "listen = \"0.0.0.0:443\"\ntls_certificate = \"c.pem\"\ntls_key = \"k.pem\"",
            "listen = \"0.0.0.0:80\"\ntls = \"at-proxy\"\ntrusted_proxies = [\"10.0.0.0/8\"]",
        ] {
            assert_eq!(found(safe), 0, "{safe}");
        }
        for exposed in [
            "listen = \"0.0.0.0:80\"",
            "listen = \"[::]:80\"",
            "listen = \"192.0.2.1:80\"\ntrusted_proxies = [\"192.0.2.2\"]",
            "listen = \"0.0.0.0:80\"\ntls = \"at-proxy\"",
        ] {
            assert_eq!(found(exposed), 1, "{exposed}");
        }
        let plain = config("[receiver]\npublic_url = \"http://a.test\"\n");
        assert_eq!(settings(&of_receivers(&plain)), ["receiver.public_url"]);
    }

    #[test]
    fn sap_and_proxies_have_roots_of_their_own() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = |name: &str| {
            let made = rcgen::generate_simple_self_signed([name.to_owned()]);
            made.expect("a certificate").cert.pem()
        };
        let write = |name: &str, roots: &[&String]| {
            let text: String = roots.iter().map(|root| root.as_str()).collect();
            let file = directory.path().join(name);
            std::fs::write(&file, text).expect("written");
            file.display().to_string()
        };
        let (public, own) = (root("public"), root("own"));
        let sap = write("sap.pem", &[&public]);
        let found = |proxies: &str, identity: &str| {
            let receiver = format!(
                "[receiver]\npublic_url = \"https://a.test\"\n[receiver.events]\n\
                 listen = \"0.0.0.0:8443\"\npublic_url = \"https://b.test\"\n\
                 trust_anchors = \"{sap}\"\ntls_certificate = \"c.pem\"\ntls_key = \"k.pem\"\n\
                 mode = \"proxy\"\nproxy_anchors = \"{proxies}\"\nidentity = \"{identity}\"\n"
            );
            of_receivers(&config(&receiver))
        };
        assert_eq!(found(&write("own.pem", &[&own]), "sap.test"), []);
        let shared = found(&write("both.pem", &[&own, &public]), "sap.test");
        assert_eq!(settings(&shared), ["receiver.events.proxy_anchors"]);
        let any = found(&write("own.pem", &[&own]), "*");
        assert_eq!(settings(&any), ["receiver.events.identity"]);
    }
}
