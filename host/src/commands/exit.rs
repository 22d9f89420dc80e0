//! Exit codes, for scripts. They are part of the interface and do not change their meaning.

/// Done, and nothing to report.
pub(super) const OK: u8 = 0;

/// Looked at, and not in order: a document with problems, a check that failed, a history that does
/// not replay.
pub(super) const NOT_IN_ORDER: u8 = 1;

/// The command line is wrong, or names something that does not exist.
pub(super) const USAGE: u8 = 2;

/// The settings file, a secret or the component is wrong or missing.
pub(super) const SETTINGS: u8 = 3;

/// A credential needs a person: connect again.
pub(super) const CREDENTIALS: u8 = 4;

/// Runs are parked and need a person.
pub(super) const PARKED: u8 = 5;

/// The store cannot be opened, read or written.
pub(super) const STORE: u8 = 6;

/// A remote did not answer or refused.
pub(super) const REMOTE: u8 = 7;

/// Both systems were compared, and do not agree.
pub(super) const DIFFERENCES: u8 = 8;
