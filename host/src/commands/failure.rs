//! Why a command ended early: an exit code and a sentence that names what helps.

use std::io;
use std::process::ExitCode;

use ml_connector::config::SettingsError;
use ml_connector::guest::GuestError;
use ml_connector::store::StoreError;

use super::printable::printable;
use super::{exit, style};

/// An exit code and what to tell the person.
#[derive(Debug)]
pub(super) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// A failure with one of the codes of [`exit`].
    pub(super) fn new(code: u8, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// The command line names something that is not there, or is incomplete.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(exit::USAGE, message)
    }

    /// Tells it on standard error and gives the exit code.
    pub(super) fn report(&self) -> ExitCode {
        if !self.message.is_empty() {
            eprintln!("{} {}", style::error_label(), printable(&self.message));
        }
        ExitCode::from(self.code)
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        let message = match &error {
            SettingsError::Unreadable { .. } => error.to_string(),
            SettingsError::Wrong { file, faults } => {
                let things = if faults.len() == 1 { "error" } else { "errors" };
                format!("{} has {} {things}:\n{error}", file.display(), faults.len())
            }
        };
        Self::new(exit::SETTINGS, message)
    }
}

impl From<GuestError> for Failure {
    fn from(error: GuestError) -> Self {
        Self::new(exit::SETTINGS, error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(exit::STORE, error.to_string())
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::new(exit::NOT_IN_ORDER, error.to_string())
    }
}

/// A reader that closed the pipe, such as `head`, is no failure worth a word.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::new(exit::OK, ""),
            _ => Self::new(
                exit::NOT_IN_ORDER,
                format!("cannot write the output: {error}"),
            ),
        }
    }
}
