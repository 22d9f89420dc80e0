//! What the models share: how cases are drawn, played and checked.

use std::fmt::Debug;
use std::ops::Range;

use ml_connector_component::contract::runs::{Completion, Demand};
use ml_connector_component::contract::types::System;
use ml_connector_sandbox::{Fault, FaultRule, ThrottleWords};
use ml_connector_tests::logic::Backend;
use ml_connector_tests::sim::Sim;
use ml_connector_tests::sim::store::{RunState, StoredRun};
use ml_connector_tests::switches;
use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, RngSeed, TestRunner};

/// Milliseconds within which a late request is carried out. Shorter than the settle time of 30
/// minutes: the stated bound of late execution.
const LATE_MAX: u64 = 20 * 60_000;

/// How many cases are played under each row: about as many under all of them as without switches.
const CASES_OF_A_ROW: u32 = 8;

/// What people can do to both systems, and what must be true in the end.
pub(crate) trait Model {
    /// Something that people do, or that goes wrong.
    type Step: Clone + Debug;

    fn new(backend: Backend, ambiguity: &str, seed: u64) -> Self;

    fn play(&mut self, step: &Self::Step);

    /// Everything works again, and what was missed is found.
    fn heal(&mut self);

    /// Panics if a promise is broken.
    fn check(&mut self);
}

/// Plays the steps, heals everything and checks the promises.
pub(crate) fn play<M: Model>(backend: Backend, ambiguity: &str, seed: u64, steps: &[M::Step]) {
    let mut model = M::new(backend, ambiguity, seed);
    for step in steps {
        model.play(step);
    }
    model.heal();
    model.check();
}

/// The same cases under each row of the sandbox's switches, of a failing one the minimal steps.
/// They are few: what cases find without switches is found without them.
pub(crate) fn play_under_each_row<M: Model>(test: &str, step: impl Strategy<Value = M::Step>) {
    let steps = prop::collection::vec(step, 1..40);
    let cases = (any::<u64>(), any::<bool>(), steps);
    switches::under_each_row(test, || {
        let mut config = ProptestConfig {
            failure_persistence: None,
            ..config(CASES_OF_A_ROW, "")
        };
        // The steps are made fewer once the row is known, by the command that repeats it.
        if !switches::are_given() {
            config.max_shrink_iters = 0;
        }
        let why = "where Concur's old token dies at once, an answer that a crash swallows waits \
            for a person, and no step is one";
        switches::keep("concur.token.refresh", "rotate_with_overlap", why);
        let outcome = TestRunner::new(config).run(&cases, |(seed, resends, steps)| {
            let ambiguity = if resends { "resend" } else { "park" };
            play::<M>(Backend::Native, ambiguity, seed, &steps);
            Ok(())
        });
        outcome.unwrap_or_else(|error| panic!("{error}"));
    });
}

/// The promises as properties, for each policy natively, once under each row of switches, and once
/// through the component, which is slower by far and so gets fewer cases.
macro_rules! promises {
    (
        $model:ty, $step:ident,
        native_cases: $native:literal, wasm_cases: $wasm:literal, $regressions:literal
    ) => {
        const REGRESSIONS: &str = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/model/regressions/",
            $regressions
        );

        proptest! {
            #![proptest_config($crate::shared::config($native, REGRESSIONS))]

            #[test]
            fn the_promises_hold_where_ambiguity_parks(
                seed in any::<u64>(), steps in prop::collection::vec($step(), 1..40)
            ) {
                $crate::shared::play::<$model>(Backend::Native, "park", seed, &steps);
            }

            #[test]
            fn the_promises_hold_where_ambiguity_resends(
                seed in any::<u64>(), steps in prop::collection::vec($step(), 1..40)
            ) {
                $crate::shared::play::<$model>(Backend::Native, "resend", seed, &steps);
            }
        }

        #[test]
        fn the_promises_hold_under_each_row_of_switches() {
            let test = concat!(
                module_path!(),
                "::",
                "the_promises_hold_under_each_row_of_switches"
            );
            $crate::shared::play_under_each_row::<$model>(test, $step());
        }

        proptest! {
            #![proptest_config($crate::shared::config($wasm, REGRESSIONS))]

            #[test]
            fn the_promises_hold_in_the_component(
                seed in any::<u64>(), steps in prop::collection::vec($step(), 1..30)
            ) {
                $crate::shared::play::<$model>(Backend::Wasm, "resend", seed, &steps);
            }
        }
    };
}
pub(crate) use promises;

