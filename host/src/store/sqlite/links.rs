//! Links: stored by runs, listed, and changed by people.

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::reads::{facts, object};
use super::run_reads::like_pattern;
use super::{collect, execute, instant, integer, known_word, objects, runs};
use crate::contract::runs::Link;
use crate::contract::types::{Instant, ObjectRef};
use crate::store::{
    LinkAct, LinkAuthor, LinkChange, LinkChangeFilter, LinkEdit, LinkFilter, RunId, StoreError,
    StoredLink,
};

/// The order of the joins is fixed: by the names of objects, so that a page begins where the last
/// one ended, or by the index of targets.
const BY_SOURCE: &str = "FROM objects CROSS JOIN links ON links.source = objects.id";
const BY_TARGET: &str = "FROM links INDEXED BY links_by_target CROSS JOIN objects \
                         ON links.source = objects.id";
const COLUMNS: &str = "objects.system, objects.kind, objects.name, target_system, target_kind, \
                       target_name, links.version, content_hash, number, party, amount, currency, \
                       date, stored, run";

/// Stores a link, in place of the one with the same source; `run` is the run that does.
pub(super) fn store(
    database: &Connection,
    connection: &str,
    link: &Link,
    (run, at): (Option<RunId>, Instant),
) -> Result<(), StoreError> {
    let source = objects::number(database, connection, &link.source)?;
    let sql = "INSERT INTO links (source, target_system, target_kind, target_name, version, \
               content_hash, stored, run) VALUES (?, ?, ?, ?, ?, ?, ?, ?) \
               ON CONFLICT DO UPDATE SET target_system = excluded.target_system, \
               target_kind = excluded.target_kind, target_name = excluded.target_name, \
               version = excluded.version, content_hash = excluded.content_hash, \
               stored = excluded.stored, run = excluded.run";
    let Link {
        target,
        version,
        content_hash,
        ..
    } = link;
    let values = (
        source,
        target.system.as_str(),
        &target.kind,
        &target.id,
        version,
        content_hash,
        integer(at)?,
        run.map(integer).transpose()?,
    );
    execute(database, sql, values).map(drop)
}

/// Forgets the link of a source, if there is one.
pub(super) fn forget(
    database: &Connection,
    connection: &str,
    source: &ObjectRef,
) -> Result<(), StoreError> {
    match objects::find(database, connection, source)? {
        Some(source) => execute(database, "DELETE FROM links WHERE source = ?", [source]).map(drop),
        None => Ok(()),
    }
}

/// Changes links for a person, all or none.
pub(super) fn edit(database: &Connection, edit: &LinkEdit) -> Result<(), StoreError> {
    for link in &edit.links {
        expect_no_run(database, edit, &link.source)?;
        match target(database, &edit.connection, &link.source)? {
            Some(target) if target == link.target => continue,
            Some(target) => return Err(linked_already(&link.source, &target)),
            None => store(database, &edit.connection, link, (None, edit.at))?,
        }
        note(database, edit, (&link.source, &link.target), edit.act)?;
    }
    for source in &edit.unlinks {
        expect_no_run(database, edit, source)?;
        if let Some(target) = target(database, &edit.connection, source)? {
            forget(database, &edit.connection, source)?;
            note(database, edit, (source, &target), LinkAct::Broken)?;
        }
    }
    Ok(())
}

/// A run that has begun may have read the link.
fn expect_no_run(
    database: &Connection,
    edit: &LinkEdit,
    object: &ObjectRef,
) -> Result<(), StoreError> {
    let Some(number) = objects::find(database, &edit.connection, object)? else {
        return Ok(());
    };
    match runs::under_way(database, number, edit.at)? {
        None => Ok(()),
        Some(run) => Err(StoreError::Refused(format!(
            "run {run} of {} {} has not ended",
            object.kind, object.id
        ))),
    }
}

fn linked_already(source: &ObjectRef, target: &ObjectRef) -> StoreError {
    StoreError::Refused(format!(
        "{} {} is linked to {} {} already",
        source.kind, source.id, target.kind, target.id
    ))
}

fn target(
    database: &Connection,
    connection: &str,
    source: &ObjectRef,
) -> Result<Option<ObjectRef>, StoreError> {
    let sql = format!(
        "SELECT target_system, target_kind, target_name {BY_SOURCE} \
         WHERE connection = ? AND name = ? AND kind = ? AND system = ?"
    );
    let values = (connection, &source.id, &source.kind, source.system.as_str());
    super::reads::first(database, &sql, values, |row| object(row, 0))
}

