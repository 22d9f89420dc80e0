//! What a person does to links: makes a pair, breaks one, makes those of a list.
//!
//! Which links may be made by hand, and which belong together, the component says. Here it is
//! checked that nothing is linked twice and that no run has read the links as they were; the store
//! checks both once more in the transaction that changes them and records who did.

mod plan;

use serde::{Deserialize, Serialize};

use self::plan::Plan;
use super::AdminReply;
use super::audit::{Actor, Command};
use super::handle::{AdminRefusal, find_connection};
use crate::contract::runs::Link;
use crate::contract::types::ObjectRef;
use crate::engine::Connection;
use crate::service::Parts;
use crate::store::{LinkAct, LinkAuthor, LinkEdit, Write};

/// Rows of one import. They are checked as a whole and stored in one transaction, for which every
/// other commit waits: a second or so.
pub const IMPORT_ROWS_MAX: usize = 20_000;

/// What a person asks to be done to links.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub enum LinksRequest {
    /// Link two objects, named in either order: answered with `Changed`.
    Adopt {
        /// The name of the connection.
        connection: String,
        /// The two objects that are one.
        pair: LinkedPair,
        /// Who it is, as they say; none if they did not.
        by: Option<String>,
    },
    /// Forget the link of a source and what belongs to it: answered with `Changed`.
    Break {
        /// The name of the connection.
        connection: String,
        /// The source of the link.
        source: ObjectRef,
        /// Who it is, as they say; none if they did not.
        by: Option<String>,
    },
    /// Link the pairs of a list, all or none: answered with `Imported` or `Problems`.
    Import {
        /// The name of the connection.
        connection: String,
        /// The pairs with their lines, at most [`IMPORT_ROWS_MAX`].
        rows: Vec<ImportRow>,
        /// Whether to check only, and store nothing.
        dry_run: bool,
        /// Who it is, as they say; none if they did not.
        by: Option<String>,
    },
}

/// Two objects that are linked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkedPair {
    /// The object in the system that owns it.
    pub source: ObjectRef,
    /// What it became in the other system.
    pub target: ObjectRef,
}

/// A row of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRow {
    /// Its line in the file, counted from 1.
    pub line: u64,
    /// The two objects that the row names.
    pub pair: LinkedPair,
}

/// What is wrong with a row of an import.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RowProblem {
    /// Its line in the file, counted from 1.
    pub line: u64,
    /// What is wrong with it, one plain sentence.
    pub message: String,
}

/// What came of a [`LinksRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "links", rename_all = "kebab-case")]
pub enum LinksReply {
    /// The links that were made or broken; none if they had been before.
    Changed {
        /// In the order in which they belong together.
        pairs: Vec<LinkedPair>,
    },
    /// All rows are right.
    Imported {
        /// Links that were made, or would be.
        made: u64,
        /// Rows that say what is stored already.
        known: u64,
    },
    /// Some rows are wrong, and nothing was stored.
    Problems {
        /// All of them, by line.
        problems: Vec<RowProblem>,
    },
}

impl LinksRequest {
    /// What the audit line says of it.
    pub(super) fn command(&self) -> Command {
        let (name, connection, about) = match self {
            Self::Adopt {
                connection, pair, ..
            } => {
                let (source, target) = (shown(&pair.source), shown(&pair.target));
                ("links adopt", connection, format!("{source} {target}"))
            }
            Self::Break {
                connection, source, ..
            } => ("links break", connection, shown(source)),
            Self::Import {
                connection,
                rows,
                dry_run,
                ..
            } => {
                let checked = if *dry_run { ", --dry-run" } else { "" };
                let about = format!("{} rows{checked}", rows.len());
                ("links import", connection, about)
            }
        };
        Command {
            name,
            connection: Some(connection.clone()),
            about,
        }
    }
}

/// Does what is asked.
pub(super) async fn change(
    parts: &Parts,
    request: LinksRequest,
    actor: Actor,
) -> Result<AdminReply, AdminRefusal> {
    let reply = match request {
        LinksRequest::Adopt {
            connection,
            pair,
            by,
        } => {
            let connection = find_connection(parts, &connection)?;
            adopt(connection, pair, author(actor, by)).await?
        }
        LinksRequest::Break {
            connection,
            source,
            by,
        } => {
            let connection = find_connection(parts, &connection)?;
            break_link(connection, &source, author(actor, by)).await?
        }
        LinksRequest::Import {
            connection,
            rows,
            dry_run,
            by,
        } => {
            let connection = find_connection(parts, &connection)?;
            import(connection, rows, dry_run, author(actor, by)).await?
        }
    };
    Ok(AdminReply::Links(reply))
}

