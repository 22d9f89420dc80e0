//! The built component as the host holds it: bounded, and replaced when it has trapped.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ml_connector::config::Limits;
use ml_connector::contract::runs::{
    Action, Demand, ObjectStatus, OpenError, Outcome, Report, StartReason, Task,
};
use ml_connector::contract::types::{ObjectRef, System};
use ml_connector::guest::{Guest, GuestError, InstanceError, SettingsText, SharedInstance};
use ml_connector::service;
use ml_connector_tests::built;
use ml_connector_tests::fixtures::settings as fixture;

fn guest(limits: &Limits) -> Arc<Guest> {
    Arc::new(Guest::load(built::component(), limits).expect("the component"))
}

fn settings() -> SettingsText {
    SettingsText {
        connection: "main".into(),
        version: "v".into(),
        json: Arc::from(fixture::connection("park").to_string()),
    }
}

fn task(kind: &str) -> Task {
    Task {
        object: ObjectRef {
            system: System::Freshbooks,
            kind: kind.into(),
            id: "7".into(),
        },
        reason: StartReason::Notice,
        started: 1_800_000_000_000,
        receive_url: None,
        unknown_since: None,
    }
}

/// The report that nothing is known of the object.
fn unheard_of(demand: &Demand) -> Outcome {
    let Demand::Perform(effect) = demand else {
        panic!("{demand:?}");
    };
    let Action::FindObjects(objects) = &effect.action else {
        panic!("{effect:?}");
    };
    let statuses = objects.iter().map(|object| ObjectStatus {
        object: object.clone(),
        link: None,
        active: true,
        last: None,
    });
    Outcome {
        id: effect.id,
        report: Report::Found(statuses.collect()),
        at: 1_800_000_000_001,
    }
}

#[test]
fn a_missing_component_is_reported_with_the_command_that_builds_it() {
    let missing = Guest::load(Path::new("/nonexistent.wasm"), &Limits::default());
    let error = missing.err().expect("an error");
    assert!(matches!(error, GuestError::Unreadable { .. }));
    assert!(
        error.to_string().contains("`cargo build-component`"),
        "{error}"
    );
}

#[test]
fn a_file_that_is_not_a_component_of_this_contract_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("other.wasm");
    std::fs::write(&file, b"\0asm\x01\0\0\0").expect("written");
    let module = Guest::load(&file, &Limits::default())
        .err()
        .expect("an error");
    assert!(
        matches!(module, GuestError::NotAComponent { .. }),
        "{module}"
    );
    std::fs::write(&file, b"\0asm\x0d\0\x01\0").expect("written");
    let empty = Guest::load(&file, &Limits::default())
        .err()
        .expect("an error");
    assert!(matches!(empty, GuestError::OtherContract { .. }), "{empty}");
}

#[test]
fn compiled_code_is_reused_and_compiled_again_when_it_is_damaged() {
    let directory = tempfile::tempdir().expect("a directory");
    let kept = directory.path().join("store.db.compiled");
    let load = || {
        let guest = Guest::load_cached(built::component(), None, &Limits::default(), &kept)
            .expect("the component");
        let mut instance = guest.instance().expect("an instance");
        instance.initial_gate(System::Concur).expect("works");
    };
    load();
    let file = only_file(&kept.join("code/modules"));
    let code = std::fs::read(&file).expect("is read");
    let changed = || std::fs::metadata(&file).and_then(|found| found.modified());
    let made = changed().expect("is there");
    load();
    assert_eq!(changed().expect("is there"), made, "is used as it is");
    let mut damaged = code.clone();
    damaged[code.len() / 2] ^= 1;
    std::fs::write(&file, &damaged).expect("written");
    load();
    assert_ne!(std::fs::read(&file).expect("is read"), damaged);
    std::fs::write(&file, &code[..100]).expect("written");
    load();
    assert!(std::fs::read(&file).expect("is read").len() > 100);
}

/// The one file in the one directory in this directory, but for statistics of its use.
fn only_file(directory: &Path) -> std::path::PathBuf {
    let entries = |path: &Path| std::fs::read_dir(path).expect("is read").flatten();
    let inner = entries(directory).next().expect("a directory").path();
    let mut files = entries(&inner)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_none());
    let file = files.next().expect("a file");
    assert!(files.next().is_none());
    file
}

#[test]
fn an_instance_that_ran_out_of_fuel_is_never_called_again() {
    let short = Limits {
        component_fuel_max: 60_000,
        ..Limits::default()
    };
    let mut instance = guest(&short).instance().expect("an instance");
    instance.initial_gate(System::Concur).expect("is cheap");
    let json = settings().json;
    let trapped = instance.load_settings("main", &json).err().expect("a trap");
    assert!(trapped.to_string().contains("fuel"), "{trapped}");
    let after = instance.initial_gate(System::Concur).expect_err("an error");
    assert!(matches!(after, GuestError::Trapped(_)), "{after}");
}

