//! The built component and the built program, made by cargo if they are not up to date.
//!
//! A test runs long after cargo has released its lock, so it may call cargo. Where everything is up
//! to date that takes a moment and builds nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The target that the component is compiled for.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The component's file, built once per process.
///
/// # Panics
///
/// If it cannot be built; the message says what is missing.
#[must_use]
pub fn component() -> &'static Path {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    FILE.get_or_init(|| build_component(&mut |_| ()).unwrap_or_else(|why| panic!("{why}")))
}

/// The file of the program `ml-connector`, beside whatever runs now and of the same profile, built
/// once per process.
///
/// # Panics
///
/// If it cannot be built; the message says what is missing.
#[must_use]
pub fn program() -> &'static Path {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    FILE.get_or_init(|| build_program().unwrap_or_else(|why| panic!("{why}")))
}

/// Builds the component and returns its file; `report` is called with what is being done.
///
/// # Errors
///
/// One sentence for a person.
pub fn build_component(report: &mut dyn FnMut(&str)) -> Result<PathBuf, String> {
    ensure_target(report)?;
    report("building the component");
    let output = Command::new(cargo())
        .args([
            "build-component",
            "--message-format=json-render-diagnostics",
        ])
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    if !output.status.success() {
        return Err("the component does not build; `cargo build-component` shows why".to_string());
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let file = messages.lines().rev().find_map(wasm_file);
    file.ok_or_else(|| "cargo named no component file".to_string())
}

/// Builds the program and returns its file.
///
/// # Errors
///
/// One sentence for a person.
pub fn build_program() -> Result<PathBuf, String> {
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    let beside = here.parent().ok_or("this program has no directory")?;
    // Cargo puts tests and benchmarks into `deps`, and programs one level up.
    let is_test = beside.ends_with("deps");
    let directory = if is_test {
        beside.parent().unwrap_or(beside)
    } else {
        beside
    };
    let mut build = Command::new(cargo());
    build.arg("build").args(features_of(is_test));
    // Cargo tells a running program of its package. A cargo below it would pass that on to build
    // scripts, some of which would take it for a change and have half of the program built anew.
    for (name, _) in std::env::vars() {
        let of_package = [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_CRATE_",
        ];
        if of_package.iter().any(|prefix| name.starts_with(prefix)) {
            build.env_remove(name);
        }
    }
    if directory.ends_with("release") {
        build.arg("--release");
    }
    let built = build
        .current_dir(root())
        .status()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    if !built.success() {
        return Err("ml-connector does not build".to_string());
    }
    let program = directory.join("ml-connector");
    if program.is_file() {
        Ok(program)
    } else {
        Err(format!("cargo built no {}", program.display()))
    }
}

/// What is built decides which features the dependencies get, and other features mean building
/// wasmtime a second time. So the program is built with whatever cargo built for this process: a
/// test of the workspace (naming one brings in the features of all tests), or the demo.
fn features_of(is_test: bool) -> &'static [&'static str] {
    if is_test {
        &["--workspace", "--bin", "ml-connector", "--test", "contract"]
    } else {
        &[
            "--package",
            "ml-connector",
            "--package",
            "ml-connector-tests",
            "--bins",
        ]
    }
}

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_path_buf()
}

fn wasm_file(line: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let files = message.get("filenames")?.as_array()?;
    let wasm = files
        .iter()
        .filter_map(|file| file.as_str())
        .find(|file| file.ends_with(".wasm"))?;
    Some(PathBuf::from(wasm))
}

fn ensure_target(report: &mut dyn FnMut(&str)) -> Result<(), String> {
    if has_target() {
        return Ok(());
    }
    report("adding the compilation target for WebAssembly");
    let added = Command::new("rustup")
        .args(["target", "add", TARGET])
        .status();
    match added {
        Ok(status) if status.success() => Ok(()),
        _ => Err(format!(
            "the compilation target {TARGET} is missing; add it with `rustup target add {TARGET}`"
        )),
    }
}

fn has_target() -> bool {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .output();
    output.is_ok_and(|output| {
        let directory = String::from_utf8_lossy(&output.stdout).trim().to_string();
        output.status.success() && PathBuf::from(directory).is_dir()
    })
}

fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_string())
}
