//! The list of links, and that of their changes.

use std::io::Write;

use ml_connector::clock::Clock;
use ml_connector::contract::types::{Instant, ObjectRef, System};
use ml_connector::store::{
    LinkChange, LinkChangeFilter, LinkChangeId, LinkFilter, Store, StoredLink,
};
use serde_json::{Value, json};

use super::super::context::{self, Context};
use super::super::failure::Failure;
use super::super::{Done, exit, facts, labels, style, time_format};

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Of this connection; may be left out when there is only one
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// Only with a source in this system: freshbooks or concur
    #[arg(long, value_name = "SYSTEM", value_parser = parse_system)]
    system: Option<System>,
    /// Only with a source of this kind, such as invoice or client
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Only those whose source's id, number or party, or whose target's id, contains this text;
    /// upper and lower case are the same
    #[arg(long, value_name = "TEXT")]
    find: Option<String>,
    /// Only those after the link of this source, to page on
    #[arg(long, value_name = "SYSTEM/KIND/ID", value_parser = labels::parse_object)]
    after: Option<ObjectRef>,
    /// List what people changed instead, newest first: which link, when and who
    #[arg(long, conflicts_with_all = ["system", "kind", "find", "after"])]
    changes: bool,
    /// With --changes: only those with a smaller number, to page on
    #[arg(long, value_name = "CHANGE", requires = "changes")]
    before: Option<LinkChangeId>,
    /// At most so many
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

pub(super) fn run(context: &Context, args: &ListArgs, out: &mut impl Write) -> Done {
    let settings = context.settings()?;
    let connection = context::connection(&settings, args.connection.as_deref())?;
    let connection = connection.name.clone();
    let store = context::open_store(&settings)?;
    if args.changes {
        let filter = LinkChangeFilter {
            connection,
            source: None,
            before: args.before,
            limit: args.limit,
        };
        let changes = context::wait_for(async { Ok(store.link_changes(filter).await?) })?;
        return print_changes(&changes, args, out);
    }
    let filter = LinkFilter {
        connection,
        system: args.system,
        kind: args.kind.clone(),
        target: None,
        find: args.find.clone(),
        after: args.after.clone(),
        limit: args.limit,
    };
    let links = context::wait_for(async { Ok(store.links(filter).await?) })?;
    if args.json {
        let list: Vec<Value> = links.iter().map(as_json).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&list)?)?;
    } else {
        print(&links, args.limit, out)?;
    }
    Ok(exit::OK)
}

fn parse_system(text: &str) -> Result<System, String> {
    System::from_word(text).ok_or_else(|| "expected freshbooks or concur".to_string())
}

fn print(links: &[StoredLink], limit: u32, out: &mut impl Write) -> Result<(), Failure> {
    if links.is_empty() {
        writeln!(out, "No link matches.")?;
        return Ok(());
    }
    let now = Clock::system().now();
    let mut table = style::table(&["source", "target", "number", "party", "stored", "by"]);
    for stored in links {
        table.add_row(row(stored, now));
    }
    writeln!(out, "{}", table.trim_fmt())?;
    if let (true, Some(last)) = (links.len() == limit as usize, links.last()) {
        let source = labels::object(&last.link.source);
        writeln!(out, "There may be more: --after '{source}'")?;
    }
    Ok(())
}

fn row(stored: &StoredLink, now: Instant) -> Vec<String> {
    let [number, party, ..] = facts::columns(&stored.facts);
    let at = stored.stored.map(|at| time_format::relative(at, now));
    let by = match (stored.run, stored.stored) {
        (Some(run), _) => format!("run {run}"),
        (None, Some(_)) => "a person".to_string(),
        // An earlier version stored neither.
        (None, None) => String::new(),
    };
    vec![
        labels::object(&stored.link.source),
        labels::object(&stored.link.target),
        number,
        party,
        at.unwrap_or_default(),
        by,
    ]
}

/// A link for programs; instants are milliseconds since 1970 in UTC.
fn as_json(stored: &StoredLink) -> Value {
    json!({
        "source": labels::object(&stored.link.source),
        "target": labels::object(&stored.link.target),
        "number": stored.facts.number,
        "party": stored.facts.party,
        "version": stored.link.version,
        "content_hash": stored.link.content_hash,
        "stored_ms": stored.stored,
        "run": stored.run,
    })
}

fn print_changes(changes: &[LinkChange], args: &ListArgs, out: &mut impl Write) -> Done {
    if args.json {
        let list: Vec<Value> = changes.iter().map(change_as_json).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&list)?)?;
        return Ok(exit::OK);
    }
    if changes.is_empty() {
        writeln!(out, "Nobody has changed a link by hand.")?;
        return Ok(exit::OK);
    }
    let mut table = style::table(&["change", "at", "what", "source", "target", "by"]);
    for change in changes {
        table.add_row([
            change.id.to_string(),
            time_format::date_time(change.at),
            change.act.as_str().to_string(),
            labels::object(&change.source),
            labels::object(&change.target),
            super::author(&change.author),
        ]);
    }
    writeln!(out, "{}", table.trim_fmt())?;
    if let (true, Some(last)) = (changes.len() == args.limit as usize, changes.last()) {
        writeln!(out, "There may be more: --changes --before {}", last.id)?;
    }
    Ok(exit::OK)
}

fn change_as_json(change: &LinkChange) -> Value {
    json!({
        "change": change.id,
        "at_ms": change.at,
        "what": change.act.as_str(),
        "source": labels::object(&change.source),
        "target": labels::object(&change.target),
        "uid": change.author.uid,
        "by": change.author.name,
    })
}
