//! Sums and findings by month and currency.

use std::collections::BTreeMap;

use super::{Compared, Found, Match, Verdict};
use crate::contract::runs::Facts;
use crate::contract::types::ObjectRef;
use crate::reconcile::amount::Amount;
use crate::reconcile::record::{Record, Source, Target};
use crate::reconcile::report::{Finding, FindingKind, Totals};

/// The groups of a flow, by month and currency.
pub(super) struct Groups<'f> {
    flow: &'f str,
    groups: BTreeMap<(String, String), Group>,
}

#[derive(Default)]
struct Group {
    totals: Totals,
    source_amount: Amount,
    target_amount: Amount,
    findings: Vec<Finding>,
}

impl<'f> Groups<'f> {
    pub(super) fn new(flow: &'f str) -> Self {
        Self {
            flow,
            groups: BTreeMap::new(),
        }
    }

    /// Counts a source with its targets.
    pub(super) fn add(&mut self, source: &Source, targets: &[Match<'_>], verdict: Verdict) {
        let record = &source.record;
        let shown = &named(record, targets);
        let found = match verdict {
            Verdict::LeftOut => {
                self.of(shown).totals.left_out += 1;
                return;
            }
            Verdict::Same => None,
            Verdict::Found(found) => Some(found),
        };
        let (flow, key) = (self.flow.to_owned(), key_of(shown));
        let group = self.of(shown);
        if !record.is_gone() {
            group.totals.sources += 1;
            add(&mut group.source_amount, &record.facts.facts());
        }
        // Each stands where its source does, so that sums can be compared.
        for one in targets.iter().filter(|one| !one.is_shared) {
            group.totals.targets += 1;
            add(&mut group.target_amount, &one.target.record.facts.facts());
        }
        let Some(found) = found else {
            group.totals.same += 1;
            return;
        };
        let objects = targets.iter().map(|one| one.target.record.object.object());
        let about = About {
            flow,
            key,
            facts: shown,
            source: Some(record.object.object()),
            targets: objects.collect(),
        };
        group.find(about.finding(found));
    }

    /// Counts a target that is none of ours.
    pub(super) fn add_foreign(&mut self, target: &Target) {
        let facts = &target.record.facts.facts();
        let message = match &target.record.marker {
            None => "it did not come from here".to_owned(),
            Some(marker) => {
                format!("it carries the marker {marker}, which is none of a document of these days")
            }
        };
        let about = About {
            flow: self.flow.to_owned(),
            key: key_of(facts),
            facts,
            source: None,
            targets: vec![target.record.object.object()],
        };
        let finding = about.finding(Found::new(FindingKind::Foreign, message));
        self.of(facts).find(finding);
    }

    fn of(&mut self, facts: &Facts) -> &mut Group {
        self.groups.entry(key_of(facts)).or_default()
    }

    pub(super) fn finish(self) -> Compared {
        let mut compared = Compared::default();
        for ((month, currency), mut group) in self.groups {
            group.findings.sort_by_key(|finding| finding.kind);
            compared.findings.append(&mut group.findings);
            compared.totals.push(Totals {
                flow: self.flow.to_owned(),
                month,
                currency,
                source_amount: group.source_amount.to_string(),
                target_amount: group.target_amount.to_string(),
                ..group.totals
            });
        }
        compared
    }
}

impl Group {
    fn find(&mut self, finding: Finding) {
        *self.totals.found.entry(finding.kind).or_default() += 1;
        self.findings.push(finding);
    }
}

/// What a finding is about.
struct About<'a> {
    flow: String,
    key: (String, String),
    facts: &'a Facts,
    source: Option<ObjectRef>,
    targets: Vec<ObjectRef>,
}

impl About<'_> {
    fn finding(self, found: Found) -> Finding {
        let (month, currency) = self.key;
        let facts = self.facts.clone();
        Finding {
            kind: found.kind,
            flow: self.flow,
            month,
            currency,
            source: self.source,
            targets: self.targets,
            number: facts.number,
            party: facts.party,
            date: facts.date,
            amount: facts.amount,
            differences: found.differences,
            code: found.code,
            message: found.message,
        }
    }
}

/// What is known of a document: by its source, unless that is gone.
fn named(record: &Record, targets: &[Match<'_>]) -> Facts {
    let own = record.facts.facts();
    match (own.date.is_some(), targets.first()) {
        (false, Some(first)) => first.target.record.facts.facts(),
        _ => own,
    }
}

fn key_of(facts: &Facts) -> (String, String) {
    let month = facts.date.as_deref().and_then(|date| date.get(..7));
    (
        month.unwrap_or_default().to_owned(),
        facts.currency.clone().unwrap_or_default(),
    )
}

fn add(sum: &mut Amount, facts: &Facts) {
    let amount = facts.amount.as_deref().and_then(Amount::parse);
    if let Some(amount) = amount {
        sum.add(amount);
    }
}
