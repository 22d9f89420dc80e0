//! What is counted, and waited for, while one request is tried.

use alloc::format;

use super::effects::Flow;
use super::parking::EarlyEnd;
use crate::classify::NotNow;
use crate::contract::http::Request;
use crate::contract::runs::WaitReason;
use crate::contract::types::{Duration, System};
use crate::error_bodies::Refusal;
use crate::retry;

/// So many refusals of the token in a row are a missing permission: the host refreshes it after the
/// first, and the second allows for a refresh that crossed with the request.
const DENIALS_MAX: u32 = 3;
/// So many 400s in a row that sound like throttling are a refusal that only sounds like it: by then
/// the waits of 1 s, 2 s, 4 s ... add up to two minutes.
const THROTTLES_MAX: u32 = 8;
/// First and longest wait for a remote that takes no requests, in milliseconds. The host's gate
/// holds all requests to that remote for as long as the remote asks, so that these only spread the
/// runs that wait behind it.
const REMOTE_WAIT_FIRST: Duration = 1_000;
const REMOTE_WAIT_MAX: Duration = 300_000;

/// What is counted while one request is tried.
pub(super) struct Attempts<'a> {
    flow: &'a Flow,
    failures: u32,
    /// Refusals of the token in a row.
    denials: u32,
    /// 400s in a row that sound like throttling.
    throttles: u32,
    remote_wait: Duration,
}

impl<'a> Attempts<'a> {
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
    pub(super) async fn wait_or_refuse(
        &mut self,
        request: &Request,
        not_now: NotNow,
    ) -> Result<Option<Refusal>, EarlyEnd> {
        match not_now {
            NotNow::Denied(status) => self.access_denied(request, status).await?,
            NotNow::NotTaken(why) => self.remote_failed(request.system, &why).await,
            NotNow::Throttled(refusal) if self.throttles + 1 >= THROTTLES_MAX => {
                return Ok(Some(refusal));
            }
            NotNow::Throttled(refusal) => {
                let throttles = self.throttles + 1;
                self.remote_failed(request.system, &refusal.words).await;
                self.throttles = throttles;
            }
        }
        Ok(None)
    }

    /// A failure of this record: back-off, or park when the retries are used up.
    pub(super) async fn record_failed(
        &mut self,
        request: &Request,
        why: &str,
    ) -> Result<(), EarlyEnd> {
        self.failures = self.failures.saturating_add(1);
        let key = &self.flow.marker(&request.path_with_query);
        let Some(delay) = retry::delay_after(self.flow.settings.retry, self.failures, key) else {
            let message = format!("{} attempts failed; the last one: {why}", self.failures);
            let remedy = "see `ml-connector show RUN`, then `ml-connector replay RUN`";
            return Err(self.flow.parked("retries-used-up", message, remedy));
        };
        let message = format!("attempt {} failed: {why}", self.failures);
        self.flow.wait(delay, WaitReason::Retry, message).await;
        Ok(())
    }

    /// A failure of the remote: it costs this record no attempt.
    pub(super) async fn remote_failed(&mut self, system: System, why: &str) {
        (self.denials, self.throttles) = (0, 0);
        let message = format!("{} takes no requests now: {why}", system.display_name());
        let delay = self.remote_wait;
        self.remote_wait = delay.saturating_mul(2).min(REMOTE_WAIT_MAX);
        self.flow.wait(delay, WaitReason::Remote, message).await;
    }

    /// A refused token: the host refreshes it; after that it is a missing permission.
    async fn access_denied(&mut self, request: &Request, status: u16) -> Result<(), EarlyEnd> {
        let denials = self.denials + 1;
        if denials >= DENIALS_MAX {
            let message = format!(
                "{} refuses access to {} (HTTP {status}) even with a fresh token",
                request.system.display_name(),
                path(request),
            );
            let remedy = "give the app the missing scope or role, run `ml-connector connect`, then \
                `ml-connector replay RUN`";
            return Err(self.flow.parked("access-denied", message, remedy));
        }
        self.remote_failed(request.system, "the access token was refused")
            .await;
        self.denials = denials;
        Ok(())
    }
}

fn path(request: &Request) -> &str {
    let target = request.path_with_query.as_str();
    target.split('?').next().unwrap_or(target)
}
