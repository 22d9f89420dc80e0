//! Sending, failing, trying again: what every flow does with a request.
//!
//! A **read** is sent until it is answered. A **write** is preceded by a look-up, and a write whose outcome
//! nobody can know is looked up after a settle time before anything else is done about it.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::Port;
use crate::contract::http::{Request, Response, SendError, SendErrorCode, SendOutcome};
use crate::contract::runs::{
    Action, Conflict, Intent, NewTask, Report, Save, Send, Standing, Stop, Task, Wait, WaitReason,
    Wake,
};
use crate::contract::types::{Duration, Instant, ObjectRef, System};
use crate::refusals::{self, Refusal, Unread};
use crate::settings::Settings;
use crate::{marker, pacing, retry};

/// A refusal of the token that is repeated so often in a row is a missing permission.
const DENIALS_MAX: u32 = 3;
/// A 400 that sounds like throttling and is repeated so often in a row is a refusal.
const THROTTLES_MAX: u32 = 8;
/// First and longest wait for a remote that takes no requests (the host's gate may hold longer).
const REMOTE_WAIT_FIRST: Duration = 1_000;
const REMOTE_WAIT_MAX: Duration = 300_000;

/// Why a flow ends early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Halt {
    /// A person is needed.
    Parked(Stop),
    /// The remote refused the record itself.
    Rejected(Stop),
    /// More than one record under our marker.
    Conflict(Conflict),
}

/// What a look-up says before each send of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LookUp<T> {
    /// It is there already.
    There(T),
    /// It is not; this is what to send.
    Missing(Request),
}

/// A write that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written<T> {
    pub(crate) record: T,
    /// A look-up found it; else the remote answered for it.
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

/// What reads an answer of the 2xx kind.
pub(crate) type Reader<T> = fn(&Response) -> Result<T, Unread>;

/// A flow's side of its run: the task, the settings, and the effects.
pub(crate) struct Flow {
    pub(crate) task: Task,
    pub(crate) settings: Rc<Settings>,
    port: Rc<Port>,
    version: RefCell<String>,
}

impl Flow {
    pub(crate) fn new(port: Rc<Port>, task: Task, settings: Rc<Settings>) -> Self {
        Self {
            task,
            settings,
            port,
            version: RefCell::default(),
        }
    }

    /// Notes which version of the object this run looks at.
    pub(crate) fn looked_at(&self, version: &str) {
        *self.version.borrow_mut() = String::from(version);
    }

    /// The version that this run has looked at; empty if it did not get that far.
    pub(crate) fn version(&self) -> String {
        self.version.borrow().clone()
    }

    pub(crate) fn now(&self) -> Instant {
        self.port.now()
    }

    /// Tells what is known of the objects, in the order asked.
    pub(crate) async fn find(&self, objects: Vec<ObjectRef>) -> Vec<Standing> {
        match self.port.perform(Action::FindObjects(objects)).await {
            Report::Found(found) => found,
            report => unanswered(&report),
        }
    }

    /// Keeps links and starts runs.
    pub(crate) async fn save(&self, save: Save) {
        self.port.perform(Action::Save(save)).await;
    }

    /// Starts runs of other objects.
    pub(crate) async fn start(&self, tasks: Vec<NewTask>) {
        self.save(Save {
            links: Vec::new(),
            unlinks: Vec::new(),
            tasks,
        })
        .await;
    }

    /// Makes the candidate verifier of a callback the key.
    pub(crate) async fn trust_verifier(&self, callback_id: &str) {
        self.port
            .perform(Action::TrustVerifier(String::from(callback_id)))
            .await;
    }

    /// Waits for `delay`.
    pub(crate) async fn wait(&self, delay: Duration, reason: WaitReason, sentence: String) -> Wake {
        self.wait_on(delay, reason, None, sentence).await
    }

    /// Waits for `delay`, or until a run of the object ends.
    pub(crate) async fn wait_on(
        &self,
        delay: Duration,
        reason: WaitReason,
        on: Option<ObjectRef>,
        sentence: String,
    ) -> Wake {
        let until = self.now().saturating_add(delay);
        let wait = Wait {
            id: 0,
            until,
            reason,
            on,
            sentence,
        };
        match self.port.wait(wait).await {
            Report::Woken(wake) => wake,
            report => unanswered(&report),
        }
    }

    /// Sends a read until it is answered; a definite refusal is an answer too.
    pub(crate) async fn read<T>(
        &self,
        request: Request,
        reader: Reader<T>,
    ) -> Result<Result<T, Refusal>, Halt> {
        let mut trouble = Trouble::new(self);
        loop {
            match self.attempt(&request, Intent::Read, reader).await {
                Verdict::Answered(answer) => return Ok(Ok(answer)),
                Verdict::Refused(refusal) => return Ok(Err(refusal)),
                Verdict::Denied(status) => trouble.denied(&request, status).await?,
                Verdict::NotTaken(why) => trouble.remote(request.system, &why).await,
                Verdict::Throttled(refusal) if trouble.is_throttled() => {
                    trouble.remote(request.system, &refusal.words).await;
                }
                Verdict::Throttled(refusal) => return Ok(Err(refusal)),
                Verdict::Unknown(why, blame) => trouble.blame(&blame, &request, &why).await?,
            }
        }
    }

