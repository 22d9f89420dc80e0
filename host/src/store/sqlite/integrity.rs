//! Finds what was changed, deleted or damaged, and has rows of older versions join their chains.

use std::collections::BTreeSet;

use rusqlite::{Connection, Row};

use super::chain;
use super::endings::StoredLink;
use super::{collect, endings, execute, history, instant, integer, reads, trimming};
use crate::contract::types::Instant;
use crate::store::{
    ChainHash, CheckExtent, DAMAGE_MAX, Damage, HISTORIES_OF_OBJECT_MAX, RunId, StoreError,
};

/// What is wrong, at most [`DAMAGE_MAX`] findings and one that says that there are more.
pub(super) fn find_damage(
    database: &Connection,
    extent: CheckExtent,
) -> Result<Vec<Damage>, StoreError> {
    let mut found = Findings::default();
    let pragma = match extent {
        CheckExtent::Pages => "quick_check",
        CheckExtent::Everything => "integrity_check",
    };
    check_structure(database, pragma, &mut found)?;
    if extent == CheckExtent::Everything {
        // A page that cannot be read ends one check; what the others find is worth having.
        let checked = check_endings(database, &mut found);
        found.note(checked);
        let checked = check_runs(database, &mut found);
        found.note(checked);
    }
    Ok(found.0)
}

/// Has what a store of an earlier version holds join its chains. They vouch for it from here on.
pub(super) fn adopt(database: &Connection) -> Result<(), StoreError> {
    let sql = "SELECT id, connection, retired FROM runs ORDER BY id";
    for run in collect(database, sql, [], read_run)? {
        if run.is_retired {
            continue;
        }
        let history = history::fold(database, &run.connection, run.id)?;
        let sql = "UPDATE runs SET history_hash = ?, history_hash_before_open = ? WHERE id = ?";
        let values = (history.hash, history.before_open, integer(run.id)?);
        execute(database, sql, values)?;
    }
    let sql = "SELECT connection, max(ended) + 1 FROM runs WHERE retired <> 0 GROUP BY connection";
    for (connection, ended_before) in collect(database, sql, [], |row| {
        Ok((row.get::<_, String>(0)?, instant(row, 1)?))
    })? {
        endings::add_deletion(database, &connection, ended_before)?;
    }
    let sql = "SELECT id, connection, ended FROM runs WHERE ended IS NOT NULL ORDER BY ended, id";
    for (run, connection, ended) in collect(database, sql, [], |row| {
        Ok((instant(row, 0)?, row.get::<_, String>(1)?, instant(row, 2)?))
    })? {
        endings::add(database, &connection, run, ended)?;
    }
    Ok(())
}

#[derive(Default)]
struct Findings(Vec<Damage>);

impl Findings {
    fn add(&mut self, connection: &str, run: Option<RunId>, message: impl Into<String>) {
        self.push(Damage {
            connection: Some(connection.to_owned()),
            run,
            message: message.into(),
        });
    }

    /// An error of the database itself.
    fn note(&mut self, checked: Result<(), StoreError>) {
        if let Err(error) = checked {
            self.push(Damage {
                connection: None,
                run: None,
                message: error.to_string(),
            });
        }
    }

    fn push(&mut self, damage: Damage) {
        match self.0.len() {
            ..DAMAGE_MAX => self.0.push(damage),
            DAMAGE_MAX => self.0.push(Damage {
                connection: None,
                run: None,
                message: "there is more; it is not listed".into(),
            }),
            _ => {}
        }
    }
}

/// SQLite's own check of the file, which answers `ok` or a line for each fault; it fails where it
/// cannot even begin.
fn check_structure(
    database: &Connection,
    pragma: &str,
    found: &mut Findings,
) -> Result<(), StoreError> {
    let sql = format!("PRAGMA {pragma}({DAMAGE_MAX})");
    let lines = match collect(database, &sql, [], |row| Ok(row.get::<_, String>(0)?)) {
        Ok(lines) => lines,
        Err(StoreError::Corrupt(line)) => vec![line],
        Err(error) => return Err(error),
    };
    for line in lines.iter().filter(|line| *line != "ok") {
        let line = line.replace('\n', " ");
        found.push(Damage {
            connection: None,
            run: None,
            message: format!("its file is damaged ({line})"),
        });
    }
    Ok(())
}

/// What the chain of a connection says.
#[derive(Default)]
struct Told {
    last: u64,
    hash: ChainHash,
    /// Histories of runs that ended before this instant were deleted.
    deleted_before: Instant,
    runs: BTreeSet<RunId>,
    /// The digest of the base that the last link of its kind covers; none if no link does.
    base: Option<ChainHash>,
    /// Runs that are not there any more, with the instant at which they ended.
    missing: Vec<(RunId, Instant)>,
}

/// Every chain against its links, its checkpoint and the runs that it is about.
fn check_endings(database: &Connection, found: &mut Findings) -> Result<(), StoreError> {
    let sql = "SELECT connection FROM endings UNION SELECT connection FROM checkpoints \
               UNION SELECT connection FROM runs WHERE ended IS NOT NULL";
    for connection in collect(database, sql, [], |row| Ok(row.get::<_, String>(0)?))? {
        let told = check_links(database, &connection, found)?;
        for (run, ended) in &told.missing {
            if *ended >= told.deleted_before {
                found.add(&connection, Some(*run), "it has ended, and is missing");
            }
        }
        check_checkpoint(database, &connection, &told, found)?;
        let sql = "SELECT id, retired, ended FROM runs WHERE connection = ? AND ended IS NOT NULL";
        let mut statement = database.prepare_cached(sql)?;
        let mut rows = statement.query([&connection])?;
        while let Some(row) = rows.next()? {
            check_ended(database, &connection, row, &told, found)?;
        }
    }
    Ok(())
}

