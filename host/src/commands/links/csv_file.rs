//! Links as a list that people edit in a spreadsheet: CSV with a header.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use csv::{ByteRecord, ErrorKind};
use ml_connector::admin::links::{
    IMPORT_ROWS_MAX, ImportRow, LinkedPair, LinksReply, LinksRequest, RowProblem, too_many_rows,
};
use ml_connector::contract::types::ObjectRef;
use ml_connector::guest::Instance;
use ml_connector::private;
use ml_connector::store::sqlite::SqliteStore;
use ml_connector::store::{LinkFilter, Store, StoredLink};
use serde_json::json;

use super::super::context::{self, Context};
use super::super::failure::Failure;
use super::super::{Done, exit, labels, time_format};
use super::editing::ask;

/// The columns of an export; an import needs the first two and leaves the others aside.
const COLUMNS: [&str; 6] = ["source", "target", "number", "party", "stored", "run"];

/// Links that are read and written at a time.
const PAGE_LINKS: u32 = 5_000;

/// Twenty thousand rows take a few MiB; more is another file.
const FILE_BYTES_MAX: u64 = 32 << 20;

/// Write all links of a connection to a CSV file
///
/// One row for each link, with the columns source, target, number, party, stored (UTC) and run. The
/// bookkeeping of the runs, such as registrations of webhooks, is left out. Reads the store beside
/// a running service. The file is readable by you alone.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector links export --output links.csv
  ml-connector links export --connection acme --output acme.csv --json")]
pub(super) struct ExportArgs {
    /// Of this connection; may be left out when there is only one
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// Where to write it; a file that is there is not overwritten
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Print a JSON object with the number of links
    #[arg(long)]
    json: bool,
}

/// Link the pairs of a CSV file, all or none
///
/// The file has a header with the columns source and target, each value written as
/// SYSTEM/KIND/ID; other columns are left aside, so that an export can be edited and read again.
/// Every row is checked first: ids of unknown kinds, pairs that are there twice, a source that is
/// linked to something else, two sources of one target. All rows that are wrong are listed with
/// their lines, and then nothing is stored. What is linked already stays as it is, and no link is
/// broken by an import. At most 20,000 rows at a time. It is recorded with who did it.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector links import links.csv --dry-run
  ml-connector links import links.csv --by 'Zoë Martin'")]
pub(super) struct ImportArgs {
    /// The file of links to read or write
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Check only, and store nothing
    #[arg(long)]
    dry_run: bool,
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

pub(super) fn export(context: &Context, args: &ExportArgs, out: &mut impl Write) -> Done {
    let checked = context.checked()?;
    let settings = &checked.settings;
    let connection = context::connection(settings, args.connection.as_deref())?;
    let store = context::open_store(settings)?;
    let cannot_write = |error: &dyn std::fmt::Display| {
        Failure::usage(format!("cannot write {}: {error}", args.output.display()))
    };
    let mut options = private::options();
    let file = options.write(true).create_new(true).open(&args.output);
    let file = file.map_err(|error| cannot_write(&error))?;
    let mut instance = checked.guest.instance()?;
    let mut writer = csv::Writer::from_writer(BufWriter::new(file));
    let written = write_rows(&store, &connection.name, &mut instance, &mut writer);
    let links = written.inspect_err(|_| drop(std::fs::remove_file(&args.output)))?;
    let file = writer.into_inner().map_err(|error| cannot_write(&error))?;
    let file = file.into_inner().map_err(|error| cannot_write(&error))?;
    file.sync_all().map_err(|error| cannot_write(&error))?;
    if args.json {
        writeln!(out, "{}", json!({ "links": links }))?;
    } else {
        writeln!(out, "{links} links are in {}.", args.output.display())?;
    }
    Ok(exit::OK)
}

fn write_rows(
    store: &SqliteStore,
    connection: &str,
    instance: &mut Instance,
    writer: &mut csv::Writer<BufWriter<File>>,
) -> Result<u64, Failure> {
    let cannot_write = |error: csv::Error| {
        Failure::new(
            exit::NOT_IN_ORDER,
            format!("cannot write the file: {error}"),
        )
    };
    writer.write_record(COLUMNS).map_err(cannot_write)?;
    let (mut links, mut after) = (0, None);
    loop {
        let filter = LinkFilter {
            connection: connection.to_string(),
            after,
            limit: PAGE_LINKS,
            ..LinkFilter::default()
        };
        let page = context::wait_for(async { Ok(store.links(filter).await?) })?;
        let Some(last) = page.last() else {
            return Ok(links);
        };
        after = Some(last.link.source.clone());
        for stored in &page {
            if instance.unpair(&stored.link)?.is_ok() {
                writer.write_record(row(stored)).map_err(cannot_write)?;
                links += 1;
            }
        }
    }
}

fn row(stored: &StoredLink) -> [String; 6] {
    let text = |text: &Option<String>| inert(text.clone().unwrap_or_default());
    [
        labels::object(&stored.link.source),
        labels::object(&stored.link.target),
        text(&stored.facts.number),
        text(&stored.facts.party),
        stored
            .stored
            .map(time_format::date_time)
            .unwrap_or_default(),
        stored.run.map(|run| run.to_string()).unwrap_or_default(),
    ]
}

/// A text that a spreadsheet would take for a formula is written behind an apostrophe: numbers and
/// names are whatever somebody has typed into the other system.
fn inert(text: String) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text,
    }
}