    /// Sends a write that may be done twice without harm, once; nothing if it was not answered.
    pub(crate) async fn try_once<T>(&self, request: Request, reader: Reader<T>) -> Option<T> {
        match self
            .attempt(&request, Intent::ServerDeduplicated, reader)
            .await
        {
            Verdict::Answered(answer) => Some(answer),
            _ => None,
        }
    }

    /// Sends a write, having looked it up first, and again after whatever cannot be known.
    pub(crate) async fn write<T>(
        &self,
        intent: Intent,
        reader: Reader<T>,
        look_up: impl AsyncFn() -> Result<LookUp<T>, Halt>,
    ) -> Result<Result<Written<T>, Refusal>, Halt> {
        let mut trouble = Trouble::new(self);
        let mut unknown: Option<(String, Blame)> = None;
        loop {
            let request = match look_up().await? {
                LookUp::There(record) => return Ok(Ok(Written::found(record))),
                LookUp::Missing(request) => request,
            };
            if let Some((why, blame)) = unknown.take() {
                if intent == Intent::LookUpThenPark {
                    return Err(self.ambiguous(&why));
                }
                trouble.blame(&blame, &request, &why).await?;
                // The back-off gave it more time to turn up.
                continue;
            }
            match self.attempt(&request, intent, reader).await {
                Verdict::Answered(record) => return Ok(Ok(Written::answered(record))),
                Verdict::Refused(refusal) => return Ok(Err(refusal)),
                Verdict::Denied(status) => trouble.denied(&request, status).await?,
                Verdict::NotTaken(why) => trouble.remote(request.system, &why).await,
                Verdict::Throttled(refusal) if trouble.is_throttled() => {
                    trouble.remote(request.system, &refusal.words).await;
                }
                Verdict::Throttled(refusal) => return Ok(Err(refusal)),
                Verdict::Unknown(why, blame) => {
                    self.settle(&why).await;
                    unknown = Some((why, blame));
                }
            }
        }
    }

    /// A stop that begins now.
    pub(crate) fn stop(&self, code: &str, sentence: String, remedy: &str) -> Stop {
        Stop {
            code: String::from(code),
            sentence,
            remedy: String::from(remedy),
            problems: Vec::new(),
            since: self.now(),
            look_again: None,
        }
    }

    /// The marker under which this run creates a record of `target_kind`.
    pub(crate) fn marker(&self, target_kind: &str) -> String {
        marker::of(&self.task.connection, &self.task.object, target_kind)
    }

    /// The stop of a write that may or may not have happened.
    pub(crate) fn ambiguous(&self, why: &str) -> Halt {
        let mut stop = self.stop(
            AMBIGUOUS,
            format!("nobody can know whether SAP Concur carried this out: {why}"),
            "look in SAP Concur; if it is not there, `ml-connector replay RUN` sends it again",
        );
        stop.look_again = next_look(stop.since, self.now());
        Halt::Parked(stop)
    }

    async fn settle(&self, why: &str) {
        let delay = self.settings.payment_request.settle;
        let sentence = format!(
            "it may or may not have been carried out ({why}); looking it up after the settle time"
        );
        self.wait(delay, WaitReason::Settle, sentence).await;
    }

    async fn attempt<T>(&self, request: &Request, intent: Intent, reader: Reader<T>) -> Verdict<T> {
        let system = request.system;
        let request = request.clone();
        match self
            .port
            .perform(Action::Send(Send { request, intent }))
            .await
        {
            Report::Sent(SendOutcome::Response(response)) => judge(system, &response, reader),
            Report::Sent(SendOutcome::NotSent(error)) => Verdict::NotTaken(words(&error)),
            Report::Sent(SendOutcome::MaybeSent(error)) => {
                let blame = match error.code {
                    SendErrorCode::AnswerTooLong => Blame::Record,
                    _ => Blame::Remote,
                };
                Verdict::Unknown(words(&error), blame)
            }
            report => unanswered(&report),
        }
    }
}

/// The code of a stop after a write that may or may not have happened.
pub(crate) const AMBIGUOUS: &str = "ambiguous";

/// When to look once more for a write that may still turn up: 1 h, 6 h, 1 d, 3 d and 7 d after it.
pub(crate) fn next_look(since: Instant, now: Instant) -> Option<Instant> {
    const HOUR: Duration = 3_600_000;
    [1, 6, 24, 72, 168]
        .into_iter()
        .map(|hours| since.saturating_add(hours * HOUR))
        .find(|look| *look > now)
}

