//! Shows how far back-fills are, until each has ended one way or another.

use std::io::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use ml_connector::contract::runs::{EndingKind, LastEnding, ObjectStatus};
use ml_connector::contract::types::ObjectRef;
use ml_connector::store::Store;
use ml_connector::store::sqlite::SqliteStore;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::{context, exit, labels};
use super::Backfill;

/// Between two looks at the store.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// The counts of a back-fill, as `wit/types.wit` has them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Counts {
    pub(super) pass: u64,
    pub(super) pages: u64,
    pub(super) pages_done: u64,
    pub(super) listed: u64,
    pub(super) started: u64,
    pub(super) carried: u64,
    pub(super) unchanged: u64,
    pub(super) before_cut_over: u64,
    pub(super) typed_by_hand: u64,
    pub(super) stopped: u64,
    pub(super) under_way: u64,
}

impl Counts {
    pub(super) fn read(version: Option<&str>) -> Self {
        let read = version.and_then(|text| serde_json::from_str(text).ok());
        read.unwrap_or_default()
    }

    /// What there is, by name, for people and for programs.
    pub(super) fn named(&self) -> [(&'static str, &'static str, u64); 8] {
        [
            ("listed", "listed", self.listed),
            ("started", "runs started", self.started),
            ("carried", "in SAP Concur", self.carried),
            ("unchanged", "that needed nothing", self.unchanged),
            (
                "before_cut_over",
                "before the cut-over, not posted",
                self.before_cut_over,
            ),
            (
                "typed_by_hand",
                "typed in by hand before the cut-over",
                self.typed_by_hand,
            ),
            ("stopped", "stopped for a person", self.stopped),
            ("under_way", "still under way", self.under_way),
        ]
    }

    pub(super) fn sentence(&self) -> String {
        let parts = self.named().into_iter();
        let parts = parts.filter(|(key, _, count)| *count > 0 || *key == "listed");
        let parts: Vec<String> = parts
            .map(|(_, words, count)| format!("{count} {words}"))
            .collect();
        parts.join(", ")
    }
}

/// What a back-fill does.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    UnderWay,
    Complete,
    Cancelled,
    NotEnabled(String),
    /// Why it goes no further.
    Stopped(String),
}

/// How a back-fill stands.
pub(super) struct Standing {
    state: State,
    counts: Counts,
}