fn note(
    database: &Connection,
    edit: &LinkEdit,
    (source, target): (&ObjectRef, &ObjectRef),
    act: LinkAct,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO link_changes (connection, source, target_system, target_kind, \
               target_name, change, uid, name, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let values = (
        &edit.connection,
        objects::number(database, &edit.connection, source)?,
        target.system.as_str(),
        &target.kind,
        &target.id,
        act.as_str(),
        edit.author.uid,
        &edit.author.name,
        integer(edit.at)?,
    );
    execute(database, sql, values).map(drop)
}

/// Links that match, in the order of their sources.
pub(super) fn matching(
    database: &Connection,
    filter: &LinkFilter,
) -> Result<Vec<StoredLink>, StoreError> {
    let (sql, values) = matching_sql(filter);
    collect(database, &sql, params_from_iter(values), stored_link)
}

pub(super) fn matching_sql(filter: &LinkFilter) -> (String, Vec<Value>) {
    let mut conditions = vec!["objects.connection = ?"];
    let mut values: Vec<Value> = vec![filter.connection.clone().into()];
    if let Some(system) = filter.system {
        conditions.push("objects.system = ?");
        values.push(system.as_str().to_owned().into());
    }
    if let Some(kind) = &filter.kind {
        conditions.push("objects.kind = ?");
        values.push(kind.clone().into());
    }
    if let Some(target) = &filter.target {
        conditions.push("(target_name, target_kind, target_system) = (?, ?, ?)");
        values.extend(name_of(target));
    }
    if let Some(text) = &filter.find {
        conditions.push(
            "(objects.name LIKE ? ESCAPE '\\' OR number LIKE ? ESCAPE '\\' \
             OR party LIKE ? ESCAPE '\\' OR target_name LIKE ? ESCAPE '\\')",
        );
        values.extend(std::iter::repeat_n(Value::from(like_pattern(text)), 4));
    }
    if let Some(after) = &filter.after {
        conditions.push("(objects.name, objects.kind, objects.system) > (?, ?, ?)");
        values.extend(name_of(after));
    }
    values.push(bound(filter.limit).into());
    let from = match filter.target {
        Some(_) => BY_TARGET,
        None => BY_SOURCE,
    };
    let sql = format!(
        "SELECT {COLUMNS} {from} WHERE {} \
         ORDER BY objects.name, objects.kind, objects.system LIMIT ?",
        conditions.join(" AND ")
    );
    (sql, values)
}

fn name_of(object: &ObjectRef) -> [Value; 3] {
    let system = object.system.as_str().to_owned();
    [object.id.clone(), object.kind.clone(), system].map(Value::from)
}

/// SQLite's word for no bound is -1.
fn bound(limit: u32) -> i64 {
    match limit {
        0 => -1,
        limit => limit.into(),
    }
}

fn stored_link(row: &Row) -> Result<StoredLink, StoreError> {
    Ok(StoredLink {
        link: Link {
            source: object(row, 0)?,
            target: object(row, 3)?,
            version: row.get(6)?,
            content_hash: row.get(7)?,
        },
        facts: facts(row, 8)?,
        stored: row.get::<_, Option<i64>>(13)?.map(i64::cast_unsigned),
        run: row.get::<_, Option<i64>>(14)?.map(i64::cast_unsigned),
    })
}

/// Changes of links by people, newest first.
pub(super) fn changes(
    database: &Connection,
    filter: &LinkChangeFilter,
) -> Result<Vec<LinkChange>, StoreError> {
    let mut conditions = vec!["link_changes.connection = ?"];
    let mut values: Vec<Value> = vec![filter.connection.clone().into()];
    if let Some(source) = &filter.source {
        let Some(number) = objects::find(database, &filter.connection, source)? else {
            return Ok(Vec::new());
        };
        conditions.push("source = ?");
        values.push(number.into());
    }
    if let Some(before) = filter.before {
        conditions.push("link_changes.id < ?");
        values.push(integer(before)?.into());
    }
    values.push(bound(filter.limit).into());
    let sql = format!(
        "SELECT link_changes.id, system, kind, objects.name, target_system, target_kind, \
         target_name, change, uid, link_changes.name, at FROM link_changes \
         JOIN objects ON objects.id = source WHERE {} ORDER BY link_changes.id DESC LIMIT ?",
        conditions.join(" AND ")
    );
    collect(database, &sql, params_from_iter(values), change)
}

fn change(row: &Row) -> Result<LinkChange, StoreError> {
    Ok(LinkChange {
        id: instant(row, 0)?,
        source: object(row, 1)?,
        target: object(row, 4)?,
        act: known_word(LinkAct::from_word, row.get_ref(7)?.as_str()?)?,
        author: LinkAuthor {
            uid: row.get(8)?,
            name: row.get(9)?,
        },
        at: instant(row, 10)?,
    })
}
