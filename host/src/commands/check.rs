//! `check`: is everything there that `serve` needs? Writes nothing.

mod accounts;
mod connections;
mod events;
mod online;

use std::io::Write;

use ml_connector::clock::Clock;
use ml_connector::config::{Config, ConnectionConfig};
use ml_connector::contract::credentials::CredentialStatus;
use ml_connector::contract::types::System;
use ml_connector::guest::Guest;
use ml_connector::seal::Keyring;
use ml_connector::secrets::{SecretError, SecretName, Secrets};
use ml_connector::store::Store;
use ml_connector::store::sqlite::SqliteStore;
use serde::Serialize;
use serde_json::Value;

use super::context::{self, Context};
use super::failure::Failure;
use super::style::{self, Tone};
use super::{Done, exit, labels};

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
  ml-connector check --config /etc/ml-connector.toml --json")]
pub(super) struct Args {
    /// Also ask every remote for an answer, with one GET and without credentials; and, where
    /// financial documents come back, FreshBooks for its accounts, to compare them with those that
    /// the settings name
    #[arg(long)]
    online: bool,
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
    findings.extend(secrets(config));
    findings.extend(
        config
            .connections
            .iter()
            .map(|connection| redirect(config, connection)),
    );
    findings.extend(events::check_events(&checked)?);
    let store = store(config, &mut findings);
    findings.extend(context::wait_for(connections::orphaned(
        config,
        store.as_ref(),
    ))?);
    findings.extend(context::wait_for(credentials(
        config,
        store.as_ref(),
        &checked.guest,
    ))?);
    if args.online {
        findings.extend(context::wait_for(online::ask(
            config,
            store.as_ref(),
            &checked.guest,
        ))?);
        findings.extend(context::wait_for(accounts::compare(
            config,
            store.as_ref(),
            &checked.guest,
        ))?);
    }
    print(&findings, args.json, out)?;
    let first_wrong = findings
        .iter()
        .find(|finding| finding.verdict == Verdict::Wrong);
    Ok(first_wrong.map_or(exit::OK, |finding| finding.code))
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

fn secrets(config: &Config) -> Vec<Finding> {
    let secrets = Secrets::new(config.secrets_dir.clone());
    let mut findings = vec![seal_keys(&secrets, config.store.exists())];
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

fn seal_keys(secrets: &Secrets, store_exists: bool) -> Finding {
    const SUBJECT: &str = "seal keys";
    match secrets.seal_keys() {
        Ok(keys) => match Keyring::parse(&keys) {
            Ok(_) => Finding::ok(SUBJECT, "can be read"),
            Err(error) => Finding::wrong(SUBJECT, exit::SETTINGS, error.to_string()),
        },
        // New keys would not open what an existing store holds.
        Err(SecretError::Missing { file, .. }) if !store_exists => Finding::new(
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
    if !path.exists() {
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

async fn credentials(
    config: &Config,
    store: Option<&SqliteStore>,
    guest: &Guest,
) -> Result<Vec<Finding>, Failure> {
    let mut instance = guest.instance()?;
    let mut findings = Vec::new();
    for connection in &config.connections {
        for system in [System::Freshbooks, System::Concur] {
            let stored = match store {
                Some(store) => store.credential(&connection.name, system).await?,
                None => None,
            };
            let credential = match stored {
                Some(stored) => stored.credential,
                None => instance.absent_credential(system)?,
            };
            let plan = instance.plan_refresh(&credential, Clock::system().now())?;
            let subject = format!(
                "{} credential of {}",
                system.display_name(),
                connection.name
            );
            let message = match plan.message.as_str() {
                "" => labels::credential_status(&credential.status).0.to_string(),
                message => message.to_string(),
            };
            let (verdict, code) = match credential.status {
                CredentialStatus::Live => (Verdict::Ok, exit::OK),
                CredentialStatus::Absent | CredentialStatus::Dead(_) => {
                    (Verdict::Wrong, exit::CREDENTIALS)
                }
            };
            findings.push(Finding::new(subject, verdict, code, message));
        }
    }
    Ok(findings)
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
