//! Redirects from FreshBooks' consent page that are awaited.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::secrets::Secret;

/// Consents that are awaited at once. One more ends one of them, whichever has the lowest state: a
/// person who starts so many has long forgotten it.
const AWAITED_MAX: usize = 16;

/// Authorization codes that are awaited, by the `state` that comes back with them.
#[derive(Default)]
pub struct Consents {
    awaited: Mutex<BTreeMap<String, oneshot::Sender<Secret>>>,
}

impl Consents {
    /// Waits for the code that comes with this state, which must be unguessable; it is taken once.
    pub fn expect(&self, state: &str) -> oneshot::Receiver<Secret> {
        let (sender, receiver) = oneshot::channel();
        let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        awaited.retain(|_, sender| !sender.is_closed());
        while awaited.len() >= AWAITED_MAX {
            awaited.pop_first();
        }
        awaited.insert(state.to_string(), sender);
        receiver
    }

    /// Passes a code to the one who awaits it; false if no one does.
    pub fn arrive(&self, state: &str, code: Secret) -> bool {
        let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        awaited
            .remove(state)
            .is_some_and(|sender| sender.send(code).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_reaches_anyone_who_waits_for_its_state_once() {
        let consents = Consents::default();
        let mut awaited = consents.expect("state-1");
        assert!(!consents.arrive("state-2", Secret::new("code".to_string())));
        assert!(consents.arrive("state-1", Secret::new("code".to_string())));
        assert!(!consents.arrive("state-1", Secret::new("other".to_string())));
        assert_eq!(awaited.try_recv().expect("is there").reveal(), "code");
    }

    #[test]
    fn the_awaited_are_bounded() {
        let consents = Consents::default();
        let kept: Vec<_> = (0..40)
            .map(|n| consents.expect(&format!("{n:02}")))
            .collect();
        let arrived =
            (0..40).filter(|n| consents.arrive(&format!("{n:02}"), Secret::new(String::new())));
        assert_eq!(arrived.count(), AWAITED_MAX);
        drop(kept);
    }
}