/// How many cases are drawn, from which seed, and where failures are written down.
pub(crate) fn config(cases: u32, regressions: &'static str) -> ProptestConfig {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let cases_wanted = number("MODEL_CASES").and_then(|cases: u64| u32::try_from(cases).ok());
    ProptestConfig {
        cases: cases_wanted.unwrap_or(cases),
        rng_seed: RngSeed::Fixed(number("MODEL_SEED").unwrap_or(1)),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(regressions))),
        ..ProptestConfig::default()
    }
}

/// Everything that can go wrong with a request on its way, or with its answer.
pub(crate) fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::Refuse),
        Just(Fault::RateLimited {
            retry_after_s: Some(0)
        }),
        Just(Fault::RateLimited {
            retry_after_s: Some(30)
        }),
        proptest::sample::select(ThrottleWords::ALL.to_vec())
            .prop_map(|words| Fault::ThrottledAs400 { words }),
        proptest::sample::select(vec![200, 400, 403, 404, 422])
            .prop_map(|status| Fault::Page { status }),
        Just(Fault::Maintenance),
        Just(Fault::ServerError),
        Just(Fault::ServerErrorAfterCommit),
        Just(Fault::ResponseLost),
        Just(Fault::RequestLost),
        (1..LATE_MAX).prop_map(|delay| Fault::LateExecution { delay }),
        (1..120_000_u64).prop_map(|delay| Fault::Slow { delay }),
        Just(Fault::Truncated),
        (1..60_000_u64).prop_map(|lag| Fault::StaleLookUp { lag }),
        Just(Fault::ExpiredToken),
        Just(Fault::Garbage),
    ]
}

/// A fault of requests to one of these places, `times` in a row after `skip` others, of one of
/// these methods or of any.
pub(crate) fn fault_rule(
    place: impl Strategy<Value = (ml_connector_sandbox::System, &'static str)>,
    times: Range<u32>,
    skip: Range<u32>,
    method: impl Strategy<Value = &'static str>,
) -> impl Strategy<Value = FaultRule> {
    let drawn = (place, fault(), times, skip, prop::option::of(method));
    drawn.prop_map(|((system, path), fault, times, skip, method)| {
        let rule = FaultRule::new(system, fault).times(times).skip(skip);
        let rule = rule.path(path);
        method.map_or(rule.clone(), |method| rule.method(method))
    })
}

/// Time passes, and a person connects FreshBooks again if that is needed: its refresh tokens work
/// once, and a crash between its answer and the disk loses the only new one.
pub(crate) fn settle_and_connect(sim: &mut Sim) {
    sim.settle();
    if sim.dead_because(System::Freshbooks).is_some() {
        assert!(sim.crashes > 0, "a person is needed for nothing");
        sim.connect_freshbooks();
    }
}

/// Every run has ended, and every history replays to the same completion.
pub(crate) fn check_replay(sim: &mut Sim) {
    assert_eq!(
        sim.store.unfinished(),
        Vec::<u64>::new(),
        "these have not ended"
    );
    let completion = |run: &StoredRun| match &run.state {
        RunState::Ended(ended) => Some(ended.completion.clone()),
        _ => None,
    };
    let runs = sim.store.runs.iter();
    let ended: Vec<(u64, Completion)> = runs
        .filter_map(|(id, run)| Some((*id, completion(run)?)))
        .collect();
    for (id, completion) in ended {
        assert_eq!(
            sim.replay(id),
            Demand::Done(completion),
            "run {id} does not replay"
        );
    }
}

/// What happened in some runs, a line for each, for messages.
pub(crate) fn story(sim: &Sim, is_ours: impl Fn(&StoredRun) -> bool) -> String {
    let ours = sim.store.runs.iter().filter(|(_, run)| is_ours(run));
    let lines = ours.map(|(number, run)| {
        let (object, reason) = (&run.task.object.id, run.task.reason);
        let started = run.task.started;
        match &run.state {
            RunState::Ended(ended) => format!(
                "{number} {object} {reason:?} {started} -> {} {:?}\n",
                ended.at, ended.completion
            ),
            state => format!("{number} {object} {reason:?} {started} {state:?}\n"),
        }
    });
    lines.collect()
}
