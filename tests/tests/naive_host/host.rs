//! The host: a store of a few lists, and a loop.

use ml_connector_component::contract::http::{Authorization, Request, SendOutcome};
use ml_connector_component::contract::runs::{
    Action, Changes, Completion, Demand, Effect, Ending, HistoryEntry, Intent, Link, ObjectStatus,
    Outcome, Report, StartReason, StepErrorCode, Task, Wait, Wake,
};
use ml_connector_component::contract::types::{Instant, ObjectRef, System};
use ml_connector_component::marker;
use ml_connector_sandbox::{self as sandbox, Sandbox, SandboxConfig, WireOutcome};
use ml_connector_tests::fixtures::settings;
use ml_connector_tests::logic::{ActiveRun, Backend, CONNECTION, Logic};
use ml_connector_tests::sim::START;
use ml_connector_tests::sim::network::{authority, outcome_of, to_wire, which};
use ml_connector_tests::sim::store::last_ending;
use ml_connector_tests::switches;

/// More rounds than any of these stories takes.
const ROUNDS_MAX: usize = 1_000;
/// How many times a restless host restarts: at each of its first waits after it was killed.
pub(crate) const RESTARTS_MAX: u32 = 8;
/// How long a restart takes: less than the settle time.
const RESTART_MS: Instant = 10_000;

/// A run as it is stored.
pub(crate) struct StoredRun {
    task: Task,
    pub(crate) history: Vec<HistoryEntry>,
    waiting: Option<Wait>,
    /// The object that it waits for has ended.
    object_ended: bool,
    completion: Option<Completion>,
}

/// When the host is killed: at its write of this number, counted from 0.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kill {
    pub(crate) write: usize,
    /// Whether the write left first.
    pub(crate) sent: bool,
}

pub(crate) struct NaiveHost {
    logic: Box<dyn Logic>,
    now: Instant,
    // The store.
    pub(crate) runs: Vec<StoredRun>,
    links: Vec<Link>,
    dirty: Vec<(ObjectRef, StartReason)>,
    // The rest of the world.
    pub(crate) sandbox: Sandbox,
    concur_base: String,
    concur_token: String,
    // What a test does to it.
    restart: Box<dyn Fn() -> Box<dyn Logic>>,
    pub(crate) kill: Option<Kill>,
    pub(crate) killed: Option<(ObjectRef, Intent)>,
    pub(crate) writes: usize,
    pub(crate) restarts_left: u32,
    pub(crate) refused_too_early: u32,
}

/// The process ends here.
pub(crate) struct Killed;

impl NaiveHost {
    pub(crate) fn new(backend: Backend, ambiguity: &str) -> Self {
        let settings = settings::connection(ambiguity).to_string();
        let restart = Box::new(move || backend.logic(&settings));
        let why = "this host takes the base as it stands, without the component's reading of it";
        switches::keep("concur.token.geolocation", "plain", why);
        let mut sandbox = Sandbox::new(switches::config(), START);
        let (concur_base, concur_token) = concur_access(&mut sandbox);
        Self {
            logic: restart(),
            now: START,
            runs: Vec::new(),
            links: Vec::new(),
            dirty: Vec::new(),
            sandbox,
            concur_base,
            concur_token,
            restart,
            kill: None,
            killed: None,
            writes: 0,
            restarts_left: 0,
            refused_too_early: 0,
        }
    }

    pub(crate) fn start(&mut self, object: ObjectRef, reason: StartReason) {
        if self.is_active(&object) {
            if !self.dirty.iter().any(|(dirty, _)| *dirty == object) {
                self.dirty.push((object, reason));
            }
            return;
        }
        self.runs.push(StoredRun {
            task: Task {
                object,
                reason,
                started: self.now,
                receive_url: None,
                unknown_since: None,
            },
            history: Vec::new(),
            waiting: None,
            object_ended: false,
            completion: None,
        });
    }

    fn is_active(&self, object: &ObjectRef) -> bool {
        let mut runs = self.runs.iter();
        runs.any(|run| run.task.object == *object && run.completion.is_none())
    }