fn author(actor: Actor, name: Option<String>) -> LinkAuthor {
    LinkAuthor {
        uid: actor.uid,
        name,
    }
}

async fn adopt(
    connection: &Connection,
    pair: LinkedPair,
    author: LinkAuthor,
) -> Result<LinksReply, AdminRefusal> {
    let mut plan = Plan::new(connection);
    plan.add(vec![ImportRow { line: 0, pair }]).await?;
    if let Some(problem) = plan.problems.pop() {
        return Err(AdminRefusal::Links(problem.message));
    }
    let pairs = plan.links.iter().map(linked_pair).collect();
    commit(connection, plan.links, LinkAct::Adopted, author).await?;
    Ok(LinksReply::Changed { pairs })
}

async fn import(
    connection: &Connection,
    rows: Vec<ImportRow>,
    dry_run: bool,
    author: LinkAuthor,
) -> Result<LinksReply, AdminRefusal> {
    if rows.len() > IMPORT_ROWS_MAX {
        return Err(AdminRefusal::Links(too_many_rows(rows.len())));
    }
    let mut plan = Plan::new(connection);
    plan.add(rows).await?;
    if !plan.problems.is_empty() {
        let problems = plan.problems;
        return Ok(LinksReply::Problems { problems });
    }
    let (made, known) = (plan.links.len() as u64, plan.known);
    if !dry_run {
        commit(connection, plan.links, LinkAct::Imported, author).await?;
    }
    Ok(LinksReply::Imported { made, known })
}

/// The sentence for a list that is too long.
#[must_use]
pub fn too_many_rows(rows: usize) -> String {
    format!(
        "the list has {rows} rows, and at most {IMPORT_ROWS_MAX} are imported at once: split it"
    )
}

async fn break_link(
    connection: &Connection,
    source: &ObjectRef,
    author: LinkAuthor,
) -> Result<LinksReply, AdminRefusal> {
    let link = plan::link_of(connection, source).await?;
    let link = link.ok_or_else(|| {
        let (object, id) = (shown(source), &source.id);
        AdminRefusal::Links(format!(
            "{object} is linked to nothing; `ml-connector links --find {id}` shows what is"
        ))
    })?;
    let unpaired = connection.instance.call(|instance| instance.unpair(&link));
    let mut pairs = Vec::new();
    for source in unpaired?.map_err(AdminRefusal::Links)? {
        // A link back that leads elsewhere belongs to another pair.
        let there = plan::link_of(connection, &source).await?;
        let is_of_pair = |there: &Link| {
            there.source == link.source
                || (there.source == link.target && there.target == link.source)
        };
        if let Some(there) = there.filter(is_of_pair) {
            plan::expect_no_run(connection, &source).await?;
            pairs.push(linked_pair(&there));
        }
    }
    if pairs.len() > 1 {
        pairs.extend(plan::other_links_back(connection, &link).await?);
    }
    let edit = LinkEdit {
        connection: connection.name.clone(),
        links: Vec::new(),
        act: LinkAct::Broken,
        unlinks: pairs.iter().map(|pair| pair.source.clone()).collect(),
        author,
        at: connection.services.clock.now(),
    };
    let store = &connection.services.store;
    store.commit(vec![Write::EditLinks(edit)]).await?;
    Ok(LinksReply::Changed { pairs })
}

async fn commit(
    connection: &Connection,
    links: Vec<Link>,
    act: LinkAct,
    author: LinkAuthor,
) -> Result<(), AdminRefusal> {
    if links.is_empty() {
        return Ok(());
    }
    let edit = LinkEdit {
        connection: connection.name.clone(),
        links,
        act,
        unlinks: Vec::new(),
        author,
        at: connection.services.clock.now(),
    };
    let store = &connection.services.store;
    store.commit(vec![Write::EditLinks(edit)]).await?;
    Ok(())
}

fn linked_pair(link: &Link) -> LinkedPair {
    LinkedPair {
        source: link.source.clone(),
        target: link.target.clone(),
    }
}

/// An object as commands name it.
fn shown(object: &ObjectRef) -> String {
    format!("{}/{}/{}", object.system.as_str(), object.kind, object.id)
}
