//! The crosswalk as it is read, and how people change it.

use serde::{Deserialize, Serialize};

use super::RunId;
use crate::contract::runs::{Facts, Link};
use crate::contract::types::{Instant, ObjectRef, System};
use crate::contract::words::words;

/// Numbers changes of links by people from 1, in the order in which they were made.
pub type LinkChangeId = u64;

/// Which links of a connection to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkFilter {
    /// The name of the connection whose links these are.
    pub connection: String,
    /// With a source in this system only.
    pub system: Option<System>,
    /// With a source of this kind only.
    pub kind: Option<String>,
    /// To this target only; found by an index, so that it costs as much as it finds.
    pub target: Option<ObjectRef>,
    /// Only those whose source's id, number or party, or whose target's id, contains this text;
    /// ASCII letters of either case count as the same.
    pub find: Option<String>,
    /// Only those that come after the link with this source, for paging.
    pub after: Option<ObjectRef>,
    /// At most so many; 0 for no bound.
    pub limit: u32,
}

/// A link as it is listed. The order is that of the source's id, kind and system, byte by byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLink {
    /// The link as runs see it.
    pub link: Link,
    /// What people call the source, as far as a completion of any of its runs has known it.
    pub facts: Facts,
    /// When it was stored last; none if an earlier version did.
    pub stored: Option<Instant>,
    /// The run that stored it last; none if a person made it, or an earlier version stored it.
    pub run: Option<RunId>,
}

/// What a person did to a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkAct {
    /// Made it, a pair by hand.
    Adopted,
    /// Made it, as a row of a list.
    Imported,
    /// A person had the link forgotten.
    Broken,
}

words!(LinkAct { Adopted = "adopted", Imported = "imported", Broken = "broken" });

/// Who it is that changes links by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkAuthor {
    /// The number of the user, as the operating system vouches for it.
    pub uid: u32,
    /// Who they say they are; none if they did not.
    pub name: Option<String>,
}

/// A change of a link by a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkChange {
    /// Its number, counted over all connections.
    pub id: LinkChangeId,
    /// The source of the link.
    pub source: ObjectRef,
    /// The target of the link.
    pub target: ObjectRef,
    /// What was done to the link.
    pub act: LinkAct,
    /// Who did it, as far as it is known.
    pub author: LinkAuthor,
    /// When, in milliseconds since 1970.
    pub at: Instant,
}

/// Which changes of links to list, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkChangeFilter {
    /// The name of the connection whose changes these are.
    pub connection: String,
    /// Of links with this source only.
    pub source: Option<ObjectRef>,
    /// Only those with a smaller number, for paging.
    pub before: Option<LinkChangeId>,
    /// At most so many; 0 for no bound.
    pub limit: u32,
}
