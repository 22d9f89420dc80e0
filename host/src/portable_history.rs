//! A run's history as one JSON file that any host can write and any other can replay;
//! `docs/history.md` defines it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::contract::portable;
use crate::contract::runs::{Completion, Demand, HistoryEntry, OpenError, Task};
use crate::contract::types::Problem;
use crate::guest::{Guest, InstanceError, Opened, SettingsText, SharedInstance};

/// The `format` of a history file.
pub const FORMAT: &str = "ml-connector-history";

/// The `format-version` that this program writes, and the latest that it reads.
pub const FORMAT_VERSION: u32 = 1;

/// A version of a connection's settings, as a history file holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsVersion {
    /// What `settings.version` returned for it.
    pub version: String,
    /// The text for `settings.load`.
    pub json: String,
}

/// One start of a run and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// The settings that it ran under.
    pub settings: SettingsVersion,
    /// What it was to do.
    pub task: Task,
    /// Its history, in order.
    pub entries: Vec<HistoryEntry>,
    /// The hash before each entry, in lower-case hex; empty where the host has none.
    pub previous_hashes: Vec<String>,
}

/// A whole history file.
#[derive(Debug, Clone, PartialEq)]
pub struct PortableHistory {
    /// SHA-256 of the `.wasm` file that ran it, in lower-case hex, where that is known.
    pub component_hash: Option<String>,
    /// The same of a mapping component.
    pub mapping_hash: Option<String>,
    /// The connection's name, 1 to 64 characters, such as `acme`.
    pub connection: String,
    /// `id` and whatever else the host knows of the run; a replay ignores it.
    pub run: Map<String, Value>,
    /// The attempts that were given up, oldest first.
    pub earlier: Vec<Attempt>,
    /// The attempt that is under way, or that the run ended in.
    pub last: Attempt,
    /// How the run ended; none while it has not.
    pub completion: Option<Completion>,
}

/// Why a text is no history file that can be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not JSON, or a member is missing or of another type.
    #[error("it is not a history file: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The member `format` is not `ml-connector-history`.
    #[error("its format is {0:?}, not \"ml-connector-history\"")]
    OtherFormat(String),
    /// A `format-version` that is later than [`FORMAT_VERSION`].
    #[error("its format-version is {0}; this program reads up to 1, so use a newer one")]
    Newer(u32),
}

/// The file's outermost object. Members of the contract stay values here, and are read by
/// [`portable`], which is strict where this is not.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct FileForm {
    format: String,
    format_version: u32,
    #[serde(default)]
    component_hash: Option<String>,
    #[serde(default)]
    mapping_hash: Option<String>,
    connection: String,
    #[serde(default)]
    run: Map<String, Value>,
    settings: SettingsVersion,
    task: Value,
    #[serde(default)]
    earlier: Vec<AttemptForm>,
    entries: Vec<EntryForm>,
    #[serde(default)]
    completion: Value,
}

#[derive(Serialize, Deserialize)]
struct AttemptForm {
    settings: SettingsVersion,
    task: Value,
    entries: Vec<EntryForm>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct EntryForm {
    demand: Value,
    #[serde(default)]
    outcome: Value,
    #[serde(default)]
    previous_hash: Option<String>,
}

impl EntryForm {
    fn new(
        entry: &HistoryEntry,
        previous_hash: Option<&String>,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self {
            demand: portable::to_value(&entry.demand)?,
            outcome: portable::to_value(&entry.outcome)?,
            previous_hash: previous_hash.cloned(),
        })
    }

    fn read(self) -> Result<HistoryEntry, serde_json::Error> {
        Ok(HistoryEntry {
            demand: portable::from_value(self.demand)?,
            outcome: portable::from_value(self.outcome)?,
        })
    }
}

impl AttemptForm {
    fn new(attempt: &Attempt) -> Result<Self, serde_json::Error> {
        Ok(Self {
            settings: attempt.settings.clone(),
            task: portable::to_value(&attempt.task)?,
            entries: attempt
                .entries
                .iter()
                .enumerate()
                .map(|(index, entry)| EntryForm::new(entry, attempt.previous_hashes.get(index)))
                .collect::<Result<_, _>>()?,
        })
    }

    fn read(self) -> Result<Attempt, serde_json::Error> {
        let hashes = self.entries.iter().map(|entry| entry.previous_hash.clone());
        // A hash that is missing in between leaves nothing that could be compared.
        let previous_hashes = hashes.collect::<Option<_>>().unwrap_or_default();
        let entries = self.entries.into_iter().map(EntryForm::read);
        Ok(Attempt {
            previous_hashes,
            settings: self.settings,
            task: portable::from_value(self.task)?,
            entries: entries.collect::<Result<_, _>>()?,
        })
    }
}

impl PortableHistory {
    /// The file as a JSON value.
    ///
    /// # Errors
    ///
    /// None in practice: every value of the contract has a JSON form.
    pub fn to_json(&self) -> Result<Value, serde_json::Error> {
        let AttemptForm {
            settings,
            task,
            entries,
        } = AttemptForm::new(&self.last)?;
        let earlier = self.earlier.iter().map(AttemptForm::new);
        serde_json::to_value(FileForm {
            format: FORMAT.to_owned(),
            format_version: FORMAT_VERSION,
            component_hash: self.component_hash.clone(),
            mapping_hash: self.mapping_hash.clone(),
            connection: self.connection.clone(),
            run: self.run.clone(),
            settings,
            task,
            earlier: earlier.collect::<Result<_, _>>()?,
            entries,
            completion: portable::to_value(&self.completion)?,
        })
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`ReadError`]; each says what is wrong with the file.
    pub fn from_slice(text: &[u8]) -> Result<Self, ReadError> {
        let form: FileForm = serde_json::from_slice(text)?;
        if form.format != FORMAT {
            return Err(ReadError::OtherFormat(form.format));
        }
        if form.format_version > FORMAT_VERSION {
            return Err(ReadError::Newer(form.format_version));
        }
        let last = AttemptForm {
            settings: form.settings,
            task: form.task,
            entries: form.entries,
        };
        let earlier = form.earlier.into_iter().map(AttemptForm::read);
        Ok(Self {
            component_hash: form.component_hash,
            mapping_hash: form.mapping_hash,
            connection: form.connection,
            run: form.run,
            earlier: earlier.collect::<Result<_, _>>()?,
            last: last.read()?,
            completion: portable::from_value(form.completion)?,
        })
    }