pub(super) fn import(context: &Context, args: &ImportArgs, out: &mut impl Write) -> Done {
    let settings = context.settings()?;
    let connection = context::connection(&settings, args.connection.as_deref())?;
    let bytes = read(&args.file)?;
    let list = parse(&bytes).map_err(Failure::usage)?;
    if list.rows.len() > IMPORT_ROWS_MAX {
        return Err(Failure::usage(too_many_rows(list.rows.len())));
    }
    let request = LinksRequest::Import {
        connection: connection.name.clone(),
        rows: list.rows,
        // With a row that cannot be read nothing is stored; the others are checked all the same.
        dry_run: args.dry_run || !list.problems.is_empty(),
        by: args.by.clone(),
    };
    let mut problems = list.problems;
    match ask(context, &settings, request)? {
        LinksReply::Imported { made, known } if problems.is_empty() => {
            print_imported(made, known, args, out)?;
            return Ok(exit::OK);
        }
        LinksReply::Problems { problems: others } => problems.extend(others),
        LinksReply::Imported { .. } | LinksReply::Changed { .. } => {}
    }
    problems.sort();
    print_problems(&problems, args, out)?;
    Ok(exit::NOT_IN_ORDER)
}

fn print_imported(
    made: u64,
    known: u64,
    args: &ImportArgs,
    out: &mut impl Write,
) -> Result<(), Failure> {
    if args.json {
        let imported = json!({ "made": made, "known": known, "dry_run": args.dry_run });
        writeln!(out, "{imported}")?;
        return Ok(());
    }
    let would = if args.dry_run { "would be" } else { "were" };
    writeln!(
        out,
        "{made} links {would} made; {known} rows say what is linked already."
    )?;
    Ok(())
}

fn print_problems(
    problems: &[RowProblem],
    args: &ImportArgs,
    out: &mut impl Write,
) -> Result<(), Failure> {
    if args.json {
        let problems = json!({ "made": 0, "problems": problems });
        writeln!(out, "{}", serde_json::to_string_pretty(&problems)?)?;
        return Ok(());
    }
    for RowProblem { line, message } in problems {
        writeln!(out, "{}:{line}: {message}", args.file.display())?;
    }
    let count = problems.len();
    writeln!(out, "{count} rows are wrong, so nothing was imported.")?;
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let read = || {
        let mut bytes = Vec::new();
        let mut file = File::open(path)?.take(FILE_BYTES_MAX + 1);
        file.read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    let path = path.display();
    let bytes = read().map_err(|error| Failure::usage(format!("cannot read {path}: {error}")))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let message = format!("{path} is longer than 32 MiB; split it");
        return Err(Failure::usage(message));
    }
    Ok(bytes)
}

/// The rows of a file that can be read, and what is wrong with the others.
#[derive(Debug, Default)]
struct List {
    rows: Vec<ImportRow>,
    problems: Vec<RowProblem>,
}

/// Reads a file; an error is one sentence about its header.
fn parse(bytes: &[u8]) -> Result<List, String> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let header = reader.byte_headers().cloned();
    let header = header.map_err(|error| format!("its header cannot be read: {error}"))?;
    let (source, target) = (column(&header, "source")?, column(&header, "target")?);
    let mut list = List::default();
    let mut record = ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(false) => return Ok(list),
            Ok(true) => {
                let line = line(record.position(), bytes);
                match pair(&record, source, target) {
                    Ok(pair) => list.rows.push(ImportRow { line, pair }),
                    Err(message) => list.problems.push(RowProblem { line, message }),
                }
            }
            Err(error) => list.problems.push(wrong_record(&error, bytes)),
        }
    }
}

