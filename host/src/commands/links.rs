//! `links`: the crosswalk, which says what became of what.

mod csv_file;
mod editing;
mod listing;

use std::io::Write;

use clap::Subcommand;
use ml_connector::store::LinkAuthor;

use super::Done;
use super::context::Context;

/// List links, and make or break them by hand
///
/// A link says that one object is another in the other system: this invoice is that payment
/// request. Runs store links and go by them: what is linked is changed and never made twice. A link
/// that the other side has to know by is stored in both directions. Filters add up; the list is in
/// the order of the sources' ids.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_long_help = "\
Examples:
  ml-connector links
  ml-connector links --find northwind
  ml-connector links --system freshbooks --kind invoice --limit 500 --json
  ml-connector links --changes
  ml-connector links adopt freshbooks/invoice/1234 concur/payment-request/5F2C")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Option<LinksCommand>,
    #[command(flatten)]
    list: listing::ListArgs,
}

#[derive(Debug, Subcommand)]
enum LinksCommand {
    Adopt(editing::AdoptArgs),
    Break(editing::BreakArgs),
    Export(csv_file::ExportArgs),
    Import(csv_file::ImportArgs),
}

pub(super) fn run(context: &Context, args: &Args, out: &mut impl Write) -> Done {
    match &args.command {
        None => listing::run(context, &args.list, out),
        Some(LinksCommand::Adopt(args)) => editing::adopt(context, args, out),
        Some(LinksCommand::Break(args)) => editing::break_link(context, args, out),
        Some(LinksCommand::Export(args)) => csv_file::export(context, args, out),
        Some(LinksCommand::Import(args)) => csv_file::import(context, args, out),
    }
}

/// Who changed a link, such as `Zoë (user 1000)`.
pub(super) fn author(author: &LinkAuthor) -> String {
    match &author.name {
        Some(name) => format!("{name} (user {})", author.uid),
        None => format!("user {}", author.uid),
    }
}

/// The longest name of a person that is stored, in characters.
const NAME_CHARS_MAX: usize = 100;

/// Reads the name of a person for `--by`.
fn parse_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    let is_name = (1..=NAME_CHARS_MAX).contains(&name.chars().count());
    match is_name && !name.chars().any(char::is_control) {
        true => Ok(name.to_string()),
        false => Err(format!(
            "expected a name of 1 to {NAME_CHARS_MAX} characters in one line"
        )),
    }
}