    /// Replays the last attempt through a component.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Guest`] if the component traps; all else is a [`Replay`].
    pub fn replay(&self, guest: Arc<Guest>) -> Result<Replay, InstanceError> {
        let instance = SharedInstance::new(guest)?;
        let SettingsVersion { version, json } = &self.last.settings;
        let settings = SettingsText {
            connection: Arc::from(self.connection.as_str()),
            version: version.clone(),
            json: Arc::from(json.as_str()),
        };
        let loaded = instance.call_with(&settings, |instance, loaded| {
            instance.settings_version(loaded)
        });
        match loaded {
            Ok(present) if present == *version => {}
            Ok(present) => return Ok(Replay::OtherSettings { present }),
            Err(InstanceError::Settings(problems)) => return Ok(Replay::SettingsRefused(problems)),
            Err(error) => return Err(error),
        }
        match instance.open(&self.last.task, &settings, &self.last.entries) {
            Ok(Opened { demand, .. }) => Ok(self.compare_end(demand)),
            Err(InstanceError::Open(error)) => Ok(Replay::NotOpened(error)),
            Err(error) => Err(error),
        }
    }

    fn compare_end(&self, demand: Demand) -> Replay {
        match (&self.completion, demand) {
            (Some(recorded), Demand::Done(completion)) if *recorded == completion => Replay::Same,
            (None, Demand::Perform(_) | Demand::Wait(_)) => Replay::Same,
            (_, demand) => Replay::OtherEnd(Box::new(demand)),
        }
    }
}

/// What a replay showed.
#[derive(Debug, Clone, PartialEq)]
pub enum Replay {
    /// The component demands exactly what was recorded, and comes to the same end.
    Same,
    /// The component does not accept the settings.
    SettingsRefused(Vec<Problem>),
    /// The settings have another version than the file says.
    OtherSettings {
        /// The version that the component returns for them.
        present: String,
    },
    /// The run cannot be opened; a divergence says at which entry.
    NotOpened(OpenError),
    /// All entries agree, and then the component demands this.
    OtherEnd(Box<Demand>),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::contract::runs::StartReason;
    use crate::store::conformance::{sample_completions, sample_entries};

    fn attempt(seeds: &[u32], unknown_since: Option<u64>) -> Attempt {
        Attempt {
            settings: SettingsVersion {
                version: "v1".into(),
                json: "{\"a\": 1}".into(),
            },
            task: Task {
                object: crate::contract::types::ObjectRef {
                    system: crate::contract::types::System::Freshbooks,
                    kind: "invoice".into(),
                    id: "7".into(),
                },
                reason: StartReason::LookAgain,
                started: 1_000,
                receive_url: None,
                unknown_since,
            },
            entries: sample_entries(seeds),
            previous_hashes: match unknown_since {
                Some(_) => seeds.iter().map(|seed| format!("{seed:064x}")).collect(),
                None => Vec::new(),
            },
        }
    }

    proptest! {
        #[test]
        fn what_is_exported_is_read_and_exported_to_the_same_bytes(
            earlier in prop::collection::vec(prop::collection::vec(any::<u32>(), 0..4), 0..3),
            last in prop::collection::vec(any::<u32>(), 0..8),
            unknown_since in prop::option::of(0_u64..1 << 50),
            ending in prop::option::of(0_usize..5),
            hash in prop::option::of("[0-9a-f]{64}"),
        ) {
            let file = PortableHistory {
                component_hash: hash,
                mapping_hash: None,
                connection: "acme".into(),
                run: Map::from_iter([("id".into(), Value::from(41))]),
                earlier: earlier.iter().map(|seeds| attempt(seeds, None)).collect(),
                last: attempt(&last, unknown_since),
                completion: ending.map(|index| sample_completions()[index].clone()),
            };
            let text = file.to_json().expect("has a form").to_string();
            let read = PortableHistory::from_slice(text.as_bytes()).expect("is read");
            prop_assert_eq!(&read, &file);
            prop_assert_eq!(read.to_json().expect("has a form").to_string(), text);
        }
    }

    #[test]
    fn another_format_and_a_newer_one_are_refused() {
        let text = |format: &str, version: u32| {
            let file = PortableHistory {
                component_hash: None,
                mapping_hash: None,
                connection: "acme".into(),
                run: Map::new(),
                earlier: Vec::new(),
                last: attempt(&[], None),
                completion: None,
            };
            let mut value = file.to_json().expect("has a form");
            value["format"] = format.into();
            value["format-version"] = version.into();
            value.to_string()
        };
        let read = |text: String| PortableHistory::from_slice(text.as_bytes());
        assert!(read(text(FORMAT, 1)).is_ok());
        assert!(matches!(
            read(text("else", 1)),
            Err(ReadError::OtherFormat(_))
        ));
        assert!(matches!(read(text(FORMAT, 2)), Err(ReadError::Newer(2))));
    }
}
