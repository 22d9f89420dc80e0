//! Settings for tests.

use crate::contract::settings::Endpoints;

/// The real base URLs.
pub(crate) fn endpoints() -> Endpoints {
    Endpoints {
        freshbooks: "https://api.freshbooks.com".into(),
        freshbooks_consent: "https://auth.freshbooks.com".into(),
        concur_token: "https://glz.api.concursolutions.com".into(),
        concur_extra: vec![],
    }
}
