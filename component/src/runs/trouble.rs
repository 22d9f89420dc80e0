//! What is counted, and waited for, while one request is tried.

use alloc::format;

use super::sending::{Flow, Halt, name};
use super::verdict::NotNow;
use crate::contract::http::Request;
use crate::contract::runs::WaitReason;
use crate::contract::types::{Duration, System};
use crate::refusals::Refusal;
use crate::retry;

/// A refusal of the token that is repeated so often in a row is a missing permission.
const DENIALS_MAX: u32 = 3;
/// A 400 that sounds like throttling and is repeated so often in a row is a refusal.
const THROTTLES_MAX: u32 = 8;
/// First and longest wait for a remote that takes no requests (the host's gate may hold longer).
const REMOTE_WAIT_FIRST: Duration = 1_000;
const REMOTE_WAIT_MAX: Duration = 300_000;

/// What is counted while one request is tried.
pub(super) struct Trouble<'a> {
    flow: &'a Flow,
    failures: u32,
    /// In a row.
    denials: u32,
    /// In a row.
    throttles: u32,
    remote_wait: Duration,
}

impl<'a> Trouble<'a> {
    pub(super) fn new(flow: &'a Flow) -> Self {
        Self {
            flow,
            failures: 0,
            denials: 0,
            throttles: 0,
            remote_wait: REMOTE_WAIT_FIRST,
        }
    }

    /// Waits until it may be sent again, or gives back the refusal that it is after all.
    pub(super) async fn not_now(
        &mut self,
        request: &Request,
        not_now: NotNow,
    ) -> Result<Option<Refusal>, Halt> {
        match not_now {
            NotNow::Denied(status) => self.denied(request, status).await?,
            NotNow::NotTaken(why) => self.remote(request.system, &why).await,
            NotNow::Throttled(refusal) if self.throttles + 1 >= THROTTLES_MAX => {
                return Ok(Some(refusal));
            }
            NotNow::Throttled(refusal) => {
                let throttles = self.throttles + 1;
                self.remote(request.system, &refusal.words).await;
                self.throttles = throttles;
            }
        }
        Ok(None)
    }

    /// A failure of this record: back-off, or park when the retries are used up.
    pub(super) async fn failed(&mut self, request: &Request, why: &str) -> Result<(), Halt> {
        self.failures = self.failures.saturating_add(1);
        let key = &self.flow.marker(&request.path_with_query);
        let Some(delay) = retry::delay_after(self.flow.settings.retry, self.failures, key) else {
            let sentence = format!("{} attempts failed; the last one: {why}", self.failures);
            let remedy = "see `ml-connector show RUN`, then `ml-connector replay RUN`";
            return Err(Halt::Parked(self.flow.stop(
                "retries-used-up",
                sentence,
                remedy,
            )));
        };
        let sentence = format!("attempt {} failed: {why}", self.failures);
        self.flow.wait(delay, WaitReason::Retry, sentence).await;
        Ok(())
    }

    /// A failure of the remote: it costs this record no attempt.
    pub(super) async fn remote(&mut self, system: System, why: &str) {
        (self.denials, self.throttles) = (0, 0);
        let sentence = format!("{} takes no requests now: {why}", name(system));
        let delay = self.remote_wait;
        self.remote_wait = delay.saturating_mul(2).min(REMOTE_WAIT_MAX);
        self.flow.wait(delay, WaitReason::Remote, sentence).await;
    }

    /// A refused token: the host refreshes it; after that it is a missing permission.
    async fn denied(&mut self, request: &Request, status: u16) -> Result<(), Halt> {
        let denials = self.denials + 1;
        if denials >= DENIALS_MAX {
            let sentence = format!(
                "{} refuses access to {} (HTTP {status}) even with a fresh token",
                name(request.system),
                path(request),
            );
            let remedy = "give the app the missing scope or role, run `ml-connector connect`, then `ml-connector replay RUN`";
            return Err(Halt::Parked(self.flow.stop(
                "access-denied",
                sentence,
                remedy,
            )));
        }
        self.remote(request.system, "the access token was refused")
            .await;
        self.denials = denials;
        Ok(())
    }
}

fn path(request: &Request) -> &str {
    let target = request.path_with_query.as_str();
    target.split('?').next().unwrap_or(target)
}