/// What is counted while one request is tried.
struct Trouble<'a> {
    flow: &'a Flow,
    failures: u32,
    denials: u32,
    throttles: u32,
    remote_wait: Duration,
}

impl<'a> Trouble<'a> {
    fn new(flow: &'a Flow) -> Self {
        Self {
            flow,
            failures: 0,
            denials: 0,
            throttles: 0,
            remote_wait: REMOTE_WAIT_FIRST,
        }
    }

    /// Whether a 400 that sounds like throttling is taken for it: not when it is said again and again.
    fn is_throttled(&mut self) -> bool {
        self.throttles = self.throttles.saturating_add(1);
        self.throttles < THROTTLES_MAX
    }

    async fn blame(&mut self, blame: &Blame, request: &Request, why: &str) -> Result<(), Halt> {
        match blame {
            Blame::Record => self.failed(request, why).await,
            Blame::Remote => {
                self.remote(request.system, why).await;
                Ok(())
            }
        }
    }

    /// A failure of this record: back-off, or park when the retries are used up.
    async fn failed(&mut self, request: &Request, why: &str) -> Result<(), Halt> {
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
    async fn remote(&mut self, system: System, why: &str) {
        let sentence = format!("{} takes no requests now: {why}", name(system));
        let delay = self.remote_wait;
        self.remote_wait = delay.saturating_mul(2).min(REMOTE_WAIT_MAX);
        self.flow.wait(delay, WaitReason::Remote, sentence).await;
    }

    /// A refused token: the host refreshes it; after that it is a missing permission.
    async fn denied(&mut self, request: &Request, status: u16) -> Result<(), Halt> {
        self.denials = self.denials.saturating_add(1);
        if self.denials >= DENIALS_MAX {
            let sentence = format!(
                "{} refuses access to {} (HTTP {status}) even with a fresh token",
                name(request.system),
                path(request),
            );
            let remedy = "give the app the missing scope or role, connect again, then replay";
            return Err(Halt::Parked(self.flow.stop(
                "access-denied",
                sentence,
                remedy,
            )));
        }
        self.remote(request.system, "the access token was refused")
            .await;
        Ok(())
    }
}

enum Blame {
    Record,
    Remote,
}

enum Verdict<T> {
    Answered(T),
    /// A definite refusal of this request.
    Refused(Refusal),
    /// The token was refused, with this status.
    Denied(u16),
    /// Surely not carried out, and not the record's fault.
    NotTaken(String),
    /// A 400 whose words say that a limit was exceeded: not now, or a refusal that only sounds like it.
    Throttled(Refusal),
    /// Nobody knows.
    Unknown(String, Blame),
}

fn judge<T>(system: System, response: &Response, reader: Reader<T>) -> Verdict<T> {
    match response.status {
        200..=299 => match reader(response) {
            Ok(answer) => Verdict::Answered(answer),
            Err(Unread::Refused(refusal)) => Verdict::Refused(refusal),
            Err(Unread::Garbled(why)) => Verdict::Unknown(why, Blame::Record),
        },
        status if pacing::is_denial(system, status) => Verdict::Denied(status),
        429 => Verdict::NotTaken(String::from("rate limit (HTTP 429)")),
        // Documented by both systems as "not now".
        503 => Verdict::NotTaken(String::from("maintenance (HTTP 503)")),
        400 if pacing::says_throttled(response) => Verdict::Throttled(refusals::of(response)),
        400..=499 => Verdict::Refused(refusals::of(response)),
        // From a gateway that cannot know.
        status @ (502 | 504) => Verdict::Unknown(format!("HTTP {status}"), Blame::Remote),
        status => Verdict::Unknown(format!("HTTP {status}"), Blame::Record),
    }
}

fn words(error: &SendError) -> String {
    let kind = match error.code {
        SendErrorCode::Unreachable => "no connection",
        SendErrorCode::Tls => "TLS handshake failed",
        SendErrorCode::Timeout => "no answer in time",
        SendErrorCode::ConnectionLost => "the connection ended early",
        SendErrorCode::AnswerTooLong => "the answer was too long",
        SendErrorCode::Interrupted => "the host stopped meanwhile",
        SendErrorCode::Withheld => "held back by the host",
    };
    if error.detail.is_empty() {
        String::from(kind)
    } else {
        format!("{kind} ({})", error.detail)
    }
}

/// A system's name for people.
pub(crate) fn name(system: System) -> &'static str {
    match system {
        System::Freshbooks => "FreshBooks",
        System::Concur => "SAP Concur",
    }
}

fn path(request: &Request) -> &str {
    let target = request.path_with_query.as_str();
    target.split('?').next().unwrap_or(target)
}

fn unanswered(report: &Report) -> ! {
    unreachable!("step checks that a report answers its demand: {report:?}")
}
