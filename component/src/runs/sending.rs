//! Sending, failing, trying again: what every flow does with a request.
//!
//! A **read** is sent until it is answered. A **write** is preceded by a look-up, and a write whose
//! outcome nobody can know is looked up after a settle time before anything else is done about it.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::Port;
use super::stops::{AMBIGUOUS, EARLIER};
use super::trouble::Trouble;
use super::verdict::{Blame, NotNow, Verdict, judge, words};
use crate::contract::http::{Request, Response, SendErrorCode, SendOutcome};
use crate::contract::runs::{
    Action, Conflict, Intent, NewTask, Report, Save, Send, Standing, Stop, Task, Wait, WaitReason,
    Wake,
};
use crate::contract::types::{Duration, Instant, ObjectRef, System};
use crate::refusals::{Refusal, Unread};
use crate::settings::Settings;

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
    stopped: RefCell<(String, Instant)>,
}

impl Flow {
    pub(crate) fn new(port: Rc<Port>, task: Task, settings: Rc<Settings>) -> Self {
        Self {
            task,
            settings,
            port,
            version: RefCell::default(),
            stopped: RefCell::default(),
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

    /// The system that the run's object is brought to.
    pub(super) fn target(&self) -> System {
        match self.task.object.system {
            System::Freshbooks => System::Concur,
            System::Concur => System::Freshbooks,
        }
    }

    /// Tells what is known of the objects, in the order asked.
    pub(crate) async fn find(&self, objects: Vec<ObjectRef>) -> Vec<Standing> {
        match self.port.perform(Action::FindObjects(objects)).await {
            Report::Found(found) => found,
            report => unanswered(&report),
        }
    }

    /// Tells what is known of one object.
    pub(crate) async fn find_one(&self, object: ObjectRef) -> Standing {
        match self.find(vec![object]).await.pop() {
            Some(standing) => standing,
            None => unreachable!("a report on one object holds one standing"),
        }
    }

    /// Tells what is known of this run's own object, and how its last run stopped.
    pub(crate) async fn find_own(&self) -> Standing {
        let own = self.find_one(self.task.object.clone()).await;
        *self.stopped.borrow_mut() = (own.code.clone(), own.since);
        own
    }

    /// When a stop of this code began: in an earlier run if that stopped for the same reason.
    pub(crate) fn since(&self, stop: &Stop) -> Instant {
        let (code, since) = &*self.stopped.borrow();
        let is_same = *since > 0 && *code == stop.code && stop.code != AMBIGUOUS;
        if is_same { *since } else { stop.since }
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
        self.until_answered(request, Intent::Read, reader).await
    }

    /// Sends a write that the remote does once however often it is sent, until it is answered.
    pub(crate) async fn repeat<T>(
        &self,
        request: Request,
        reader: Reader<T>,
    ) -> Result<Result<T, Refusal>, Halt> {
        self.until_answered(request, Intent::ServerDeduplicated, reader)
            .await
    }

    async fn until_answered<T>(
        &self,
        request: Request,
        intent: Intent,
        reader: Reader<T>,
    ) -> Result<Result<T, Refusal>, Halt> {
        let mut trouble = Trouble::new(self);
        loop {
            match self.attempt(&request, intent, reader).await {
                Verdict::Answered(answer) => return Ok(Ok(answer)),
                Verdict::Refused(refusal) => return Ok(Err(refusal)),
                Verdict::NotNow(not_now) => {
                    if let Some(refusal) = trouble.not_now(&request, not_now).await? {
                        return Ok(Err(refusal));
                    }
                }
                Verdict::Unknown(why, Blame::Record) => trouble.failed(&request, &why).await?,
                Verdict::Unknown(why, Blame::Remote) => trouble.remote(request.system, &why).await,
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
        look_up: impl AsyncFn() -> Result<LookUp<T>, Halt>,
    ) -> Result<Result<Written<T>, Refusal>, Halt> {
        let mut trouble = Trouble::new(self);
        let mut request = match self.first_look(intent, &look_up).await? {
            LookUp::There(record) => return Ok(Ok(Written::found(record))),
            LookUp::Missing(request) => request,
        };
        loop {
            match self.attempt(&request, intent, reader).await {
                Verdict::Answered(record) => return Ok(Ok(Written::answered(record))),
                Verdict::Refused(refusal) => return Ok(Err(refusal)),
                Verdict::NotNow(not_now) => {
                    if let Some(refusal) = trouble.not_now(&request, not_now).await? {
                        return Ok(Err(refusal));
                    }
                }
                Verdict::Unknown(why, _) => {
                    self.settle(&why).await;
                    if let LookUp::There(record) = self.settled(intent, &why, &look_up).await? {
                        return Ok(Ok(Written::found(record)));
                    }
                    // The back-off gives it more time to turn up.
                    trouble.failed(&request, &why).await?;
                }
            }
            request = match look_up().await? {
                LookUp::There(record) => return Ok(Ok(Written::found(record))),
                LookUp::Missing(request) => request,
            };
        }
    }

    /// What a look-up shows before anything was sent; after the settle time if an earlier history
    /// of this run may have sent it.
    async fn first_look<T>(
        &self,
        intent: Intent,
        look_up: impl AsyncFn() -> Result<LookUp<T>, Halt>,
    ) -> Result<LookUp<T>, Halt> {
        let looked = look_up().await;
        if self.task.unknown_since.is_none() {
            return looked;
        }
        match looked {
            Ok(LookUp::Missing(_)) => {
                self.settle(EARLIER).await;
                self.settled(intent, EARLIER, look_up).await
            }
            Err(halt) if intent == Intent::LookUpThenPark => {
                Err(self.ambiguous_after(EARLIER, halt))
            }
            looked => looked,
        }
    }

    /// What a look-up after the settle time shows. Under look-up-then-park this is where it ends,
    /// one way or another.
    async fn settled<T>(
        &self,
        intent: Intent,
        why: &str,
        look_up: impl AsyncFn() -> Result<LookUp<T>, Halt>,
    ) -> Result<LookUp<T>, Halt> {
        match look_up().await {
            Ok(LookUp::Missing(_)) if intent == Intent::LookUpThenPark => {
                Err(Halt::Parked(self.ambiguous(why)))
            }
            Err(halt) if intent == Intent::LookUpThenPark => Err(self.ambiguous_after(why, halt)),
            looked => looked,
        }
    }

    async fn settle(&self, why: &str) {
        let delay = self.settings.settle(self.target());
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
            Report::Sent(SendOutcome::NotSent(error)) => {
                Verdict::NotNow(NotNow::NotTaken(words(&error)))
            }
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

/// A system's name for people.
pub(crate) fn name(system: System) -> &'static str {
    match system {
        System::Freshbooks => "FreshBooks",
        System::Concur => "SAP Concur",
    }
}

fn unanswered(report: &Report) -> ! {
    unreachable!("step checks that a report answers its demand: {report:?}")
}

#[cfg(test)]
mod tests;
