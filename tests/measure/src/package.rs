//! The packages of the repository and the files that each has.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::source::Source;
use crate::summary::Summary;

/// One row of the table: a folder of sources.
#[derive(Debug, Clone)]
pub struct Package {
    /// As people call it: the folder's name.
    pub name: &'static str,
    /// Every file, tests included, in the order of their paths.
    pub sources: Vec<Source>,
    /// Lines of code in folders of tests beside `src`, which the code is measured against too.
    pub outer_test_code: usize,
}

impl Package {
    /// Its row in the table.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary::of(self)
    }
}

/// Why the sources cannot be measured.
#[derive(Debug)]
pub enum MeasureError {
    /// A file or folder cannot be read.
    Unreadable(PathBuf, io::Error),
    /// A file is not Rust, or newer Rust than the parser knows.
    NotRust(PathBuf, syn::Error),
}

impl std::fmt::Display for MeasureError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable(path, error) => {
                write!(f, "{} cannot be read: {error}", path.display())
            }
            Self::NotRust(path, error) => write!(f, "{} cannot be parsed: {error}", path.display()),
        }
    }
}

impl std::error::Error for MeasureError {}

/// What is measured: name, folders of code, folders of tests beside them. In `tests` the tests are
/// the code.
const PACKAGES: [(&str, &[&str], &[&str]); 5] = [
    ("component", &["component/src"], &[]),
    ("host", &["host/src"], &["host/tests"]),
    ("sandbox", &["tests/sandbox/src"], &["tests/sandbox/tests"]),
    (
        "tests",
        &[
            "tests/src",
            "tests/tests",
            "tests/benches",
            "tests/examples",
        ],
        &[],
    ),
    ("measure", &["tests/measure/src"], &[]),
];

/// Reads every package of the repository at `root`. Folders that do not exist are left out.
///
/// # Errors
///
/// With the first file that cannot be read.
pub fn packages(root: &Path) -> Result<Vec<Package>, MeasureError> {
    PACKAGES
        .into_iter()
        .map(|(name, code, tests)| {
            let mut sources = read_folders(root, code)?;
            mark_test_files(&mut sources);
            let outer = read_folders(root, tests)?;
            let outer_test_code = outer
                .iter()
                .map(|source| source.lines.code(1, usize::MAX))
                .sum();
            Ok(Package {
                name,
                sources,
                outer_test_code,
            })
        })
        .collect()
}

fn read_folders(root: &Path, folders: &[&str]) -> Result<Vec<Source>, MeasureError> {
    let mut paths = Vec::new();
    for folder in folders {
        let folder = root.join(folder);
        if folder.is_dir() {
            find_files(&folder, &mut paths)?;
        }
    }
    paths.sort();
    paths.iter().map(|path| read_file(root, path)).collect()
}

fn find_files(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<(), MeasureError> {
    let unreadable = |error| MeasureError::Unreadable(folder.to_path_buf(), error);
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            find_files(&path, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
    Ok(())
}

fn read_file(root: &Path, path: &Path) -> Result<Source, MeasureError> {
    let short = path.strip_prefix(root).unwrap_or(path).to_path_buf();
    let text =
        fs::read_to_string(path).map_err(|error| MeasureError::Unreadable(short.clone(), error))?;
    Source::parse(short.clone(), text).map_err(|error| MeasureError::NotRust(short, error))
}

/// Marks the files of modules that are declared for tests only, with all that lies below them.
fn mark_test_files(sources: &mut [Source]) {
    let modules: Vec<PathBuf> = sources
        .iter()
        .flat_map(|source| {
            let folder = children_folder(&source.path);
            source
                .test_modules
                .iter()
                .map(move |name| folder.join(name))
        })
        .collect();
    for source in sources {
        let module = source.path.with_extension("");
        if modules
            .iter()
            .any(|test_module| module.starts_with(test_module))
        {
            source.mark_as_test();
        }
    }
}

/// Where the modules lie that a file declares.
fn children_folder(path: &Path) -> PathBuf {
    let roots = ["lib", "main", "mod"];
    let is_root = path
        .file_stem()
        .is_some_and(|stem| roots.iter().any(|root| stem == *root));
    if is_root {
        path.parent().unwrap_or(path).to_path_buf()
    } else {
        path.with_extension("")
    }
}