fn check_links(
    database: &Connection,
    connection: &str,
    found: &mut Findings,
) -> Result<Told, StoreError> {
    let sql = format!("{} WHERE connection = ? ORDER BY number", endings::LINKS);
    let mut statement = database.prepare_cached(&sql)?;
    let mut rows = statement.query([connection])?;
    let base = trimming::base(database, connection)?;
    let mut told = Told::default();
    if let Some(base) = &base {
        (told.last, told.hash) = (base.number, base.hash);
    }
    while let Some(row) = rows.next()? {
        match StoredLink::read(row) {
            Ok(link) => check_link(database, connection, &link, &mut told, found)?,
            Err(error) => found.add(connection, None, format!("a link of its chain: {error}")),
        }
    }
    if told.base != base.map(|base| base.digest()) {
        let message = "links are missing at the front of its chain of endings, or what retention \
                       has left in their place was changed";
        found.add(connection, None, message);
    }
    Ok(told)
}

fn check_link(
    database: &Connection,
    connection: &str,
    link: &StoredLink,
    told: &mut Told,
    found: &mut Findings,
) -> Result<(), StoreError> {
    let StoredLink {
        number,
        run,
        instant,
        digest,
        hash,
    } = link;
    if *number != told.last + 1 {
        let message = format!("link {} of its chain of endings is missing", told.last + 1);
        found.add(connection, None, message);
    }
    if !link.follows(connection, &told.hash) {
        let message =
            format!("link {number} of its chain of endings was changed, or one before it");
        found.add(connection, *run, message);
    }
    match run {
        None => {
            told.deleted_before = told.deleted_before.max(*instant);
            if *digest != endings::NO_ENDING {
                told.base = Some(*digest);
            }
        }
        Some(run) => {
            told.runs.insert(*run);
            match endings::digest(database, *run) {
                Ok(Some(stored)) if stored == *digest => {}
                Ok(Some(_)) => {
                    found.add(connection, Some(*run), "how or when it ended was changed");
                }
                Ok(None) => told.missing.push((*run, *instant)),
                Err(error) => found.add(connection, Some(*run), format!("its row: {error}")),
            }
        }
    }
    (told.last, told.hash) = (*number, *hash);
    Ok(())
}

fn check_checkpoint(
    database: &Connection,
    connection: &str,
    told: &Told,
    found: &mut Findings,
) -> Result<(), StoreError> {
    let Some(checkpoint) = endings::checkpoint(database, connection)? else {
        return Ok(());
    };
    let number = checkpoint.number;
    if number > told.last {
        let message = format!(
            "its last {} endings are missing: the chain has {} links, and its checkpoint {number}",
            number - told.last,
            told.last
        );
        found.add(connection, None, message);
    } else if endings::hash_at(database, connection, number)? != Some(checkpoint.hash) {
        let message = format!("its chain of endings is another one than at checkpoint {number}");
        found.add(connection, None, message);
    }
    Ok(())
}

/// A run that has ended is in the chain, and only a deletion that is in the chain too has taken its
/// history, or as many later ones of its object as are kept.
fn check_ended(
    database: &Connection,
    connection: &str,
    row: &Row,
    told: &Told,
    found: &mut Findings,
) -> Result<(), StoreError> {
    let (run, is_retired, ended) = (instant(row, 0)?, row.get::<_, bool>(1)?, instant(row, 2)?);
    if !told.runs.contains(&run) {
        found.add(connection, Some(run), "its ending is not in the chain");
    }
    if is_retired && ended >= told.deleted_before && !is_beyond_bound(database, run)? {
        found.add(
            connection,
            Some(run),
            "its history was deleted before its time",
        );
    }
    Ok(())
}

/// Whether the histories of later runs of the same object with the same ending fill the bound, so
/// that the one of this run had to go early.
fn is_beyond_bound(database: &Connection, run: RunId) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) >= ?2 FROM runs JOIN runs later \
               ON later.object = runs.object AND later.ending = runs.ending AND later.id > runs.id \
               WHERE runs.id = ?1 AND later.ended IS NOT NULL";
    let is_beyond = reads::first(
        database,
        sql,
        (integer(run)?, HISTORIES_OF_OBJECT_MAX),
        |row| Ok(row.get(0)?),
    )?;
    Ok(is_beyond.unwrap_or_default())
}

struct StoredRun {
    id: RunId,
    connection: String,
    is_retired: bool,
}

fn read_run(row: &Row) -> Result<StoredRun, StoreError> {
    Ok(StoredRun {
        id: instant(row, 0)?,
        connection: row.get(1)?,
        is_retired: row.get(2)?,
    })
}

/// Every history against its hash.
fn check_runs(database: &Connection, found: &mut Findings) -> Result<(), StoreError> {
    let sql = "SELECT id, connection, retired, history_hash, EXISTS (SELECT 1 FROM history \
               WHERE run = runs.id) FROM runs ORDER BY id";
    let mut statement = database.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let run = read_run(row)?;
        let stored: Option<ChainHash> = row.get(3)?;
        let mut tell = |message: String| found.add(&run.connection, Some(run.id), message);
        if run.is_retired {
            if row.get(4)? {
                tell("its history was deleted, and has rows all the same".into());
            }
            continue;
        }
        let stored = stored.unwrap_or_else(|| chain::history(&run.connection, run.id));
        match history::fold(database, &run.connection, run.id) {
            Ok(history) if history.hash == stored => {}
            Ok(_) => tell("its history is not the one that was stored".into()),
            Err(error) => tell(format!("its history: {error}")),
        }
    }
    Ok(())
}
