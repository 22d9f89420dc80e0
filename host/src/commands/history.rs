//! `history`: a run's history as a file, and whether such a file replays.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Subcommand;
use ml_connector::component_record::{self, ComponentRecord};
use ml_connector::config::{Limits, Settings};
use ml_connector::contract::runs::{HistoryEntry, OpenError, Task};
use ml_connector::contract::settings::ReceiverNeed;
use ml_connector::contract::types::{Instant, ObjectRef};
use ml_connector::guest::{Guest, Instance};
use ml_connector::portable_history::{Attempt, PortableHistory, Replay, SettingsVersion};
use ml_connector::private;
use ml_connector::secret_addresses::redacted;
use ml_connector::service;
use ml_connector::store::sqlite::SqliteStore;
use ml_connector::store::{ChainHash, HistoryRow, Run, RunId, Store, StoreError};
use serde_json::{Map, Value, json};

use super::context::{self, Context};
use super::failure::Failure;
use super::{Done, exit, runs, show};

/// Write a run's history to a file, and check that such a file replays
///
/// A history holds everything that a run was told and everything that it demanded, so that anyone
/// with the component can run it again, without a network, a store or a secret. The file is JSON,
/// described in docs/history.md. It holds the documents that the run read and wrote in full, and no
/// token or secret: of the addresses at which this program receives, the secret part is replaced.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector history export 42 --output run-42.json
  ml-connector history check run-42.json")]
pub(super) struct Args {
    #[command(subcommand)]
    command: HistoryCommand,
}

#[derive(Debug, Subcommand)]
enum HistoryCommand {
    Export(ExportArgs),
    Check(CheckArgs),
}

/// Write the history of a run as one JSON file
///
/// Reads the store beside a running service. The file is readable by you alone.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector history export 42 --output run-42.json
  ml-connector history export 42 | jq .completion")]
struct ExportArgs {
    /// The run's number, as `ml-connector runs` lists it
    #[arg(value_name = "RUN")]
    run: RunId,
    /// Where to write it, else to standard output; a file that is there is not overwritten
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Replay a history file through the component, and say whether it comes to the same
///
/// Needs neither a store nor a service, and sends nothing. The exit code is 0 if the component
/// demands exactly what the file says and comes to the same end, and 1 if it does not: then the
/// first entry that differs is shown. A history replays under the component that recorded it;
/// another version of it may well differ.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector history check run-42.json
  ml-connector history check run-42.json --component old/ml_connector_component.wasm")]
struct CheckArgs {
    /// The file; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The component to replay it with, instead of the one that the settings file names, which is
    /// then not needed
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
}

/// A run with 100,000 entries of full pages is far smaller.
const FILE_BYTES_MAX: u64 = 256 << 20;

pub(super) fn run(context: &Context, args: &Args, out: &mut impl Write) -> Done {
    match &args.command {
        HistoryCommand::Export(args) => export(context, args, out),
        HistoryCommand::Check(args) => check(context, args, out),
    }
}

fn export(context: &Context, args: &ExportArgs, out: &mut impl Write) -> Done {
    let settings = context.settings()?;
    let file = collect(context, &settings, args.run)?;
    let text = redacted(&serde_json::to_string_pretty(&file)?);
    let Some(path) = &args.output else {
        writeln!(out, "{text}")?;
        return Ok(exit::OK);
    };
    write_private(path, &text)
        .map_err(|error| Failure::usage(format!("cannot write {}: {error}", path.display())))?;
    Ok(exit::OK)
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = private::options();
    let mut file = options.write(true).create_new(true).open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

/// A run's whole history in its portable form.
pub(super) fn collect(context: &Context, settings: &Settings, id: RunId) -> Result<Value, Failure> {
    let store = context::open_store(settings)?;
    // Without the component what it says about given-up attempts is missing.
    let guest = context.checked().ok().map(|checked| checked.guest);
    let file = context::wait_for(async {
        let run = store.run(id).await?;
        let run = run.ok_or_else(|| show::no_such_run(id))?;
        let rows = store.history(id).await?;
        let hashes = store.history_hashes(&run.connection, id).await?;
        Ok(Collector::new(settings, &store, &run, guest.as_ref())
            .collect(rows, &hashes)
            .await?)
    })?;
    Ok(file.to_json()?)
}

struct Collector<'c> {
    store: &'c SqliteStore,
    run: &'c Run,
    instance: Option<Instance>,
    settings: &'c Settings,
}

impl<'c> Collector<'c> {
    fn new(
        settings: &'c Settings,
        store: &'c SqliteStore,
        run: &'c Run,
        guest: Option<&'c Guest>,
    ) -> Self {
        Self {
            store,
            run,
            instance: guest.and_then(|guest| guest.instance().ok()),
            settings,
        }
    }

