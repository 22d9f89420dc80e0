//! The changes that a store applies, and what a commit returns.

use super::{
    Checkpoint, HistoryRow, LinkAct, LinkAuthor, NoticeId, RunId, RunState, StoredCallback,
    StoredCredential, StoredEvent, StoredOddity,
};
// Named in the documentation.
#[cfg(doc)]
use super::{Notice, Run};
use crate::contract::pacing::Gate;
use crate::contract::runs::{Completion, Link, NewTask, WaitReason};
use crate::contract::types::{Instant, ObjectRef};

/// One change. Writes of a batch are applied in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// Stores a notice, without a decision. While another one of the object has none either it is
    /// folded into that one, so that a flood of them is one row.
    Notice {
        /// The connection that it arrived at.
        connection: String,
        /// The object that it names.
        object: ObjectRef,
        /// The event's full name.
        event: String,
        /// When it arrived, in milliseconds since 1970.
        received: Instant,
    },
    /// Records what a notice led to. A decision is made once; a second one is refused. If more have
    /// been folded into it than the decision knows of it stays undecided, and is counted in
    /// [`Receipt::left_undecided`].
    Decide {
        /// The number of the notice.
        notice: NoticeId,
        /// [`Notice::arrivals`] as they were when this was decided.
        arrivals: u32,
        /// What it led to.
        decision: Decision,
    },
    /// Stores an authentic delivery that could not be read. Beyond
    /// [`ODDITIES_MAX`](super::ODDITIES_MAX) the oldest is deleted, and counted in
    /// [`Receipt::dropped_oddities`].
    Oddity(StoredOddity),
    /// Stores an event, by connection and id, together with a notice of the object that it names
    /// (as with [`Write::Notice`]), if it names one. An event that is stored already leads to no
    /// notice: it is counted there, and in [`Receipt::repeated_events`].
    Event(StoredEvent),
    /// Forgets events and unreadable deliveries that arrived before this instant, and all events
    /// but the latest [`EVENTS_MAX`](super::EVENTS_MAX).
    Forget {
        /// The first instant that is kept, in milliseconds since 1970.
        received_before: Instant,
    },
    /// Starts a run; refused while a run of the object has not ended.
    Start(NewRun),
    /// Starts a run, or, where one has not ended, marks its object dirty so that another run starts
    /// (with this reason; of several marks the last counts, but `replay` stays) when that one ends.
    /// A run that has not begun because it only waits for its time to look again is taken instead:
    /// it gets this reason, settings and start, and is due at once.
    StartOrMarkDirty(NewRun),
    /// Appends to a run's history. Refused if the run has ended or is in another epoch, and unless
    /// `index` is the next, or that of the last row, and this completes it: the same demand, which
    /// had no outcome.
    Append {
        /// The number of the run.
        run: RunId,
        /// In the order of their `index`.
        rows: Vec<HistoryRow>,
    },
    /// Stores and forgets links of a connection.
    Links {
        /// The name of the connection.
        connection: String,
        /// Links to insert or replace, by source.
        links: Vec<Link>,
        /// Links to forget, by source.
        unlinks: Vec<ObjectRef>,
        /// The run that stores them; none where the program itself does.
        run: Option<RunId>,
        /// Now.
        at: Instant,
    },
    /// Stores and forgets links for a person, and records each that changes. Refused if a source is
    /// linked to another target than the one it is to have, or while a run of a source has begun,
    /// or may at any time, and has not ended: one that only waits for its time to look again
    /// is none. A link that is there is left alone.
    EditLinks(LinkEdit),
    /// Sets when a run is due again, and why it waits.
    Wait {
        /// The number of the run.
        run: RunId,
        /// Due at this instant.
        due: Instant,
        /// Why; nothing when it is simply due.
        reason: Option<WaitReason>,
        /// Woken earlier when a run of this object of the same connection ends; at once, as if one
        /// had just ended, when none is there that could.
        on: Option<ObjectRef>,
        /// One plain sentence for the timeline.
        message: String,
    },
    /// Brings forward what is due too late: of the runs that have not ended, those in this state
    /// with this reason that are due after `due_max` are due then. Nothing else of them changes.
    BoundDue {
        /// Due or waiting.
        state: RunState,
        /// Why they wait; none for those that wait for their time to look again, or are due.
        reason: Option<WaitReason>,
        /// None of them is due later than this.
        due_max: Instant,
    },
    /// Starts a run over under the next epoch: its old history stays for the audit and is not
    /// replayed.
    StartOver {
        /// The number of the run.
        run: RunId,
        /// The version of the settings that it runs under from here on.
        settings_version: String,
        /// The instant that stands for its start.
        started: Instant,
        /// Why, one plain sentence.
        message: String,
    },
    /// Ends a run. In the same transaction: wakes the runs that wait for its object (due at `at`,
    /// with [`Run::woken_by_object`] set) and, if the object was marked dirty or the completion
    /// names a time to look again, starts the next run of the object: at once, or waiting (without
    /// a reason) for that time, which then is its start too. Of the runs of the object that ended
    /// in the same way only the latest [`HISTORIES_OF_OBJECT_MAX`](super::HISTORIES_OF_OBJECT_MAX)
    /// keep their histories.
    End {
        /// The number of the run.
        run: RunId,
        /// How it ended; nothing before that.
        completion: Completion,
        /// When it ended, in milliseconds since 1970.
        at: Instant,
    },
    /// Stores a version of a connection's settings; storing the same one again changes nothing but
    /// when it was stored last.
    Settings {
        /// The name of the connection.
        connection: String,
        /// `settings.version()` of the component.
        version: String,
        /// The text for the component's `settings.load`.
        json: String,
        /// Now.
        at: Instant,
    },
    /// Stores a credential. Refused if the stored generation is already higher.
    Credential(StoredCredential),
    /// Stores a webhook registration, by its callback id.
    Callback(StoredCallback),
    /// Stores the state of a gate.
    Gate {
        /// The name of the connection.
        connection: String,
        /// It replaces the one of the same system.
        gate: Gate,
    },
    /// Stores a small value under a name, such as `schedule/acme/...`.
    Mark {
        /// Replaces what is stored under this name.
        name: String,
        /// Any text; numbers in decimal.
        value: String,
    },
    /// Stores how far the chain of a connection's endings has come, in place of the checkpoint
    /// before.
    Checkpoint {
        /// The name of the connection.
        connection: String,
        /// The head of its chain, under a key.
        checkpoint: Checkpoint,
    },
    /// Forgets what runs that ended before this instant have left: their histories, the notices
    /// that led to them, and the runs themselves but the latest of each object that has ended, and
    /// what follows one of its object that stays; the
    /// notices before this instant that led to nothing; and the settings that were replaced before
    /// it and that no run with a history, and none that has not ended, began with. Objects, links
    /// and the chains of endings stay, and the deletion is a link of those.
    Retire {
        /// The first instant that is kept, in milliseconds since 1970.
        ended_before: Instant,
    },
}

