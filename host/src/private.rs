//! Files and directories that nobody else may read or change: how they are made, and the one check
//! for all of them.
//!
//! Files are for their owner alone (600). Directories may be looked into, since their files are
//! closed, but nobody else may write to them. What belongs to another user is refused, for that
//! user can change it at any time; root can do so anyway.

use std::fs::{self, DirBuilder, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Bits of a file's mode that let others read or change it.
const FILE_OPEN_TO_OTHERS: u32 = 0o077;

/// Bits of a directory's mode that let others put files there, or replace them.
const DIRECTORY_OPEN_TO_OTHERS: u32 = 0o022;

/// In such a directory nobody can replace what belongs to others.
const STICKY: u32 = 0o1000;

/// The user whose files everyone has to trust.
const ROOT: u32 = 0;

/// Why a file or directory is not for this user alone, and the command that makes it so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Exposed {
    /// Others can read the file.
    #[error("{0} can be read by others; run `chmod 600 {0}`")]
    File(PathBuf),
    /// Others can put files into the directory, or replace those in it.
    #[error("others can write to the directory {0}; run `chmod 700 {0}`")]
    Directory(PathBuf),
    /// Another user owns it, and can change it.
    #[error(
        "{path} belongs to another user (uid {owner}), who can change it; run `chown {own} {path}` \
         as root"
    )]
    OfAnother {
        /// The path of the file or directory.
        path: PathBuf,
        /// The user id of its owner.
        owner: u32,
        /// The user id of this process.
        own: u32,
    },
}

/// Whether a file or directory is this user's alone. What is not there is.
///
/// # Errors
///
/// [`Exposed`].
///
/// # Examples
///
/// ```
/// use std::fs::{self, Permissions};
/// use std::os::unix::fs::PermissionsExt;
///
/// use ml_connector::private;
///
/// let directory = tempfile::tempdir()?;
/// let file = directory.path().join("seal.keys");
/// fs::write(&file, "1:...")?;
/// fs::set_permissions(&file, Permissions::from_mode(0o640))?;
/// let exposed = private::check(&file).expect_err("the group can read it");
/// assert!(exposed.to_string().contains("chmod 600"));
/// fs::set_permissions(&file, Permissions::from_mode(0o600))?;
/// private::check(&file)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn check(path: &Path) -> Result<(), Exposed> {
    match fs::metadata(path) {
        Ok(found) => check_metadata(path, &found, own_user()),
        Err(_) => Ok(()),
    }
}

/// How a file is opened that is made if it is missing, for its owner alone. The umask can only
/// take away from that.
#[must_use]
pub fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// Makes a directory for its owner alone, and those above it, where they are missing.
///
/// # Errors
///
/// As the operating system says.
pub fn create_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// The user that this process runs as.
pub(crate) fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn check_metadata(path: &Path, found: &Metadata, own: u32) -> Result<(), Exposed> {
    let (owner, path) = (found.uid(), path.to_path_buf());
    if owner != own && owner != ROOT {
        return Err(Exposed::OfAnother { path, owner, own });
    }
    let mode = found.mode();
    if !found.is_dir() {
        return match mode & FILE_OPEN_TO_OTHERS {
            0 => Ok(()),
            _ => Err(Exposed::File(path)),
        };
    }
    // As Kubernetes mounts secrets.
    let is_mounted = owner == ROOT && mode & STICKY != 0;
    match mode & DIRECTORY_OPEN_TO_OTHERS {
        0 => Ok(()),
        _ if is_mounted => Ok(()),
        _ => Err(Exposed::Directory(path)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn with_mode(path: &Path, mode: u32) -> Result<(), Exposed> {
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("set");
        check(path)
    }

    #[test]
    fn every_bit_for_others_is_refused_and_the_command_that_helps_is_named() {
        let place = tempfile::tempdir().expect("a directory");
        let file = place.path().join("key.pem");
        fs::write(&file, "key").expect("written");
        for bit in [0o040, 0o020, 0o010, 0o004, 0o002, 0o001] {
            assert_eq!(
                with_mode(&file, 0o600 | bit),
                Err(Exposed::File(file.clone()))
            );
        }
        for mode in [0o600, 0o400, 0o700] {
            assert_eq!(with_mode(&file, mode), Ok(()));
        }
        for mode in [0o720, 0o702, 0o777] {
            let refused = with_mode(place.path(), mode).expect_err("refused");
            assert!(refused.to_string().contains("chmod 700 /"), "{refused}");
        }
        assert_eq!(with_mode(place.path(), 0o755), Ok(()));
    }

    #[test]
    fn what_another_user_owns_is_refused_but_not_what_root_owns() {
        let place = tempfile::tempdir().expect("a directory");
        let found = fs::metadata(place.path()).expect("is there");
        let own = found.uid();
        assert_eq!(check_metadata(place.path(), &found, own), Ok(()));
        let refused = check_metadata(place.path(), &found, own + 1);
        match own {
            ROOT => assert_eq!(refused, Ok(())),
            _ => assert!(matches!(refused, Err(Exposed::OfAnother { .. }))),
        }
    }

    #[test]
    fn what_is_made_is_for_its_owner_alone() {
        let place = tempfile::tempdir().expect("a directory");
        let directory = place.path().join("a/b");
        create_directory(&directory).expect("made");
        let file = directory.join("c");
        let mut options = options();
        options
            .write(true)
            .create_new(true)
            .open(&file)
            .expect("made");
        let mode = |path: &Path| fs::metadata(path).expect("is there").mode() & 0o777;
        assert_eq!((mode(&directory), mode(&file)), (0o700, 0o600));
    }
}
