//! `check`: is everything there that `serve` needs? Writes nothing.

mod accounts;
mod connections;
mod credentials;
mod events;
mod integrity;
mod online;
mod scopes;
mod sealed;

use std::io::Write;

use ml_connector::config::{Config, ConnectionConfig, TlsFiles};
use ml_connector::guest::Guest;
use ml_connector::private;
use ml_connector::seal::Keyring;
use ml_connector::sealed::{seal_keys_lost, sealed_texts};
use ml_connector::secrets::{SecretError, SecretName, Secrets};
use ml_connector::service;
use ml_connector::store::sqlite::SqliteStore;
use serde::Serialize;
use serde_json::Value;

use super::context::{self, Context};
use super::failure::Failure;
use super::style::{self, Tone};
use super::{Done, exit};
use integrity::{ExpectedHead, Head};

/// Check settings, secrets, component, store and credentials; write nothing
///
/// Every finding is one line. The exit code is that of the first finding that keeps `serve` from
/// working: 3 for settings, secrets or the component, 6 for the store, 4 for a credential, 7 for a
/// remote. Nothing is written, and nothing is sent unless --online asks for it.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector check
  ml-connector check --online
  ml-connector check --store
  ml-connector check --config /etc/ml-connector.toml --json")]
pub(super) struct Args {
    /// Also ask every remote for an answer, with one GET and without credentials; and, where
    /// financial documents come back, FreshBooks for its accounts, to compare them with those that
    /// the settings name
    #[arg(long)]
    online: bool,
    /// Also read the whole store, and check that no history and no ending was changed or deleted
    ///
    /// Prints the head of each connection's chain of endings: write it down elsewhere, and hand it
    /// in with --head later.
    #[arg(long)]
    store: bool,
    /// With --store: check that a head that was written down before is still on its chain
    #[arg(long, value_name = "CONNECTION:NUMBER:HASH", requires = "store")]
    head: Vec<ExpectedHead>,
    /// Print a JSON array of findings
    #[arg(long)]
    json: bool,
}

/// What the check of one thing found.
#[derive(Debug, Serialize)]
struct Finding {
    /// What was looked at.
    subject: String,
    verdict: Verdict,
    /// One plain sentence that says what is wrong, and what helps.
    message: String,
    /// The end of a chain of endings, to be written down.
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<Head>,
    /// The exit code if it is wrong.
    #[serde(skip)]
    code: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    /// In order: nothing to do.
    Ok,
    /// Legal, and hardly ever meant.
    Warning,
    /// Not there yet; a command that is named makes it.
    Later,
    /// Wrong: `serve` would not start, or would not work.
    Wrong,
}

impl Finding {
    fn new(
        subject: impl Into<String>,
        verdict: Verdict,
        code: u8,
        message: impl Into<String>,
    ) -> Self {
        Self {
            subject: subject.into(),
            verdict,
            message: message.into(),
            head: None,
            code,
        }
    }

    fn ok(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(subject, Verdict::Ok, exit::OK, message)
    }

    fn wrong(subject: impl Into<String>, code: u8, message: impl Into<String>) -> Self {
        Self::new(subject, Verdict::Wrong, code, message)
    }
}

pub(super) fn run(context: &Context, args: &Args, out: &mut impl Write) -> Done {
    let checked = context.checked()?;
    let config = &checked.settings.config;
    let mut findings = vec![
        Finding::ok(
            "settings",
            format!(
                "{} in order",
                counted(config.connections.len(), "connection")
            ),
        ),
        component(config, &checked.guest),
    ];
    findings.extend(connections::exposed(config, &checked.guest)?);
    findings.extend(connections::doubled(config, &checked.guest)?);
    let mut of_store = Vec::new();
    let store = store(config, &mut of_store);
    findings.extend(secrets(config, store.as_ref()));
    findings.extend(
        config
            .connections
            .iter()
            .map(|connection| redirect(config, connection)),
    );
    let tls = config.tls.iter();
    findings.extend(tls.flat_map(|files| tls_files("receiver TLS", files)));
    findings.extend(events::check_events(&checked)?);
    findings.extend(of_store);
    findings.extend(context::wait_for(stored_and_remote(
        config,
        store.as_ref(),
        &checked.guest,
        args,
    ))?);
    print(&findings, args.json, out)?;
    let first_wrong = findings
        .iter()
        .find(|finding| finding.verdict == Verdict::Wrong);
    Ok(first_wrong.map_or(exit::OK, |finding| finding.code))
}

/// What the store holds, with the keys that open it, and what the remotes say.
async fn stored_and_remote(
    config: &Config,
    store: Option<&SqliteStore>,
    guest: &Guest,
    args: &Args,
) -> Result<Vec<Finding>, Failure> {
    let keys = context::keyring(config);
    let keyring = keys.as_ref().ok();
    let mut findings = integrity::check(store, keyring, args.store, &args.head).await?;
    findings.extend(connections::orphaned(config, store).await?);
    let keys = keys.as_ref().map_err(String::as_str);
    findings.extend(credentials::check(config, store, keys, guest).await?);
    findings.extend(scopes::check(config, store, guest).await?);
    findings.extend(sealed::check(config, store, keyring).await?);
    if args.online {
        findings.extend(online::ask(config, store, guest).await?);
        findings.extend(accounts::compare(config, store, keyring, guest).await?);
    }
    Ok(findings)
}

