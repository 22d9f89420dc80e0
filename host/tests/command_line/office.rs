//! A directory with everything that the program needs, and the program.

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use ml_connector::store::sqlite::SqliteStore;
use ml_connector::store::{Receipt, Store, Write as Change};
use tempfile::TempDir;

/// Settings of one connection that the component accepts.
pub const SETTINGS: &str = r#"
[receiver]
public_url = "https://sync.example.test"

[component]
path = "COMPONENT"

[connections.acme]
currencies = ["CAD"]

[connections.acme.freshbooks]
account_id = "AbC123"
business_id = 4711
client_id = "our-app"
redirect_uri = "https://sync.example.test/oauth/freshbooks/callback"
base = "http://127.0.0.1:1"

[connections.acme.concur]
company_id = "5d1b6d0e-0000-4000-8000-000000000001"
client_id = "our-concur-app"
token_base = "http://127.0.0.1:1"

[connections.acme.payment_request]
employee_login_id = "ap@example.test"

[connections.acme.expense_types]
default = "01027"
"#;

/// What the program said.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// A settings file, its secrets and its store in a directory of their own.
pub struct Office {
    directory: TempDir,
}

impl Office {
    pub fn new() -> Self {
        Self::with_settings(SETTINGS)
    }

    pub fn with_settings(text: &str) -> Self {
        let directory = tempfile::tempdir().expect("temporary directory");
        let office = Self { directory };
        let text = text.replace("COMPONENT", component().to_str().expect("path"));
        std::fs::write(office.path("ml-connector.toml"), text).expect("settings file");
        office
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("file");
    }

    /// Puts changes into the store, as a server would that has stopped since.
    pub fn keep(&self, changes: Vec<Change>) -> Receipt {
        let store = SqliteStore::open(self.path("ml-connector.sqlite")).expect("store");
        block_on(store.commit(changes)).expect("commit")
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        self.run_with(arguments, &[], "")
    }

    pub fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)], input: &str) -> Said {
        let mut command = self.program();
        command.args(arguments).envs(environment.iter().copied());
        said(command, input)
    }

    /// The program in this directory.
    pub fn program(&self) -> Command {
        let mut command = program();
        command.current_dir(self.directory.path());
        command
    }

    /// Keeps a secret as a file that only its owner can read.
    pub fn keep_secret(&self, name: &str, text: &str) {
        std::fs::create_dir_all(self.path("secrets")).expect("directory");
        let file = self.path("secrets").join(name);
        std::fs::write(&file, text).expect("secret");
        std::fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("mode");
    }
}

/// The program without a directory.
pub fn run(arguments: &[&str]) -> Said {
    let mut command = program();
    command.args(arguments);
    said(command, "")
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("runtime").block_on(work)
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ml-connector"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ML_CONNECTOR")) {
        command.env_remove(name);
    }
    command
}

fn said(mut command: Command, input: &str) -> Said {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("standard input");
    // A program that does not read its input may have closed it.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().expect("the program ends");
    Said {
        code: status.code().expect("an exit code"),
        out: String::from_utf8(stdout).expect("UTF-8"),
        err: String::from_utf8(stderr).expect("UTF-8"),
    }
}

/// The built component; made if it is not up to date.
pub fn component() -> &'static PathBuf {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    FILE.get_or_init(|| {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_string());
        let built = Command::new(cargo)
            .args([
                "build-component",
                "--message-format=json-render-diagnostics",
            ])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo starts");
        assert!(built.status.success(), "`cargo build-component` fails");
        let messages = String::from_utf8_lossy(&built.stdout);
        let file = messages.lines().rev().find_map(artifact);
        file.expect("cargo names the component file")
    })
}

fn artifact(line: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let files = message.get("filenames")?.as_array()?;
    let mut names = files.iter().filter_map(|file| file.as_str());
    names
        .find(|name| name.ends_with(".wasm"))
        .map(PathBuf::from)
}
