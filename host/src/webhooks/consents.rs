//! Redirects from FreshBooks' consent page that are awaited.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::secrets::Secret;

/// Consents that are awaited at once. One more ends one of them, whichever has the lowest state: a
/// person who starts so many has long forgotten it.
const AWAITED_MAX: usize = 16;

const TOO_MANY: &str = "more `ml-connector connect freshbooks` were begun after this one than are \
    awaited at once; begin again";

/// What a user has decided on the consent page.
#[derive(Debug)]
pub enum Consent {
    /// Agreed: the authorization code.
    Given(Secret),
    /// Did not agree: why, one plain sentence.
    Denied(String),
}

/// A browser that came back, and waits to be told what became of it.
#[derive(Debug)]
pub struct Redirect {
    /// What the user has decided.
    pub consent: Consent,
    /// Takes what became of it: connected, or one plain sentence that says why not.
    pub result: oneshot::Sender<Result<(), String>>,
}

/// Consents that are awaited, by the `state` that comes back with them.
#[derive(Default)]
pub struct Consents {
    awaited: Mutex<BTreeMap<String, oneshot::Sender<Redirect>>>,
}

impl Consents {
    /// Waits for the redirect that comes with this state, which must be unguessable; it is taken
    /// once.
    pub fn expect(&self, state: &str) -> oneshot::Receiver<Redirect> {
        let (sender, receiver) = oneshot::channel();
        let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        awaited.retain(|_, sender| !sender.is_closed());
        while awaited.len() >= AWAITED_MAX
            && let Some((_, forgotten)) = awaited.pop_first()
        {
            let consent = Consent::Denied(TOO_MANY.to_string());
            // Nobody may be there any more.
            let _ = forgotten.send(Redirect {
                consent,
                result: oneshot::channel().0,
            });
        }
        awaited.insert(state.to_string(), sender);
        receiver
    }

    /// Passes a consent to the one who awaits it, and returns what will say what became of it;
    /// nothing if no one awaits it.
    pub fn arrive(
        &self,
        state: &str,
        consent: Consent,
    ) -> Option<oneshot::Receiver<Result<(), String>>> {
        let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = awaited.remove(state)?;
        let (result, receiver) = oneshot::channel();
        sender.send(Redirect { consent, result }).ok()?;
        Some(receiver)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(code: &str) -> Consent {
        Consent::Given(Secret::new(code.to_string()))
    }

    #[test]
    fn a_code_reaches_anyone_who_waits_for_its_state_once() {
        let consents = Consents::default();
        let mut awaited = consents.expect("state-1");
        assert!(consents.arrive("state-2", given("code")).is_none());
        assert!(consents.arrive("state-1", given("code")).is_some());
        assert!(consents.arrive("state-1", given("other")).is_none());
        let arrived = awaited.try_recv().expect("is there");
        assert!(matches!(arrived.consent, Consent::Given(code) if code.reveal() == "code"));
    }

    #[test]
    fn the_awaited_are_bounded() {
        let consents = Consents::default();
        let mut kept: Vec<_> = (0..40)
            .map(|n| consents.expect(&format!("{n:02}")))
            .collect();
        let arrived = (0..40).filter(|n| consents.arrive(&format!("{n:02}"), given("")).is_some());
        assert_eq!(arrived.count(), AWAITED_MAX);
        let first = kept[0].try_recv().expect("is told");
        assert!(matches!(first.consent, Consent::Denied(why) if why == TOO_MANY));
    }
}
