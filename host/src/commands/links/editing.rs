//! One pair at a time: made by hand, or broken.

use std::io::{self, IsTerminal, Write};

use ml_connector::admin::links::{LinkedPair, LinksReply, LinksRequest};
use ml_connector::admin::{AdminReply, AdminRequest};
use ml_connector::config::Settings;
use ml_connector::contract::runs::EndingKind;
use ml_connector::contract::types::ObjectRef;
use ml_connector::store::{RunFilter, Store};
use serde_json::{Value, json};

use super::super::context::{self, Context};
use super::super::failure::Failure;
use super::super::{Done, client, exit, labels};

/// Say that two objects are one: link them by hand
///
/// For what was typed into both systems, or found where a run could not know that it is the same:
/// name both, in either order. The next run of the object takes what it is linked to for its own:
/// it compares and changes that one, and makes no other. What can be linked: invoice and
/// payment-request, bill and payment-request, financial-document and bill or journal-entry, client
/// or bill-vendor and vendor, supplier and bill-vendor. It is refused while a run of the object is
/// under way, and where one of the two is linked to another already. It is recorded who did it.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector links adopt freshbooks/invoice/1234 concur/payment-request/5F2C
  ml-connector links adopt freshbooks/client/77 'concur/vendor/V100|MAIN' --by 'Zoë Martin'")]
pub(super) struct AdoptArgs {
    /// The object in the system that owns it
    #[arg(value_name = "SOURCE", value_parser = labels::parse_object)]
    source: ObjectRef,
    /// What it is in the other system
    #[arg(value_name = "TARGET", value_parser = labels::parse_object)]
    target: ObjectRef,
    #[command(flatten)]
    who: Who,
}

/// Forget a link, in both directions
///
/// Nothing is changed in either system. What the source was linked to is foreign to its next run,
/// which looks for a record with our marker, links that again if there is one, and else may make
/// another: take away there what is not to be found again, or adopt another pair at once.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector links break freshbooks/invoice/1234
  ml-connector links break freshbooks/client/77 --yes --by 'Zoë Martin'")]
pub(super) struct BreakArgs {
    /// The source of the link
    #[arg(value_name = "SOURCE", value_parser = labels::parse_object)]
    source: ObjectRef,
    /// Do not ask before it is done
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    who: Who,
}

// Where, and who. Not a documentation: clap would take it for that of the command.
#[derive(Debug, clap::Args)]
struct Who {
    /// Of this connection; may be left out when there is only one
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// Who you are, for the record, beside the user that you are logged in as
    #[arg(long, value_name = "NAME", value_parser = super::parse_name)]
    by: Option<String>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn adopt(context: &Context, args: &AdoptArgs, out: &mut impl Write) -> Done {
    let settings = context.settings()?;
    let connection = connection(&settings, &args.who)?;
    let request = LinksRequest::Adopt {
        connection: connection.clone(),
        pair: LinkedPair {
            source: args.source.clone(),
            target: args.target.clone(),
        },
        by: args.who.by.clone(),
    };
    let pairs = changed(ask(context, &settings, request)?)?;
    if args.who.json {
        writeln!(out, "{}", json!({ "linked": as_json(&pairs) }))?;
        return Ok(exit::OK);
    }
    if pairs.is_empty() {
        writeln!(out, "They are linked already.")?;
    }
    print(&pairs, "Linked", out)?;
    for source in pairs.iter().map(|pair| &pair.source) {
        if let Some(run) = stopped(&settings, &connection, source)? {
            writeln!(out, "Then: ml-connector replay {run}")?;
        }
    }
    Ok(exit::OK)
}

pub(super) fn break_link(context: &Context, args: &BreakArgs, out: &mut impl Write) -> Done {
    let settings = context.settings()?;
    let connection = connection(&settings, &args.who)?;
    if !args.yes && !is_confirmed(&args.source)? {
        writeln!(out, "Nothing was changed.")?;
        return Ok(exit::NOT_IN_ORDER);
    }
    let request = LinksRequest::Break {
        connection,
        source: args.source.clone(),
        by: args.who.by.clone(),
    };
    let pairs = changed(ask(context, &settings, request)?)?;
    if args.who.json {
        writeln!(out, "{}", json!({ "broken": as_json(&pairs) }))?;
    } else {
        print(&pairs, "No longer linked", out)?;
    }
    Ok(exit::OK)
}

fn connection(settings: &Settings, who: &Who) -> Result<String, Failure> {
    let connection = context::connection(settings, who.connection.as_deref())?;
    Ok(connection.name.clone())
}

/// Asks for a change of links; where there is no store yet there is nothing to change.
pub(super) fn ask(
    context: &Context,
    settings: &Settings,
    request: LinksRequest,
) -> Result<LinksReply, Failure> {
    drop(context::open_store(settings)?);
    let request = AdminRequest::Links(request);
    match context::wait_for(client::ask(context, settings, request))? {
        AdminReply::Links(reply) => Ok(reply),
        other => Err(client::refused(other, exit::USAGE)),
    }
}

fn changed(reply: LinksReply) -> Result<Vec<LinkedPair>, Failure> {
    match reply {
        LinksReply::Changed { pairs } => Ok(pairs),
        LinksReply::Imported { .. } | LinksReply::Problems { .. } => {
            Err(client::refused(AdminReply::Noted, exit::USAGE))
        }
    }
}

fn is_confirmed(source: &ObjectRef) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(
            "nobody can be asked here; add --yes to break the link all the same",
        ));
    }
    let mut stderr = io::stderr();
    let source = labels::object(source);
    write!(stderr, "Forget what {source} is linked to? [y/N] ")?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// The latest run of an object, if a person has to start the next one.
fn stopped(
    settings: &Settings,
    connection: &str,
    object: &ObjectRef,
) -> Result<Option<u64>, Failure> {
    let store = context::open_store(settings)?;
    let filter = RunFilter {
        connection: Some(connection.to_string()),
        object: Some(object.clone()),
        endings: vec![
            EndingKind::Rejected,
            EndingKind::Parked,
            EndingKind::Conflict,
        ],
        latest_only: true,
        limit: 1,
        ..RunFilter::default()
    };
    let runs = context::wait_for(async { Ok(store.runs(filter).await?) })?;
    Ok(runs.first().map(|run| run.id))
}

fn print(pairs: &[LinkedPair], what: &str, out: &mut impl Write) -> Result<(), Failure> {
    for LinkedPair { source, target } in pairs {
        let (source, target) = (labels::object(source), labels::object(target));
        writeln!(out, "{what}: {source} and {target}.")?;
    }
    Ok(())
}

fn as_json(pairs: &[LinkedPair]) -> Vec<Value> {
    let pairs = pairs.iter().map(|LinkedPair { source, target }| {
        json!({ "source": labels::object(source), "target": labels::object(target) })
    });
    pairs.collect()
}
