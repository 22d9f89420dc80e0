//! The database file itself, whatever name leads to it: locked by what it is, looked at before it
//! is opened, and watched while it is open.
//!
//! The lock is `flock` on the database file. A lock on a second file beside it would be a lock on a
//! name, and a symbolic link, a second mount or a deletion leads around that. SQLite locks bytes of
//! the same file with `fcntl`, which Linux keeps apart from `flock`. But a process that closes any
//! descriptor of a file gives up all its `fcntl` locks on it, those of SQLite's connections
//! included. So all stores of one file in this process share one descriptor, it is closed after the
//! last of their connections, and nothing but SQLite opens the file beside it.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::private;
use crate::store::StoreError;

/// What SQLite puts behind the path of a database for its write-ahead log and the log's index.
pub(super) const LOG_SUFFIX: &str = "-wal";
pub(super) const INDEX_SUFFIX: &str = "-shm";

/// Bytes of a database file's header.
const HEADER_BYTES: usize = 100;

/// A file by device and inode, whatever its name.
type FileId = (u64, u64);

/// The one descriptor of a file in this process.
struct Descriptor {
    file: File,
    is_locked: AtomicBool,
}

static DESCRIPTORS: Mutex<BTreeMap<FileId, Weak<Descriptor>>> = Mutex::new(BTreeMap::new());

/// A database file that is held open, for writing or for reading. It must be dropped after all of
/// SQLite's connections to it.
pub(crate) struct StoreFile {
    descriptor: Arc<Descriptor>,
    path: PathBuf,
    holds_lock: bool,
}

impl StoreFile {
    /// Opens the file for writing, makes it if it is missing, and takes its lock.
    pub(crate) fn lock(path: &Path) -> Result<Self, StoreError> {
        let mut options = private::options();
        options.read(true).write(true).create(true);
        let mut file = Self::open(path, &options)?;
        file.take_lock()?;
        if file.descriptor.file.metadata().ok().map(|found| id(&found)) != id_of(&file.path) {
            let reason = "was replaced at this moment; try again";
            return Err(lost(&file.path, reason));
        }
        check_names(&file.path)?;
        for suffix in ["", LOG_SUFFIX, INDEX_SUFFIX] {
            private::check(&with_suffix(&file.path, suffix))?;
        }
        Ok(file)
    }

    /// Opens an existing file for reading, locked or not.
    pub(super) fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        Self::open(path, OpenOptions::new().read(true))
    }

    fn open(path: &Path, options: &OpenOptions) -> Result<Self, StoreError> {
        let descriptor = shared_descriptor(path, options)
            .map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))?;
        Ok(Self {
            descriptor,
            path: resolve(path),
            holds_lock: false,
        })
    }

    fn take_lock(&mut self) -> Result<(), StoreError> {
        let Descriptor { file, is_locked } = &*self.descriptor;
        if is_locked.swap(true, Ordering::AcqRel) {
            return Err(in_use(&self.path));
        }
        let locked = file.try_lock();
        is_locked.store(locked.is_ok(), Ordering::Release);
        self.holds_lock = locked.is_ok();
        locked.map_err(|error| match error {
            TryLockError::WouldBlock => in_use(&self.path),
            TryLockError::Error(error) => {
                StoreError::Unavailable(format!("{}: {error}", self.path.display()))
            }
        })
    }

    /// Where it is, the symbolic link resolved.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether nothing was ever stored in it.
    pub(crate) fn is_new(&self) -> bool {
        self.bytes() == 0
    }

    fn bytes(&self) -> u64 {
        self.descriptor
            .file
            .metadata()
            .map_or(0, |found| found.len())
    }

    /// Whether the end of the file is missing, which can be told while there is no log.
    pub(super) fn check_length(&self) -> Result<(), StoreError> {
        let log = fs::metadata(with_suffix(&self.path, LOG_SUFFIX));
        if log.is_ok_and(|log| log.len() > 0) {
            return Ok(());
        }
        let mut header = [0; HEADER_BYTES];
        if self.descriptor.file.read_exact_at(&mut header, 0).is_err() {
            return Ok(()); // nothing yet, or no database, which SQLite says
        }
        let (bytes, expected) = (self.bytes(), expected_bytes(&header));
        if bytes >= expected {
            return Ok(());
        }
        let path = self.path.display();
        Err(StoreError::Lost(format!(
            "{path} was cut short: it has {bytes} of {expected} bytes; put a backup in its place \
             with `ml-connector restore FILE`"
        )))
    }
}

