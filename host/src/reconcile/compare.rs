//! Joins the two sides of a flow and compares them: pure, and bounded by what it is given.

mod grouping;

use std::collections::{BTreeMap, BTreeSet};

use self::grouping::Groups;
use super::record::{Holding, Key, Record, Source, Standing, Target};
use super::report::{Difference, Finding, FindingKind, Totals};
use crate::contract::types::Note;

/// Both sides of a flow, as far as they were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sides {
    /// What is carried over, or is to be.
    pub sources: Vec<Source>,
    /// What is there on the other side.
    pub targets: Vec<Target>,
    /// Why the list of targets was not read to its end.
    pub targets_cut: Option<Note>,
    /// The first and the last day, `YYYY-MM-DD`: what is foreign and on another day is not told.
    pub days: Option<(String, String)>,
}

impl Sides {
    fn is_within(&self, target: &Target) -> bool {
        let date = target.record.facts.facts().date;
        let days = self.days.as_ref().zip(date.as_ref());
        days.is_none_or(|((first, last), date)| (first..=last).contains(&date))
    }
}

/// What comes of a comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// By month and currency.
    pub totals: Vec<Totals>,
    /// In the order of the totals.
    pub findings: Vec<Finding>,
}

/// Compares the two sides of a flow.
///
/// A source is joined with the target of its link, with every target that is linked to it, and with
/// every target that carries its marker. What is left over on the target side is foreign.
#[must_use]
pub fn compare(flow: &str, sides: &Sides) -> Compared {
    let mut joined = Joined::new(sides);
    let mut groups = Groups::new(flow);
    for source in &sides.sources {
        let targets = joined.take(source);
        let verdict = judge(source, &targets, sides.targets_cut.as_ref());
        groups.add(source, &targets, verdict);
    }
    let foreign = sides.targets.iter().zip(&joined.taken);
    for (target, taken) in foreign {
        if !taken && !target.record.is_gone() && sides.is_within(target) {
            groups.add_foreign(target);
        }
    }
    groups.finish()
}

/// The targets, as they are looked up and taken.
struct Joined<'s> {
    targets: &'s [Target],
    by_object: BTreeMap<&'s Key, usize>,
    by_marker: BTreeSet<(&'s str, usize)>,
    by_source: BTreeSet<(&'s Key, usize)>,
    taken: Vec<bool>,
}

impl<'s> Joined<'s> {
    fn new(sides: &'s Sides) -> Self {
        let targets = sides.targets.as_slice();
        let mut joined = Self {
            targets,
            by_object: BTreeMap::new(),
            by_marker: BTreeSet::new(),
            by_source: BTreeSet::new(),
            taken: vec![false; targets.len()],
        };
        for (at, target) in targets.iter().enumerate() {
            joined.by_object.insert(&target.record.object, at);
            if let Some(marker) = &target.record.marker {
                joined.by_marker.insert((marker, at));
            }
            if let Some(source) = &target.link {
                joined.by_source.insert((source, at));
            }
        }
        joined
    }

    /// The targets of a source. One that was taken by an earlier source is among them: two sources
    /// have one record.
    fn take(&mut self, source: &Source) -> Vec<Match<'s>> {
        let link = source.link.as_ref();
        let linked = link.and_then(|link| self.by_object.get(link));
        let mut found: Vec<usize> = linked.into_iter().copied().collect();
        let own = &source.record.object;
        let back = self.by_source.range((own, 0)..=(own, usize::MAX));
        found.extend(back.map(|(_, at)| *at));
        if let Some(marker) = source.record.marker.as_deref() {
            let marked = self.by_marker.range((marker, 0)..=(marker, usize::MAX));
            found.extend(marked.map(|(_, at)| *at));
        }
        found.sort_unstable();
        found.dedup();
        let mut matches = Vec::new();
        for at in found {
            matches.push(Match {
                target: &self.targets[at],
                is_shared: self.taken[at],
            });
            self.taken[at] = true;
        }
        matches.retain(|one| !one.target.record.is_gone());
        matches
    }
}

