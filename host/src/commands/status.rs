//! `status`: how every connection stands, and who is needed by when.

mod events;
mod json;
mod print;
mod queues;

use std::io::Write;

use ml_connector::admin;
use ml_connector::clock::Clock;
use ml_connector::component_record::{self, ComponentRecord};
use ml_connector::config::{Config, Settings};
use ml_connector::contract::credentials::{Credential, CredentialStatus, RefreshPlan};
use ml_connector::contract::pacing::Gate;
use ml_connector::contract::runs::EndingKind;
use ml_connector::contract::types::{Instant, System};
use ml_connector::credentials::{unreadable_credential, usable_credential};
use ml_connector::engine::bounded_gate;
use ml_connector::guest::Instance;
use ml_connector::health::damage_mark;
use ml_connector::reconcile::schedule::{LastComparison, last_comparison};
use ml_connector::seal::Keyring;
use ml_connector::secrets::Secrets;
use ml_connector::service::{Orphan, orphans};
use ml_connector::store::sqlite::SqliteStore;
use ml_connector::store::{
    Run, RunCount, RunFilter, RunState, Store, StoreError, StoredCredential,
};

use self::events::EventStanding;
use self::queues::QueueStanding;
use super::context::{self, Context};
use super::failure::Failure;
use super::{Done, exit};

/// Show how every connection stands: credentials, held requests, counts, what waits and what is
/// parked
///
/// Reads the store beside a running server; nothing is sent or changed. With --check the exit code
/// tells whether a person is needed: 4 for a credential, else 5 for parked, rejected or conflicting
/// objects.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector status
  ml-connector status --connection acme --json
  ml-connector status --check || notify-the-bookkeeper")]
