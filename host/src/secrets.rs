//! Secrets: where they come from, and a type that does not let them slip out.
//!
//! A secret is read from the environment or from a file that only its owner can read, and never
//! from the settings file. [`Secret`] shows nothing of itself when it is formatted, and wipes its
//! memory when it is dropped.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::private::{self, Exposed};

/// A text that must not be shown: `Debug` prints `[redacted]`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a text; it is wiped from memory when the last clone is dropped.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for the one place that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

/// Which secret of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretName {
    /// The client secret of our FreshBooks app.
    FreshbooksClientSecret,
    /// The client secret of our SAP Concur app.
    ConcurClientSecret,
}

impl SecretName {
    /// Both, in the order in which a connection is set up.
    pub const ALL: [Self; 2] = [Self::FreshbooksClientSecret, Self::ConcurClientSecret];

    /// The name in files: `freshbooks-client-secret`, `concur-client-secret`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FreshbooksClientSecret => "freshbooks-client-secret",
            Self::ConcurClientSecret => "concur-client-secret",
        }
    }
}

/// A client secret that cannot be used, as one sentence with what helps.
#[derive(Debug)]
pub struct ClientSecretProblem {
    /// The connection that needs it.
    pub connection: String,
    /// Which of its two.
    pub name: SecretName,
    /// Why not.
    pub error: SecretError,
}

impl fmt::Display for ClientSecretProblem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, connection) = (self.name.as_str(), &self.connection);
        write!(out, "{name} of {connection}: {}", self.error)
    }
}

/// Why a secret cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Neither the variable is set nor is there a file.
    #[error("set the environment variable {variable}, or put the secret into the file {file}")]
    Missing {
        /// The environment variable, such as `ML_CONNECTOR_ACME_CONCUR_CLIENT_SECRET`.
        variable: String,
        /// The file, such as `secrets/acme.concur-client-secret`.
        file: PathBuf,
    },
    /// Others can read the file, or replace it.
    #[error(transparent)]
    Exposed(#[from] Exposed),
    /// The seal keys come from the environment, where this program cannot change them.
    #[error(
        "the seal keys come from the environment variable ML_CONNECTOR_SEAL_KEYS: add a line \
         before those that it has, a number from 0 to 255 that is not in use, a colon, and the \
         output of `head -c 32 /dev/urandom | base64`"
    )]
    InEnvironment,
    /// The file cannot be read or written.
    #[error("{file} cannot be used: {source}")]
    Unusable {
        /// The path of the file.
        file: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

/// Where secrets are looked for: the environment first, then a directory.
#[derive(Debug, Clone)]
pub struct Secrets {
    directory: PathBuf,
}

/// The environment variable that holds the keys that seal secrets in the store.
pub const SEAL_KEYS_VARIABLE: &str = "ML_CONNECTOR_SEAL_KEYS";

/// The file in the directory of secrets that holds them otherwise.
pub(crate) const SEAL_KEYS_FILE: &str = "seal.keys";

impl Secrets {
    /// Secrets in this directory, and in the environment.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// A connection's secret: `ML_CONNECTOR_<CONNECTION>_<NAME>`, or the file
    /// `<connection>.<name>`.
    ///
    /// # Errors
    ///
    /// [`SecretError`]; each names the variable, file or command that helps.
    pub fn connection(&self, connection: &str, name: SecretName) -> Result<Secret, SecretError> {
        let variable = format!("ML_CONNECTOR_{connection}_{}", name.as_str());
        let variable = variable.replace('-', "_").to_ascii_uppercase();
        self.find(&variable, &format!("{connection}.{}", name.as_str()))
    }

    /// The client secrets of these connections that cannot be used. They are read anew for each
    /// token request, so that nothing but these requests fails meanwhile.
    pub fn client_secret_problems<'c>(
        &self,
        connections: impl Iterator<Item = &'c str>,
    ) -> Vec<ClientSecretProblem> {
        let all = connections.flat_map(|one| SecretName::ALL.map(|name| (one, name)));
        let problem = |(connection, name): (&str, SecretName)| {
            let error = self.connection(connection, name).err()?;
            Some(ClientSecretProblem {
                connection: connection.to_owned(),
                name,
                error,
            })
        };
        all.filter_map(problem).collect()
    }

    /// The keys that seal secrets in the store: `ML_CONNECTOR_SEAL_KEYS`, or the file `seal.keys`.
    ///
    /// # Errors
    ///
    /// [`SecretError`]; each names the variable, file or command that helps.
    pub fn seal_keys(&self) -> Result<Secret, SecretError> {
        self.find(SEAL_KEYS_VARIABLE, SEAL_KEYS_FILE)
    }

    /// Writes new seal keys to `seal.keys`, readable by the owner only; refused if the file is
    /// there.
    ///
    /// # Errors
    ///
    /// [`SecretError::Unusable`].
    pub fn store_seal_keys(&self, keys: &Secret) -> Result<PathBuf, SecretError> {
        let file = self.directory.join(SEAL_KEYS_FILE);
        let unusable = |source| SecretError::Unusable {
            file: file.clone(),
            source,
        };
        private::create_directory(&self.directory).map_err(unusable)?;
        let opened = private::options().write(true).create_new(true).open(&file);
        let mut opened = opened.map_err(unusable)?;
        opened
            .write_all(keys.reveal().as_bytes())
            .map_err(unusable)?;
        opened.sync_all().map_err(unusable)?;
        fs::File::open(&self.directory)
            .and_then(|directory| directory.sync_all())
            .map_err(unusable)?;
        Ok(file)
    }

    /// Replaces the keys in `seal.keys` at once: anyone who reads the file sees the old keys or the
    /// new ones.
    ///
    /// # Errors
    ///
    /// [`SecretError::InEnvironment`] if the keys come from the environment, or `Unusable`.
    pub fn replace_seal_keys(&self, keys: &Secret) -> Result<PathBuf, SecretError> {
        if std::env::var(SEAL_KEYS_VARIABLE).is_ok_and(|text| !text.is_empty()) {
            return Err(SecretError::InEnvironment);
        }
        let file = self.directory.join(SEAL_KEYS_FILE);
        let unusable = |source| SecretError::Unusable {
            file: file.clone(),
            source,
        };
        let temporary = self.directory.join("seal.keys.new");
        let mut options = private::options();
        options.write(true).create(true).truncate(true);
        let written = options.open(&temporary).and_then(|mut opened| {
            opened.write_all(keys.reveal().as_bytes())?;
            opened.sync_all()?;
            fs::rename(&temporary, &file)?;
            fs::File::open(&self.directory)?.sync_all()
        });
        written.map_err(unusable)?;
        Ok(file)
    }

    fn find(&self, variable: &str, file: &str) -> Result<Secret, SecretError> {
        if let Some(text) = std::env::var(variable).ok().filter(|text| !text.is_empty()) {
            return Ok(trimmed(text));
        }
        let file = self.directory.join(file);
        match fs::metadata(&file) {
            Ok(_) => {
                private::check(&self.directory)?;
                private::check(&file)?;
                read(&file)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(SecretError::Missing {
                variable: variable.to_string(),
                file,
            }),
            Err(source) => Err(SecretError::Unusable { file, source }),
        }
    }
}

fn read(file: &Path) -> Result<Secret, SecretError> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(trimmed(text)),
        Err(source) => Err(SecretError::Unusable {
            file: file.to_path_buf(),
            source,
        }),
    }
}

