//! A body against its schema, strictly: what the schema does not name is a problem.

use serde_json::{Map, Value};

/// The schemas of a file.
pub(super) struct Body<'a> {
    file: &'a Value,
    known: &'a [(&'a str, &'a str)],
}

impl<'a> Body<'a> {
    /// The schemas of this file, but for some names that are known to differ.
    pub(super) fn new(file: &'a Value, known: &'a [(&'a str, &'a str)]) -> Self {
        Self { file, known }
    }

    /// Everything that is wrong with a body.
    pub(super) fn problems(&self, schema: &Value, body: &str) -> Vec<String> {
        let Ok(value) = serde_json::from_str::<Value>(body) else {
            return vec!["the body is no JSON".to_string()];
        };
        let mut found = Vec::new();
        self.check(schema, &value, "", &mut found);
        let is_known = |problem: &String| {
            let name = problem.split(' ').next().unwrap_or_default();
            self.known.iter().any(|(known, _)| *known == name)
        };
        found.retain(|problem| !is_known(problem));
        found
    }

    /// A schema, or what it refers to: by a pointer, or in Swagger 1 by the name of a model.
    fn resolved<'s>(&self, schema: &'s Value) -> &'s Value
    where
        'a: 's,
    {
        let reference = schema.get("$ref").or(Some(schema));
        let name = reference
            .and_then(Value::as_str)
            .or_else(|| schema["type"].as_str());
        let target = name.and_then(|name| match name.strip_prefix('#') {
            Some(pointer) => self.file.pointer(pointer),
            None => self.file["models"].get(name),
        });
        target.unwrap_or(schema)
    }

    fn check(&self, schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
        let schema = self.resolved(schema);
        if let Some(properties) = schema["properties"].as_object() {
            return match value {
                Value::Object(members) => {
                    self.check_members(schema, properties, members, path, found);
                }
                // So that a list where one thing is described is compared all the same.
                Value::Array(rows) => {
                    found.push(format!("{path} is a list"));
                    rows.iter()
                        .for_each(|row| self.check(schema, row, path, found));
                }
                _ => found.push(format!("{path} is no object")),
            };
        }
        let kind = schema["type"].as_str().unwrap_or("object");
        match (
            kind.trim_end_matches('?').to_ascii_lowercase().as_str(),
            value,
        ) {
            ("array", Value::Array(rows)) => {
                for row in rows {
                    self.check(&schema["items"], row, path, found);
                }
            }
            ("string", Value::String(text)) if is_of_enum(schema, text) => {}
            ("datetime", Value::String(_))
            | ("integer" | "int32", Value::Number(_))
            | ("number" | "decimal", Value::Number(_))
            | ("boolean", Value::Bool(_))
            | ("object", _) => {}
            _ => found.push(format!("{path} is not as described: {kind}")),
        }
    }

    fn check_members(
        &self,
        schema: &Value,
        properties: &Map<String, Value>,
        members: &Map<String, Value>,
        path: &str,
        found: &mut Vec<String>,
    ) {
        for (name, value) in members {
            let path = join(path, name);
            match properties.get(name) {
                None => found.push(format!("{path} is not described")),
                Some(schema) if schema["readOnly"] == true => {
                    found.push(format!("{path} is read-only"));
                }
                Some(schema) => self.check(schema, value, &path, found),
            }
        }
        let listed = schema["required"].as_array().into_iter().flatten();
        let listed = listed.filter_map(Value::as_str);
        let marked = properties.iter().filter(|(_, one)| one["required"] == true);
        for name in listed.chain(marked.map(|(name, _)| name.as_str())) {
            if !members.contains_key(name) {
                found.push(format!("{} is missing", join(path, name)));
            }
        }
    }
}

fn is_of_enum(schema: &Value, text: &str) -> bool {
    let allowed = schema["enum"].as_array();
    allowed.is_none_or(|values| values.iter().any(|value| value == text))
}

fn join(path: &str, name: &str) -> String {
    match path {
        "" => name.to_string(),
        _ => format!("{path}.{name}"),
    }
}