/// A target of a source.
struct Match<'s> {
    target: &'s Target,
    /// Whether another source has it too.
    is_shared: bool,
}

/// What a source and its targets come to.
enum Verdict {
    /// No run carries it over, or it is gone on both sides.
    LeftOut,
    /// Both sides are the same.
    Same,
    /// Something is to be said about it.
    Found(Found),
}

/// What is found about a source.
struct Found {
    kind: FindingKind,
    differences: Vec<Difference>,
    code: Option<String>,
    message: String,
}

impl Found {
    fn new(kind: FindingKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            differences: Vec::new(),
            code: None,
            message: message.into(),
        }
    }

    fn not_compared(why: &Note) -> Self {
        Self {
            code: Some(why.code.clone()),
            ..Self::new(FindingKind::NotCompared, why.message.as_str())
        }
    }

    /// A difference that is known: a run of it has not ended, or has told a person.
    fn known(self, standing: &Standing) -> Self {
        match standing {
            Standing::Settled => self,
            Standing::Open => Self {
                kind: FindingKind::Waiting,
                message: format!("{}; a run of it has not ended", self.message),
                ..self
            },
            Standing::Stopped { code, message } => Self {
                kind: FindingKind::Parked,
                code: Some(code.clone()),
                message: message.clone(),
                ..self
            },
        }
    }
}

fn judge(source: &Source, targets: &[Match<'_>], cut: Option<&Note>) -> Verdict {
    let Source {
        record, standing, ..
    } = source;
    if targets.is_empty() {
        return without_target(source, cut);
    }
    let found = if targets.len() > 1 {
        let message = format!("there are {} records of it", targets.len());
        return Verdict::Found(Found::new(FindingKind::Doubled, message));
    } else if targets.iter().any(|one| one.is_shared) {
        let message = "its record is that of another document too";
        return Verdict::Found(Found::new(FindingKind::Doubled, message));
    } else {
        compare_one(record, &targets[0].target.record)
    };
    found.map_or(Verdict::Same, |found| Verdict::Found(found.known(standing)))
}

fn without_target(source: &Source, cut: Option<&Note>) -> Verdict {
    let Source {
        record,
        link,
        left_out,
        standing,
    } = source;
    let is_left_out = link.is_none() && left_out.is_some();
    if is_left_out || record.is_gone() {
        return Verdict::LeftOut;
    }
    let found = match (&record.content, cut) {
        // A link leads to it however long the list is.
        (_, Some(cut)) if link.is_none() => Found::not_compared(cut),
        (Holding::Unreadable(why), _) if link.is_none() => Found::not_compared(why),
        _ => Found::new(
            FindingKind::Missing,
            "it is not there, or was deleted there",
        ),
    };
    Verdict::Found(found.known(standing))
}

/// What is found of a source and its only target.
fn compare_one(source: &Record, target: &Record) -> Option<Found> {
    match (&source.content, &target.content) {
        (Holding::Gone(why), _) => Some(Found {
            code: Some(why.code.clone()),
            ..Found::new(
                FindingKind::Missing,
                format!("{}, and its record is still there", why.message),
            )
        }),
        (Holding::Unreadable(why), _) | (_, Holding::Unreadable(why) | Holding::Gone(why)) => {
            Some(Found::not_compared(why))
        }
        (Holding::Fields(wanted), Holding::Fields(there)) => {
            let differences = wanted.differences(there);
            let names: Vec<&str> = differences.iter().map(|one| one.field.as_str()).collect();
            let message = format!("it differs in {}", names.join(", "));
            (!differences.is_empty()).then(|| Found {
                differences,
                ..Found::new(FindingKind::Different, message)
            })
        }
    }
}

#[cfg(test)]
mod tests;
