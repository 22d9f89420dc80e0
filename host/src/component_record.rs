//! Which components have run on a store, and since when: an input of every decision that is in it.
//! Kept as one mark, since a component is replaced a few times a year.

use serde::{Deserialize, Serialize};

use crate::contract::types::Instant;
use crate::guest::Guest;
use crate::store::{Store, StoreError, Write};

/// The name of the mark.
const MARK: &str = "components";

/// An upgrade a week for five years; the oldest is dropped. A record has 200 bytes.
const KEPT_MAX: usize = 256;

/// A component that has run on a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentRecord {
    /// SHA-256 of the `.wasm` file, 64 characters of lower-case hex.
    pub sha256: String,
    /// The version of the contract that it exports, such as `0.1.0`.
    pub contract_version: String,
    /// The version of the program that ran it.
    pub program_version: String,
    /// Since when, in milliseconds since 1970, until the next one begins.
    pub since_ms: Instant,
}

impl ComponentRecord {
    fn new(guest: &Guest, since_ms: Instant) -> Self {
        Self {
            sha256: guest.sha256_hex().to_owned(),
            contract_version: guest.contract_version().to_owned(),
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            since_ms,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        (&self.sha256, &self.program_version) == (&other.sha256, &other.program_version)
    }
}

/// The components that have run on a store, the latest last. None on one that no program of this
/// kind has written to.
///
/// # Errors
///
/// If the store fails.
pub async fn recorded(store: &dyn Store) -> Result<Vec<ComponentRecord>, StoreError> {
    let text = store.mark(MARK).await?;
    let read = text.map(|text| serde_json::from_str(&text));
    read.transpose()
        .map(Option::unwrap_or_default)
        .map_err(|error| StoreError::Corrupt(format!("the mark {MARK} ({error})")))
}

/// Records that a component runs from now on, unless it is the one that ran before.
pub(crate) async fn record(
    store: &dyn Store,
    guest: &Guest,
    now: Instant,
) -> Result<(), StoreError> {
    add(store, ComponentRecord::new(guest, now)).await
}

async fn add(store: &dyn Store, present: ComponentRecord) -> Result<(), StoreError> {
    let mut all = recorded(store).await?;
    if all.last().is_some_and(|last| last.is_same(&present)) {
        return Ok(());
    }
    all.push(present);
    all.drain(..all.len().saturating_sub(KEPT_MAX));
    let value = serde_json::to_string(&all)
        .map_err(|error| StoreError::Corrupt(format!("the mark {MARK} ({error})")))?;
    let name = MARK.to_owned();
    store
        .commit(vec![Write::Mark { name, value }])
        .await
        .map(drop)
}

/// Those of the components that ran at some time from one instant to another, both included.
#[must_use]
pub fn between(all: &[ComponentRecord], from: Instant, to: Instant) -> &[ComponentRecord] {
    let begun = all.partition_point(|one| one.since_ms <= to);
    let first = all[..begun].iter().rposition(|one| one.since_ms <= from);
    &all[first.unwrap_or(0)..begun]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance::ModelStore;

    #[tokio::test]
    async fn a_component_is_recorded_when_it_replaces_another() {
        let store = ModelStore::default();
        let one = |name: &str, program: &str, since_ms| ComponentRecord {
            sha256: name.into(),
            contract_version: "0.1.0".into(),
            program_version: program.into(),
            since_ms,
        };
        for (name, program, at) in [("a", "1", 1), ("a", "1", 2), ("a", "2", 3), ("b", "2", 4)] {
            add(&store, one(name, program, at))
                .await
                .expect("is recorded");
        }
        let all = recorded(&store).await.expect("is read");
        let since: Vec<Instant> = all.iter().map(|one| one.since_ms).collect();
        assert_eq!(since, [1, 3, 4], "since the first start of each");
        for number in 0..KEPT_MAX as u64 {
            let next = one(&number.to_string(), "2", 10 + number);
            add(&store, next).await.expect("is recorded");
        }
        let all = recorded(&store).await.expect("is read");
        assert_eq!((all.len(), all[0].since_ms), (KEPT_MAX, 10));
    }

    #[test]
    fn what_ran_in_between_is_found() {
        let all = [("a", 10), ("b", 20), ("c", 30)].map(|(sha256, since_ms)| ComponentRecord {
            sha256: sha256.into(),
            contract_version: "0.1.0".into(),
            program_version: "0.1.0".into(),
            since_ms,
        });
        let names = |from, to| -> String {
            let found = between(&all, from, to).iter();
            found.map(|one| one.sha256.as_str()).collect()
        };
        assert_eq!(names(12, 13), "a");
        assert_eq!(names(12, 20), "ab");
        assert_eq!(names(5, 25), "ab", "older than every record");
        assert_eq!(names(20, 99), "bc");
        assert_eq!(
            names(1, 2),
            "",
            "nobody knows what ran before the first record"
        );
    }
}