pub(super) struct Args {
    /// Show this connection only
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// Exit with 4 if a credential needs a person, with 5 if an object does
    #[arg(long)]
    check: bool,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

/// The endings that need a person.
const NEEDS_PERSON: [EndingKind; 3] = [
    EndingKind::Parked,
    EndingKind::Rejected,
    EndingKind::Conflict,
];

/// How many of the objects that need a person are listed.
const LISTED_MAX: u32 = 20;

pub(super) fn run(context: &Context, args: &Args, out: &mut impl Write) -> Done {
    let settings = context.settings()?;
    let names = connections(&settings, args.connection.as_deref())?;
    let store = context::open_store(&settings)?;
    // Without the component only the forecasts are missing; `check` says why.
    let mut instance = context
        .checked()
        .ok()
        .and_then(|checked| checked.guest.instance().ok());
    let (keyring, now) = (context::keyring(&settings.config), Clock::system().now());
    let (standings, surroundings) = context::wait_for(async {
        let secrets = client_secrets(&settings.config).await;
        let mut standings = Vec::new();
        for name in names {
            let keys = keyring.as_ref().map_err(String::as_str);
            let mut standing = gather(&store, keys, name, &mut instance, now).await?;
            if settings.config.events.is_some()
                && context::wants_events(&mut instance, &settings.config, &standing.name)
            {
                standing.events = Some(events::gather(&store, &standing.name).await?);
            }
            standing.queues =
                queues::gather(&store, &mut instance, &settings, &standing.name).await?;
            let is_ours = |one: &&String| one.contains(&format!(" of {}: ", standing.name));
            standing.client_secrets = secrets.iter().filter(is_ours).cloned().collect();
            standings.push(standing);
        }
        let only = args.connection.as_deref();
        Ok((
            standings,
            Surroundings::gather(&settings, &store, only).await?,
        ))
    })?;
    if args.json {
        let list = json::as_json(&standings, &surroundings);
        writeln!(out, "{}", serde_json::to_string_pretty(&list)?)?;
    } else {
        print::print(&standings, &surroundings, now, out)?;
    }
    Ok(if args.check {
        verdict(&standings)
    } else {
        exit::OK
    })
}

/// What stands beside the connections of the settings.
struct Surroundings {
    /// The component that ran last.
    component: Option<ComponentRecord>,
    /// Connections that the settings do not have any more.
    orphans: Vec<Orphan>,
    /// Whether a service works on the store.
    is_running: bool,
}

impl Surroundings {
    async fn gather(
        settings: &Settings,
        store: &SqliteStore,
        only: Option<&str>,
    ) -> Result<Self, StoreError> {
        let orphans = match only {
            Some(_) => Vec::new(),
            None => orphans(&settings.config, store).await?,
        };
        Ok(Self {
            component: component_record::recorded(store).await?.pop(),
            orphans,
            is_running: admin::is_running(&settings.config).await,
        })
    }
}

/// Client secrets that the running service cannot use, or else this process: in its environment and
/// its directory.
async fn client_secrets(config: &Config) -> Vec<String> {
    if let Some(status) = admin::service_status(config).await {
        return status.client_secrets;
    }
    let names = config.connections.iter().map(|one| one.name.as_str());
    let secrets = Secrets::new(config.secrets_dir.clone());
    let problems = secrets.client_secret_problems(names);
    problems.iter().map(ToString::to_string).collect()
}

fn connections(settings: &Settings, only: Option<&str>) -> Result<Vec<String>, Failure> {
    match only {
        Some(name) => Ok(vec![
            context::connection(settings, Some(name))?.name.clone(),
        ]),
        None => {
            let all = settings.config.connections.iter();
            Ok(all.map(|connection| connection.name.clone()).collect())
        }
    }
}

/// How the credential of one system stands.
struct CredentialStanding {
    system: System,
    /// None where it was never connected and the component is missing, which names that state.
    credential: Option<Credential>,
    /// None without the component.
    plan: Option<RefreshPlan>,
    /// The store has it and it cannot be read or opened: its sentence says what to do before
    /// connecting again.
    is_closed: bool,
}

impl CredentialStanding {
    fn is_live(&self) -> bool {
        let credential = self.credential.as_ref();
        credential.is_some_and(|credential| credential.status == CredentialStatus::Live)
    }
}

/// How one connection stands.
struct ConnectionStanding {
    name: String,
    /// What the service has found damaged, of the store or of this connection.
    damage: Vec<String>,
    credentials: Vec<CredentialStanding>,
    /// Client secrets that cannot be used.
    client_secrets: Vec<String>,
    held: Vec<Gate>,
    /// Nothing where no events are received.
    events: Option<EventStanding>,
    /// Nothing where no financial documents are fetched.
    queues: Vec<QueueStanding>,
    counts: Vec<RunCount>,
    /// What the last comparison on the schedule came to; none where none was made.
    compared: Option<LastComparison>,
    oldest_open: Option<Run>,
    needs_person: Vec<Run>,
}

impl ConnectionStanding {
    /// How many objects need a person; more than are listed, perhaps.
    fn needs_person_count(&self) -> u64 {
        let counts = self.counts.iter();
        counts
            .filter(|count| {
                count
                    .ending
                    .is_some_and(|kind| NEEDS_PERSON.contains(&kind))
            })
            .map(|count| count.objects)
            .sum()
    }
}

async fn gather(
    store: &SqliteStore,
    keyring: Result<&Keyring, &str>,
    name: String,
    instance: &mut Option<Instance>,
    now: Instant,
) -> Result<ConnectionStanding, StoreError> {
    let mut damage = damage(store, &name).await?;
    let mut credentials = Vec::new();
    for system in System::ALL {
        let (stored, is_closed) = match store.credential(&name, system).await {
            Err(ref error @ StoreError::Corrupt(ref detail)) => {
                damage.push(error.to_string());
                (Some(unreadable_credential(system, detail)), true)
            }
            stored => usable(keyring, stored?),
        };
        let absent = || instance.as_mut()?.absent_credential(system).ok();
        let credential = stored.or_else(absent);
        let plan = match (instance.as_mut(), &credential) {
            (Some(instance), Some(credential)) => instance.plan_refresh(credential, now).ok(),
            _ => None,
        };
        credentials.push(CredentialStanding {
            system,
            credential,
            plan,
            is_closed,
        });
    }
    let needs_person = readable(store.runs(needs_person(&name)).await, &mut damage)?;
    let oldest_open = readable(oldest_open(store, &name).await, &mut damage)?;
    let gates = readable(store.gates(&name).await, &mut damage)?;
    let counts = store.run_counts().await?;
    let compared = last_comparison(store, &name).await?;
    Ok(ConnectionStanding {
        credentials,
        held: gates
            .into_iter()
            // As the service believes it.
            .map(|gate| bounded_gate(gate, now))
            .filter(|gate| gate.hold.is_some_and(|hold| hold.until > now))
            .collect(),
        counts: counts
            .into_iter()
            .filter(|count| count.connection == name)
            .collect(),
        client_secrets: Vec::new(),
        events: None,
        queues: Vec::new(),
        compared,
        oldest_open,
        needs_person,
        damage,
        name,
    })
}

/// A stored credential as it can be used, and whether the keys are why it cannot.
fn usable(
    keyring: Result<&Keyring, &str>,
    stored: Option<StoredCredential>,
) -> (Option<Credential>, bool) {
    let Some(stored) = stored else {
        return (None, false);
    };
    let status = stored.credential.status.clone();
    let usable = usable_credential(keyring, stored);
    let is_closed = usable.status != status;
    (Some(usable), is_closed)
}

/// What was read, or nothing of what is damaged, which is said.
fn readable<T: Default>(
    read: Result<T, StoreError>,
    damage: &mut Vec<String>,
) -> Result<T, StoreError> {
    match read {
        Err(error @ (StoreError::UnreadableRun { .. } | StoreError::Corrupt(_))) => {
            damage.push(error.to_string());
            Ok(T::default())
        }
        read => read,
    }
}

async fn damage(store: &SqliteStore, name: &str) -> Result<Vec<String>, StoreError> {
    let mut damage = Vec::new();
    for name in ["", name] {
        damage.extend(store.mark(&damage_mark(name)).await?);
    }
    damage.retain(|text| !text.is_empty());
    Ok(damage)
}

fn needs_person(name: &str) -> RunFilter {
    RunFilter {
        connection: Some(name.to_string()),
        endings: NEEDS_PERSON.to_vec(),
        latest_only: true,
        limit: LISTED_MAX,
        ..RunFilter::default()
    }
}

/// The run with the smallest number that has not ended.
async fn oldest_open(store: &SqliteStore, name: &str) -> Result<Option<Run>, StoreError> {
    let mut oldest: Option<Run> = None;
    for state in [RunState::Due, RunState::Waiting] {
        let last = oldest_in(store, name, state).await?;
        let older = |run: &Run| oldest.as_ref().is_none_or(|oldest| run.id < oldest.id);
        if last.as_ref().is_some_and(older) {
            oldest = last;
        }
    }
    Ok(oldest)
}

async fn oldest_in(
    store: &SqliteStore,
    name: &str,
    state: RunState,
) -> Result<Option<Run>, StoreError> {
    const PAGE: u32 = 1_000;
    let (mut oldest, mut before) = (None, None);
    loop {
        let filter = RunFilter {
            connection: Some(name.to_string()),
            state: Some(state),
            before,
            limit: PAGE,
            ..RunFilter::default()
        };
        let page = store.runs(filter).await?;
        let is_full = page.len() == PAGE as usize;
        before = page.last().map(|run| run.id);
        // A look that is only planned has not started.
        let begun = page.into_iter().rfind(|run| !is_planned(run));
        oldest = begun.or(oldest);
        if !is_full {
            return Ok(oldest);
        }
    }
}

/// Whether a run is a look that an ending has asked for and that has not begun.
fn is_planned(run: &Run) -> bool {
    run.state == RunState::Waiting && run.wait_reason.is_none() && run.due == run.started
}

fn verdict(standings: &[ConnectionStanding]) -> u8 {
    let dead = |standing: &ConnectionStanding| {
        let mut credentials = standing.credentials.iter();
        credentials.any(|credential| !credential.is_live())
    };
    if standings.iter().any(dead) {
        exit::CREDENTIALS
    } else if standings
        .iter()
        .any(|standing| standing.needs_person_count() > 0)
    {
        exit::PARKED
    } else {
        exit::OK
    }
}
