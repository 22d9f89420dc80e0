//! The lock that keeps a second process from writing to the same store, held as long as the process
//! lives.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use crate::store::StoreError;

/// A held lock; the operating system gives it back when the process ends, however it ends.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the store at `store`, or says who to look for.
    pub(super) fn take(store: &Path) -> Result<Self, StoreError> {
        let path = lock_path(store);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let file = file.map_err(|error| unavailable(&path, &error.to_string()))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(unavailable(
                &path,
                "another ml-connector uses this store; stop it first",
            )),
            Err(TryLockError::Error(error)) => Err(unavailable(&path, &error.to_string())),
        }
    }
}

fn lock_path(store: &Path) -> PathBuf {
    let mut path = store.as_os_str().to_owned();
    path.push(".lock");
    path.into()
}

fn unavailable(path: &Path, reason: &str) -> StoreError {
    StoreError::Unavailable(format!("{}: {reason}", path.display()))
}