impl Drop for StoreFile {
    fn drop(&mut self) {
        if self.holds_lock {
            let _ = self.descriptor.file.unlock();
            self.descriptor.is_locked.store(false, Ordering::Release);
        }
    }
}

/// Whether a store's file has one name only. SQLite finds the log by name: under another one it
/// would not see what is only in the log, so that nothing opens a file with several for writing.
///
/// # Errors
///
/// [`StoreError::Lost`], with what to do.
pub fn check_names(path: &Path) -> Result<(), StoreError> {
    if fs::metadata(path).map_or(0, |found| found.nlink()) <= 1 {
        return Ok(());
    }
    let path = path.display();
    Err(StoreError::Lost(format!(
        "{path} has several names (hard links), and its write-ahead log belongs to one of them; \
         remove the others (`find -samefile {path}`), or replace this one by a copy"
    )))
}

/// The descriptor that this process has of the file, or a new one.
fn shared_descriptor(path: &Path, options: &OpenOptions) -> io::Result<Arc<Descriptor>> {
    let mut all = DESCRIPTORS.lock().unwrap_or_else(PoisonError::into_inner);
    all.retain(|_, descriptor| descriptor.strong_count() > 0);
    let known = id_of(path).and_then(|id| all.get(&id)?.upgrade());
    if let Some(descriptor) = known {
        return Ok(descriptor);
    }
    let file = options.open(path)?;
    let id = id(&file.metadata()?);
    let descriptor = Arc::new(Descriptor {
        file,
        is_locked: AtomicBool::new(false),
    });
    all.insert(id, Arc::downgrade(&descriptor));
    Ok(descriptor)
}

/// The file that a symbolic link leads to. Any other path stays as it is: a socket's path must be
/// short.
pub(crate) fn resolve(path: &Path) -> PathBuf {
    let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    let resolved = is_link.then(|| path.canonicalize().ok()).flatten();
    resolved.unwrap_or_else(|| path.to_path_buf())
}

/// The path of a file that belongs to the store at `path`.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The files that SQLite has open for writing. What is written to a file that was removed, or to
/// one that another has replaced, is gone with the process.
#[derive(Clone)]
pub(super) struct Watch {
    files: Vec<(PathBuf, FileId)>,
}

impl Watch {
    /// Watches the files of a database that is open for writing and has a log.
    pub(super) fn start(path: &Path) -> Self {
        let paths = ["", LOG_SUFFIX, INDEX_SUFFIX].map(|suffix| with_suffix(path, suffix));
        let known = paths.into_iter().map(|path| {
            let id = id_of(&path);
            (path, id)
        });
        Self {
            files: known.filter_map(|(path, id)| Some((path, id?))).collect(),
        }
    }

    /// Fails if the database has another name by now. Nothing is lost by that yet.
    pub(super) fn check_names(&self) -> Result<(), StoreError> {
        let database = self.files.first();
        database.map_or(Ok(()), |(path, _)| check_names(path))
    }

    /// Fails if one of the files is no longer where it was.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let mut files = self.files.iter();
        match files.find(|(path, id)| id_of(path) != Some(*id)) {
            None => Ok(()),
            Some((path, _)) => Err(lost(
                path,
                "was removed, moved or replaced while it was in use; nothing is acknowledged until \
                 it is back. Before you stop the service, see \"When the store was removed\" in \
                 docs/operating.md",
            )),
        }
    }
}

fn id(found: &Metadata) -> FileId {
    (found.dev(), found.ino())
}

fn id_of(path: &Path) -> Option<FileId> {
    fs::metadata(path).ok().map(|found| id(&found))
}

/// How long the file must be by its header (see <https://www.sqlite.org/fileformat2.html>); 0 where
/// the header does not tell.
fn expected_bytes(header: &[u8; HEADER_BYTES]) -> u64 {
    let [high, low] = [u64::from(header[16]), u64::from(header[17])];
    let page_bytes = match high << 8 | low {
        1 => 65_536,
        bytes => bytes,
    };
    let number = |at: usize| {
        let bytes = &header[at..at + 4];
        bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    };
    // The count of pages is of the change that is named beside it, or of an older SQLite.
    let is_valid = header.starts_with(b"SQLite format 3\0") && number(24) == number(92);
    if is_valid { number(28) * page_bytes } else { 0 }
}

fn in_use(path: &Path) -> StoreError {
    StoreError::InUse(format!(
        "{} is used by another ml-connector, such as a service that runs already; stop that one \
         first",
        path.display()
    ))
}

fn lost(path: &Path, what: &str) -> StoreError {
    StoreError::Lost(format!("{} {what}", path.display()))
}
