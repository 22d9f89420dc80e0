//! Asks the running service, or does it in this process where none runs.

use ml_connector::admin::{self, AdminError, AdminReply, AdminRequest, Fault};
use ml_connector::config::Settings;
use ml_connector::secrets::Secrets;
use ml_connector::service::ServeError;

use super::context::Context;
use super::failure::Failure;
use super::{exit, logging};

/// Asks, and gives the reply; a refusal is a reply.
pub(super) async fn ask(
    context: &Context,
    settings: &Settings,
    request: AdminRequest,
) -> Result<AdminReply, Failure> {
    logging::log_command(settings.log);
    let secrets = Secrets::new(settings.config.secrets_dir.clone());
    let asked = admin::call(&settings.config, &secrets, request).await;
    asked.map_err(|error| match error {
        AdminError::Serve(error) => failure(context, error),
        AdminError::NoAnswer { .. } | AdminError::NotStarted { .. } => {
            Failure::new(exit::STORE, error.to_string())
        }
    })
}

/// Why the service cannot work. Errors that the component finds in the settings are reported with
/// file and line.
pub(super) fn failure(context: &Context, error: ServeError) -> Failure {
    let code = match &error {
        ServeError::Settings { .. } => match context.checked() {
            Err(failure) => return failure,
            Ok(_) => exit::SETTINGS,
        },
        ServeError::Store(_) | ServeError::Admin { .. } => exit::STORE,
        ServeError::HttpClient(_) => exit::REMOTE,
        ServeError::Defect => exit::NOT_IN_ORDER,
        _ => exit::SETTINGS,
    };
    Failure::new(code, error.to_string())
}

/// The failure for a reply that is not the one that was asked for; `code` is for a refusal that
/// has its reason in the request itself.
pub(super) fn refused(reply: AdminReply, code: u8) -> Failure {
    match reply {
        AdminReply::Refused { message, fault } => {
            let code = match fault {
                Fault::Request => code,
                Fault::Settings => exit::SETTINGS,
                Fault::Credential => exit::CREDENTIALS,
                Fault::Store => exit::STORE,
                Fault::Remote => exit::REMOTE,
            };
            Failure::new(code, message)
        }
        _ => Failure::new(
            exit::NOT_IN_ORDER,
            "the running service is of another version; restart it with this one",
        ),
    }
}