#[test]
fn an_instance_that_wants_too_much_memory_traps() {
    let tight = Limits {
        component_bytes_max: 3 << 20,
        ..Limits::default()
    };
    let mut instance = guest(&tight).instance().expect("an instance");
    let long = format!("\"{}\"", "x".repeat(4 << 20));
    assert!(instance.load_settings("main", &long).is_err());
}

#[test]
fn a_run_goes_on_in_the_same_instance_and_is_gone_after_a_trap() {
    let instance = SharedInstance::new(guest(&Limits::default())).expect("an instance");
    let opened = instance
        .open(&task("invoice"), &settings(), &[])
        .expect("opens");
    let next = instance
        .step(opened.run, &unheard_of(&opened.demand))
        .expect("steps");
    assert!(
        matches!(next, Demand::Perform(ref effect) if effect.id == 1),
        "{next:?}"
    );

    let trap = instance.call(|_| Err::<(), _>(GuestError::Trapped("on purpose".into())));
    assert!(trap.is_err());
    let stepped = instance.step(opened.run, &unheard_of(&opened.demand));
    assert!(matches!(stepped, Err(InstanceError::Replaced)));
    instance.close(opened.run);
    instance
        .open(&task("invoice"), &settings(), &[])
        .expect("opens anew");
}

#[test]
fn an_instance_near_its_bound_is_replaced_when_a_run_is_opened() {
    let tight = Limits {
        component_bytes_max: 6 << 20,
        ..Limits::default()
    };
    let instance = SharedInstance::new(guest(&tight)).expect("an instance");
    let opened = instance
        .open(&task("invoice"), &settings(), &[])
        .expect("opens");
    // Passing a long text in makes the memory grow, and it never shrinks.
    let long = format!("\"{}\"", "x".repeat(4_300_000));
    let is_near = instance.call(|instance| {
        assert!(instance.load_settings("main", &long)?.is_err());
        Ok(instance.is_near_memory_bound())
    });
    assert!(is_near.expect("no trap"));
    instance
        .open(&task("bill"), &settings(), &[])
        .expect("opens");
    let stepped = instance.step(opened.run, &unheard_of(&opened.demand));
    assert!(matches!(stepped, Err(InstanceError::Replaced)));
}

#[test]
fn what_cannot_be_opened_says_why() {
    let instance = SharedInstance::new(guest(&Limits::default())).expect("an instance");
    let unknown = instance.open(&task("teapot"), &settings(), &[]).err();
    assert!(matches!(
        unknown,
        Some(InstanceError::Open(OpenError::UnknownKind(_)))
    ));
    let bad = SettingsText {
        connection: "main".into(),
        version: "w".into(),
        json: Arc::from("{}"),
    };
    let refused = instance.open(&task("invoice"), &bad, &[]).err();
    assert!(matches!(refused, Some(InstanceError::Settings(problems)) if !problems.is_empty()));
}

/// A call that runs out of fuel takes its time, and every other run of that connection waits for
/// it. The other connections must not notice.
#[test]
fn traps_in_one_connection_stall_no_other() {
    const CALLS: usize = 12;
    // A stall is hardly ever over 5 ms here; a machine that is busy with other things adds some.
    const STALL_MAX: Duration = Duration::from_millis(400);
    let guest = guest(&Limits::default());
    let hostile = Arc::new(SharedInstance::new(Arc::clone(&guest)).expect("an instance"));
    let other = SharedInstance::new(guest).expect("an instance");
    let body: Arc<str> = format!("[{}0]", "0,".repeat(4_000_000)).into();
    let runtime = service::runtime().expect("a runtime");
    let (stall, trapping) = runtime.block_on(async {
        let calls: Vec<_> = (0..CALLS)
            .map(|_| {
                let (hostile, body) = (Arc::clone(&hostile), Arc::clone(&body));
                tokio::spawn(async move {
                    let began = Instant::now();
                    let read = hostile.call(|instance| instance.read_event(&body, "company"));
                    assert!(read.is_err(), "it traps");
                    began.elapsed()
                })
            })
            .collect();
        let probe = tokio::spawn(async move {
            let mut longest = Duration::ZERO;
            while !calls.iter().all(tokio::task::JoinHandle::is_finished) {
                let began = Instant::now();
                tokio::time::sleep(Duration::from_millis(1)).await;
                other
                    .call(|instance| instance.initial_gate(System::Concur))
                    .expect("a gate");
                longest = longest.max(began.elapsed());
            }
            let mut trapping = Duration::ZERO;
            for call in calls {
                trapping = trapping.max(call.await.expect("a call"));
            }
            (longest, trapping)
        });
        probe.await.expect("figures")
    });
    println!("{CALLS} traps took {trapping:?}; another connection waited {stall:?} at most");
    assert!(
        stall < STALL_MAX && stall < trapping / 2,
        "{stall:?} of {trapping:?}"
    );
}
