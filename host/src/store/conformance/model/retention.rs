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
        let id = |kept: &KeptRun| kept.run.id;
        let superseded = self.superseded(ended_before);
        let forgotten: BTreeSet<RunId> = self.runs.iter().filter(old).map(id).collect();
        let goes = |run: &RunId| forgotten.contains(run) || superseded.contains(run);
        let changed = self.runs.iter().filter(|kept| goes(&kept.run.id));
        let connections: BTreeSet<_> = changed.map(|kept| kept.run.connection.clone()).collect();
        for connection in connections {
            self.chains.add(&connection, &ended_before);
        }
        self.notices.retain(|kept| match &kept.decision {
            None => true,
            Some(Decision::NothingNew(_)) => kept.first >= ended_before,
            Some(Decision::Run(run)) => !goes(run),
        });
        self.runs.retain(|kept| !superseded.contains(&kept.run.id));
        let at_rest: Vec<_> = self
            .runs
            .iter()
            .map(|kept| self.is_latest(&kept.run, true))
            .collect();
        for (kept, is_at_rest) in self.runs.iter_mut().zip(at_rest) {
            if forgotten.contains(&kept.run.id) {
                kept.retire(!is_at_rest);
            }
        }
        self.forget_settings(ended_before);
    }

    /// The old runs that later ones of their objects have succeeded, where all before them go too.
    fn superseded(&self, ended_before: Instant) -> BTreeSet<RunId> {
        let is_old = |kept: &KeptRun| kept.run.ended.is_some_and(|at| at < ended_before);
        let of = |kept: &KeptRun| (kept.run.connection.clone(), kept.run.object.clone());
        let old = |kept: &&KeptRun| is_old(kept) && !kept.retired;
        let retired_now: Vec<_> = self.runs.iter().filter(old).map(of).collect();
        let stays = |kept: &KeptRun| kept.run.ended.is_some() && !is_old(kept);
        let young: Vec<_> = self.runs.iter().filter(|kept| stays(kept)).collect();
        let is_behind_young = |kept: &KeptRun| {
            let before = |young: &&&KeptRun| young.run.id < kept.run.id && of(young) == of(kept);
            young.iter().any(|young| before(&young))
        };
        let goes = |kept: &&KeptRun| {
            is_old(kept)
                && (kept.superseded || retired_now.contains(&of(kept)))
                && !self.is_latest(&kept.run, true)
                && !is_behind_young(kept)
        };
        self.runs
            .iter()
            .filter(goes)
            .map(|kept| kept.run.id)
            .collect()
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
            kept.retire(true);
            let run = kept.run.id;
            self.notices
                .retain(|kept| kept.decision != Some(Decision::Run(run)));
        }
    }
}
