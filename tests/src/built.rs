//! The built component, for whoever needs it: made by cargo if it is not up to date.

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
pub fn component() -> &'static PathBuf {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    FILE.get_or_init(|| build(&mut |_| ()).unwrap_or_else(|why| panic!("{why}")))
}

/// Builds the component and tells where it is; `say` is told what is being done.
///
/// # Errors
///
/// One sentence for a person.
pub fn build(say: &mut dyn FnMut(&str)) -> Result<PathBuf, String> {
    ensure_target(say)?;
    say("building the component");
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
    let file = messages.lines().rev().find_map(artifact);
    file.ok_or_else(|| "cargo named no component file".to_string())
}

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_path_buf()
}

fn artifact(line: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let files = message.get("filenames")?.as_array()?;
    let wasm = files
        .iter()
        .filter_map(|file| file.as_str())
        .find(|file| file.ends_with(".wasm"))?;
    Some(PathBuf::from(wasm))
}

fn ensure_target(say: &mut dyn FnMut(&str)) -> Result<(), String> {
    if has_target() {
        return Ok(());
    }
    say("adding the compilation target for WebAssembly");
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