    /// `hashes` has one before each row, and the last is that of the whole history.
    async fn collect(
        mut self,
        rows: Vec<HistoryRow>,
        hashes: &[ChainHash],
    ) -> Result<PortableHistory, StoreError> {
        let run = self.run;
        let components = component_record::recorded(self.store).await?;
        let components = ran(&components, run, &rows).to_vec();
        let hash = hashes.get(rows.len()).filter(|_| !rows.is_empty());
        let mut epochs: BTreeMap<u32, HashedRows> = BTreeMap::new();
        for (row, hash) in rows.into_iter().zip(hashes) {
            epochs.entry(row.epoch).or_default().push((row, *hash));
        }
        let recorded = self.store.attempts(run.id).await?;
        let receive_url = self.receive_url(&run.object).await?;
        let mut earlier = Vec::new();
        let mut given_up: Vec<HistoryEntry> = Vec::new();
        for epoch in 0..run.epoch {
            let rows = epochs.remove(&epoch).unwrap_or_default();
            let attempt = recorded.iter().find(|attempt| attempt.epoch == epoch);
            // A version that stored no attempts was running: the first row is the best that there
            // is.
            let first = rows.first().map_or(run.started, |(row, _)| row.at);
            let started = attempt.map_or(first, |attempt| attempt.started);
            let version = attempt.map_or(&run.settings_version, |one| &one.settings_version);
            let (entries, previous_hashes) = entries(rows);
            earlier.push(Attempt {
                previous_hashes,
                settings: self.settings_version(version).await?,
                task: self.task(started, receive_url.clone(), &given_up),
                entries: entries.clone(),
            });
            given_up.extend(entries);
        }
        let (entries, previous_hashes) = entries(epochs.remove(&run.epoch).unwrap_or_default());
        let last = Attempt {
            previous_hashes,
            settings: self.settings_version(&run.settings_version).await?,
            task: self.task(run.started, receive_url, &given_up),
            entries,
        };
        Ok(PortableHistory {
            component_hash: components.last().map(|one| one.sha256.clone()),
            mapping_hash: None,
            connection: run.connection.clone(),
            run: about(run, hash, &components),
            earlier,
            last,
            completion: run.completion.clone(),
        })
    }

    fn task(
        &mut self,
        started: Instant,
        receive_url: Option<String>,
        given_up: &[HistoryEntry],
    ) -> Task {
        let unknown_since = match (&mut self.instance, given_up) {
            (_, []) | (None, _) => None,
            (Some(instance), _) => instance.unknown_since(given_up).ok().flatten(),
        };
        Task {
            object: self.run.object.clone(),
            reason: self.run.reason,
            started,
            receive_url,
            unknown_since,
        }
    }

    async fn settings_version(&self, version: &str) -> Result<SettingsVersion, StoreError> {
        let json = self.store.settings(&self.run.connection, version).await?;
        Ok(SettingsVersion {
            version: version.to_owned(),
            json: json.unwrap_or_default(),
        })
    }

    /// The address that the object's task has while the service runs with these settings.
    async fn receive_url(&mut self, object: &ObjectRef) -> Result<Option<String>, StoreError> {
        let name = &self.run.connection;
        let Some(need) = self.receiver_need(object) else {
            return Ok(None);
        };
        let config = &self.settings.config;
        let (base, path, mark) = match need {
            ReceiverNeed::Webhooks => (Some(&config.public_url), "freshbooks", "hook"),
            ReceiverNeed::Events => {
                let events = config.events.as_ref();
                (
                    events.map(|events| &events.public_url),
                    "concur",
                    "event-hook",
                )
            }
        };
        let token = self.store.mark(&format!("{mark}/{name}")).await?;
        let url = |(base, token): (&String, String)| format!("{base}/hooks/{path}/{name}/{token}");
        Ok(base.zip(token).map(url))
    }

