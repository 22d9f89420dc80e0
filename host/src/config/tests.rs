use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::contract::types::Problem;

const EXAMPLE: &str = include_str!("../../../ml-connector.example.toml");

const MINIMAL: &str = "[receiver]
public_url = \"https://sync.example.test\"
[connections.acme.freshbooks]
account_id = \"AbC123\"
";

fn parse(text: &str) -> Result<Settings, SettingsError> {
    parse_checked(text, &|_, _| Vec::new())
}

fn parse_checked(text: &str, check: &Check<'_>) -> Result<Settings, SettingsError> {
    Draft::parse(Path::new("etc/ml-connector.toml"), text)?.finish(check)
}

fn errors(text: &str) -> String {
    parse(text).expect_err("the text is wrong").to_string()
}

/// The example with the key of every commented line in force.
fn uncommented(skip: &[&str]) -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase()) => {
            let skipped = skip.iter().any(|start| rest.starts_with(start));
            if skipped {
                String::new()
            } else {
                rest.to_string()
            }
        }
        _ => line.to_string(),
    };
    EXAMPLE.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_minimal_file_gets_the_documented_defaults() {
    let settings = parse(MINIMAL).expect("minimal file");
    let config = &settings.config;
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.store, Path::new("etc/ml-connector.sqlite"));
    assert_eq!(
        config.component,
        Path::new("etc/ml_connector_component.wasm")
    );
    assert_eq!(settings.config.secrets_dir, Path::new("etc/secrets"));
    assert_eq!(config.limits.shutdown_grace, Duration::from_secs(20));
    assert_eq!(config.limits.history_retention, Duration::from_hours(9_600));
    assert_eq!(settings.log.level, LogLevel::Info);
}

#[test]
fn the_example_means_the_same_with_and_without_its_commented_defaults() {
    let without = parse(EXAMPLE).expect("example");
    let samples = [
        "tls_certificate =",
        "tls_key =",
        "monitoring_listen =",
        "listen = \"0.0.0.0:8443\"",
        "public_url = \"https://events.",
        "trust_anchors =",
        "proxy_anchors =",
        "sha256 =",
    ];
    let with = parse(&uncommented(&samples)).expect("example with defaults");
    let visible = |settings: &Settings| {
        let mut settings = settings.clone();
        settings.config.connections[0].json.clear();
        format!("{settings:?}")
    };
    assert_eq!(visible(&without), visible(&with));
}

#[test]
fn the_example_shows_every_key_that_the_host_knows() {
    let text = uncommented(&[]);
    let (document, broken) = toml::de::DeTable::parse_recoverable(&text);
    assert!(broken.is_empty(), "{broken:?}");
    let mut shown = BTreeSet::new();
    keys_of(document.get_ref(), "", &mut shown);
    let known: BTreeSet<String> = Draft::parse(Path::new("x.toml"), &text)
        .expect("example")
        .faults
        .known
        .into_iter()
        .collect();
    let missing: Vec<_> = known.difference(&shown).collect();
    assert!(known.len() > 25, "only {} keys are known", known.len());
    assert!(missing.is_empty(), "not in the example: {missing:?}");
}

fn keys_of(table: &toml::de::DeTable<'_>, path: &str, keys: &mut BTreeSet<String>) {
    for (key, value) in table {
        let path = fault::join(path, key.get_ref());
        if let Some(inner) = value.get_ref().as_table() {
            keys_of(inner, &path, keys);
        }
        keys.insert(path);
    }
}

#[test]
fn every_value_is_taken_from_the_file() {
    let text = format!(
        "{MINIMAL}base = \"http://127.0.0.1:9/\"
[store]
path = \"/var/lib/ml/store.sqlite\"
[limits]
answer_bytes_max = 0x10000
runs_in_flight_max = 7
[log]
format = \"json\"
level = \"debug\"
[connections.acme.concur]
extra_bases = [\"http://127.0.0.1:8/\"]
"
    );
    let settings = parse(&text).expect("settings");
    let connection = &settings.config.connections[0];
    assert!(connection.json.contains("http://127.0.0.1:9/"));
    assert!(connection.json.contains("http://127.0.0.1:8/"));
    assert_eq!(settings.config.store, Path::new("/var/lib/ml/store.sqlite"));
    assert_eq!(settings.config.limits.answer_bytes_max, 65_536);
    assert_eq!(settings.config.limits.runs_in_flight_max, 7);
    assert_eq!(
        (settings.log.format, settings.log.level),
        (LogFormat::Json, LogLevel::Debug)
    );
}

#[test]
fn trusted_proxies_are_addresses_or_networks() {
    let parse = |list: &str| {
        let receiver = format!("[receiver]\ntrusted_proxies = {list}\n");
        parse(&MINIMAL.replace("[receiver]\n", &receiver))
    };
    let proxies = |list: &str| parse(list).expect("settings").config.trusted_proxies;
    assert_eq!(proxies("[]"), []);
    let trusted = proxies("[\"192.0.2.1\", \"10.0.0.0/8\", \"2001:db8::/32\"]");
    let texts: Vec<String> = trusted.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["192.0.2.1/32", "10.0.0.0/8", "2001:db8::/32"]);
    for (list, told) in [
        ("[\"10.0.0.0/33\"]", "addresses or networks"),
        ("[\"proxy.example.test\"]", "addresses or networks"),
        ("\"10.0.0.1\"", "a list of texts"),
        ("[10]", "a list of texts"),
    ] {
        let error = parse(list).expect_err("is wrong").to_string();
        let expected =
            format!("etc/ml-connector.toml:2: receiver.trusted_proxies: expected {told}");
        assert!(error.starts_with(&expected), "{error}");
    }
}

