//! Are the secrets there, and nobody else's?

use ml_connector::config::{Config, TlsFiles};
use ml_connector::private;
use ml_connector::seal::Keyring;
use ml_connector::sealed::{seal_keys_lost, sealed_texts};
use ml_connector::secrets::{SecretError, SecretName, Secrets};
use ml_connector::store::sqlite::SqliteStore;

use super::super::{context, exit};
use super::{Finding, Verdict};

pub(super) fn secrets(config: &Config, store: Option<&SqliteStore>) -> Vec<Finding> {
    let secrets = Secrets::new(config.secrets_dir.clone());
    let mut findings = vec![seal_keys(&secrets, store)];
    for connection in &config.connections {
        for name in SecretName::ALL {
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
pub(super) fn tls_files(subject: &str, files: &TlsFiles) -> Vec<Finding> {
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
