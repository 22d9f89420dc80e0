//! The built component as the host holds it: bounded, and replaced when it has trapped.

use std::path::Path;
use std::sync::Arc;

use ml_connector::brain::{Brain, BrainError, Mind, MindError, SettingsText};
use ml_connector::config::Limits;
use ml_connector::contract::runs::{
    Action, Demand, EndingKind, OpenError, Outcome, Reason, Report, Standing, Task,
};
use ml_connector::contract::types::{ObjectRef, System};
use ml_connector_tests::built;
use ml_connector_tests::fixtures::settings as fixture;
use ml_connector_tests::fixtures::settings::limits;

fn brain(limits: &Limits) -> Arc<Brain> {
    Arc::new(Brain::load(built::component(), limits).expect("the component"))
}

fn settings() -> SettingsText {
    SettingsText {
        version: "v".into(),
        json: Arc::from(fixture::connection("park").to_string()),
    }
}

fn task(kind: &str) -> Task {
    Task {
        connection: "main".into(),
        object: ObjectRef {
            system: System::Freshbooks,
            kind: kind.into(),
            id: "7".into(),
        },
        reason: Reason::Notice,
        started: 1_800_000_000_000,
        webhook_url: String::new(),
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
    let standings = objects.iter().map(|object| Standing {
        object: object.clone(),
        link: None,
        active: true,
        ending: EndingKind::None,
        code: String::new(),
        sentence: String::new(),
        version: String::new(),
        since: 0,
    });
    Outcome {
        id: effect.id,
        report: Report::Found(standings.collect()),
        at: 1_800_000_000_001,
    }
}

#[test]
fn a_missing_component_is_reported_with_the_command_that_builds_it() {
    let missing = Brain::load(Path::new("/nonexistent.wasm"), &limits());
    let error = missing.err().expect("an error");
    assert!(matches!(error, BrainError::Unreadable { .. }));
    assert!(error.to_string().contains("`cargo component`"), "{error}");
}

#[test]
fn a_file_that_is_not_a_component_of_this_contract_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("other.wasm");
    std::fs::write(&file, b"\0asm\x01\0\0\0").expect("written");
    let module = Brain::load(&file, &limits()).err().expect("an error");
    assert!(
        matches!(module, BrainError::NotAComponent { .. }),
        "{module}"
    );
    std::fs::write(&file, b"\0asm\x0d\0\x01\0").expect("written");
    let empty = Brain::load(&file, &limits()).err().expect("an error");
    assert!(matches!(empty, BrainError::OtherContract { .. }), "{empty}");
}

#[test]
fn compiled_code_is_reused_and_compiled_again_when_it_is_damaged() {
    let directory = tempfile::tempdir().expect("a directory");
    let kept = directory.path().join("store.db.compiled");
    let load = || {
        let brain = Brain::load_kept(built::component(), &limits(), &kept).expect("the component");
        let mut instance = brain.instance().expect("an instance");
        instance.default_retry_policy().expect("works");
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
        ..limits()
    };
    let mut instance = brain(&short).instance().expect("an instance");
    instance.default_retry_policy().expect("is cheap");
    let json = settings().json;
    let trapped = instance.load_settings(&json).err().expect("a trap");
    assert!(trapped.to_string().contains("fuel"), "{trapped}");
    let after = instance.default_retry_policy().expect_err("an error");
    assert!(matches!(after, BrainError::Trapped(_)), "{after}");
}

#[test]
fn an_instance_that_wants_too_much_memory_traps() {
    let tight = Limits {
        component_bytes_max: 3 << 20,
        ..limits()
    };
    let mut instance = brain(&tight).instance().expect("an instance");
    let long = format!("\"{}\"", "x".repeat(4 << 20));
    assert!(instance.load_settings(&long).is_err());
}

#[test]
fn a_run_goes_on_in_the_same_instance_and_is_gone_after_a_trap() {
    let mind = Mind::new(brain(&limits())).expect("an instance");
    let opened = mind
        .open(&task("invoice"), &settings(), &[])
        .expect("opens");
    let next = mind
        .step(opened.run, &unheard_of(&opened.demand))
        .expect("steps");
    assert!(
        matches!(next, Demand::Perform(ref effect) if effect.id == 1),
        "{next:?}"
    );

    let trap = mind.call(|_| Err::<(), _>(BrainError::Trapped("on purpose".into())));
    assert!(trap.is_err());
    let stepped = mind.step(opened.run, &unheard_of(&opened.demand));
    assert!(matches!(stepped, Err(MindError::Gone)));
    mind.close(opened.run);
    mind.open(&task("invoice"), &settings(), &[])
        .expect("opens anew");
}

#[test]
fn an_instance_near_its_bound_is_replaced_when_a_run_is_opened() {
    let tight = Limits {
        component_bytes_max: 6 << 20,
        ..limits()
    };
    let mind = Mind::new(brain(&tight)).expect("an instance");
    let opened = mind
        .open(&task("invoice"), &settings(), &[])
        .expect("opens");
    // Passing a long text in makes the memory grow, and it never shrinks.
    let long = format!("\"{}\"", "x".repeat(4_300_000));
    let is_near = mind.call(|instance| {
        assert!(instance.load_settings(&long)?.is_err());
        Ok(instance.is_near_memory_bound())
    });
    assert!(is_near.expect("no trap"));
    mind.open(&task("bill"), &settings(), &[]).expect("opens");
    let stepped = mind.step(opened.run, &unheard_of(&opened.demand));
    assert!(matches!(stepped, Err(MindError::Gone)));
}

#[test]
fn what_cannot_be_opened_says_why() {
    let mind = Mind::new(brain(&limits())).expect("an instance");
    let unknown = mind.open(&task("teapot"), &settings(), &[]).err();
    assert!(matches!(
        unknown,
        Some(MindError::Open(OpenError::UnknownKind(_)))
    ));
    let bad = SettingsText {
        version: "w".into(),
        json: Arc::from("{}"),
    };
    let refused = mind.open(&task("invoice"), &bad, &[]).err();
    assert!(matches!(refused, Some(MindError::Settings(problems)) if !problems.is_empty()));
}