/// What a commit gave rise to: the numbers of the notices and runs that its writes made, in order.
/// The run that follows an ended one is among them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Numbers of the notices that were stored; one that was folded into another has none.
    pub notices: Vec<NoticeId>,
    /// Numbers of runs that were started (an object that was only marked dirty has none).
    pub runs: Vec<RunId>,
    /// Events that had been stored before.
    pub repeated_events: u32,
    /// Notices that stay undecided, since more have been folded into them meanwhile.
    pub left_undecided: u32,
    /// Unreadable deliveries that were deleted to make room.
    pub dropped_oddities: u32,
}

/// What a person does to links of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkEdit {
    /// The name of the connection.
    pub connection: String,
    /// Links to store, new or in place of others.
    pub links: Vec<Link>,
    /// How they are made.
    pub act: LinkAct,
    /// Links to forget, by source.
    pub unlinks: Vec<ObjectRef>,
    /// Who does it, for the record of changes.
    pub author: LinkAuthor,
    /// Now.
    pub at: Instant,
}

/// What a notice led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The run that was started, or that will look again.
    Run(RunId),
    /// Nothing, for this reason.
    NothingNew(String),
}

/// A run to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// The name of the connection.
    pub connection: String,
    /// What is to be done.
    pub task: NewTask,
    /// The version of the settings to begin with.
    pub settings_version: String,
    /// Now; the run is due at once.
    pub started: Instant,
    /// The notice that led to it, if one did: decided in the same write.
    pub notice: Option<NoticeId>,
}