/// The line that a record begins on. The reader counts the empty lines before it as a part of it.
fn line(position: Option<&csv::Position>, bytes: &[u8]) -> u64 {
    let Some(position) = position else { return 0 };
    let from = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let rest = bytes.get(from..).unwrap_or_default().iter();
    let empty = rest.take_while(|byte| matches!(byte, b'\r' | b'\n'));
    position.line() + empty.filter(|byte| **byte == b'\n').count() as u64
}

fn column(header: &ByteRecord, name: &str) -> Result<usize, String> {
    let found = header.iter().position(|column| column == name.as_bytes());
    found.ok_or_else(|| {
        let semicolons = header.iter().any(|column| column.contains(&b';'));
        let hint = match semicolons {
            true => "; its values are separated by semicolons, save it with commas",
            false => "",
        };
        format!(
            "the first line must name the columns source and target, and {name} is missing{hint}; \
             `ml-connector links export` writes such a file"
        )
    })
}

fn wrong_record(error: &csv::Error, bytes: &[u8]) -> RowProblem {
    let line = line(error.position(), bytes);
    let message = match error.kind() {
        ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("it has {len} values, and the header has {expected_len}"),
        _ => format!("it cannot be read: {error}"),
    };
    RowProblem { line, message }
}

fn pair(record: &ByteRecord, source: usize, target: usize) -> Result<LinkedPair, String> {
    Ok(LinkedPair {
        source: object(record, source, "source")?,
        target: object(record, target, "target")?,
    })
}

fn object(record: &ByteRecord, column: usize, name: &str) -> Result<ObjectRef, String> {
    let text = std::str::from_utf8(record.get(column).unwrap_or_default());
    let text = text.map_err(|_| format!("the {name} is not UTF-8; save the file as CSV UTF-8"))?;
    labels::parse_object(text).map_err(|expected| format!("the {name} \"{text}\": {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_with_their_lines_and_every_problem_is_found() {
        let text = "\u{feff}target,note,source\r\n\
            concur/payment-request/5F2C,\"two\nlines\",freshbooks/invoice/1\r\n\
            concur/vendor/V1|A, too ,few,many\n\
            \n\
            concur/vendor/V1|A,,netsuite/client/2\n\
            ,,freshbooks/client/2\n\
            concur/vendor/V1|A,, freshbooks/client/2 \n";
        let mut bytes = text.as_bytes().to_vec();
        bytes.extend(b"concur/vendor/V\xff|A,,freshbooks/client/3\n");
        let list = parse(&bytes).expect("has a header");
        let lines: Vec<u64> = list.rows.iter().map(|row| row.line).collect();
        assert_eq!(lines, [2, 8]);
        assert_eq!(list.rows[1].pair.source.id, "2");
        let problems = list.problems.iter();
        let problems: Vec<_> = problems
            .map(|row| (row.line, row.message.as_str()))
            .collect();
        let [few, system, empty, bytes] = problems[..] else {
            panic!("{problems:?}");
        };
        assert_eq!(few, (4, "it has 4 values, and the header has 3"));
        assert!(system.0 == 6 && system.1.contains("netsuite"), "{system:?}");
        assert!(
            empty.0 == 7 && empty.1.contains("the target \"\""),
            "{empty:?}"
        );
        assert!(bytes.0 == 9 && bytes.1.contains("UTF-8"), "{bytes:?}");
    }

    #[test]
    fn a_header_without_its_columns_is_refused() {
        for (text, why) in [
            ("", "source is missing"),
            ("source;target\na;b\n", "save it with commas"),
            ("source,number\n", "target is missing"),
        ] {
            let refused = parse(text.as_bytes()).expect_err(why);
            assert!(refused.contains(why), "{refused}");
        }
    }

    #[test]
    fn no_text_of_a_remote_is_a_formula() {
        assert_eq!(inert("=HYPERLINK(\"x\")".into()), "'=HYPERLINK(\"x\")");
        assert_eq!(inert("Northwind".into()), "Northwind");
    }
}
