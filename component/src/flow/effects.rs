//! A flow's side of its run: the task, the settings, and every effect but requests.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;

use crate::contract::http::SendOutcome;
use crate::contract::runs::{
    Action, Changes, Facts, LastEnding, Link, NewTask, ObjectStatus, OutboundRequest, Report, Task,
    Wait, WaitReason, Wake,
};
use crate::contract::types::{Duration, Instant, ObjectRef, System};
use crate::runs::EffectChannel;
use crate::settings::Settings;
use crate::text::non_empty;

/// An address ends in 128 random bits in hex. A shorter last part is no secret, but a word that
/// other text may hold too.
const SECRET_PART_BYTES_MIN: usize = 16;

/// The handle of a story: it reads the task and the settings, and asks for effects.
pub(crate) struct Flow {
    pub(crate) task: Task,
    pub(crate) settings: Rc<Settings>,
    channel: Rc<EffectChannel>,
    version: RefCell<Option<String>>,
    facts: RefCell<Facts>,
    last_ending: RefCell<Option<LastEnding>>,
}

impl Flow {
    pub(crate) fn new(channel: Rc<EffectChannel>, task: Task, settings: Rc<Settings>) -> Self {
        Self {
            task,
            settings,
            channel,
            version: RefCell::default(),
            facts: RefCell::default(),
            last_ending: RefCell::default(),
        }
    }

    /// Notes which version of the object this run works on, for the run's completion.
    pub(crate) fn note_version(&self, version: &str) {
        *self.version.borrow_mut() = non_empty(version);
    }

    /// The version that this run works on; none if it did not get that far.
    pub(super) fn version(&self) -> Option<String> {
        self.version.borrow().clone()
    }

    /// Notes what the object is to a person, for the run's completion.
    pub(crate) fn note_facts(&self, facts: Facts) {
        *self.facts.borrow_mut() = facts;
    }

    pub(super) fn facts(&self) -> Facts {
        self.facts.borrow().clone()
    }

    pub(crate) fn now(&self) -> Instant {
        self.channel.now()
    }

    /// The system that the run's object is brought to.
    pub(super) fn target(&self) -> System {
        match self.task.object.system {
            System::Freshbooks => System::Concur,
            System::Concur => System::Freshbooks,
        }
    }

    /// How the object's last run ended, once [`Flow::find_own`] has found it.
    pub(super) fn last_ending(&self) -> Option<LastEnding> {
        self.last_ending.borrow().clone()
    }

    /// Looks up what the host has stored about the objects, in the order asked.
    pub(crate) async fn find(&self, objects: Vec<ObjectRef>) -> Vec<ObjectStatus> {
        match self.channel.perform(Action::FindObjects(objects)).await {
            Report::Found(found) => found,
            report => unanswered(&report),
        }
    }

    /// Looks up what the host has stored about one object.
    pub(crate) async fn find_one(&self, object: ObjectRef) -> ObjectStatus {
        match self.find(vec![object]).await.pop() {
            Some(status) => status,
            None => unreachable!("a report on one object holds one status"),
        }
    }

    /// Looks up what the host has stored about this run's own object, and notes how its last run
    /// ended.
    pub(crate) async fn find_own(&self) -> ObjectStatus {
        let own = self.find_one(self.task.object.clone()).await;
        self.last_ending.borrow_mut().clone_from(&own.last);
        own
    }

    /// Stores and removes links, and starts runs, all at once.
    pub(crate) async fn save(&self, changes: Changes) {
        self.channel.perform(Action::Save(changes)).await;
    }

    /// Stores links, all at once.
    pub(crate) async fn save_links(&self, links: Vec<Link>) {
        self.save(Changes {
            links,
            unlinks: Vec::new(),
            tasks: Vec::new(),
        })
        .await;
    }

    /// Starts runs of other objects.
    pub(crate) async fn start(&self, tasks: Vec<NewTask>) {
        self.save(Changes {
            links: Vec::new(),
            unlinks: Vec::new(),
            tasks,
        })
        .await;
    }

    /// Makes the verifier that this run sent last for a callback the key that its deliveries are
    /// checked with; false if the host does not know any more which that was.
    pub(crate) async fn trust_verifier(&self, callback_id: &str) -> bool {
        let action = Action::TrustVerifier(String::from(callback_id));
        match self.channel.perform(action).await {
            Report::Trusted(is_key) => is_key,
            report => unanswered(&report),
        }
    }

    /// Waits for `delay` milliseconds.
    pub(crate) async fn wait(&self, delay: Duration, reason: WaitReason, message: String) -> Wake {
        self.wait_on(delay, reason, None, message).await
    }

    /// Waits for `delay` milliseconds, or until a run of the object ends.
    pub(crate) async fn wait_on(
        &self,
        delay: Duration,
        reason: WaitReason,
        on: Option<ObjectRef>,
        message: String,
    ) -> Wake {
        let until = self.now().saturating_add(delay);
        let wait = Wait {
            id: 0,
            until,
            reason,
            on,
            message: self.without_address(message),
        };
        match self.channel.wait(wait).await {
            Report::Woken(wake) => wake,
            report => unanswered(&report),
        }
    }

    /// A message without the address that this run registers, which a remote may quote: its last
    /// part is a secret, and messages are shown and logged.
    pub(super) fn without_address(&self, message: String) -> String {
        let Some(url) = self.task.receive_url.as_deref() else {
            return message;
        };
        let message = message.replace(url, "our address");
        match url.rsplit('/').next() {
            Some(secret) if secret.len() >= SECRET_PART_BYTES_MIN => message.replace(secret, "..."),
            _ => message,
        }
    }

    /// Sends a request once.
    pub(super) async fn send(&self, send: OutboundRequest) -> SendOutcome {
        match self.channel.perform(Action::Send(send)).await {
            Report::Sent(outcome) => outcome,
            report => unanswered(&report),
        }
    }
}

fn unanswered(report: &Report) -> ! {
    unreachable!("step checks that a report answers its demand: {report:?}")
}
