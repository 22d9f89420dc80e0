//! Asks the running service, or does it in this process where none runs.

use ml_connector::admin::{self, AdminError, AdminReply, AdminRequest};
use ml_connector::secrets::Secrets;
use ml_connector::serve::ServeError;
use ml_connector::settings::Settings;

use super::exit;
use super::failure::Failure;

/// Asks, and gives the reply; a refusal is a reply.
pub async fn ask(settings: &Settings, request: AdminRequest) -> Result<AdminReply, Failure> {
    let secrets = Secrets::new(settings.config.secrets_dir.clone());
    Ok(admin::call(&settings.config, &secrets, request).await?)
}

/// The failure for a reply that is not the one that was asked for.
pub fn refused(reply: AdminReply, code: u8) -> Failure {
    match reply {
        AdminReply::Refused { sentence } => Failure::new(code, sentence),
        _ => Failure::new(
            exit::NOT_IN_ORDER,
            "the running service is of another version; restart it with this one",
        ),
    }
}

impl From<AdminError> for Failure {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::Serve(error) => error.into(),
            AdminError::NoAnswer { .. } => Self::new(exit::STORE, error.to_string()),
        }
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        let code = match &error {
            ServeError::Store(_) | ServeError::Admin { .. } => exit::STORE,
            ServeError::Sender(_) => exit::REMOTE,
            ServeError::Defect => exit::NOT_IN_ORDER,
            _ => exit::SETTINGS,
        };
        Self::new(code, error.to_string())
    }
}
