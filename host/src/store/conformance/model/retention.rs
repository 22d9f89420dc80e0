//! What is forgotten, on the model.

use std::collections::BTreeSet;

use super::{KeptRun, KeptSettings, Key, State, key};
use crate::contract::runs::{Completion, EndingKind};
use crate::contract::types::Instant;
use crate::store::{Decision, HISTORIES_OF_OBJECT_MAX, Run, RunId};

impl State {
    pub(super) fn retire(&mut self, ended_before: Instant) {
        let is_old = |kept: &KeptRun| kept.run.ended.is_some_and(|at| at < ended_before);
        let old = |kept: &&KeptRun| is_old(kept) && !kept.retired;
        let of = |kept: &KeptRun| (kept.run.connection.clone(), kept.run.object.clone());
        let retired_now: Vec<_> = self.runs.iter().filter(old).map(of).collect();
        let superseded: Vec<RunId> = self
            .runs
            .iter()
            .filter(|kept| is_old(kept) && retired_now.contains(&of(kept)))
            .filter(|kept| !self.is_latest(&kept.run, true))
            .map(|kept| kept.run.id)
            .collect();
        let forgotten: Vec<RunId> = self
            .runs
            .iter()
            .filter(old)
            .map(|kept| kept.run.id)
            .collect();
        let connections: BTreeSet<String> = retired_now.iter().map(|(of, _)| of.clone()).collect();
        for connection in connections {
            self.chains.add(&connection, &ended_before);
        }
        self.notices.retain(|kept| match &kept.decision {
            None => true,
            Some(Decision::NothingNew(_)) => kept.first >= ended_before,
            Some(Decision::Run(run)) => !forgotten.contains(run) && !superseded.contains(run),
        });
        self.runs.retain(|kept| !superseded.contains(&kept.run.id));
        self.runs
            .iter_mut()
            .filter(|kept| is_old(kept))
            .for_each(KeptRun::retire);
        self.forget_settings(ended_before);
    }

    fn forget_settings(&mut self, replaced_before: Instant) {
        let mut named: Vec<Key> = Vec::new();
        for kept in self.runs.iter().filter(|kept| !kept.retired) {
            let next = kept.next.as_ref().map(|(_, version)| version);
            let earlier = kept
                .attempts
                .iter()
                .map(|attempt| &attempt.settings_version);
            let versions = earlier.chain(next).chain([&kept.run.settings_version]);
            named.extend(versions.map(|version| key(&kept.run.connection, version)));
        }
        let stored = |connection: &str, after: Instant| {
            let mut of_connection = self.settings.iter().filter(|((of, _), _)| of == connection);
            of_connection.any(|(_, kept)| after < kept.stored && kept.stored < replaced_before)
        };
        let unused = |(key, kept): &(&Key, &KeptSettings)| {
            stored(&key.0, kept.stored) && !named.contains(key)
        };
        let unused: Vec<Key> = self
            .settings
            .iter()
            .filter(unused)
            .map(|(key, _)| key.clone())
            .collect();
        self.settings.retain(|key, _| !unused.contains(key));
    }

    pub(super) fn retire_oldest(&mut self, of: &Run, how: EndingKind) {
        let same = |kept: &&mut KeptRun| {
            let run = &kept.run;
            (&run.connection, &run.object) == (&of.connection, &of.object)
                && run.completion.as_ref().map(Completion::kind) == Some(how)
                && !kept.retired
        };
        let beyond = self.runs.iter_mut().rev().filter(same);
        for kept in beyond.skip(HISTORIES_OF_OBJECT_MAX as usize) {
            kept.retire();
            let run = kept.run.id;
            self.notices
                .retain(|kept| kept.decision != Some(Decision::Run(run)));
        }
    }
}