/// Looks at the store until none of the back-fills goes on, and shows how far they are meanwhile.
pub(super) fn until_the_end(
    store: &SqliteStore,
    connection: &str,
    backfills: &[Backfill],
) -> Result<Vec<Standing>, Failure> {
    let bar = Bar::new();
    let ended = context::wait_for(async {
        loop {
            let mut all = Vec::new();
            for backfill in backfills {
                all.push(standing(store, connection, &backfill.head).await?);
            }
            bar.show(&all);
            if all.iter().all(|one| one.state != State::UnderWay) {
                return Ok(all);
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    });
    bar.end();
    ended
}

pub(super) fn show(
    backfills: &[Backfill],
    ended: &[Standing],
    as_json: bool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    match as_json {
        true => print_json(backfills, ended, out),
        false => print(backfills, ended, out),
    }
}

async fn standing(
    store: &SqliteStore,
    connection: &str,
    head: &ObjectRef,
) -> Result<Standing, Failure> {
    let cancel = ObjectRef {
        id: format!("{}/cancel", head.id),
        ..head.clone()
    };
    let [own, cancel] = two(store, connection, [head.clone(), cancel]).await?;
    let Some(link) = &own.link else {
        let state = match (&own.last, own.active || cancel.active) {
            (_, true) => State::UnderWay,
            (Some(last), _) => how_it_ended(last),
            (None, _) => State::Cancelled,
        };
        let counts = Counts::default();
        return Ok(Standing { state, counts });
    };
    let counts = Counts::read(link.version.as_deref());
    let is_beginning = own.active || cancel.active;
    let state = match link.target == *head {
        _ if is_beginning => State::UnderWay,
        true => State::Complete,
        false => {
            let [page, own] = two(store, connection, [link.target.clone(), head.clone()]).await?;
            let has_moved = own.link.as_ref() != Some(link);
            match &page.last {
                _ if page.active || has_moved => State::UnderWay,
                Some(last) => how_it_ended(last),
                None => State::Stopped("its page has no run; start it again".to_owned()),
            }
        }
    };
    Ok(Standing { state, counts })
}

async fn two(
    store: &SqliteStore,
    connection: &str,
    objects: [ObjectRef; 2],
) -> Result<[ObjectStatus; 2], Failure> {
    let found = store.object_statuses(connection, &objects).await?;
    found.try_into().map_err(|_| {
        let message = "the store did not answer for each object that it was asked for";
        Failure::new(exit::STORE, message)
    })
}

fn how_it_ended(last: &LastEnding) -> State {
    match (last.kind, last.code.as_deref()) {
        (_, Some("cancelled")) => State::Cancelled,
        (_, Some("not-enabled")) => State::NotEnabled(last.message.clone()),
        (EndingKind::Confirmed | EndingKind::Unchanged, _) => State::UnderWay,
        (EndingKind::Parked | EndingKind::Rejected | EndingKind::Conflict, _) => {
            State::Stopped(last.message.clone())
        }
    }
}

fn print(backfills: &[Backfill], ended: &[Standing], out: &mut impl Write) -> Result<(), Failure> {
    for (backfill, Standing { state, counts }) in backfills.iter().zip(ended) {
        let kind = backfill.kind;
        match state {
            State::Complete | State::UnderWay => {
                writeln!(out, "{kind}: complete: {}.", counts.sentence())?;
            }
            State::NotEnabled(message) => writeln!(out, "{kind}: nothing to do: {message}.")?,
            State::Cancelled => writeln!(
                out,
                "{kind}: cancelled after {} of {} pages: {}. The same command without --cancel \
                 goes on there.",
                counts.pages_done,
                counts.pages,
                counts.sentence()
            )?,
            State::Stopped(why) => writeln!(
                out,
                "{kind}: stopped after {} of {} pages: {why}. See `ml-connector runs --object \
                 {} --latest`; the same command goes on there.",
                counts.pages_done,
                counts.pages,
                labels::object(&backfill.head)
            )?,
        }
    }
    if ended.iter().any(needs_person) {
        writeln!(
            out,
            "What needs a person: `ml-connector runs --ending parked,rejected,conflict --latest`"
        )?;
    }
    Ok(())
}

fn needs_person(standing: &Standing) -> bool {
    let Standing { state, counts } = standing;
    counts.stopped + counts.typed_by_hand > 0 || matches!(state, State::Stopped(_))
}

fn print_json(
    backfills: &[Backfill],
    ended: &[Standing],
    out: &mut impl Write,
) -> Result<(), Failure> {
    let all: Vec<Value> = backfills
        .iter()
        .zip(ended)
        .map(|(backfill, standing)| as_json(backfill, standing))
        .collect();
    writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
    Ok(())
}

fn as_json(backfill: &Backfill, Standing { state, counts }: &Standing) -> Value {
    let (word, message) = match state {
        State::UnderWay => ("under-way", None),
        State::Complete => ("complete", None),
        State::Cancelled => ("cancelled", None),
        State::NotEnabled(message) => ("not-enabled", Some(message)),
        State::Stopped(message) => ("stopped", Some(message)),
    };
    let mut value = json!({
        "kind": backfill.kind,
        "object": labels::object(&backfill.head),
        "state": word,
        "message": message,
        "pages": counts.pages,
        "pages_done": counts.pages_done,
    });
    for (key, _, count) in counts.named() {
        value[key] = count.into();
    }
    value
}

/// The exit code of the command; `cancels` if it was asked to cancel them.
pub(super) fn exit_code(backfills: &[Backfill], ended: &[Standing], cancels: bool) -> u8 {
    let is_refused = |(backfill, standing): (&Backfill, &Standing)| {
        backfill.is_named && matches!(standing.state, State::NotEnabled(_))
    };
    if ended.iter().any(needs_person) {
        exit::PARKED
    } else if backfills.iter().zip(ended).any(is_refused) {
        exit::SETTINGS
    } else if !cancels && ended.iter().any(|one| one.state == State::Cancelled) {
        exit::NOT_IN_ORDER
    } else {
        exit::OK
    }
}

/// The progress, on standard error and only if that is a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("  {bar:30} {pos}/{len} pages{msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    fn show(&self, all: &[Standing]) {
        let sum = |of: fn(&Counts) -> u64| all.iter().map(|one| of(&one.counts)).sum::<u64>();
        self.0.set_length(sum(|counts| counts.pages));
        self.0.set_position(sum(|counts| counts.pages_done));
        let again = all.iter().any(|one| one.counts.pass > 1);
        let again = if again { ", once more" } else { "" };
        let (started, stopped) = (sum(|counts| counts.started), sum(|counts| counts.stopped));
        let message = format!("{again}; {started} runs started, {stopped} stopped for a person");
        self.0.set_message(message);
    }

    fn end(&self) {
        self.0.finish_and_clear();
    }
}
