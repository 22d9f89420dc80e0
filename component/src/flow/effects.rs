//! A flow's side of its run: the task, the settings, and every effect but requests.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;

use crate::contract::http::SendOutcome;
use crate::contract::runs::{
    Action, NewTask, Report, Save, Send, Standing, Task, Wait, WaitReason, Wake,
};
use crate::contract::types::{Duration, Instant, ObjectRef, System};
use crate::runs::EffectChannel;
use crate::settings::Settings;

/// the handle of a story: it reads the task and the settings, and asks for effects.
pub(crate) struct Flow {
    pub(crate) task: Task,
    pub(crate) settings: Rc<Settings>,
    channel: Rc<EffectChannel>,
    version: RefCell<String>,
    /// How the object's last run stopped: the code and since when.
    stopped: RefCell<(String, Instant)>,
}

impl Flow {
    pub(crate) fn new(channel: Rc<EffectChannel>, task: Task, settings: Rc<Settings>) -> Self {
        Self {
            task,
            settings,
            channel,
            version: RefCell::default(),
            stopped: RefCell::default(),
        }
    }

    /// Notes which version of the object this run works on, for the run's completion.
    pub(crate) fn note_version(&self, version: &str) {
        *self.version.borrow_mut() = String::from(version);
    }

    /// The version that this run works on; empty if it did not get that far.
    pub(crate) fn version(&self) -> String {
        self.version.borrow().clone()
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

    /// How the object's last run stopped: the code and since when, once
    /// [`Flow::find_own`] has found it.
    pub(super) fn last_stop(&self) -> (String, Instant) {
        self.stopped.borrow().clone()
    }

    /// Looks up what the host has stored about the objects, in the order asked.
    pub(crate) async fn find(&self, objects: Vec<ObjectRef>) -> Vec<Standing> {
        match self.channel.perform(Action::FindObjects(objects)).await {
            Report::Found(found) => found,
            report => unanswered(&report),
        }
    }

    /// Looks up what the host has stored about one object.
    pub(crate) async fn find_one(&self, object: ObjectRef) -> Standing {
        match self.find(vec![object]).await.pop() {
            Some(standing) => standing,
            None => unreachable!("a report on one object holds one standing"),
        }
    }

    /// Looks up what the host has stored about this run's own object, and notes how its last run
    /// stopped.
    pub(crate) async fn find_own(&self) -> Standing {
        let own = self.find_one(self.task.object.clone()).await;
        *self.stopped.borrow_mut() = (own.code.clone(), own.since);
        own
    }

    /// Stores and removes links, and starts runs, all at once.
    pub(crate) async fn save(&self, save: Save) {
        self.channel.perform(Action::Save(save)).await;
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

    /// Makes the candidate verifier of a callback the key that its deliveries are checked with.
    pub(crate) async fn trust_verifier(&self, callback_id: &str) {
        self.channel
            .perform(Action::TrustVerifier(String::from(callback_id)))
            .await;
    }

    /// Waits for `delay` milliseconds.
    pub(crate) async fn wait(&self, delay: Duration, reason: WaitReason, sentence: String) -> Wake {
        self.wait_on(delay, reason, None, sentence).await
    }

    /// Waits for `delay` milliseconds, or until a run of the object ends.
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
        match self.channel.wait(wait).await {
            Report::Woken(wake) => wake,
            report => unanswered(&report),
        }
    }

    /// Sends a request once.
    pub(super) async fn send(&self, send: Send) -> SendOutcome {
        match self.channel.perform(Action::Send(send)).await {
            Report::Sent(outcome) => outcome,
            report => unanswered(&report),
        }
    }
}

fn unanswered(report: &Report) -> ! {
    unreachable!("step checks that a report answers its demand: {report:?}")
}
