//! What holds for every history of calls and of what people do.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::properties::config;
use crate::concur::financial::*;
use crate::test_support::concur::{ConcurHarness, codes};

use DocStatus::{
    Acknowledged, PaymentConfirmedSuccess as Paid, PostingConfirmedFailure as Failed,
    PostingConfirmedSuccess as Posted, Ready, Recalled,
};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_history_follows_the_status_matrix(steps in proptest::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        for step in steps {
            world.play(step);
            world.check();
        }
    }
}

/// Something that a client or a person does.
#[derive(Clone, Copy, Debug)]
enum Step {
    Approve,
    Acknowledge(usize),
    Post(usize, bool),
    Pay(usize),
    Recall(usize),
    Resubmit(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Approve),
        (0..8usize).prop_map(Step::Acknowledge),
        (0..8usize, any::<bool>()).prop_map(|(at, success)| Step::Post(at, success)),
        (0..8usize).prop_map(Step::Pay),
        (0..8usize).prop_map(Step::Recall),
        (0..8usize).prop_map(Step::Resubmit),
    ]
}

/// The sandbox beside a model that is only the status table of the docs.
struct World {
    harness: ConcurHarness,
    /// Documents by id: source and state.
    model: Vec<(String, String, DocStatus)>,
    recalled: BTreeMap<String, bool>,
}

impl World {
    fn new() -> Self {
        Self {
            harness: ConcurHarness::new(),
            model: Vec::new(),
            recalled: BTreeMap::new(),
        }
    }

    fn play(&mut self, step: Step) {
        if let Step::Approve = step {
            let (machine, now) = (&mut self.harness.machine, self.harness.now);
            let filed = machine.approve_report(&ReportOptions::default(), now);
            self.add(filed);
        } else if !self.model.is_empty() {
            match step {
                Step::Approve => {}
                Step::Acknowledge(at) => self.acknowledge(at % self.model.len()),
                Step::Post(at, success) => self.post(at % self.model.len(), success),
                Step::Pay(at) => self.pay(at % self.model.len()),
                Step::Recall(at) => self.recall(at % self.model.len()),
                Step::Resubmit(at) => self.resubmit(at % self.model.len()),
            }
        }
    }

    fn acknowledge(&mut self, at: usize) {
        let (id, _, status) = self.model[at].clone();
        let (code, next) = match status {
            Ready => (0, Acknowledged),
            Recalled => (102, Recalled),
            other => (101, other),
        };
        assert_eq!(self.harness.acknowledge(&[&id], "FRESHBOOKS-01"), [code]);
        self.model[at].2 = next;
    }

    fn post(&mut self, at: usize, success: bool) {
        let (id, _, status) = self.model[at].clone();
        let (code, next) = match (status, success) {
            (Ready, _) => (111, Ready),
            (Recalled, _) => (112, Recalled),
            (Acknowledged, true) => (0, Posted),
            (Acknowledged, false) => (0, Failed),
            (other, _) => (113, other),
        };
        let answer = self.harness.confirm(&id, success, json!({}));
        assert_eq!(answer["code"], code, "{status:?}");
        self.model[at].2 = next;
    }

    fn pay(&mut self, at: usize) {
        let (id, _, status) = self.model[at].clone();
        let (code, next) = match status {
            Posted => (0, Paid),
            Paid => (213, Paid),
            other => (298, other),
        };
        let item = json!({"docId": id, "processingStatusCode": "CP"});
        let body = json!({"systemId": "FRESHBOOKS-01", "processingConfirmation": [item]});
        let reply = self
            .harness
            .financial("expense", "/paymentconfirmations", Some(body));
        assert_eq!(codes(&reply), [code], "{status:?}");
        self.model[at].2 = next;
    }

    fn recall(&mut self, at: usize) {
        let source = self.model[at].1.clone();
        let newest = self.newest(&source);
        let status = self.model[newest].2;
        let possible = matches!(status, Ready | Failed);
        let done = self.harness.machine.recall(&source, self.harness.now);
        assert_eq!(done.is_ok(), possible, "{status:?}");
        if possible {
            self.recalled.insert(source, true);
            self.model[newest].2 = if status == Ready { Recalled } else { status };
        }
    }

    fn resubmit(&mut self, at: usize) {
        let source = self.model[at].1.clone();
        let (machine, now) = (&mut self.harness.machine, self.harness.now);
        let filed = machine.resubmit(&source, &Resubmission::default(), now);
        assert_eq!(filed.is_ok(), self.recalled[&source]);
        filed.into_iter().for_each(|filed| self.add(filed));
    }

    fn add(&mut self, filed: Filed) {
        self.recalled.insert(filed.source_id.clone(), false);
        self.model.push((filed.document_id, filed.source_id, Ready));
    }

    fn newest(&self, source: &str) -> usize {
        let newest = self.model.iter().rposition(|(_, other, _)| other == source);
        newest.expect("a document")
    }

    fn check(&mut self) {
        let states: Vec<(String, DocStatus)> = self
            .model
            .iter()
            .map(|(id, _, status)| (id.clone(), *status))
            .collect();
        let records = self.harness.machine.documents();
        let found: Vec<(String, DocStatus)> = records
            .into_iter()
            .map(|record| (record.id, record.status))
            .collect();
        assert_eq!(found, states);
        let ready = states.iter().filter(|(_, status)| *status == Ready);
        let ready: Vec<&str> = ready.map(|(id, _)| id.as_str()).collect();
        let listed = self.harness.expenses("?limit=100");
        let listed: Vec<&str> = listed.iter().filter_map(|one| one["id"].as_str()).collect();
        assert_eq!(listed, ready);
    }
}
