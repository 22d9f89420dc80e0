//! Whether what is stored is what was stored: the structure of the file, histories, endings.

use std::str::FromStr;

use ml_connector::engine::uncheckable;
use ml_connector::seal::Keyring;
use ml_connector::store::sqlite::SqliteStore;
use ml_connector::store::{ChainHead, CheckExtent, Damage, Store};
use serde::Serialize;

use super::{Failure, Finding, Verdict, exit};

const SUBJECT: &str = "store integrity";

/// The head of a chain, as JSON has it.
#[derive(Debug, Serialize)]
pub(super) struct Head {
    connection: String,
    /// How many links the chain has.
    number: u64,
    /// The hash of the last, in lower-case hex.
    hash: String,
}

/// A head that somebody wrote down: `CONNECTION:NUMBER:HASH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExpectedHead {
    connection: String,
    number: u64,
    hash: String,
}

impl FromStr for ExpectedHead {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "expected CONNECTION:NUMBER:HASH, as `check --store` prints it".to_owned();
        let mut parts = text.split(':');
        let mut part = || {
            parts
                .next()
                .filter(|part| !part.is_empty())
                .ok_or_else(wrong)
        };
        let head = Self {
            connection: part()?.to_owned(),
            number: part()?.parse().map_err(|_| wrong())?,
            hash: part()?.to_ascii_lowercase(),
        };
        let is_whole = parts.next().is_none() && head.hash.len() == 64;
        is_whole.then_some(head).ok_or_else(wrong)
    }
}

/// The structure of the file; and, if `everything`, all that is chained, and the heads. Without the
/// keys, which another finding is about, checkpoints cannot be checked.
pub(super) async fn check(
    store: Option<&SqliteStore>,
    keyring: Option<&Keyring>,
    everything: bool,
    expected: &[ExpectedHead],
) -> Result<Vec<Finding>, Failure> {
    let Some(store) = store else {
        return Ok(Vec::new());
    };
    let extent = match everything {
        true => CheckExtent::Everything,
        false => CheckExtent::Pages,
    };
    let damage = store.find_damage(extent).await?;
    let mut findings: Vec<Finding> = damage.iter().map(damaged).collect();
    if findings.is_empty() {
        let what = match everything {
            true => "no history and no ending was changed or deleted",
            false => "the structure of the file is whole; --store also checks what is in it",
        };
        findings.push(Finding::ok(SUBJECT, what));
    }
    if everything {
        for head in store.chain_heads().await? {
            findings.push(checkpoint(&head, keyring));
            findings.push(printed(&head));
        }
        for head in expected {
            findings.push(compared(store, head).await?);
        }
    }
    Ok(findings)
}

fn damaged(damage: &Damage) -> Finding {
    let message = format!("{damage}; see \"The store is damaged\" in docs/operating.md");
    Finding::wrong(SUBJECT, exit::STORE, message)
}

/// Whether a key that is not in the store vouches for the chain. That the chain goes through the
/// checkpoint is for the store to say.
fn checkpoint(head: &ChainHead, keyring: Option<&Keyring>) -> Finding {
    let subject = format!("checkpoint of {}", head.connection);
    let Some(checkpoint) = &head.checkpoint else {
        let message = "is not there yet: a running service stores one within a minute";
        return Finding::new(subject, Verdict::Later, exit::OK, message);
    };
    let made = keyring.map(|keyring| keyring.made(&head.connection, checkpoint));
    let number = checkpoint.number;
    match made {
        Some(Ok(true)) => Finding::ok(
            subject,
            format!(
                "link {number} of {} is vouched for by a seal key",
                head.number
            ),
        ),
        Some(Ok(false)) => {
            let message = "was changed: no seal key made it. Compare the heads that were written \
                           down (--head); after that `ml-connector keys forget-checkpoints` begins \
                           it anew";
            Finding::wrong(subject, exit::STORE, message)
        }
        Some(Err(error)) => Finding::wrong(subject, exit::SETTINGS, uncheckable(&error)),
        None => Finding::new(
            subject,
            Verdict::Later,
            exit::OK,
            "cannot be checked without the seal keys",
        ),
    }
}

fn printed(head: &ChainHead) -> Finding {
    let hash = base16ct::lower::encode_string(&head.hash);
    let message = format!("{}:{}:{hash}", head.connection, head.number);
    let mut finding = Finding::ok(format!("head of {}", head.connection), message);
    finding.head = Some(Head {
        connection: head.connection.clone(),
        number: head.number,
        hash,
    });
    finding
}

/// Whether a head that was written down is on the chain that is stored now.
async fn compared(store: &SqliteStore, expected: &ExpectedHead) -> Result<Finding, Failure> {
    let ExpectedHead {
        connection,
        number,
        hash,
    } = expected;
    let stored = store.chain_hash(connection, *number).await?;
    let subject = format!("head {number} of {connection}");
    let stored = stored.map(|stored| base16ct::lower::encode_string(&stored));
    Ok(match stored {
        Some(stored) if stored == *hash => {
            Finding::ok(subject, "is on the chain: nothing up to it was changed")
        }
        Some(_) => Finding::wrong(
            subject,
            exit::STORE,
            "is another one now: something up to it was changed, or this is another store",
        ),
        None => Finding::wrong(subject, exit::STORE, missing(store, expected).await?),
    })
}

/// Why the link of a head is not on the chain.
async fn missing(store: &SqliteStore, expected: &ExpectedHead) -> Result<&'static str, Failure> {
    let heads = store.chain_heads().await?;
    let is_of = |head: &&ChainHead| head.connection == expected.connection;
    let last = heads.iter().find(is_of).map_or(0, |head| head.number);
    Ok(if expected.number < last {
        "cannot be compared any more: its link has gone with the runs before it, as \
         `limits.history_retention_days` says. Compare one that was written down later"
    } else {
        "is not there: the store has fewer endings than when it was written down"
    })
}