#[test]
fn all_errors_are_told_at_once_each_with_its_line() {
    let text = "[receiver]
listen = \"everywhere\"
tls_key = \"key.pem\"

[limits]
shutdown_grace = 20
runs_in_flight_max = 0
answer_bytes_max = \"4 MiB\"

[log]
format = \"xml\"

[recievers]

[connections.Acme]
freshbooks = { account_id = 12, base = \"https://api.test/path\" }
taxes.GST = 1.5

[connections.other.concur]
client_secret = \"s3cr3t-value\"
extra_bases = [\"us.api.test\"]
";
    let expected = "\
etc/ml-connector.toml:1: receiver.public_url: must be set
etc/ml-connector.toml:1: receiver.tls_certificate: must be set together with tls_key
etc/ml-connector.toml:2: receiver.listen: expected an address and port such as \"0.0.0.0:8080\"
etc/ml-connector.toml:6: limits.shutdown_grace: unknown key; did you mean shutdown_grace_s?
etc/ml-connector.toml:7: limits.runs_in_flight_max: expected a whole number from 1 to 4096
etc/ml-connector.toml:8: limits.answer_bytes_max: expected a whole number from 65536 to 67108864
etc/ml-connector.toml:11: log.format: expected one of \"text\", \"json\"
etc/ml-connector.toml:13: recievers: unknown key; did you mean receiver?
etc/ml-connector.toml:15: connections.Acme: expected a name of 1 to 64 of a-z, 0-9 and hyphen
etc/ml-connector.toml:17: connections.Acme.taxes.GST: expected a whole number, or text in quotes
etc/ml-connector.toml:20: connections.other.concur.client_secret: secrets do not belong in the \
settings file; put it in the file other.concur-client-secret in the secrets directory, or in the \
environment variable ML_CONNECTOR_OTHER_CONCUR_CLIENT_SECRET";
    assert_eq!(errors(text), expected);
}

#[test]
fn what_the_component_finds_is_told_at_its_line() {
    let problem = |pointer: &str, message: &str| Problem {
        pointer: pointer.to_string(),
        code: "wrong-value".to_string(),
        message: message.to_string(),
    };
    let text = format!("{MINIMAL}colour = \"red\"\n[connections.acme.taxes]\n\"GST/HST\" = \"\"\n");
    let found = parse_checked(&text, &|_, _| {
        vec![
            problem("/taxes/GST~1HST", "must not be empty"),
            problem("/freshbooks/colour", "unknown key"),
            problem("/concur/company_id", "must be set"),
        ]
    });
    let expected = "\
etc/ml-connector.toml:3: connections.acme.concur.company_id: must be set
etc/ml-connector.toml:5: connections.acme.freshbooks.colour: unknown key
etc/ml-connector.toml:7: connections.acme.taxes.\"GST/HST\": must not be empty";
    assert_eq!(found.expect_err("problems").to_string(), expected);
}

#[test]
fn the_component_gets_the_whole_table_as_json_without_secrets() {
    let text = format!(
        "{MINIMAL}refresh_token = \"s3cr3t\"\n\
         [connections.acme]\ncurrencies = [\"EUR\"]\nsweep = {{ interval_s = 1_000 }}\n"
    );
    let draft = Draft::parse(Path::new("x.toml"), &text).expect("TOML");
    assert_eq!(
        draft.settings().config.connections[0].json,
        r#"{"currencies":["EUR"],"freshbooks":{"account_id":"AbC123"},"sweep":{"interval_s":1000}}"#
    );
    let error = draft
        .finish(&|_, _| Vec::new())
        .expect_err("a secret")
        .to_string();
    assert!(error.contains("ml-connector connect"), "{error}");
    assert!(!error.contains("s3cr3t"), "{error}");
}

#[test]
fn a_secret_is_refused_wherever_it_stands() {
    for place in [
        "password = \"s3cr3t\"",
        "[x]\nSEAL-KEY = \"s3cr3t\"",
        "[[y]]\nsecret = \"s3cr3t\"",
    ] {
        let error = errors(&format!("{place}\n{MINIMAL}"));
        assert!(error.contains("secrets do not belong"), "{place}: {error}");
        assert!(!error.contains("s3cr3t"), "{place}: {error}");
    }
}

#[test]
fn a_syntax_error_names_its_line_and_quotes_nothing() {
    let error = errors("[receiver]\npublic_url = s3cr3t\n[log\n");
    assert!(
        error.starts_with("etc/ml-connector.toml:2: not TOML: "),
        "{error}"
    );
    assert!(
        error.contains("etc/ml-connector.toml:3: not TOML: "),
        "{error}"
    );
    assert!(!error.contains("s3cr3t"), "{error}");
}

#[test]
fn a_file_without_connections_is_of_no_use() {
    let error = errors("[receiver]\npublic_url = \"https://a.test\"\n");
    assert_eq!(
        error,
        "etc/ml-connector.toml:1: connections: expected at least one table such as \
         [connections.acme]"
    );
}

#[test]
fn an_unreadable_file_is_named_with_the_flag_that_helps() {
    let error = load(Path::new("/nowhere/ml.toml"), &|_, _| Vec::new()).expect_err("no file");
    assert!(error.to_string().contains("/nowhere/ml.toml"), "{error}");
    assert!(error.to_string().contains("--config"), "{error}");
}

#[test]
fn urls_with_a_user_a_query_or_another_scheme_are_refused() {
    for url in [
        "ftp://a.test",
        "https://user@a.test",
        "https://a.test?x=1",
        "https://a.test#x",
        "a.test",
        "/x",
    ] {
        assert!(!receiver::is_base_url(url, true), "{url}");
    }
    assert!(receiver::is_base_url("https://a.test/sync", true));
    assert!(!receiver::is_base_url("https://a.test/sync", false));
    assert!(receiver::is_base_url("http://[::1]:8080", false));
}

const EVENTS: &str = "[receiver.events]
listen = \"0.0.0.0:8443\"
public_url = \"https://events.example.test/\"
trust_anchors = \"sap.pem\"
tls_certificate = \"c.pem\"
tls_key = \"k.pem\"
";

fn events(table: &str) -> Option<EventsConfig> {
    let settings = parse(&format!("{MINIMAL}{table}")).expect("is right");
    settings.config.events
}

#[test]
fn events_are_received_only_where_the_settings_say_where() {
    use crate::config::{EventsListen, Purpose, SignatureRule};
    assert_eq!(events(""), None);
    assert_eq!(events("[receiver.events]\nidentity = \"x.test\"\n"), None);
    let events = events(EVENTS).expect("are received");
    assert_eq!(events.public_url, "https://events.example.test");
    assert_eq!(events.trust_anchors, Path::new("etc/sap.pem"));
    assert_eq!(events.identity, "webhook.api.concursolutions.com");
    assert_eq!(
        (events.purpose, events.signature),
        (Purpose::ClientAuth, SignatureRule::Off)
    );
    assert!(matches!(
        events.listen,
        EventsListen::Network {
            proxy_anchors: None,
            ..
        }
    ));
}

#[test]
fn a_proxy_is_believed_on_a_socket_or_under_roots_of_its_own() {
    use crate::config::EventsListen;
    let socket = EVENTS.replace("0.0.0.0:8443", "unix:e.sock");
    let listen = |table: &str| events(table).expect("are received").listen;
    assert_eq!(
        listen(&format!("{socket}mode = \"proxy\"\n")),
        EventsListen::Socket("etc/e.sock".into())
    );
    let proxies = format!("{EVENTS}mode = \"proxy\"\nproxy_anchors = \"p.pem\"\n");
    assert!(matches!(
        listen(&proxies),
        EventsListen::Network { proxy_anchors: Some(file), .. } if file == Path::new("etc/p.pem")
    ));
}

#[test]
fn what_is_wrong_with_the_events_is_told() {
    let without = |line: &str| {
        let lines = EVENTS.lines().filter(|own| !own.starts_with(line));
        lines.collect::<Vec<_>>().join("\n") + "\n"
    };
    for (table, told) in [
        (without("trust_anchors"), "trust_anchors"),
        (without("public_url"), "public_url"),
        (without("tls_"), "tls_certificate"),
        (without("tls_key"), "tls_key"),
        (EVENTS.replace("0.0.0.0:8443", "8443"), "listen"),
        (EVENTS.replace("0.0.0.0:8443", "unix:e.sock"), "mode"),
        (format!("{EVENTS}mode = \"proxy\"\n"), "proxy_anchors"),
        (format!("{EVENTS}proxy_anchors = \"p.pem\"\n"), "mode"),
        (format!("{EVENTS}signature = \"maybe\"\n"), "signature"),
        (format!("{EVENTS}purpose = \"any\"\n"), "purpose"),
    ] {
        let error = errors(&format!("{MINIMAL}{table}"));
        assert!(
            error.contains(&format!("receiver.events.{told}")),
            "{error}"
        );
    }
}
