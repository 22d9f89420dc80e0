//! What is counted, and waited for, while one request is tried.

use alloc::format;

use super::effects::Flow;
use super::parking::EarlyEnd;
use crate::classify::{Doubt, NotNow};
use crate::contract::http::Request;
use crate::contract::runs::WaitReason;
use crate::contract::types::{Duration, System};
use crate::error_bodies::{Lacking, Refusal};
use crate::retry;

/// So many refusals of the token in a row are a missing permission: the host refreshes it after the
/// first, and the second allows for a refresh that crossed with the request.
const DENIALS_MAX: u32 = 3;
/// So many refusals in a row that sound like throttling may only sound like it: by then the waits
/// of 1 s, 2 s, 4 s ... add up to two minutes.
const THROTTLES_MAX: u32 = 8;
/// So many 400s in a row without a reason are a refusal: "resend shortly after" was heeded, for
/// seven seconds.
const UNEXPLAINED_MAX: u32 = 4;
/// So many pages in a row that are nobody's answer are one that stays: the waits add up to three
/// days, as long as an outage may last without a person.
const PAGES_MAX: u32 = 900;
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
    /// Refusals in a row that may be none.
    doubts: u32,
    remote_wait: Duration,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(flow: &'a Flow) -> Self {
        Self {
            flow,
            failures: 0,
            denials: 0,
            doubts: 0,
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
            NotNow::Denied(refusal) => self.access_denied(request, refusal).await,
            NotNow::NotTaken(why) => {
                self.remote_failed(request.system, &why).await;
                Ok(None)
            }
            NotNow::Doubtful(refusal, doubt) => {
                Ok(self.refused_perhaps(request, refusal, doubt).await)
            }
        }
    }

    /// A refusal that may be none: it is one if it stays.
    async fn refused_perhaps(
        &mut self,
        request: &Request,
        refusal: Refusal,
        doubt: Doubt,
    ) -> Option<Refusal> {
        let most = match doubt {
            Doubt::Page => PAGES_MAX,
            Doubt::Throttled => THROTTLES_MAX,
            Doubt::Unexplained => UNEXPLAINED_MAX,
        };
        let doubts = self.doubts + 1;
        if doubts >= most {
            return Some(refusal);
        }
        let why = format!("it answered {}", refusal.said());
        self.remote_failed(request.system, &why).await;
        self.doubts = doubts;
        None
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
        (self.denials, self.doubts) = (0, 0);
        let message = format!("{} takes no requests now: {why}", system.display_name());
        let delay = self.remote_wait;
        self.remote_wait = delay.saturating_mul(2).min(REMOTE_WAIT_MAX);
        self.flow.wait(delay, WaitReason::Remote, message).await;
    }

    /// A refused token: the host refreshes it; after that it is a missing permission, or a page of
    /// somebody who was never asked for one.
    async fn access_denied(
        &mut self,
        request: &Request,
        refusal: Refusal,
    ) -> Result<Option<Refusal>, EarlyEnd> {
        let denials = self.denials + 1;
        if denials < DENIALS_MAX {
            self.remote_failed(request.system, "the access token was refused")
                .await;
            self.denials = denials;
            return Ok(None);
        }
        if refusal.is_page {
            let refusal = self.refused_perhaps(request, refusal, Doubt::Page).await;
            self.denials = denials;
            return Ok(refusal);
        }
        let system = request.system;
        let lacking = refusal.lacking(system).unwrap_or(Lacking::Something);
        let message = format!(
            "{} refuses access to {} even with a fresh token {}; {}",
            system.display_name(),
            path(request),
            refusal.said(),
            lacking.message(system),
        );
        Err(self
            .flow
            .parked("access-denied", message, lacking.remedy(system)))
    }
}

fn path(request: &Request) -> &str {
    let target = request.path_with_query.as_str();
    target.split('?').next().unwrap_or(target)
}