    /// Works until every run has ended.
    pub(crate) fn work(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let Some(run) = self.next_due() else {
                return;
            };
            let mut alive = self.drive(run);
            while alive.is_err() {
                alive = self.begin_anew();
            }
        }
        panic!("it does not come to an end");
    }

    /// A run that may go on, if need be after its time has come.
    fn next_due(&mut self) -> Option<usize> {
        let open = |run: &StoredRun| run.completion.is_none();
        let due_at = |run: &StoredRun| match &run.waiting {
            Some(wait) if !run.object_ended => wait.until,
            _ => 0,
        };
        let runs = self.runs.iter().enumerate().filter(|(_, run)| open(run));
        let (index, due) = runs.map(|(i, run)| (i, due_at(run))).min_by_key(|r| r.1)?;
        self.now = self.now.max(due);
        Some(index)
    }

    /// Another process with the same store. It wakes whatever waits, however early.
    fn begin_anew(&mut self) -> Result<(), Killed> {
        self.now += RESTART_MS;
        self.logic = (self.restart)();
        for run in 0..self.runs.len() {
            if self.runs[run].completion.is_none() && self.runs[run].waiting.is_some() {
                self.drive(run)?;
            }
        }
        Ok(())
    }

    /// Rules 2 and 3: opens a run with its history as it is stored, and meets its demands.
    fn drive(&mut self, run: usize) -> Result<(), Killed> {
        let (task, history) = (self.runs[run].task.clone(), self.runs[run].history.clone());
        let opened = self.logic.open(task, history);
        let (mut active, mut demand) = opened.unwrap_or_else(|error| panic!("{error:?}"));
        let mut is_waiting = self.runs[run].waiting.is_some();
        loop {
            demand = match demand {
                Demand::Perform(effect) => self.perform(run, effect, &mut *active)?,
                Demand::Wait(wait) if is_waiting => {
                    is_waiting = false;
                    let wake = match self.runs[run].object_ended {
                        true => Wake::ObjectEnded,
                        false => Wake::Due,
                    };
                    match self.report(run, Demand::Wait(wait), Report::Woken(wake), &mut *active) {
                        Some(next) => next,
                        None => return Ok(()),
                    }
                }
                Demand::Wait(wait) => return self.wait(run, wait),
                Demand::Done(completion) => {
                    self.end(run, completion);
                    return Ok(());
                }
            };
        }
    }

    fn perform(
        &mut self,
        run: usize,
        effect: Effect,
        active: &mut dyn ActiveRun,
    ) -> Result<Demand, Killed> {
        let report = match &effect.action {
            Action::Send(outbound) if outbound.intent == Intent::Read => {
                Report::Sent(self.send(&outbound.request))
            }
            Action::Send(outbound) => {
                let demand = Demand::Perform(effect.clone());
                self.runs[run].history.push(HistoryEntry {
                    demand,
                    outcome: None,
                });
                let write = self.writes;
                self.writes += 1;
                let kill = self.kill.filter(|kill| kill.write == write);
                if kill.is_some() {
                    let object = self.runs[run].task.object.clone();
                    self.killed = Some((object, outbound.intent));
                }
                match kill {
                    Some(Kill { sent: false, .. }) => return Err(Killed),
                    Some(Kill { sent: true, .. }) => {
                        self.send(&outbound.request);
                        return Err(Killed);
                    }
                    None => Report::Sent(self.send(&outbound.request)),
                }
            }
            Action::FindObjects(objects) => {
                Report::Found(objects.iter().map(|object| self.status(object)).collect())
            }
            Action::Save(changes) => {
                self.save(changes);
                Report::Saved
            }
            Action::TrustVerifier(_) => Report::Trusted(false),
        };
        let next = self.report(run, Demand::Perform(effect), report, active);
        Ok(next.expect("an effect is never reported too early"))
    }

    /// Steps, and stores the outcome; nothing if it is too early.
    fn report(
        &mut self,
        run: usize,
        demand: Demand,
        report: Report,
        active: &mut dyn ActiveRun,
    ) -> Option<Demand> {
        let (Demand::Perform(Effect { id, .. }) | Demand::Wait(Wait { id, .. })) = demand else {
            panic!("nothing to report on");
        };
        self.now += 1;
        let outcome = Outcome {
            id,
            report,
            at: self.now,
        };
        match active.step(outcome.clone()) {
            Ok(next) => {
                self.store_outcome(run, demand, outcome);
                Some(next)
            }
            Err(error) if error.code == StepErrorCode::TooEarly => {
                self.refused_too_early += 1;
                None
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    fn store_outcome(&mut self, run: usize, demand: Demand, outcome: Outcome) {
        let run = &mut self.runs[run];
        run.waiting = None;
        run.object_ended = false;
        match run.history.last_mut().filter(|last| last.demand == demand) {
            Some(recorded) => recorded.outcome = Some(outcome),
            None => run.history.push(HistoryEntry {
                demand,
                outcome: Some(outcome),
            }),
        }
    }

    fn wait(&mut self, run: usize, wait: Wait) -> Result<(), Killed> {
        let on = wait.on.clone();
        self.runs[run].object_ended = on.is_some_and(|object| !self.is_active(&object));
        self.runs[run].waiting = Some(wait);
        if self.killed.is_some() && self.restarts_left > 0 {
            self.restarts_left -= 1;
            return Err(Killed);
        }
        Ok(())
    }

    fn end(&mut self, run: usize, completion: Completion) {
        self.runs[run].completion = Some(completion);
        let ended = self.runs[run].task.object.clone();
        for other in &mut self.runs {
            let on = other.waiting.as_ref().and_then(|wait| wait.on.as_ref());
            other.object_ended |= on == Some(&ended);
        }
        if let Some(place) = self.dirty.iter().position(|(object, _)| *object == ended) {
            let (object, reason) = self.dirty.remove(place);
            self.start(object, reason);
        }
    }

    fn save(&mut self, changes: &Changes) {
        for link in &changes.links {
            self.links.retain(|old| old.source != link.source);
            self.links.push(link.clone());
        }
        self.links
            .retain(|link| !changes.unlinks.contains(&link.source));
        for task in &changes.tasks {
            self.start(task.object.clone(), task.reason);
        }
    }

    fn status(&self, object: &ObjectRef) -> ObjectStatus {
        let runs = self.runs.iter().rev();
        let ended = runs.filter_map(|run| {
            let completion = run.completion.as_ref()?;
            (run.task.object == *object).then_some(completion)
        });
        ObjectStatus {
            object: object.clone(),
            link: self.links.iter().find(|l| l.source == *object).cloned(),
            active: self.is_active(object),
            last: ended.map(last_ending).next(),
        }
    }

    fn send(&mut self, request: &Request) -> SendOutcome {
        let mut wire = to_wire(request, |_| None).expect("needs no secret");
        assert_eq!(request.authorization, Authorization::Connection);
        let (base, token) = match request.system {
            System::Freshbooks => (
                self.logic.endpoints().freshbooks,
                self.sandbox.freshbooks.person_token(self.now),
            ),
            System::Concur => (self.concur_base.clone(), self.concur_token.clone()),
        };
        wire.host = authority(&base);
        let wire = wire.with_bearer(&token);
        let system = which(request.system);
        let answer = self.sandbox.exchange(system, &wire, self.now);
        let (outcome, after) = outcome_of(answer, request.timeout);
        self.now += after;
        outcome
    }

    pub(crate) fn ending(&self, object: &ObjectRef) -> &Ending {
        let mut runs = self.runs.iter().rev();
        let run = runs.find(|run| run.task.object == *object);
        let completion = run.and_then(|run| run.completion.as_ref());
        &completion.expect("a run of it has ended").ending
    }

    /// How many payment requests carry the marker of an invoice.
    pub(crate) fn payment_requests(&self, invoice: &ObjectRef) -> usize {
        let marker = marker::marker_for(CONNECTION, invoice, "payment-request");
        let all = self.sandbox.concur.payment_requests();
        all.iter()
            .filter(|request| request.customs.get("Custom24") == Some(&marker))
            .count()
    }
}

/// The company's base URL and an access token, as a person's connect brings them.
fn concur_access(sandbox: &mut Sandbox) -> (String, String) {
    let app = &SandboxConfig::default().concur.apps[0];
    let token = sandbox.concur.company_request_token(START);
    let company = sandbox.concur.company_uuid().to_string();
    let request = sandbox::Request::new("glz.api.concursolutions.com", "POST", "/oauth2/v0/token")
        .with_form(&[
            ("client_id", app.client_id.as_str()),
            ("client_secret", app.client_secrets[0].as_str()),
            ("grant_type", "password"),
            ("credtype", "authtoken"),
            ("username", &company),
            ("password", &token),
        ]);
    let answer = sandbox.exchange(sandbox::System::Concur, &request, START);
    let WireOutcome::Response { response, .. } = answer else {
        panic!("no tokens: {answer:?}");
    };
    let value = response.value();
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_string();
    (text("geolocation"), text("access_token"))
}
