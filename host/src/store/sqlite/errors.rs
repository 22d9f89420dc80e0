//! Whose fault an error of SQLite is.

use std::path::Path;

use rusqlite::ErrorCode;
use rusqlite::types::FromSqlError;

use crate::store::StoreError;

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig) => Self::Refused(text),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(text),
            Some(_) => Self::Unavailable(text),
            None => Self::Corrupt(text),
        }
    }
}

impl From<FromSqlError> for StoreError {
    fn from(error: FromSqlError) -> Self {
        Self::Corrupt(error.to_string())
    }
}

pub(super) fn opened_read_only() -> StoreError {
    StoreError::Refused("it was opened for reading only".into())
}

/// The same error with the name of the file.
pub(super) fn naming(path: &Path, error: StoreError) -> StoreError {
    let path = path.display();
    match error {
        StoreError::Refused(text) => StoreError::Refused(format!("{path}: {text}")),
        StoreError::Unavailable(text) => StoreError::Unavailable(format!("{path}: {text}")),
        StoreError::Corrupt(text) => StoreError::Corrupt(format!("{path}: {text}")),
        named => named,
    }
}
