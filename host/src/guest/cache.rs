//! Compiled code, cached from one start to the next so that only the first one compiles.
//!
//! What lies here is run as it is. So it lies in a directory of the service's own that nobody else
//! can write to, and each file has a checksum: wasmtime tells code of another component, version or
//! processor by its name, but not code that the disk has damaged. Whatever is not as it was left is
//! removed and compiled again.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::{fs, process};

use sha2::{Digest, Sha256};
use wasmtime::{Cache, CacheConfig};

use crate::private;

/// The file with the checksums: in each line that of a file, and its path below the directory.
const CHECKSUMS: &str = "checksums";

/// Wasmtime's own part of the directory: it removes what it does not know there.
const CODE: &str = "code";

/// Files with code that stay, those that were made last: the present component, the one to roll
/// back to, and one more for each of two versions of the program. Each has about 8 MiB.
const FILES_MAX: usize = 4;

/// A directory of compiled code that only this user can write to.
pub(super) struct CodeCache {
    directory: PathBuf,
}

impl CodeCache {
    /// Makes the directory if need be, and removes what is not as it was left. Nothing where it
    /// cannot be used: then the component is compiled at each start.
    pub(super) fn open(directory: &Path) -> Option<Self> {
        let opened = make_private(directory).and_then(|directory| {
            remove_altered(&directory)?;
            Ok(Self { directory })
        });
        opened
            .inspect_err(|error| {
                let directory = directory.display();
                tracing::warn!(%directory, %error, "compiled code cannot be cached here");
            })
            .ok()
    }

    /// What wasmtime needs to use it.
    pub(super) fn for_wasmtime(&self) -> Option<Cache> {
        let mut config = CacheConfig::new();
        config
            .with_directory(self.directory.join(CODE))
            // It would write files anew in the background, which then have other checksums.
            .with_optimized_compression_usage_counter_threshold(u64::MAX);
        Cache::new(config)
            .inspect_err(|error| tracing::warn!(%error, "compiled code cannot be cached"))
            .ok()
    }

    /// Removes what is old, and writes down the checksums of what is there now.
    pub(super) fn store_checksums(&self) {
        let stored = remove_old(&self.directory).and_then(|()| write_checksums(&self.directory));
        if let Err(error) = stored {
            tracing::warn!(%error, "compiled code cannot be cached");
        }
    }
}

fn make_private(directory: &Path) -> io::Result<PathBuf> {
    private::create_directory(directory)?;
    let directory = directory.canonicalize()?;
    private::check(&directory).map_err(io::Error::other)?;
    Ok(directory)
}