fn trimmed(text: String) -> Secret {
    let text = Zeroizing::new(text);
    Secret::new(text.trim_end_matches(['\r', '\n']).to_string())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn secrets() -> (tempfile::TempDir, Secrets) {
        let directory = tempfile::tempdir().expect("a directory");
        let secrets = Secrets::new(directory.path().to_path_buf());
        (directory, secrets)
    }

    fn put(directory: &Path, name: &str, text: &str, mode: u32) {
        let file = directory.join(name);
        fs::write(&file, text).expect("is written");
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("is set");
    }

    #[test]
    fn a_secret_shows_nothing_of_itself() {
        let secret = Secret::new("canary-7731".to_string());
        assert_eq!(format!("{secret:?}"), "[redacted]");
        assert_eq!(secret.reveal(), "canary-7731");
    }

    #[test]
    fn a_file_of_the_owner_alone_is_read() {
        let (directory, secrets) = secrets();
        put(
            directory.path(),
            "acme.concur-client-secret",
            "s3cret\n",
            0o600,
        );
        let secret = secrets
            .connection("acme", SecretName::ConcurClientSecret)
            .expect("is read");
        assert_eq!(secret.reveal(), "s3cret");
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_and_says_how_to_fix_it() {
        let (directory, secrets) = secrets();
        put(
            directory.path(),
            "acme.concur-client-secret",
            "s3cret",
            0o644,
        );
        let error = secrets
            .connection("acme", SecretName::ConcurClientSecret)
            .expect_err("is refused");
        assert!(matches!(error, SecretError::Exposed(_)));
        assert!(error.to_string().contains("chmod 600"));
    }

    #[test]
    fn a_directory_that_others_can_write_to_is_refused_and_never_made() {
        let (directory, secrets) = secrets();
        let place = directory.path();
        put(place, "acme.concur-client-secret", "s3cret", 0o600);
        fs::set_permissions(place, fs::Permissions::from_mode(0o777)).expect("is set");
        let error = secrets
            .connection("acme", SecretName::ConcurClientSecret)
            .expect_err("is refused");
        assert!(error.to_string().contains("chmod 700"), "{error}");
        let inner = Secrets::new(place.join("secrets"));
        let keys = Secret::new("k1:AAAA".to_string());
        inner.store_seal_keys(&keys).expect("is stored");
        let made = fs::metadata(place.join("secrets")).expect("is there");
        assert_eq!(made.permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_missing_secret_names_the_variable_and_the_file() {
        let (_directory, secrets) = secrets();
        let error = secrets
            .connection("my-co", SecretName::FreshbooksClientSecret)
            .expect_err("is missing");
        let said = error.to_string();
        assert!(
            said.contains("ML_CONNECTOR_MY_CO_FRESHBOOKS_CLIENT_SECRET"),
            "{said}"
        );
        assert!(said.contains("my-co.freshbooks-client-secret"), "{said}");
    }

    #[test]
    fn seal_keys_are_kept_once_and_for_the_owner_alone() {
        let (_directory, secrets) = secrets();
        let keys = Secret::new("k1:AAAA".to_string());
        let file = secrets.store_seal_keys(&keys).expect("is kept");
        assert_eq!(
            fs::metadata(file).expect("is there").permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(secrets.seal_keys().expect("is read"), keys);
        assert!(secrets.store_seal_keys(&keys).is_err());
    }
}
