//! The contract: every item of `wit/` is documented, nothing that was released has changed, the
//! built component has no imports, and the logic cannot name `std`.

mod compatibility;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use compatibility::{Shapes, broken, shapes};
use ml_connector_tests::built;
use wit_parser::{Docs, Function, PackageId, Resolve, TypeDef, TypeDefKind, WorldItem};

#[test]
fn every_item_field_case_and_function_is_documented() {
    let (resolve, package) = package(&built::root().join("wit"));
    let mut missing = Vec::new();
    for interface in resolve.packages[package].interfaces.values() {
        let interface = &resolve.interfaces[*interface];
        let name = interface.name.clone().unwrap_or_default();
        note(&mut missing, &name, &interface.docs);
        for (item, id) in &interface.types {
            let definition = &resolve.types[*id];
            if !is_use(definition) {
                note(&mut missing, &format!("{name}.{item}"), &definition.docs);
            }
            members(&mut missing, &format!("{name}.{item}"), &definition.kind);
        }
        for function in interface.functions.values() {
            note_function(&mut missing, &name, function);
        }
    }
    assert_eq!(missing, Vec::<String>::new(), "these have no documentation");
}

#[test]
fn every_interface_type_and_function_says_since_when() {
    let (resolve, package) = package(&built::root().join("wit"));
    let mut missing = Vec::new();
    for interface in resolve.packages[package].interfaces.values() {
        let interface = &resolve.interfaces[*interface];
        let name = interface.name.clone().unwrap_or_default();
        let types = interface.types.iter().filter_map(|(item, id)| {
            let definition = &resolve.types[*id];
            (!is_use(definition)).then_some((item, &definition.stability))
        });
        // A resource's methods came with it.
        let functions = interface
            .functions
            .iter()
            .filter(|(_, function)| function.kind.resource().is_none())
            .map(|(item, function)| (item, &function.stability));
        let undated = types
            .chain(functions)
            .filter(|(_, stability)| stability.is_unknown());
        missing.extend(undated.map(|(item, _)| format!("{name}.{item}")));
        if interface.stability.is_unknown() {
            missing.push(name);
        }
    }
    assert_eq!(missing, Vec::<String>::new(), "these have no @since");
}

#[test]
fn every_export_of_the_world_says_what_it_is_for_and_there_is_no_import() {
    let (resolve, package) = package(&built::root().join("wit"));
    let world = resolve.packages[package].worlds["connector"];
    let world = &resolve.worlds[world];
    assert!(world.docs.contents.is_some());
    assert_eq!(world.imports.len(), 0, "the world imports something");
    let names: Vec<_> = world.exports.values().collect();
    assert_eq!(names.len(), 12);
    assert!(
        names
            .iter()
            .all(|item| matches!(item, WorldItem::Interface { .. }))
    );
}

#[test]
fn the_built_component_imports_nothing() {
    let engine = wasmtime::Engine::default();
    let component = wasmtime::component::Component::from_file(&engine, built::component())
        .expect("the file is a component");
    let component_type = component.component_type();
    let imports: Vec<_> = component_type
        .imports(&engine)
        .map(|(name, _)| name.to_string())
        .collect();
    assert_eq!(imports, Vec::<String>::new());
    assert_eq!(component_type.exports(&engine).count(), 12);
}

#[test]
fn naming_std_does_not_compile_in_the_component() {
    let library =
        std::fs::read_to_string(built::root().join("component/src/lib.rs")).expect("is there");
    let header = "#![no_std]\n\nextern crate alloc;\n\
                  // Links the allocator and the panic handler, while `std::` \
                  cannot be named.\nextern crate std as _;\n";
    assert!(
        library.contains(header),
        "component/src/lib.rs has lost its first gate"
    );
    assert!(compiles(&format!(
        "{header}pub fn f() -> alloc::string::String {{ alloc::string::String::new() }}"
    )));
    assert!(!compiles(&format!(
        "{header}pub fn f() -> std::time::Instant {{ std::time::Instant::now() }}"
    )));
}

#[test]
fn nothing_that_was_released_has_changed() {
    let released = built::root().join("wit/released");
    let mut folders: Vec<_> = std::fs::read_dir(&released)
        .map(|entries| {
            entries
                .filter_map(|entry| Some(entry.ok()?.path()))
                .collect()
        })
        .unwrap_or_default();
    folders.retain(|path: &std::path::PathBuf| path.is_dir());
    if folders.is_empty() {
        println!("nothing was released yet: wit/released/ has no contract to compare with");
    }
    let (version, now) = contract(&built::root().join("wit"));
    for folder in folders {
        let (released, frozen) = contract(&folder);
        let differs = broken(&frozen, &now);
        if is_compatible(&released, &version) {
            assert_eq!(
                differs,
                Vec::<String>::new(),
                "{version} breaks what {released} promised"
            );
        }
    }
}