fn remove_altered(directory: &Path) -> io::Result<()> {
    let known = checksums(directory)?;
    for statistics in files(directory)?
        .into_values()
        .filter(|path| !is_code(path))
    {
        fs::remove_file(statistics)?;
    }
    for (name, path) in code(directory)? {
        if known.get(&name) != Some(&checksum(&path)?) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn remove_old(directory: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    for path in code(directory)?.into_values() {
        files.push((fs::metadata(&path)?.modified()?, path));
    }
    files.sort();
    let old = files.len().saturating_sub(FILES_MAX);
    for (_, path) in files.drain(..old) {
        fs::remove_file(&path)?;
        // Wasmtime's statistics of it, which it does not always write.
        let _ = fs::remove_file(path.with_extension("stats"));
        // Of another version of the compiler, once it is empty.
        let _ = path.parent().map(fs::remove_dir);
    }
    Ok(())
}

fn write_checksums(directory: &Path) -> io::Result<()> {
    let mut text = String::new();
    for (name, path) in code(directory)? {
        text.push_str(&format!("{} {name}\n", checksum(&path)?));
    }
    let new = directory.join(format!("{CHECKSUMS}-{}", process::id()));
    write(&new, text.as_bytes())?;
    fs::rename(new, directory.join(CHECKSUMS))
}

fn checksums(directory: &Path) -> io::Result<BTreeMap<String, String>> {
    let text = match fs::read(directory.join(CHECKSUMS)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        text => text?,
    };
    let text = String::from_utf8_lossy(&text);
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    Ok(lines
        .map(|(checksum, name)| (name.to_owned(), checksum.to_owned()))
        .collect())
}

/// Wasmtime's files with code.
fn code(directory: &Path) -> io::Result<BTreeMap<String, PathBuf>> {
    let mut files = files(directory)?;
    files.retain(|_, path| is_code(path));
    Ok(files)
}

/// Names with an extension are statistics of how code was used. They are counted from start to
/// start for nothing, since nothing is ever compressed anew, and have no checksum.
fn is_code(path: &Path) -> bool {
    path.extension().is_none()
}

/// Wasmtime's files, `code/modules/COMPILER/NAME`, by that path.
fn files(directory: &Path) -> io::Result<BTreeMap<String, PathBuf>> {
    let mut files = BTreeMap::new();
    let modules = directory.join(CODE).join("modules");
    if !modules.exists() {
        return Ok(files);
    }
    for compiler in fs::read_dir(modules)? {
        for file in fs::read_dir(compiler?.path())? {
            let path = file?.path();
            let name = path.strip_prefix(directory).unwrap_or(&path);
            files.insert(name.to_string_lossy().into_owned(), path);
        }
    }
    Ok(files)
}

fn checksum(path: &Path) -> io::Result<String> {
    let digest = Sha256::digest(fs::read(path)?);
    Ok(base16ct::lower::encode_string(&digest))
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = private::options();
    options.write(true).create(true).truncate(true);
    options.open(path)?.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    fn with_code(directory: &Path) -> PathBuf {
        let compiler = directory.join(CODE).join("modules/cranelift-1");
        fs::create_dir_all(&compiler).expect("made");
        let file = compiler.join("abc");
        fs::write(&file, b"code").expect("written");
        file
    }

    #[test]
    fn what_is_as_it_was_left_stays() {
        let place = tempfile::tempdir().expect("a directory");
        let directory = place.path().join("code");
        let cache = CodeCache::open(&directory).expect("can be used");
        let file = with_code(&directory);
        cache.store_checksums();
        let statistics = file.with_extension("stats");
        fs::write(&statistics, b"usages = 1").expect("written");
        CodeCache::open(&directory).expect("can be used");
        assert!(file.exists());
        assert!(!statistics.exists(), "it has no checksum");
    }

    #[test]
    fn what_is_not_as_it_was_left_is_removed() {
        let damages: [fn(&Path, &Path); 4] = [
            |_, file| fs::write(file, b"c0de").expect("written"),
            |_, file| fs::write(file, b"").expect("written"),
            |directory, _| fs::remove_file(directory.join(CHECKSUMS)).expect("removed"),
            |directory, _| fs::write(directory.join(CHECKSUMS), [0xff; 9]).expect("written"),
        ];
        for damage in damages {
            let place = tempfile::tempdir().expect("a directory");
            let directory = place.path().join("code");
            let cache = CodeCache::open(&directory).expect("can be used");
            let file = with_code(&directory);
            cache.store_checksums();
            damage(&directory, &file);
            CodeCache::open(&directory).expect("can be used");
            assert!(!file.exists());
        }
    }

    #[test]
    fn the_files_that_were_made_last_stay() {
        let place = tempfile::tempdir().expect("a directory");
        let directory = place.path().join("code");
        let cache = CodeCache::open(&directory).expect("can be used");
        let compiler = |number| {
            directory
                .join(CODE)
                .join(format!("modules/cranelift-{number}"))
        };
        for number in 0..9_u64 {
            fs::create_dir_all(compiler(number)).expect("made");
            let file = compiler(number).join("abc");
            fs::write(&file, b"code").expect("written");
            fs::write(compiler(number).join("abc.stats"), b"used").expect("written");
            let made = std::time::UNIX_EPOCH + std::time::Duration::from_secs(number);
            let file = fs::File::options().write(true).open(file).expect("opens");
            file.set_modified(made).expect("set");
        }
        cache.store_checksums();
        let left = (0..9).filter(|number| compiler(*number).exists());
        assert_eq!(left.collect::<Vec<_>>(), [5, 6, 7, 8]);
        CodeCache::open(&directory).expect("can be used");
        assert_eq!(code(&directory).expect("is read").len(), FILES_MAX);
    }

    #[test]
    fn a_directory_that_others_can_write_to_is_not_used() {
        let place = tempfile::tempdir().expect("a directory");
        let directory = place.path().join("code");
        CodeCache::open(&directory).expect("can be used");
        let mode = fs::metadata(&directory).expect("is there").mode();
        assert_eq!(mode & 0o777, 0o700);
        for mode in [0o720, 0o702] {
            let open = fs::Permissions::from_mode(mode);
            fs::set_permissions(&directory, open).expect("set");
            assert!(CodeCache::open(&directory).is_none());
        }
    }
}
