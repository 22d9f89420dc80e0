//! An operation as SAP describes it, in any of the three forms that its files have: Swagger 1
//! (`apis` and `models`), Swagger 2 (`definitions`) and OpenAPI 3 (`components`).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use serde_json::Value;

use super::body::Body;
use super::calls::{Call, Described};
use super::recording::Sent;

type Files = BTreeMap<&'static str, Rc<Value>>;

thread_local! {
    /// Files are read once.
    static FILES: RefCell<Files> = const { RefCell::new(BTreeMap::new()) };
}

/// One operation of a file.
pub(super) struct Operation {
    file: Rc<Value>,
    operation: Value,
}

impl Operation {
    /// The operation of a call, or why there is none.
    ///
    /// # Panics
    ///
    /// If the file that describes it has no such operation.
    pub(super) fn of(call: &Call, folder: &Path) -> Result<Self, String> {
        let (name, path) = match call.described {
            Described::In(name, path) => (name, path),
            Described::Nowhere(why) => return Err(format!("in no description, but for {why}")),
        };
        let file = read(name, folder);
        let operation = find(&file, path, call.method).cloned();
        let operation = operation.unwrap_or_else(|| panic!("{name} has no {} {path}", call.method));
        Ok(Self { file, operation })
    }

    /// What a description says nothing about; empty if it says all.
    pub(super) fn not_compared(&self, sent: &Sent) -> String {
        match self.body() {
            None if !sent.body.is_empty() => "the description has no body".to_string(),
            _ => String::new(),
        }
    }

    /// All that is not as it is described.
    pub(super) fn problems(&self, call: &Call, sent: &Sent) -> Vec<String> {
        let mut problems = self.of_query(sent);
        if let Some(schema) = self.body() {
            let body = Body::new(&self.file, call.known);
            problems.extend(body.problems(schema, &sent.body));
        }
        problems
    }

    fn of_query(&self, sent: &Sent) -> Vec<String> {
        let described = self.parameters("query");
        let name = |one: &Value| one["name"].as_str().unwrap_or("").to_string();
        let known: Vec<String> = described.iter().map(|one| name(one)).collect();
        let unknown = sent
            .parameters()
            .filter(|sent| !known.iter().any(|known| known == sent))
            .map(|sent| format!("the query's {sent} is not described"));
        let is_missing = |one: &&&Value| {
            // What is an object is the body, put there by mistake.
            one["required"] == true
                && one["schema"]["type"] != "object"
                && one["schema"].get("$ref").is_none()
                && !sent.parameters().any(|sent| sent == name(one))
        };
        let missing = described.iter().filter(is_missing);
        let missing = missing.map(|one| format!("the query has no {}", name(one)));
        unknown.chain(missing).collect()
    }

    fn parameters(&self, place: &str) -> Vec<&Value> {
        let all = self.operation["parameters"]
            .as_array()
            .into_iter()
            .flatten();
        let is_there = |one: &&Value| one["in"] == place || one["paramType"] == place;
        all.filter(is_there).collect()
    }

    fn body(&self) -> Option<&Value> {
        let content = self
            .operation
            .pointer("/requestBody/content/application~1json/schema");
        content.or_else(|| {
            let one = self.parameters("body").into_iter().next()?;
            one.get("schema").or_else(|| one.get("dataType"))
        })
    }
}

fn read(name: &'static str, folder: &Path) -> Rc<Value> {
    FILES.with_borrow_mut(|files| {
        let file = files.entry(name).or_insert_with(|| {
            let text = std::fs::read_to_string(folder.join(name));
            let text = text.unwrap_or_else(|error| panic!("{name}: {error}"));
            Rc::new(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}")))
        });
        Rc::clone(file)
    })
}

fn find<'a>(file: &'a Value, path: &str, method: &str) -> Option<&'a Value> {
    if let Some(paths) = file.get("paths") {
        return paths.get(path)?.get(method.to_ascii_lowercase());
    }
    let apis = file["apis"].as_array()?.iter();
    let operations = apis
        .filter(|api| api["path"] == path)
        .filter_map(|api| api["operations"].as_array());
    operations.flatten().find(|one| one["httpMethod"] == method)
}