    fn receiver_need(&mut self, object: &ObjectRef) -> Option<ReceiverNeed> {
        let mut connections = self.settings.config.connections.iter();
        let connection = connections.find(|one| one.name == self.run.connection)?;
        let instance = self.instance.as_mut()?;
        let loaded = instance.load_settings(&connection.name, &connection.json);
        let schedules = instance.schedules(loaded.ok()?.ok()?).ok()?;
        let schedule = schedules.iter().find(|one| one.object == *object)?;
        schedule.needs
    }
}

/// Rows of a history with the hash before each.
type HashedRows = Vec<(HistoryRow, ChainHash)>;

fn entries(rows: HashedRows) -> (Vec<HistoryEntry>, Vec<String>) {
    let hex = |hash: ChainHash| base16ct::lower::encode_string(&hash);
    rows.into_iter()
        .map(|(row, hash)| (row.into_entry(), hex(hash)))
        .unzip()
}

/// The components that ran a run, as far as they were recorded.
pub(super) fn ran<'a>(
    all: &'a [ComponentRecord],
    run: &Run,
    rows: &[HistoryRow],
) -> &'a [ComponentRecord] {
    let times = rows.iter().map(|row| match &row.outcome {
        Some(outcome) => outcome.at,
        None => row.at,
    });
    let times = times.chain(run.ended);
    let first = rows.first().map_or(run.started, |row| row.at);
    let first = first.min(run.started);
    component_record::between(all, first, times.max().unwrap_or(first))
}

/// What `runs --json` says of the run, under the name `id`, the hash of its history, and the
/// components that ran it.
fn about(
    run: &Run,
    hash: Option<&ChainHash>,
    components: &[ComponentRecord],
) -> Map<String, Value> {
    let mut about = match runs::as_json(run) {
        Value::Object(about) => about,
        _ => Map::new(),
    };
    about.remove("run");
    about.remove("completion");
    about.insert("id".into(), run.id.into());
    if let Some(hash) = hash {
        let hex = base16ct::lower::encode_string(hash);
        about.insert("history-hash".into(), hex.into());
    }
    about.insert("components".into(), json!(components));
    about
}

fn check(context: &Context, args: &CheckArgs, out: &mut impl Write) -> Done {
    let text = read(&args.file)?;
    let file = PortableHistory::from_slice(&text)
        .map_err(|error| Failure::usage(format!("{}: {error}", args.file.display())))?;
    let guest = load(context, args.component.as_deref())?;
    if let Some(hash) = file.component_hash.as_deref()
        && hash != guest.sha256_hex()
    {
        writeln!(
            out,
            "It was recorded by another component ({hash}) than the one that replays it ({}).",
            guest.sha256_hex()
        )?;
    }
    let replay = file
        .replay(Arc::new(guest))
        .map_err(|error| Failure::new(exit::NOT_IN_ORDER, error.to_string()))?;
    writeln!(out, "{}", describe(&replay, &file))?;
    Ok(match replay {
        Replay::Same => exit::OK,
        _ => exit::NOT_IN_ORDER,
    })
}

fn load(context: &Context, component: Option<&Path>) -> Result<Guest, Failure> {
    match component {
        Some(path) => Ok(Guest::load(path, &Limits::default())?),
        None => Ok(service::load_component(&context.settings()?.config)?),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable = |error| Failure::usage(format!("cannot read {}: {error}", file.display()));
    let source: Box<dyn Read> = if file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(std::fs::File::open(file).map_err(unreadable)?)
    };
    let mut text = Vec::new();
    source
        .take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut text)
        .map_err(unreadable)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(Failure::usage("the file is longer than 256 MiB"));
    }
    Ok(text)
}

fn describe(replay: &Replay, file: &PortableHistory) -> String {
    let count = file.last.entries.len();
    match replay {
        Replay::Same => format!("same: all {count} entries agree, and so does what follows"),
        Replay::SettingsRefused(problems) => {
            let first = problems.first().map_or("", |problem| &problem.message);
            format!("differs: the component does not accept the settings ({first})")
        }
        Replay::OtherSettings { present } => format!(
            "differs: the settings have the version {present}, and the file says {}",
            file.last.settings.version
        ),
        Replay::NotOpened(OpenError::Diverged(divergence)) => format!(
            "differs at entry {}\n  recorded: {}\n  demanded: {}",
            divergence.index, divergence.recorded, divergence.demanded
        ),
        Replay::NotOpened(OpenError::BrokenHistory(detail)) => {
            format!("differs: an outcome does not answer its demand ({detail})")
        }
        Replay::NotOpened(OpenError::UnknownKind(kind)) => {
            format!("differs: the component has no flow for objects of kind {kind}")
        }
        Replay::NotOpened(OpenError::InvalidTask(detail)) => {
            format!("differs: the component does not accept the task ({detail})")
        }
        Replay::OtherEnd(demand) => format!(
            "differs at the end: all {count} entries agree, and then the component demands\n  {}\n\
             (right if the host gave the run up: `component-failed`, or `ambiguous` after a trap)",
            runs::portable(demand)
        ),
    }
}
