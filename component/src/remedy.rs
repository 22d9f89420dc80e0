//! What a person does about a stopped run.

use alloc::format;
use alloc::string::String;

/// Which runs are started again when it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replay {
    /// The one that stopped.
    Run,
    /// All that are parked: others stopped for the same reason.
    Parked,
}

/// A remedy that changes a setting, or may do so: the change counts only after a restart, and runs
/// that are parked stay so until they are started again.
#[must_use]
pub(crate) fn after_settings(change: &str, replay: Replay) -> String {
    let runs = match replay {
        Replay::Run => "RUN",
        Replay::Parked => "--parked",
    };
    format!(
        "{change}; restart the service after a change of its settings (it reads them at its \
         start), then `ml-connector replay {runs}`"
    )
}

#[cfg(test)]
mod tests {
    extern crate std;

    use alloc::string::ToString;
    use alloc::vec::Vec;
    use std::path::Path;

    use super::*;

    #[test]
    fn a_changed_setting_counts_after_a_restart() {
        assert_eq!(
            after_settings("set `expense.staff`", Replay::Parked),
            "set `expense.staff`; restart the service after a change of its settings (it reads \
             them at its start), then `ml-connector replay --parked`"
        );
        assert!(after_settings("", Replay::Run).ends_with("`ml-connector replay RUN`"));
    }

    /// Whether a text names a setting, such as `expense.staff`, or the settings as a whole.
    fn names_settings(text: &str) -> bool {
        let quoted = text.split('`').skip(1).step_by(2);
        let mut keys = quoted.filter_map(|code| code.split([' ', '{']).next());
        let is_key = |key: &str| {
            let is_part = |part: &str| {
                part.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            };
            key.contains('.') && key.split('.').all(is_part)
        };
        keys.any(is_key) || text.contains("the settings")
    }

    /// The texts in quotes of a source, as they are read; tests are left out.
    fn texts(source: &str) -> Vec<String> {
        let code = source.split("#[cfg(test)]\nmod tests {").next();
        let code = code.unwrap_or_default().replace("'\"'", "' '");
        let mut texts: Vec<String> = Vec::new();
        for line in code.replace("\\\"", "'").replace("\\\n", "\r").lines() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            let quoted = line.split('"').skip(1).step_by(2);
            texts.extend(quoted.map(|text| {
                let lines = text.split('\r').map(str::trim_start);
                lines.collect::<Vec<_>>().concat()
            }));
        }
        texts
    }

    fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).expect("is a folder") {
            let path = entry.expect("is there").path();
            let name = path.to_string_lossy().to_string();
            if path.is_dir() && !name.ends_with("tests") {
                sources(&path, found);
            } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
                let text = std::fs::read_to_string(&path).expect("is text");
                found.push((name, text));
            }
        }
    }

    /// A person who changes a setting and replays without a restart would see the same again.
    #[test]
    fn every_remedy_that_names_a_setting_says_that_a_restart_is_needed() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut found = Vec::new();
        sources(&folder, &mut found);
        let (mut replays, mut changes) = (0, 0);
        let mut wrong: Vec<String> = Vec::new();
        for (name, source) in &found {
            let (mut rest, is_ours) = (source.as_str(), name.ends_with("remedy.rs"));
            // Settings that a remedy names: `after_settings` is what puts them together.
            while let Some((_, after)) = rest.split_once("let remedy = ").filter(|_| !is_ours) {
                let statement = after.split(";\n").next().unwrap_or_default();
                let is_whole = statement.contains("after_settings(");
                let texts = texts(statement);
                let texts = texts
                    .iter()
                    .filter(|text| names_settings(text) && !is_whole);
                wrong.extend(texts.map(|text| format!("{name}: {text}")));
                rest = after;
            }
            changes += source.matches("after_settings(").count();
            for text in texts(source).iter().filter(|text| text.contains("replay ")) {
                replays += 1;
                let is_told = !names_settings(text) || text.contains("restart");
                if !is_told && !is_ours {
                    wrong.push(format!("{name}: {text}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert!(replays > 30 && changes > 20, "{replays} {changes}");
    }
}
