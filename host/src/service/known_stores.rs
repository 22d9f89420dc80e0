//! Which stores there have been: a list beside the seal keys.
//!
//! A store that is gone with all that was beside it, as when a disk is not mounted, would be taken
//! for one that was never made. The seal keys are often elsewhere, so the file `stores` beside them
//! names each store that was opened with them. It is not needed where the keys come from the
//! environment, and then there is none.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::private;
use crate::secrets::SEAL_KEYS_FILE;
use crate::store::StoreError;
use crate::store::sqlite::{SqliteStore, resolve};

const LIST: &str = "stores";

/// Fails if there is no store where one was before.
///
/// # Errors
///
/// [`StoreError::Lost`].
pub fn check(config: &Config) -> Result<(), StoreError> {
    let store = absolute(&config.store);
    let list = list(config);
    if SqliteStore::exists(&config.store)? || !is_listed(&list, &store) {
        return Ok(());
    }
    Err(StoreError::Lost(format!(
        "the store {} is gone; there was one, with the seal keys of {}. Is its disk mounted? Put \
         it back, or a backup with `ml-connector restore FILE`; to begin anew, remove its line \
         from {}",
        store.display(),
        config.secrets_dir.display(),
        list.display()
    )))
}

/// Other stores that were opened with the same seal keys and are still there: copies of this one,
/// or the one that it is a copy of.
#[must_use]
pub fn others(config: &Config) -> Vec<PathBuf> {
    let own = absolute(&config.store);
    let text = fs::read_to_string(list(config)).unwrap_or_default();
    let lines = text.lines().map(PathBuf::from);
    lines
        .filter(|line| *line != own && line.is_file())
        .collect()
}

/// Puts the store on the list. Without the list only the check above is missing.
pub(super) fn add(config: &Config) {
    let (list, store) = (list(config), absolute(&config.store));
    if !config.secrets_dir.join(SEAL_KEYS_FILE).exists() || is_listed(&list, &store) {
        return;
    }
    let mut options = private::options();
    let opened = options.append(true).create(true).open(&list);
    let written = opened.and_then(|mut file| {
        writeln!(file, "{}", store.display())?;
        file.sync_all()
    });
    if let Err(error) = written {
        tracing::debug!(%error, list = %list.display(), "a store that is gone is not noticed");
    }
}

fn is_listed(list: &Path, store: &Path) -> bool {
    let text = fs::read_to_string(list).unwrap_or_default();
    text.lines().any(|line| Path::new(line) == store)
}

fn list(config: &Config) -> PathBuf {
    config.secrets_dir.join(LIST)
}

/// The same for all ways to write the path, as far as the directory is there.
fn absolute(store: &Path) -> PathBuf {
    let store = resolve(store);
    let store = std::path::absolute(&store).unwrap_or(store);
    match (store.parent().map(Path::canonicalize), store.file_name()) {
        (Some(Ok(directory)), Some(name)) => directory.join(name),
        _ => store,
    }
}
