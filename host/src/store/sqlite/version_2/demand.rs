//! What a run demanded.

use serde::Deserialize;

use super::completion::Completion;
use super::request::Request;
use super::some;
use crate::contract::runs::{self, Intent, NewTask, WaitReason};
use crate::contract::types::{Instant, ObjectRef};

#[derive(Deserialize)]
struct Send {
    request: Request,
    intent: Intent,
}

#[derive(Deserialize)]
pub(super) struct Link {
    source: ObjectRef,
    target: ObjectRef,
    version: String,
    content_hash: String,
}

impl From<Link> for runs::Link {
    fn from(old: Link) -> Self {
        Self {
            source: old.source,
            target: old.target,
            version: some(old.version),
            content_hash: some(old.content_hash),
        }
    }
}

#[derive(Deserialize)]
struct Save {
    links: Vec<Link>,
    unlinks: Vec<ObjectRef>,
    tasks: Vec<NewTask>,
}

#[derive(Deserialize)]
enum Action {
    Send(Send),
    FindObjects(Vec<ObjectRef>),
    Save(Save),
    TrustVerifier(String),
}

impl From<Action> for runs::Action {
    fn from(old: Action) -> Self {
        match old {
            Action::Send(send) => Self::Send(runs::OutboundRequest {
                request: send.request.into(),
                intent: send.intent,
            }),
            Action::FindObjects(objects) => Self::FindObjects(objects),
            Action::Save(save) => Self::Save(runs::Changes {
                links: save.links.into_iter().map(Into::into).collect(),
                unlinks: save.unlinks,
                tasks: save.tasks,
            }),
            Action::TrustVerifier(callback) => Self::TrustVerifier(callback),
        }
    }
}

#[derive(Deserialize)]
pub(in super::super) struct Effect {
    id: u32,
    action: Action,
}

#[derive(Deserialize)]
pub(in super::super) struct Wait {
    id: u32,
    until: Instant,
    reason: WaitReason,
    on: Option<ObjectRef>,
    sentence: String,
}

#[derive(Deserialize)]
pub(in super::super) enum Demand {
    Perform(Effect),
    Wait(Wait),
    Done(Completion),
}

impl From<Demand> for runs::Demand {
    fn from(old: Demand) -> Self {
        match old {
            Demand::Perform(effect) => Self::Perform(runs::Effect {
                id: effect.id,
                action: effect.action.into(),
            }),
            Demand::Wait(wait) => Self::Wait(runs::Wait {
                id: wait.id,
                until: wait.until,
                reason: wait.reason,
                on: wait.on,
                message: wait.sentence,
            }),
            Demand::Done(completion) => Self::Done(completion.into()),
        }
    }
}
