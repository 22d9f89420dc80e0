//! The cost codes of projects that only the links know: those of the list items that the projects
//! became.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use crate::contract::runs::ObjectStatus;
use crate::contract::types::ObjectRef;
use crate::settings::Settings;
use crate::settings::reference::ReferenceKind;

/// No document has so many projects, and as many objects may be looked up at once.
const FOUND_MAX: usize = 1_000;

/// The projects whose code has to be looked up: those that the settings do not name, where projects
/// are list items.
pub(super) fn unnamed<'a>(
    settings: &Settings,
    projects: impl Iterator<Item = &'a String>,
) -> Vec<ObjectRef> {
    if settings.reference.list(ReferenceKind::Project).is_none() {
        return Vec::new();
    }
    let unnamed: BTreeSet<&String> = projects
        .filter(|project| !settings.projects.contains_key(*project))
        .collect();
    let objects = unnamed.into_iter().take(FOUND_MAX);
    objects
        .map(|project| ObjectRef::freshbooks("project", project.as_str()))
        .collect()
}

/// The codes of those that were looked up; what has no item yet has none.
pub(super) fn found(known: &[ObjectStatus]) -> BTreeMap<String, String> {
    let codes = known.iter().filter_map(|status| {
        let code = status.link.as_ref()?.version.clone()?;
        Some((status.object.id.clone(), code))
    });
    codes.collect()
}
