//! Strangers' handshakes at every step of a registration, in virtual time.

use std::collections::BTreeMap;

use ml_connector_component::contract::runs::StartReason;
use ml_connector_sandbox::SandboxConfig;
use ml_connector_tests::fixtures::handshakes::{handshake, notice, unsigned_handshake};
use ml_connector_tests::fixtures::settings;
use ml_connector_tests::logic::Backend;
use ml_connector_tests::sim::store::{RunState, ending_name};
use ml_connector_tests::sim::{Sim, object};
use ml_connector_tests::switches;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// More moments than two registrations have, with what strangers and crashes add to them.
const MOMENTS: u64 = 60;

/// Handshakes of one stranger: for which callback, at which moment, how many. FreshBooks' own ids
/// are 2001 and 2002.
#[derive(Debug, Clone)]
struct Stranger {
    callback: u64,
    moment: u64,
    count: usize,
}

fn stranger() -> impl Strategy<Value = Stranger> {
    let callback = prop_oneof![4 => 2_001_u64..=2_002, 1 => 1_990_u64..2_010];
    (callback, 0..MOMENTS, 1_usize..4).prop_map(|(callback, moment, count)| Stranger {
        callback,
        moment,
        count,
    })
}

/// What is not the same in every account.
fn sandbox() -> impl Strategy<Value = SandboxConfig> {
    let delay_ms = prop_oneof![Just(0), Just(150), Just(1_000), Just(70_000)];
    let switches = [any::<bool>(), any::<bool>(), any::<bool>()];
    (delay_ms, switches).prop_map(|(delay_ms, [is_new, names_event, is_unsigned])| {
        let mut config = switches::config();
        config.freshbooks.webhooks.delay_ms = delay_ms;
        config.freshbooks.webhooks.resend_makes_new_verifier = is_new;
        config.freshbooks.webhooks.handshake_names_event = names_event;
        config.freshbooks.webhooks.unsigned_handshakes = is_unsigned;
        config
    })
}

fn cases() -> ProptestConfig {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    ProptestConfig {
        cases: number("MODEL_CASES").unwrap_or(150),
        rng_seed: RngSeed::Fixed(number("MODEL_SEED").map_or(1, u64::from)),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn the_trusted_verifier_is_freshbooks_own(
        config in sandbox(),
        order in any::<u64>(),
        strangers in prop::collection::vec(stranger(), 0..24),
        crashes in prop::collection::vec(0..MOMENTS, 0..3),
    ) {
        assert_own_verifiers(config, order, &strangers, crashes);
    }
}

#[test]
fn the_trusted_verifier_is_freshbooks_own_under_each_row_of_switches() {
    let name = "the_trusted_verifier_is_freshbooks_own_under_each_row_of_switches";
    switches::under_each_row(&format!("{}::{name}", module_path!()), || {
        let strangers = [2_001, 2_002].map(|callback| Stranger {
            callback,
            moment: 3,
            count: 2,
        });
        for crash in (0..MOMENTS).step_by(4) {
            assert_own_verifiers(switches::config(), crash, &strangers, vec![crash]);
        }
    });
}

/// Two registrations among strangers' handshakes and crashes.
fn assert_own_verifiers(
    config: SandboxConfig,
    order: u64,
    strangers: &[Stranger],
    crashes: Vec<u64>,
) {
    let logic = Backend::Native.logic(&settings::connection("park").to_string());
    let mut sim = Sim::unconnected(config, logic);
    sim.interleave(order);
    sim.connect();
    for (number, stranger) in strangers.iter().enumerate() {
        let id = stranger.callback.to_string();
        let forged = (0..stranger.count).map(|count| {
            let verifier = format!("stranger{number}x{count}");
            match (number + count) % 2 {
                0 => handshake(&id, &verifier),
                _ => unsigned_handshake(&id, &verifier),
            }
        });
        let at = sim.moments() + stranger.moment;
        sim.strangers.entry(at).or_default().extend(forged);
    }
    sim.crash_at(crashes);
    for noun in ["invoice", "bill"] {
        sim.start(object("callback", noun), StartReason::Schedule);
    }
    sim.settle();
    assert_registered(&mut sim);
}

/// Both registrations are confirmed, under the keys of FreshBooks and no others.
fn assert_registered(sim: &mut Sim) {
    let endings = sim.store.runs.values().map(|run| match &run.state {
        RunState::Ended(ended) => ending_name(&ended.completion.ending),
        RunState::Due(_) | RunState::Waiting { .. } => "under way",
    });
    assert_eq!(endings.collect::<Vec<_>>(), ["confirmed", "confirmed"]);
    let verifiers = sim.sandbox.freshbooks.verifiers().into_iter();
    let verifiers: BTreeMap<String, String> = verifiers
        .map(|(id, verifier)| (id.to_string(), verifier))
        .collect();
    assert_eq!(sim.webhook_keys(), &verifiers);
    for stranger in ["stranger0x0", "stranger1x0"] {
        assert_eq!(sim.receive(&notice("invoice.update", "7", stranger)), 401);
    }
}
