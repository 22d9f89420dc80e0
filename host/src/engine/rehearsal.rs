//! What a run would do: its reads are sent and the store is looked at, and that is all. Nothing is
//! stored and nothing is written anywhere.

use super::connection::Connection;
use crate::contract::runs::{
    Action, Changes, Completion, Demand, HistoryEntry, Intent, Link, NewTask, ObjectStatus,
    OutboundRequest, Outcome, Report, Task, Wait, Wake,
};
use crate::contract::types::{Instant, ObjectRef, System};
use crate::guest::{InstanceError, OpenRun};
use crate::http_client::NoSecrets;
use crate::store::StoreError;

/// Demands of a rehearsal, at most: a page of a back-fill makes a few hundred. The bound ends one
/// that comes to no end, since nothing of what it waits for happens.
const DEMANDS_MAX: u32 = 10_000;

/// What is taken for stored about an object's link, whatever the store says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AssumedLink {
    /// The object, the source of the link.
    pub object: ObjectRef,
    /// The link; none if it has none.
    pub link: Option<Link>,
}

/// Where a rehearsal stopped.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "stopped", rename_all = "kebab-case")]
pub enum RehearsalEnd {
    /// The run would end like this.
    Ends(Box<Completion>),
    /// The run would write something in this system.
    Writes {
        /// The system it would write in.
        system: System,
    },
    /// The run would store this and go on.
    Saves(Changes),
    /// The run would wait for something.
    Waits {
        /// Why it would wait, one plain sentence.
        message: String,
    },
}

/// What a run would do, as far as it goes without a write.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rehearsal {
    /// Where it stopped, and why.
    pub end: RehearsalEnd,
    /// The runs that it would have started until then.
    pub tasks: Vec<NewTask>,
    /// The links that it would have stored or removed until then, the last one of each object.
    pub links: Vec<AssumedLink>,
}

/// Why a run cannot be rehearsed.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The component gave no instance, or refused a step.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// Nothing may be sent now.
    #[error("nothing may be sent now: {0}")]
    Held(String),
}

/// Rehearses a run. `assumed` stands above what the store says. With `goes_on` it goes on past what
/// it would store, as if the runs that it would start had ended without a result; else it stops
/// there.
///
/// # Errors
///
/// [`RehearsalError`].
pub(crate) async fn rehearse(
    connection: &Connection,
    task: NewTask,
    assumed: Vec<AssumedLink>,
    goes_on: bool,
) -> Result<Rehearsal, RehearsalError> {
    let started = connection.services.clock.now();
    let mut rehearsing = Rehearsing {
        connection,
        task: Task {
            object: task.object,
            reason: task.reason,
            started,
            receive_url: None,
            unknown_since: None,
        },
        goes_on,
        history: Vec::new(),
        assumed,
        tasks: Vec::new(),
        links: Vec::new(),
        latest: started,
    };
    let end = rehearsing.run().await?;
    Ok(Rehearsal {
        end,
        tasks: rehearsing.tasks,
        links: rehearsing.links,
    })
}

struct Rehearsing<'c> {
    connection: &'c Connection,
    task: Task,
    goes_on: bool,
    history: Vec<HistoryEntry>,
    assumed: Vec<AssumedLink>,
    tasks: Vec<NewTask>,
    links: Vec<AssumedLink>,
    latest: Instant,
}

/// What is reported, or where it stops.
type Answered = Result<Report, RehearsalEnd>;

