//! Links, on the model.

use super::{KeptLink, State, object_key};
use crate::contract::runs::{Facts, Link};
use crate::contract::types::{Instant, ObjectRef};
use crate::store::{
    LinkAct, LinkChange, LinkChangeFilter, LinkEdit, LinkFilter, Run, RunId, RunState, StoreError,
    StoredLink,
};

impl State {
    pub(super) fn keep_link(
        &mut self,
        connection: &str,
        link: Link,
        (run, stored): (Option<RunId>, Instant),
    ) {
        let key = object_key(connection, &link.source);
        self.links.insert(key, KeptLink { link, run, stored });
    }

    pub(super) fn link(&self, connection: &str, source: &ObjectRef) -> Option<&Link> {
        let kept = self.links.get(&object_key(connection, source))?;
        Some(&kept.link)
    }

    pub(super) fn edit_links(&mut self, edit: LinkEdit) -> Result<(), StoreError> {
        let LinkEdit { connection, at, .. } = &edit;
        for link in &edit.links {
            self.expect_no_run(&edit, &link.source)?;
            match self.link(connection, &link.source) {
                Some(there) if there.target == link.target => continue,
                Some(_) => return Err(StoreError::Refused("linked already".into())),
                None => self.keep_link(connection, link.clone(), (None, *at)),
            }
            self.note_change(&edit, link, edit.act);
        }
        for source in &edit.unlinks {
            self.expect_no_run(&edit, source)?;
            let key = object_key(connection, source);
            if let Some(kept) = self.links.remove(&key) {
                self.note_change(&edit, &kept.link, LinkAct::Broken);
            }
        }
        Ok(())
    }

    fn expect_no_run(&self, edit: &LinkEdit, source: &ObjectRef) -> Result<(), StoreError> {
        let mut runs = self.of_object(&edit.connection, source);
        let may_begin = |run: &Run| match run.state {
            RunState::Ended => false,
            RunState::Waiting if run.wait_reason.is_none() => run.due <= edit.at,
            RunState::Due | RunState::Waiting => true,
        };
        match runs.any(may_begin) {
            true => Err(StoreError::Refused("a run has not ended".into())),
            false => Ok(()),
        }
    }

    fn note_change(&mut self, edit: &LinkEdit, link: &Link, act: LinkAct) {
        let change = LinkChange {
            id: self.link_changes.len() as u64 + 1,
            source: link.source.clone(),
            target: link.target.clone(),
            act,
            author: edit.author.clone(),
            at: edit.at,
        };
        self.link_changes.push((edit.connection.clone(), change));
    }

    pub(super) fn matching_links(&self, filter: &LinkFilter) -> Vec<StoredLink> {
        let of_connection = self.links.iter();
        let of_connection = of_connection.filter(|((of, _), _)| *of == filter.connection);
        let mut links: Vec<StoredLink> = of_connection
            .map(|(_, kept)| StoredLink {
                link: kept.link.clone(),
                facts: self.facts_of(&filter.connection, &kept.link.source),
                stored: Some(kept.stored),
                run: kept.run,
            })
            .filter(|stored| is_match(stored, filter))
            .collect();
        links.sort_by_key(|stored| place(&stored.link.source));
        links.truncate(bound(filter.limit));
        links
    }

    fn facts_of(&self, connection: &str, object: &ObjectRef) -> Facts {
        let latest = self.of_object(connection, object).next_back();
        latest.map_or(Facts::NONE, |run| run.facts.clone())
    }

    pub(super) fn matching_changes(&self, filter: &LinkChangeFilter) -> Vec<LinkChange> {
        let all = self.link_changes.iter().rev();
        all.filter(|(connection, change)| {
            let source = filter.source.as_ref();
            *connection == filter.connection
                && source.is_none_or(|source| change.source == *source)
                && filter.before.is_none_or(|before| change.id < before)
        })
        .take(bound(filter.limit))
        .map(|(_, change)| change.clone())
        .collect()
    }
}

fn is_match(stored: &StoredLink, filter: &LinkFilter) -> bool {
    let Link { source, target, .. } = &stored.link;
    filter.system.is_none_or(|system| source.system == system)
        && filter.kind.as_ref().is_none_or(|kind| source.kind == *kind)
        && filter.target.as_ref().is_none_or(|of| target == of)
        && filter
            .after
            .as_ref()
            .is_none_or(|after| place(source) > place(after))
        && filter
            .find
            .as_ref()
            .is_none_or(|text| is_found(stored, text))
}

fn is_found(stored: &StoredLink, text: &str) -> bool {
    let Facts { number, party, .. } = &stored.facts;
    let ids = [&stored.link.source.id, &stored.link.target.id];
    let mut fields = ids.into_iter().chain(number).chain(party);
    let text = text.to_ascii_lowercase();
    fields.any(|field| field.to_ascii_lowercase().contains(&text))
}

/// What links are listed by.
fn place(source: &ObjectRef) -> (String, String, &'static str) {
    (
        source.id.clone(),
        source.kind.clone(),
        source.system.as_str(),
    )
}

fn bound(limit: u32) -> usize {
    match limit {
        0 => usize::MAX,
        limit => limit as usize,
    }
}