#[test]
fn the_check_of_released_contracts_finds_what_breaks() {
    let frozen = made_up(
        "record pair { left: u8, right: option<string> } enum way { up, down } \
         meet: func(a: pair) -> result<way, string>; part: func();",
    );
    assert_eq!(broken(&frozen, &frozen), Vec::<String>::new());
    let more = made_up(
        "record pair { left: u8, right: option<string> } enum way { up, down } type new = u8; \
         meet: func(a: pair) -> result<way, string>; part: func(); again: func(b: new);",
    );
    assert_eq!(broken(&frozen, &more), Vec::<String>::new());
    let changed = made_up(
        "record pair { left: u16, right: option<string> } enum way { up, down, aside } \
         meet: func(b: pair) -> result<way, string>;",
    );
    let expected = [
        "doors.meet was func(a: pair) -> result<way, string>, and is func(b: pair) -> result<way, \
         string>",
        "doors.pair was record { left: u8, right: option<string> }, and is record { left: u16, \
         right: option<string> }",
        "doors.part is gone: it was func() -> nothing",
        "doors.way was enum { up, down }, and is enum { up, down, aside }",
    ];
    let mut found = broken(&frozen, &changed);
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn a_new_import_breaks_every_earlier_host() {
    let package = "package a:b@0.1.0; interface doors { part: func(); }";
    let frozen = parsed(&format!("{package} world house {{ export doors; }}")).1;
    let now = parsed(&format!(
        "{package} world house {{ import doors; export doors; }}"
    ))
    .1;
    assert_eq!(broken(&frozen, &now).len(), 1);
    assert_eq!(broken(&now, &frozen).len(), 1);
}

#[test]
fn only_versions_that_promise_it_have_to_be_compatible() {
    let compatible = |released: &str, now: &str| {
        let version = |text: &str| semver::Version::parse(text).expect("is a version");
        is_compatible(&version(released), &version(now))
    };
    assert!(compatible("0.1.0", "0.1.3") && compatible("1.2.0", "1.3.0"));
    assert!(!compatible("0.1.0", "0.2.0") && !compatible("1.2.0", "2.0.0"));
}

/// Whether who was built against `released` may use `now`, as cargo and the component model say.
fn is_compatible(released: &semver::Version, now: &semver::Version) -> bool {
    let is_same_major = released.major == now.major;
    is_same_major && (released.major > 0 || released.minor == now.minor)
}

fn package(folder: &Path) -> (Resolve, PackageId) {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(folder).expect("the contract can be read");
    (resolve, package)
}

fn contract(folder: &Path) -> (semver::Version, Shapes) {
    let (resolve, package) = package(folder);
    let version = resolve.packages[package].name.version.clone();
    (version.expect("has a version"), shapes(&resolve, package))
}

fn made_up(items: &str) -> Shapes {
    parsed(&format!("package a:b@0.1.0; interface doors {{ {items} }}")).1
}

fn parsed(text: &str) -> (semver::Version, Shapes) {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("made-up.wit", text).expect("is WIT");
    let version = resolve.packages[package].name.version.clone();
    (version.expect("has a version"), shapes(&resolve, package))
}

fn compiles(source: &str) -> bool {
    let directory = tempfile::tempdir().expect("a directory");
    let mut rustc = Command::new("rustc")
        .args([
            "--edition=2024",
            "--crate-type=lib",
            "--crate-name=gate",
            "--emit=metadata",
            "-",
        ])
        .current_dir(directory.path())
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("rustc starts");
    let mut input = rustc.stdin.take().expect("is piped");
    input.write_all(source.as_bytes()).expect("rustc reads");
    drop(input);
    rustc.wait().expect("rustc ends").success()
}

/// Whether it stands for a type of another interface.
fn is_use(definition: &TypeDef) -> bool {
    matches!(definition.kind, TypeDefKind::Type(wit_parser::Type::Id(_)))
}

fn members(missing: &mut Vec<String>, name: &str, kind: &TypeDefKind) {
    match kind {
        TypeDefKind::Record(record) => {
            for field in &record.fields {
                note(missing, &format!("{name}.{}", field.name), &field.docs);
            }
        }
        TypeDefKind::Variant(variant) => {
            for case in &variant.cases {
                note(missing, &format!("{name}.{}", case.name), &case.docs);
            }
        }
        TypeDefKind::Enum(cases) => {
            for case in &cases.cases {
                note(missing, &format!("{name}.{}", case.name), &case.docs);
            }
        }
        TypeDefKind::Flags(flags) => {
            for flag in &flags.flags {
                note(missing, &format!("{name}.{}", flag.name), &flag.docs);
            }
        }
        // The other kinds have no members.
        _ => {}
    }
}

fn note_function(missing: &mut Vec<String>, interface: &str, function: &Function) {
    note(
        missing,
        &format!("{interface}.{}", function.name),
        &function.docs,
    );
}

fn note(missing: &mut Vec<String>, name: &str, docs: &Docs) {
    if docs
        .contents
        .as_deref()
        .unwrap_or_default()
        .trim()
        .is_empty()
    {
        missing.push(name.to_string());
    }
}