impl Rehearsing<'_> {
    async fn run(&mut self) -> Result<RehearsalEnd, RehearsalError> {
        let (mut run, mut demand) = self.open()?;
        let mut end = None;
        for _ in 0..DEMANDS_MAX {
            let report = match self.answer(&demand).await {
                Ok(Ok(report)) => report,
                Ok(Err(stop)) => {
                    end = Some(Ok(stop));
                    break;
                }
                Err(error) => {
                    end = Some(Err(error));
                    break;
                }
            };
            (run, demand) = self.step(run, demand, report)?;
        }
        self.connection.instance.close(run);
        end.unwrap_or_else(|| {
            let message = "it would come to no end".to_string();
            Ok(RehearsalEnd::Waits { message })
        })
    }

    fn open(&self) -> Result<(OpenRun, Demand), InstanceError> {
        let Connection {
            instance, settings, ..
        } = self.connection;
        let opened = instance.open(&self.task, settings, &self.history)?;
        Ok((opened.run, opened.demand))
    }

    fn step(
        &mut self,
        run: OpenRun,
        demand: Demand,
        report: Report,
    ) -> Result<(OpenRun, Demand), InstanceError> {
        let id = match &demand {
            Demand::Perform(effect) => effect.id,
            Demand::Wait(wait) => wait.id,
            Demand::Done(_) => 0,
        };
        self.latest = self.connection.now_after(self.latest);
        let at = self.latest;
        let outcome = Outcome { id, report, at };
        let stepped = self.connection.instance.step(run, &outcome);
        self.history.push(HistoryEntry {
            demand,
            outcome: Some(outcome),
        });
        match stepped {
            Err(InstanceError::Replaced) => self.open(),
            stepped => Ok((run, stepped?)),
        }
    }

    async fn answer(&mut self, demand: &Demand) -> Result<Answered, RehearsalError> {
        let effect = match demand {
            Demand::Perform(effect) => effect,
            Demand::Wait(wait) => return Ok(self.wait(wait)),
            Demand::Done(completion) => {
                return Ok(Err(RehearsalEnd::Ends(Box::new(completion.clone()))));
            }
        };
        match &effect.action {
            Action::Send(send) if send.intent == Intent::Read => self.send(send).await.map(Ok),
            Action::Send(send) => {
                let system = send.request.system;
                Ok(Err(RehearsalEnd::Writes { system }))
            }
            Action::FindObjects(objects) => {
                let found = self.find(objects).await?;
                Ok(Ok(Report::Found(found)))
            }
            Action::Save(changes) => Ok(self.save(changes)),
            Action::TrustVerifier(_) => {
                let message = "for a webhook's handshake".to_string();
                Ok(Err(RehearsalEnd::Waits { message }))
            }
        }
    }

    async fn send(&self, send: &OutboundRequest) -> Result<Report, RehearsalError> {
        let request = &send.request;
        let permit = self
            .connection
            .permit(request.system, request.authorization)
            .await
            .map_err(|closed| RehearsalError::Held(closed.message))?;
        let (outcome, gate) = self.connection.send(send, permit, &NoSecrets).await;
        if let Some(gate) = gate {
            self.connection.show_gate(&gate);
        }
        Ok(Report::Sent(outcome))
    }

    async fn find(&self, objects: &[ObjectRef]) -> Result<Vec<ObjectStatus>, StoreError> {
        let Connection { name, services, .. } = self.connection;
        let mut found = services.store.object_statuses(name, objects).await?;
        for status in &mut found {
            let assumed = self.links.iter().chain(&self.assumed);
            let mut assumed = assumed.filter(|assumed| assumed.object == status.object);
            if let Some(assumed) = assumed.next() {
                status.link.clone_from(&assumed.link);
            }
            status.active |= status.object == self.task.object;
        }
        Ok(found)
    }

    fn save(&mut self, changes: &Changes) -> Answered {
        if !self.goes_on {
            return Err(RehearsalEnd::Saves(changes.clone()));
        }
        let stored = changes.links.iter().map(|link| AssumedLink {
            object: link.source.clone(),
            link: Some(link.clone()),
        });
        let removed = changes.unlinks.iter().map(|object| AssumedLink {
            object: object.clone(),
            link: None,
        });
        for assumed in stored.chain(removed) {
            self.links.retain(|known| known.object != assumed.object);
            self.links.push(assumed);
        }
        self.tasks.extend(changes.tasks.iter().cloned());
        Ok(Report::Saved)
    }

    fn wait(&self, wait: &Wait) -> Answered {
        if self.goes_on && wait.on.is_some() {
            return Ok(Report::Woken(Wake::ObjectEnded));
        }
        Err(RehearsalEnd::Waits {
            message: wait.message.clone(),
        })
    }
}
