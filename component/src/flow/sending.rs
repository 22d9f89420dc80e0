//! Sending, failing, trying again: what every flow does with a request.
//!
//! A **read** is sent until it is answered. A **write** is preceded by a look-up, and a write whose
//! outcome nobody can know is looked up after a settle time before anything else is done about it.

use alloc::format;
use alloc::string::ToString;

use super::attempts::Attempts;
use super::effects::Flow;
use super::parking::{EARLIER, EarlyEnd};
use crate::classify::{Blame, NotNow, Reader, Verdict, classify, describe_error};
use crate::contract::http::{Request, SendErrorCode, SendOutcome};
use crate::contract::runs::{Intent, OutboundRequest, StartReason, WaitReason};
use crate::contract::types::Instant;
use crate::error_bodies::Refusal;

/// What a look-up says before each send of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LookUp<T> {
    /// The record is there already.
    Found(T),
    /// It is not there; this is the request that writes it.
    Missing(Request),
}

/// A record that a write has led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written<T> {
    pub(crate) record: T,
    /// Whether a look-up found it; else the remote answered for it.
    pub(crate) found: bool,
}

impl<T> Written<T> {
    fn found(record: T) -> Self {
        Self {
            record,
            found: true,
        }
    }

    fn answered(record: T) -> Self {
        Self {
            record,
            found: false,
        }
    }
}

impl Flow {
    /// Sends a read until it is answered; a definite refusal is an answer too.
    pub(crate) async fn read<T>(
        &self,
        request: Request,
        reader: Reader<T>,
    ) -> Result<Result<T, Refusal>, EarlyEnd> {
        self.until_answered(request, Intent::Read, reader).await
    }

    /// Sends a write that the remote does once however often it is sent, until it is answered.
    pub(crate) async fn send_idempotent<T>(
        &self,
        request: Request,
        reader: Reader<T>,
    ) -> Result<Result<T, Refusal>, EarlyEnd> {
        self.until_answered(request, Intent::ServerDeduplicated, reader)
            .await
    }

    async fn until_answered<T>(
        &self,
        request: Request,
        intent: Intent,
        reader: Reader<T>,
    ) -> Result<Result<T, Refusal>, EarlyEnd> {
        let mut attempts = Attempts::new(self);
        loop {
            match self.attempt(&request, intent, reader).await {
                Verdict::Answered(answer) => return Ok(Ok(answer)),
                Verdict::Refused(refusal) => return Ok(Err(of(intent, refusal))),
                Verdict::NotNow(not_now) => {
                    if let Some(refusal) = attempts.wait_or_refuse(&request, not_now).await? {
                        return Ok(Err(of(intent, refusal)));
                    }
                }
                Verdict::Unknown(why, Blame::Record) => {
                    attempts.record_failed(&request, &why).await?;
                }
                Verdict::Unknown(why, Blame::Remote | Blame::Host) => {
                    attempts.remote_failed(request.system, &why).await;
                }
            }
        }
    }

    /// Sends a write that may be done twice without harm, once; nothing if it was not answered. A
    /// definite refusal is an answer too.
    pub(crate) async fn try_once<T>(
        &self,
        request: Request,
        reader: Reader<T>,
    ) -> Option<Result<T, Refusal>> {
        match self
            .attempt(&request, Intent::ServerDeduplicated, reader)
            .await
        {
            Verdict::Answered(answer) => Some(Ok(answer)),
            Verdict::Refused(refusal) => Some(Err(refusal)),
            Verdict::NotNow(_) | Verdict::Unknown(..) => None,
        }
    }

    /// Sends a write, having looked it up first, and again after whatever cannot be known. In a run
    /// that was started over that may be its own earlier history.
    ///
    /// Whatever is to blame, a write that cannot be known costs an attempt: the look-up after it
    /// was answered, so the remote is there, and a write that always ends like this must not be
    /// sent for ever.
    pub(crate) async fn write<T>(
        &self,
        intent: Intent,
        reader: Reader<T>,
        look_up: impl AsyncFn() -> Result<LookUp<T>, EarlyEnd>,
    ) -> Result<Result<Written<T>, Refusal>, EarlyEnd> {
        let mut attempts = Attempts::new(self);
        let mut request = match self.look_up_first(intent, &look_up).await? {
            LookUp::Found(record) => return Ok(Ok(Written::found(record))),
            LookUp::Missing(request) => request,
        };
        loop {
            match self.attempt(&request, intent, reader).await {
                Verdict::Answered(record) => return Ok(Ok(Written::answered(record))),
                Verdict::Refused(refusal) => return Ok(Err(refusal)),
                Verdict::NotNow(not_now) => {
                    if let Some(refusal) = attempts.wait_or_refuse(&request, not_now).await? {
                        return Ok(Err(refusal));
                    }
                }
                Verdict::Unknown(why, blame) => {
                    if blame == Blame::Host {
                        self.refresh_clock().await;
                    }
                    let since = self.settle(&why).await;
                    if let LookUp::Found(record) =
                        self.look_up_settled(intent, &why, since, &look_up).await?
                    {
                        return Ok(Ok(Written::found(record)));
                    }
                    // The back-off gives it more time to turn up.
                    attempts.record_failed(&request, &why).await?;
                }
            }
            request = match look_up().await? {
                LookUp::Found(record) => return Ok(Ok(Written::found(record))),
                LookUp::Missing(request) => request,
            };
        }
    }

