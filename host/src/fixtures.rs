//! Settings for tests.

use crate::config::ConnectionConfig;

/// A connection with the real base URLs.
pub(crate) fn connection() -> ConnectionConfig {
    ConnectionConfig {
        name: "main".into(),
        json: "{}".into(),
        freshbooks_base: "https://api.freshbooks.com".into(),
        freshbooks_consent_base: "https://auth.freshbooks.com".into(),
        freshbooks_account_id: "AbC123".into(),
        concur_token_base: "https://glz.api.concursolutions.com".into(),
        concur_extra_bases: vec![],
    }
}
