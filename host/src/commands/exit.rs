//! Exit codes, for scripts. They are part of the interface and do not change their meaning.

/// Done.
pub const OK: u8 = 0;

/// Looked at, and not in order: a document with problems, a check that failed, a history that does
/// not replay.
pub const NOT_IN_ORDER: u8 = 1;

/// The command line is wrong, or names something that does not exist.
pub const USAGE: u8 = 2;

/// The settings file, a secret or the component is wrong or missing.
pub const SETTINGS: u8 = 3;

/// A credential needs a person: connect again.
pub const CREDENTIALS: u8 = 4;

/// Runs are parked and need a person.
pub const PARKED: u8 = 5;

/// The store cannot be opened, read or written.
pub const STORE: u8 = 6;

/// A remote did not answer or refused.
pub const REMOTE: u8 = 7;
