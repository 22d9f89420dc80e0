//! `backfill`: bring across what was there before.

mod dry_run;
mod follow;

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use ml_connector::admin::{self, AdminReply, AdminRequest};
use ml_connector::config::Settings;
use ml_connector::contract::types::{ObjectRef, System};
use serde_json::json;

use super::context::{self, Context};
use super::failure::Failure;
use super::{Done, client, exit, labels};

/// Bring across the documents that were there before, by their own dates
///
/// A page of the list after the other, the service starts the runs of documents that have not been
/// carried over, a few at a time (backfill.runs_under_way_max), so that live webhooks keep their
/// share. This command shows how far it is and may be stopped: the back-fill goes on in the
/// service, and the same command shows it again. Started again after --cancel, or after something
/// stopped it, it goes on where it stood; once it is complete, it begins anew and carries over what
/// is still missing. Nothing is made twice. What is dated before the setting cut_over is never
/// posted, only shown.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector backfill --from 2026-01-01 --dry-run
  ml-connector backfill --from 2026-01-01
  ml-connector backfill --from 2026-01-01 --to 2026-06-30 --kind invoice --json
  ml-connector backfill --from 2026-01-01 --cancel")]
pub(super) struct Args {
    /// The first date of the documents
    #[arg(long, value_name = "DATE")]
    from: jiff::civil::Date,
    /// The last date of the documents; without it, all later ones
    #[arg(long, value_name = "DATE")]
    to: Option<jiff::civil::Date>,
    /// Only documents of these kinds, separated by commas; without it, of every kind
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    kind: Vec<KindArg>,
    /// The connection; may be left out when there is only one
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// Say for each page what would be started, what is there already and what would stop for a
    /// person; only reads are sent and nothing is stored
    #[arg(long, conflicts_with = "cancel")]
    dry_run: bool,
    /// Start nothing more; what is under way goes on
    #[arg(long)]
    cancel: bool,
    /// Print a JSON array with an object for each kind
    #[arg(long)]
    json: bool,
}

/// What can be back-filled. Financial documents need none: their queue lists whatever nobody has
/// acknowledged, however old it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum KindArg {
    /// Invoices of FreshBooks to its clients
    Invoice,
    /// Bills of vendors in FreshBooks
    Bill,
    /// Expenses of members of staff in FreshBooks
    Expense,
}

impl KindArg {
    /// Its word in `wit/`.
    fn as_str(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::Bill => "bill",
            Self::Expense => "expense",
        }
    }
}

/// The back-fill of one kind.
struct Backfill {
    kind: &'static str,
    /// The object that its runs begin with.
    head: ObjectRef,
    /// Whether the person named the kind.
    is_named: bool,
}

pub(super) fn run(context: &Context, args: &Args, out: &mut impl Write) -> Done {
    let settings = context.settings()?;
    let connection = context::connection(&settings, args.connection.as_deref())?;
    if args.to.is_some_and(|to| to < args.from) {
        return Err(Failure::usage("--to is earlier than --from"));
    }
    let backfills = backfills(args);
    let asked = Asked {
        context,
        settings: &settings,
        connection: &connection.name,
    };
    if args.dry_run {
        return dry_run::show(&asked, &backfills, args.json, out);
    }
    let store = context::open_store(&settings)?;
    for backfill in &backfills {
        asked.start(backfill, args.cancel)?;
    }
    if !context::wait_for(async { Ok(admin::is_running(&settings.config).await) })? {
        return no_service(&backfills, args.json, out);
    }
    if io::stderr().is_terminal() && !args.cancel {
        eprintln!(
            "The service does the work and goes on without this command; stop it with --cancel."
        );
    }
    let standings = follow::until_the_end(&store, &connection.name, &backfills)?;
    follow::show(&backfills, &standings, args.json, out)?;
    Ok(follow::exit_code(&backfills, &standings, args.cancel))
}

fn backfills(args: &Args) -> Vec<Backfill> {
    let is_named = !args.kind.is_empty();
    let all = KindArg::value_variants();
    let wanted = all
        .iter()
        .filter(|kind| !is_named || args.kind.contains(kind));
    let to = args.to.map(|to| to.to_string()).unwrap_or_default();
    wanted
        .map(|kind| Backfill {
            kind: kind.as_str(),
            head: ObjectRef {
                system: System::Freshbooks,
                kind: "backfill".to_owned(),
                id: format!("{}/{}..{to}", kind.as_str(), args.from),
            },
            is_named,
        })
        .collect()
}

fn no_service(backfills: &[Backfill], as_json: bool, out: &mut impl Write) -> Done {
    if as_json {
        let started = backfills.iter().map(|backfill| {
            json!({"kind": backfill.kind, "object": labels::object(&backfill.head),
                "state": "waits-for-service"})
        });
        let started: Vec<_> = started.collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&started)?)?;
    } else {
        writeln!(out, "It is due. {}", labels::NO_SERVICE)?;
    }
    Ok(exit::OK)
}

/// Whom to ask, and for which connection.
struct Asked<'c> {
    context: &'c Context,
    settings: &'c Settings,
    connection: &'c str,
}

impl Asked<'_> {
    fn ask(&self, request: AdminRequest) -> Result<AdminReply, Failure> {
        context::wait_for(client::ask(self.context, self.settings, request))
    }

    fn start(&self, backfill: &Backfill, cancels: bool) -> Result<(), Failure> {
        let id = &backfill.head.id;
        let request = AdminRequest::Backfill {
            connection: self.connection.to_owned(),
            id: match cancels {
                true => format!("{id}/cancel"),
                false => id.clone(),
            },
        };
        match self.ask(request)? {
            AdminReply::BackfillStarted => Ok(()),
            reply => Err(client::refused(reply, exit::STORE)),
        }
    }
}
