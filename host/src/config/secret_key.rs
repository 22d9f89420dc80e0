//! Secrets do not belong in the settings file, which is copied, committed and mailed around.

use toml::de::{DeTable, DeValue};

use super::fault::{Faults, join};

const SECRET_KEYS: [&str; 17] = [
    "access_token",
    "api_key",
    "authorization_code",
    "bearer_token",
    "client_secret",
    "company_request_token",
    "concur_client_secret",
    "freshbooks_client_secret",
    "passphrase",
    "password",
    "private_key",
    "refresh_token",
    "request_token",
    "seal_key",
    "seal_keys",
    "secret",
    "verifier",
];

/// Whether a key of this name would hold a secret.
pub(super) fn is_secret(key: &str) -> bool {
    let name = key.to_ascii_lowercase().replace('-', "_");
    SECRET_KEYS.contains(&name.as_str())
}

/// Reports every secret in a document, wherever it stands, without its value.
pub(super) fn refuse(document: &DeTable<'_>, faults: &mut Faults) {
    refuse_in(document, "", faults);
}

fn refuse_in(table: &DeTable<'_>, path: &str, faults: &mut Faults) {
    for (key, value) in table {
        let path = join(path, key.get_ref());
        if is_secret(key.get_ref()) {
            let home = home(key.get_ref(), &path);
            let message = format!("secrets do not belong in the settings file; {home}");
            faults.add(&key.span(), path, message);
        } else {
            refuse_in_value(value.get_ref(), &path, faults);
        }
    }
}

fn refuse_in_value(value: &DeValue<'_>, path: &str, faults: &mut Faults) {
    match value {
        DeValue::Table(table) => refuse_in(table, path, faults),
        DeValue::Array(items) => {
            for item in items {
                refuse_in_value(item.get_ref(), path, faults);
            }
        }
        _ => {}
    }
}

/// Where the secret belongs instead.
fn home(key: &str, path: &str) -> String {
    let name = key.to_ascii_lowercase().replace('-', "_");
    let mut parts = path.split('.');
    let connection = match (parts.next(), parts.next()) {
        (Some("connections"), Some(connection)) => connection,
        _ => "<connection>",
    };
    if name.starts_with("seal") {
        return "put it in the file seal.keys in the secrets directory, or in the environment \
                variable ML_CONNECTOR_SEAL_KEYS"
            .to_string();
    }
    if !name.ends_with("client_secret") {
        return "tokens are obtained with `ml-connector connect` and kept sealed in the store"
            .to_string();
    }
    let system = if path.contains("concur") {
        "concur"
    } else {
        "freshbooks"
    };
    let variable = format!("ml_connector_{connection}_{system}_client_secret");
    format!(
        "put it in the file {connection}.{system}-client-secret in the secrets directory, or in \
         the environment variable {}",
        variable.to_ascii_uppercase().replace('-', "_")
    )
}