    /// What a look-up shows before anything was sent; after the settle time if an earlier history
    /// of this run may have sent it.
    async fn look_up_first<T>(
        &self,
        intent: Intent,
        look_up: impl AsyncFn() -> Result<LookUp<T>, EarlyEnd>,
    ) -> Result<LookUp<T>, EarlyEnd> {
        self.settle_before_replay().await;
        let looked = look_up().await;
        if self.task.unknown_since.is_none() {
            return looked;
        }
        match looked {
            Ok(LookUp::Missing(_)) => {
                let since = self.settle(EARLIER).await;
                self.look_up_settled(intent, EARLIER, since, look_up).await
            }
            Err(end) if intent == Intent::LookUpThenPark => Err(self.ambiguous_after(EARLIER, end)),
            looked => looked,
        }
    }

    /// What a look-up after the settle time shows. Under look-up-then-park this is where it ends,
    /// one way or another.
    async fn look_up_settled<T>(
        &self,
        intent: Intent,
        why: &str,
        since: Instant,
        look_up: impl AsyncFn() -> Result<LookUp<T>, EarlyEnd>,
    ) -> Result<LookUp<T>, EarlyEnd> {
        let end = match look_up().await {
            Ok(LookUp::Missing(_)) if intent == Intent::LookUpThenPark => {
                EarlyEnd::park(self.ambiguous(why))
            }
            Err(end) if intent == Intent::LookUpThenPark => self.ambiguous_after(why, end),
            looked => return looked,
        };
        Err(self.ambiguous_from(since, end))
    }

    /// A person who replays a run may be faster than what it sent: whatever the run before it left
    /// ambiguous gets the whole of its settle time before it is looked up and sent again.
    async fn settle_before_replay(&self) {
        if self.task.reason != StartReason::Replay {
            return;
        }
        let Some(since) = self.last_ending().and_then(|last| last.ambiguous_since()) else {
            return;
        };
        let settled = since.saturating_add(self.settings.settle(self.target()));
        if settled > self.now() {
            let message = "what was sent before may still be carried out; looking it up after \
                           the settle time";
            let delay = settled - self.now();
            self.wait(delay, WaitReason::Settle, message.to_string())
                .await;
        }
    }

    /// Has the host report its clock. It stopped while a write was under way and reports on it
    /// long after, or its history has a hole there: the instant that this run knows may be older
    /// than the write, and the settle time must not be counted from it.
    async fn refresh_clock(&self) {
        let message =
            "the host stopped while this was being sent; the settle time begins now".to_string();
        self.wait(0, WaitReason::Settle, message).await;
    }

    /// Leaves what may have been sent alone for the settle time. Returns when that began.
    async fn settle(&self, why: &str) -> Instant {
        let since = self.now();
        let delay = self.settings.settle(self.target());
        let message = format!(
            "it may or may not have been carried out ({why}); looking it up after the settle time"
        );
        self.wait(delay, WaitReason::Settle, message).await;
        since
    }

    async fn attempt<T>(&self, request: &Request, intent: Intent, reader: Reader<T>) -> Verdict<T> {
        let system = request.system;
        let request = request.clone();
        match self.send(OutboundRequest { request, intent }).await {
            SendOutcome::Response(response) => classify(system, &response, reader),
            SendOutcome::NotSent(error) => {
                Verdict::NotNow(NotNow::NotTaken(describe_error(&error)))
            }
            SendOutcome::MaybeSent(error) => {
                let blame = match error.code {
                    SendErrorCode::AnswerTooLong => Blame::Record,
                    SendErrorCode::Interrupted => Blame::Host,
                    _ => Blame::Remote,
                };
                Verdict::Unknown(describe_error(&error), blame)
            }
        }
    }
}

/// A refusal of a request with this intent.
fn of(intent: Intent, refusal: Refusal) -> Refusal {
    Refusal {
        is_look_up: intent == Intent::Read,
        ..refusal
    }
}

#[cfg(test)]
mod tests;
