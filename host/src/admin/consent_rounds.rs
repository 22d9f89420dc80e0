//! Consents of FreshBooks that are waited for, and what became of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::{AdminReply, Fault};

/// Consents that are awaited at once, or whose result was not asked for yet; one more drops the
/// oldest. A person starts one at a time.
const ROUNDS_MAX: usize = 16;

/// What has become of consents, by state.
#[derive(Default)]
pub struct ConsentRounds(Mutex<Rounds>);

#[derive(Default)]
struct Rounds {
    next: u64,
    known: BTreeMap<u64, (String, Option<AdminReply>)>,
}

impl ConsentRounds {
    pub(super) fn begin(&self, state: &str) {
        let mut rounds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while rounds.known.len() >= ROUNDS_MAX {
            rounds.known.pop_first();
        }
        let number = rounds.next;
        rounds.next += 1;
        rounds.known.insert(number, (state.into(), None));
    }

    pub(super) fn end(&self, state: &str, reply: AdminReply) {
        let mut rounds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (known, end) in rounds.known.values_mut() {
            if known == state {
                *end = Some(reply.clone());
            }
        }
    }

    /// The result, which is returned once.
    pub(super) fn take_result(&self, state: &str) -> AdminReply {
        let mut rounds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = rounds.known.iter().find(|(_, (known, _))| known == state);
        let Some((number, (_, end))) = found.map(|(number, round)| (*number, round.clone())) else {
            let message = "this consent is no longer expected; start again with \
                           `ml-connector connect freshbooks`";
            return AdminReply::Refused {
                message: message.into(),
                fault: Fault::Credential,
            };
        };
        let Some(end) = end else {
            return AdminReply::Waiting;
        };
        rounds.known.remove(&number);
        end
    }
}
