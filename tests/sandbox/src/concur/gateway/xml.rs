//! A reply as XML: one element for each member, repeated for arrays
//! (source: concur-v3-conventions).
//!
//! Written by hand because null is `<Name/>` and an empty string `<Name></Name>` here, while the
//! serializer of `quick-xml` writes both alike; and forty lines are less than a dependency.

use serde_json::Value;

/// The document with the given root element.
pub(crate) fn document(root: &str, body: &Value) -> String {
    let mut text = String::from(r#"<?xml version="1.0" encoding="utf-8"?>"#);
    // The error envelope's only member is the root itself.
    let body = body.get(root).unwrap_or(body);
    element(root, body, &mut text);
    text
}

fn element(name: &str, value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| element(name, item, text)),
        Value::Null => open_close(name, text),
        _ => {
            text.push_str(&format!("<{name}>"));
            content(value, text);
            text.push_str(&format!("</{name}>"));
        }
    }
}

fn content(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => members
            .iter()
            .for_each(|(name, value)| element(name, value, text)),
        Value::String(plain) => escape(plain, text),
        other => text.push_str(&other.to_string()),
    }
}

fn open_close(name: &str, text: &mut String) {
    text.push_str(&format!("<{name}/>"));
}

fn escape(plain: &str, text: &mut String) {
    for character in plain.chars() {
        match character {
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '&' => text.push_str("&amp;"),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_become_elements_and_arrays_repeat() {
        let body = json!({"Lines": {"Line": [{"Name": "A & B"}, {"Name": "C"}]}, "Next": null});
        let expected = "<R><Lines><Line><Name>A &amp; \
            B</Name></Line><Line><Name>C</Name></Line></Lines><Next/></R>";
        assert!(document("R", &body).ends_with(expected));
    }

    #[test]
    fn the_error_envelope_is_not_nested_twice() {
        let text = document("Error", &json!({"Error": {"Message": "x"}}));
        assert!(text.ends_with("<Error><Message>x</Message></Error>"));
    }
}
