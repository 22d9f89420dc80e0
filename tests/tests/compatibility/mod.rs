//! Whether a contract still has everything that an earlier one had, in the same shape.

use std::collections::BTreeMap;

use wit_parser::{Function, PackageId, Resolve, Type, TypeDefKind, TypeId, WorldItem};

/// Everything in a package that an embedder may have written code against: by its name, how it is
/// made.
pub(crate) type Shapes = BTreeMap<String, String>;

/// What of `frozen` is gone or made differently in `now`. More may have come: interfaces, types and
/// functions, but no field and no case, since both sides match on all of them.
pub(crate) fn broken(frozen: &Shapes, now: &Shapes) -> Vec<String> {
    let mut broken = Vec::new();
    for (name, shape) in frozen {
        match now.get(name) {
            None => broken.push(format!("{name} is gone: it was {shape}")),
            Some(found) if found != shape => {
                broken.push(format!("{name} was {shape}, and is {found}"));
            }
            Some(_) => {}
        }
    }
    let imports = now.keys().filter(|name| name.starts_with("import "));
    let new = imports.filter(|name| !frozen.contains_key(*name));
    broken.extend(new.map(|name| format!("{name} is new: no earlier host has it")));
    broken
}

/// The shapes of a package.
pub(crate) fn shapes(resolve: &Resolve, package: PackageId) -> Shapes {
    let mut shapes = Shapes::new();
    let package = &resolve.packages[package];
    for (name, interface) in &package.interfaces {
        let interface = &resolve.interfaces[*interface];
        for (item, id) in &interface.types {
            shapes.insert(format!("{name}.{item}"), kind(resolve, *id));
        }
        for (item, function) in &interface.functions {
            shapes.insert(format!("{name}.{item}"), signature(resolve, function));
        }
    }
    for (name, world) in &package.worlds {
        let world = &resolve.worlds[*world];
        for item in world.imports.values() {
            shapes.insert(
                format!("import of {name}: {}", exchanged(resolve, item)),
                String::new(),
            );
        }
        for item in world.exports.values() {
            shapes.insert(
                format!("export of {name}: {}", exchanged(resolve, item)),
                String::new(),
            );
        }
    }
    shapes
}

fn exchanged(resolve: &Resolve, item: &WorldItem) -> String {
    match item {
        WorldItem::Interface { id, .. } => resolve.interfaces[*id].name.clone().unwrap_or_default(),
        WorldItem::Function(function) => signature(resolve, function),
        WorldItem::Type { id, .. } => kind(resolve, *id),
    }
}

fn signature(resolve: &Resolve, function: &Function) -> String {
    let params: Vec<_> = function
        .params
        .iter()
        .map(|param| format!("{}: {}", param.name, name(resolve, &param.ty)))
        .collect();
    let result = function
        .result
        .as_ref()
        .map_or("nothing".to_string(), |ty| name(resolve, ty));
    format!("func({}) -> {result}", params.join(", "))
}

/// A type as others refer to it: by its name if it has one.
fn name(resolve: &Resolve, ty: &Type) -> String {
    match ty {
        Type::Id(id) => match &resolve.types[*id].name {
            Some(name) => name.clone(),
            None => kind(resolve, *id),
        },
        primitive => format!("{primitive:?}").to_lowercase(),
    }
}

/// How a type is made.
fn kind(resolve: &Resolve, id: TypeId) -> String {
    let name_of = |ty: &Type| name(resolve, ty);
    let optional = |ty: &Option<Type>| ty.as_ref().map_or("_".to_string(), name_of);
    match &resolve.types[id].kind {
        TypeDefKind::Record(record) => {
            let fields = record.fields.iter();
            list(
                "record",
                fields.map(|field| format!("{}: {}", field.name, name_of(&field.ty))),
            )
        }
        TypeDefKind::Variant(variant) => {
            let cases = variant.cases.iter();
            list(
                "variant",
                cases.map(|case| format!("{}({})", case.name, optional(&case.ty))),
            )
        }
        TypeDefKind::Enum(cases) => list("enum", cases.cases.iter().map(|case| case.name.clone())),
        TypeDefKind::Flags(flags) => {
            list("flags", flags.flags.iter().map(|flag| flag.name.clone()))
        }
        TypeDefKind::Tuple(tuple) => list("tuple", tuple.types.iter().map(name_of)),
        TypeDefKind::Option(ty) => format!("option<{}>", name_of(ty)),
        TypeDefKind::List(ty) => format!("list<{}>", name_of(ty)),
        TypeDefKind::Result(result) => {
            format!(
                "result<{}, {}>",
                optional(&result.ok),
                optional(&result.err)
            )
        }
        TypeDefKind::Resource => "resource".to_string(),
        TypeDefKind::Handle(handle) => match handle {
            wit_parser::Handle::Own(id) => format!("own<{}>", name_of(&Type::Id(*id))),
            wit_parser::Handle::Borrow(id) => format!("borrow<{}>", name_of(&Type::Id(*id))),
        },
        TypeDefKind::Type(ty) => format!("type {}", name_of(ty)),
        other => format!("{other:?}"),
    }
}

fn list(what: &str, parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<_> = parts.collect();
    format!("{what} {{ {} }}", parts.join(", "))
}
