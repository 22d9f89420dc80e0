//! Checks the links that a person wants to be made, all of them before the first is stored.

use std::collections::{BTreeMap, BTreeSet};

use super::{AdminRefusal, ImportRow, LinkedPair, RowProblem, shown};
use crate::contract::runs::{Link, ObjectStatus};
use crate::contract::types::ObjectRef;
use crate::engine::Connection;
use crate::store::{LinkFilter, RunState, StoreError};

/// Rows whose objects are looked up in one read of the store.
const LOOK_UP_ROWS: usize = 500;

/// Links that are to be made, and why some of them cannot.
pub(super) struct Plan<'c> {
    connection: &'c Connection,
    /// Links that are not stored yet.
    pub(super) links: Vec<Link>,
    /// Rows whose links are all stored.
    pub(super) known: u64,
    /// What is wrong, by line.
    pub(super) problems: Vec<RowProblem>,
    rows: BTreeSet<(String, String)>,
    /// The line and target of each source that is linked by a row.
    sources: BTreeMap<String, (u64, ObjectRef)>,
    /// The line and source that each target of its own is linked by, with the kind of that source.
    targets: BTreeMap<(String, String), (u64, ObjectRef)>,
}

impl<'c> Plan<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self {
            connection,
            links: Vec::new(),
            known: 0,
            problems: Vec::new(),
            rows: BTreeSet::new(),
            sources: BTreeMap::new(),
            targets: BTreeMap::new(),
        }
    }

    pub(super) async fn add(&mut self, rows: Vec<ImportRow>) -> Result<(), AdminRefusal> {
        let connection = self.connection;
        let store = &connection.services.store;
        for rows in rows.chunks(LOOK_UP_ROWS) {
            let objects = rows
                .iter()
                .flat_map(|row| [&row.pair.source, &row.pair.target]);
            let objects: Vec<ObjectRef> = objects.cloned().collect();
            let statuses = store
                .object_statuses(&self.connection.name, &objects)
                .await?;
            for (row, pair) in rows.iter().zip(statuses.chunks_exact(2)) {
                let line = row.line;
                match self.add_row(row, &pair[0], &pair[1]).await {
                    // The row's own fault; any other error ends it all.
                    Err(AdminRefusal::Links(message)) => {
                        self.problems.push(RowProblem { line, message });
                    }
                    added => added?,
                }
            }
        }
        Ok(())
    }

    async fn add_row(
        &mut self,
        row: &ImportRow,
        one: &ObjectStatus,
        other: &ObjectStatus,
    ) -> Result<(), AdminRefusal> {
        let LinkedPair { source, target } = &row.pair;
        if !self.rows.insert((shown(source), shown(target))) {
            let message = "the same pair is in an earlier row";
            return Err(AdminRefusal::Links(message.into()));
        }
        let paired = self
            .connection
            .instance
            .call(|instance| instance.pair(one, other));
        let paired = paired?.map_err(AdminRefusal::Links)?;
        let mut new = Vec::new();
        for link in paired.links {
            let status = if link.source == one.object {
                one
            } else {
                other
            };
            if self
                .is_new(row.line, &link, status, paired.is_exclusive)
                .await?
            {
                new.push(link);
            }
        }
        self.known += u64::from(new.is_empty());
        self.links.extend(new);
        Ok(())
    }

    /// Whether a link is to be made, which is not there yet.
    async fn is_new(
        &mut self,
        line: u64,
        link: &Link,
        source: &ObjectStatus,
        is_exclusive: bool,
    ) -> Result<bool, AdminRefusal> {
        let place = (line, link.target.clone());
        let earlier = self.sources.entry(shown(&link.source)).or_insert(place);
        if earlier.1 != link.target {
            let (line, target) = (earlier.0, shown(&earlier.1));
            let source = shown(&link.source);
            let message = format!("line {line} links {source} to {target}");
            return Err(AdminRefusal::Links(message));
        }
        if earlier.0 != line {
            // The other direction of an earlier row, which made this link too.
            return Ok(false);
        }
        match &source.link {
            Some(there) if there.target == link.target => return Ok(false),
            Some(there) => return Err(linked_already(there)),
            None => {}
        }
        if is_exclusive {
            self.expect_free_target(line, link).await?;
        }
        if source.active {
            expect_no_run(self.connection, &link.source).await?;
        }
        Ok(true)
    }

    /// Refuses a target that is another one's, by an earlier row or a stored link.
    async fn expect_free_target(&mut self, line: u64, link: &Link) -> Result<(), AdminRefusal> {
        let Link { source, target, .. } = link;
        let key = (shown(target), source.kind.clone());
        let earlier = self.targets.entry(key).or_insert((line, source.clone()));
        if earlier.1 != *source {
            let (line, source) = (earlier.0, shown(&earlier.1));
            let target = shown(target);
            let message = format!("line {line} links {source} to {target} too");
            return Err(AdminRefusal::Links(message));
        }
        let filter = LinkFilter {
            connection: self.connection.name.clone(),
            system: Some(source.system),
            kind: Some(source.kind.clone()),
            target: Some(target.clone()),
            limit: 1,
            ..LinkFilter::default()
        };
        let there = self.connection.services.store.links(filter).await?;
        match there.first() {
            Some(there) => Err(linked_already(&there.link)),
            None => Ok(()),
        }
    }
}

fn linked_already(there: &Link) -> AdminRefusal {
    let (source, target) = (shown(&there.source), shown(&there.target));
    AdminRefusal::Links(format!(
        "{source} is linked to {target} already; `ml-connector links break {source}` ends that"
    ))
}

/// Links back by another id of the same record, as expense entries have two: they end with the
/// pair.
pub(super) async fn other_links_back(
    connection: &Connection,
    link: &Link,
) -> Result<Vec<LinkedPair>, StoreError> {
    let (mut others, store) = (Vec::new(), &connection.services.store);
    for (here, there) in [(&link.source, &link.target), (&link.target, &link.source)] {
        let filter = LinkFilter {
            connection: connection.name.clone(),
            system: Some(there.system),
            kind: Some(there.kind.clone()),
            target: Some(here.clone()),
            ..LinkFilter::default()
        };
        let back = store.links(filter).await?.into_iter();
        let other = back.filter(|other| other.link.source != *there);
        others.extend(other.map(|other| super::linked_pair(&other.link)));
    }
    Ok(others)
}

/// The link of a source.
pub(super) async fn link_of(
    connection: &Connection,
    source: &ObjectRef,
) -> Result<Option<Link>, StoreError> {
    let store = &connection.services.store;
    let asked = [source.clone()];
    let mut statuses = store.object_statuses(&connection.name, &asked).await?;
    Ok(statuses.pop().and_then(|status| status.link))
}

/// Refuses a change of the link of this source while a run of it has begun, or may at any time. One
/// that only waits for its time to look again has read nothing yet.
pub(super) async fn expect_no_run(
    connection: &Connection,
    source: &ObjectRef,
) -> Result<(), AdminRefusal> {
    let services = &connection.services;
    let Some(run) = services.store.active_run(&connection.name, source).await? else {
        return Ok(());
    };
    let only_looks_again = run.state == RunState::Waiting
        && run.wait_reason.is_none()
        && run.due > services.clock.now();
    match only_looks_again {
        true => Ok(()),
        false => Err(AdminRefusal::Links(format!(
            "run {0} of {1} has not ended and may have read its link: see `ml-connector show {0}`, \
             and try again when it has ended",
            run.id,
            shown(source)
        ))),
    }
}
