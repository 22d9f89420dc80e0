//! `backup` and `restore`: copies of the store.

use std::io::Write;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use ml_connector::admin::{self, AdminRequest, audit};
use ml_connector::clock::Clock;
use ml_connector::config::Settings;
use ml_connector::service;
use ml_connector::store::StoreError;
use ml_connector::store::sqlite::{self, Backup, BackupError, BackupProgress, Restored};
use serde_json::json;

use super::context::{self, Context};
use super::failure::Failure;
use super::{Done, exit, logging, time_format};

/// Copy the store into a new file, beside a running service or without one
///
/// The copy is of one moment and holds everything that was acknowledged before the command started.
/// It is read from end to end before it gets its name, only its owner can read it, and a file that
/// is there is never replaced. The tokens in it are sealed: keep secrets/seal.keys too, in another
/// place. Run it as the service's user.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector backup /backup/ml-connector-2026-11-27.sqlite
  ml-connector backup /backup/ml-connector.sqlite --json")]
pub(super) struct BackupArgs {
    /// The new file; its directory must be there
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print one JSON object: the file, its bytes, and the commits and runs that it holds
    #[arg(long)]
    json: bool,
}

/// Put a backup in the place of the store, while no service runs
///
/// The backup is checked and copied; what is in the place of the store is moved aside, never
/// deleted. The seal keys are not part of it: put those of the time of the backup back first. Says
/// at its end what the restored store cannot know, and what to do about it.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector restore /backup/ml-connector-2026-11-27.sqlite")]
pub(super) struct RestoreArgs {
    /// The backup, which stays as it is
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print one JSON object: when the backup was made, the commits and runs that it holds, and
    /// where the store is that was there before
    #[arg(long)]
    json: bool,
}

pub(super) fn run_backup(context: &Context, args: &BackupArgs, out: &mut impl Write) -> Done {
    let settings = context.settings()?;
    if asked(admin::is_running_without_store(&settings.config)) {
        return Err(removed_under_service(&settings));
    }
    let bar = Bar::new();
    let (store, now) = (&settings.config.store, Clock::system().now());
    let made = sqlite::backup(store, &args.file, now, &mut |at| bar.show(at));
    bar.end();
    let made = made.map_err(failure)?;
    report_to_log(&settings, &args.file, &made);
    let (file, bytes) = (args.file.display().to_string(), made.bytes);
    let (commits, runs) = (made.commits, made.runs);
    if args.json {
        let answer = json!({"file": file, "bytes": bytes, "commits": commits, "runs": runs});
        writeln!(out, "{answer}")?;
        return Ok(exit::OK);
    }
    writeln!(
        out,
        "{file} holds {runs} runs and {commits} commits in {bytes} bytes, and was read from end to \
         end. Keep the seal keys in another place: without them its tokens do not open."
    )?;
    Ok(exit::OK)
}

fn asked(question: impl Future<Output = bool>) -> bool {
    context::wait_for(async { Ok(question.await) }).unwrap_or_default()
}

/// A copy of the file that is there would lack what only the service still has, and one put in its
/// place would hide that it is missing.
fn removed_under_service(settings: &Settings) -> Failure {
    let store = settings.config.store.display();
    let message = format!(
        "{store} was removed or replaced while the service runs, which still has all that was \
         stored: do not stop it, and see \"When the store was removed\" in docs/operating.md"
    );
    Failure::new(exit::STORE, message)
}

/// In the log of the service, where one runs.
fn report_to_log(settings: &Settings, file: &Path, made: &Backup) {
    let request = AdminRequest::BackedUp {
        file: file.display().to_string(),
        bytes: made.bytes,
    };
    let told = context::wait_for(async { Ok(admin::tell(&settings.config, request).await) });
    if !told.unwrap_or_default() {
        log(settings, "backup", file);
    }
}

/// Where no service runs that would log it.
fn log(settings: &Settings, name: &'static str, file: &Path) {
    logging::log_command(settings.log);
    let command = audit::Command::new(name, file.display().to_string());
    audit::log(audit::Actor::this_process(), &command, Ok(()));
}

pub(super) fn run_restore(context: &Context, args: &RestoreArgs, out: &mut impl Write) -> Done {
    let settings = context.settings()?;
    if asked(admin::is_running_without_store(&settings.config)) {
        return Err(removed_under_service(&settings));
    }
    let bar = Bar::new();
    let store = &settings.config.store;
    let restored = sqlite::restore(&args.file, store, &mut |at| bar.show(at));
    bar.end();
    let restored = restored.map_err(failure)?;
    log(&settings, "restore", &args.file);
    if args.json {
        let answer = json!({
            "store": store.display().to_string(),
            "made": restored.backup.made,
            "commits": restored.backup.commits,
            "runs": restored.backup.runs,
            "before": restored.before.map(|path| path.display().to_string()),
        });
        writeln!(out, "{answer}")?;
        return Ok(exit::OK);
    }
    write!(out, "{}", summary(store, &restored))?;
    for other in service::other_stores(&settings.config) {
        writeln!(
            out,
            "\nThe seal keys here were used with {} too, which is still there: if a service runs \
             on it, stop that one for good before this one is started.",
            other.display()
        )?;
    }
    Ok(exit::OK)
}

fn summary(store: &Path, restored: &Restored) -> String {
    let Restored { backup, before } = restored;
    let made = backup.made.map(time_format::date_time);
    let mut text = format!(
        "{} holds {} runs and {} commits, as of {}.\n",
        store.display(),
        backup.runs,
        backup.commits,
        made.as_deref()
            .unwrap_or("a time that the copy does not tell"),
    );
    if let Some(before) = before {
        text.push_str(&format!(
            "What was there is {} now; delete it when all is well.\n",
            before.display()
        ));
    }
    let connections = match backup.connections.as_slice() {
        [] => "no connection".to_string(),
        names => names.join(", "),
    };
    text.push_str(&format!(
        "
What this store cannot know, since it came about after the copy:
  - Tokens: FreshBooks' refresh token works once. If it was renewed since, FreshBooks has to be
    connected again; `ml-connector status` says so. It holds credentials of: {connections}.
  - Financial documents that were acknowledged since are not in SAP Concur's queue any more, and
    unknown here: compare the reports that were processed there since with FreshBooks' journal.
  - Webhooks that were registered since: their keys are not here.
  - Whether the service that the copy was made of still runs, here or on another machine. Two would
    work on every record, and each would spend the other's refresh token: stop that one for good.
\"Backup and restore\" in docs/operating.md has the details.

Next: put the seal keys of that time back, `ml-connector check`, start the service, and then
`ml-connector status`.
"
    ));
    text
}

fn failure(error: BackupError) -> Failure {
    match error {
        BackupError::Exists(_) => Failure::usage(error.to_string()),
        // These name the file themselves.
        BackupError::Store {
            source: error @ (StoreError::InUse(_) | StoreError::Lost(_) | StoreError::Exposed(_)),
            ..
        } => error.into(),
        error => Failure::new(exit::STORE, error.to_string()),
    }
}

/// The progress, on standard error and only if that is a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::new(0);
        let template = "  {bar:30} {bytes}/{total_bytes}{msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar)
    }

    fn show(&self, progress: BackupProgress) {
        match progress {
            BackupProgress::Copying { done, total } => {
                self.0.set_length(total);
                self.0.set_position(done);
            }
            BackupProgress::Checking => self.0.set_message(" copied; it is being checked"),
        }
    }

    fn end(&self) {
        self.0.finish_and_clear();
    }
}