fn component(config: &Config, guest: &Guest) -> Finding {
    let pinned = match config.component_sha256 {
        Some(_) => ", as component.sha256 wants",
        None => "",
    };
    let message = format!(
        "{} fits this program: contract {}, SHA-256 {}{pinned}",
        config.component.display(),
        guest.contract_version(),
        guest.sha256_hex()
    );
    Finding::ok("component", message)
}

fn secrets(config: &Config, store: Option<&SqliteStore>) -> Vec<Finding> {
    let secrets = Secrets::new(config.secrets_dir.clone());
    let mut findings = vec![seal_keys(&secrets, store)];
    for connection in &config.connections {
        for name in [
            SecretName::FreshbooksClientSecret,
            SecretName::ConcurClientSecret,
        ] {
            let subject = format!("{} of {}", name.as_str(), connection.name);
            findings.push(match secrets.connection(&connection.name, name) {
                Ok(_) => Finding::ok(subject, "is there"),
                Err(error) => Finding::wrong(subject, exit::SETTINGS, error.to_string()),
            });
        }
    }
    findings
}

fn seal_keys(secrets: &Secrets, store: Option<&SqliteStore>) -> Finding {
    const SUBJECT: &str = "seal keys";
    match secrets.seal_keys() {
        Ok(keys) => match Keyring::parse(&keys) {
            Ok(_) => Finding::ok(SUBJECT, "can be read"),
            Err(error) => Finding::wrong(SUBJECT, exit::SETTINGS, error.to_string()),
        },
        // New keys would not open what the store holds.
        Err(SecretError::Missing { file, .. }) if holds_sealed(store) => {
            Finding::wrong(SUBJECT, exit::SETTINGS, seal_keys_lost(&file))
        }
        Err(SecretError::Missing { file, .. }) => Finding::new(
            SUBJECT,
            Verdict::Later,
            exit::OK,
            format!(
                "the first `serve` or `connect` makes {}; back it up",
                file.display()
            ),
        ),
        Err(error) => Finding::wrong(SUBJECT, exit::SETTINGS, error.to_string()),
    }
}

/// What is wrong with the files of a listener's certificate.
fn tls_files(subject: &str, files: &TlsFiles) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in [&files.certificate, &files.key] {
        if let Err(error) = std::fs::metadata(file) {
            let message = format!("{} cannot be read ({error})", file.display());
            findings.push(Finding::wrong(subject, exit::SETTINGS, message));
        }
    }
    if let Err(exposed) = private::check(&files.key) {
        let message = exposed.to_string();
        findings.push(Finding::wrong(subject, exit::SETTINGS, message));
    }
    findings
}

/// Whether a store holds anything sealed; one that cannot be read is a finding of its own.
fn holds_sealed(store: Option<&SqliteStore>) -> bool {
    let Some(store) = store else { return false };
    let texts = context::wait_for(async { Ok(sealed_texts(store).await?) });
    texts.is_ok_and(|texts| !texts.is_empty())
}

/// FreshBooks compares the redirect URI to the letter, and the receiver listens at one path.
fn redirect(config: &Config, connection: &ConnectionConfig) -> Finding {
    let subject = format!("redirect_uri of {}", connection.name);
    let ours = format!("{}/oauth/freshbooks/callback", config.public_url);
    let settings: Value = serde_json::from_str(&connection.json).unwrap_or_default();
    match settings["freshbooks"]["redirect_uri"].as_str() {
        Some(theirs) if theirs == ours => Finding::ok(subject, "leads to this receiver"),
        _ => Finding::new(
            subject,
            Verdict::Later,
            exit::OK,
            format!(
                "does not lead to this receiver ({ours}): connect with \
                 `connect freshbooks --pasted`"
            ),
        ),
    }
}

fn store(config: &Config, findings: &mut Vec<Finding>) -> Option<SqliteStore> {
    const SUBJECT: &str = "store";
    let path = &config.store;
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    if directory.is_some_and(|directory| !directory.is_dir()) {
        let message = format!(
            "there is no directory for {}; make it, or correct store.path",
            path.display()
        );
        findings.push(Finding::wrong(SUBJECT, exit::STORE, message));
        return None;
    }
    let exists = service::check_store_is_not_lost(config).and_then(|()| SqliteStore::exists(path));
    if let Err(error) = exists {
        findings.push(Finding::wrong(SUBJECT, exit::STORE, error.to_string()));
        return None;
    }
    if exists == Ok(false) {
        let message = format!("the first `serve` or `connect` makes {}", path.display());
        findings.push(Finding::new(SUBJECT, Verdict::Later, exit::OK, message));
        return None;
    }
    match SqliteStore::open_read_only(path) {
        Ok(store) => {
            findings.push(Finding::ok(
                SUBJECT,
                format!("{} can be read", path.display()),
            ));
            Some(store)
        }
        Err(error) => {
            findings.push(Finding::wrong(SUBJECT, exit::STORE, error.to_string()));
            None
        }
    }
}

fn print(findings: &[Finding], json: bool, out: &mut impl Write) -> Result<(), Failure> {
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(findings)?)?;
        return Ok(());
    }
    for finding in findings {
        let word = match finding.verdict {
            Verdict::Ok => style::coloured("ok   ", Tone::Good),
            Verdict::Warning => style::coloured("warn ", Tone::Waiting),
            Verdict::Later => style::coloured("later", Tone::Waiting),
            Verdict::Wrong => style::coloured("wrong", Tone::Bad),
        };
        writeln!(out, "{word}  {}: {}", finding.subject, finding.message)?;
    }
    Ok(())
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}
