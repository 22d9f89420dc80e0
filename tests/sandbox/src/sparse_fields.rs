//! Text fields of a record out of a fixed table. Fields never written take no memory: a vendor has
//! 57 fields, a payment request 76, and most are empty.

use serde::ser::{Serialize, SerializeMap, Serializer};

/// Text fields out of a fixed table of at most 256 names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SparseFields {
    names: &'static [&'static str],
    written: Vec<(u8, Box<str>)>,
}

impl SparseFields {
    pub(crate) fn new(names: &'static [&'static str]) -> Self {
        Self {
            names,
            written: Vec::new(),
        }
    }

    /// Whether there is a field of that name.
    pub(crate) fn has_field(&self, name: &str) -> bool {
        self.names.contains(&name)
    }

    /// The value of a field, empty if never written.
    pub(crate) fn get(&self, name: &str) -> &str {
        let at = self.names.iter().position(|known| *known == name);
        at.map(|at| self.get_at(at)).unwrap_or_default()
    }

    /// Writes a field; false if there is none of that name.
    pub(crate) fn set(&mut self, name: &str, text: &str) -> bool {
        let at = self.names.iter().position(|known| *known == name);
        at.map(|at| self.set_at(at, text)).is_some()
    }

    /// Writes the field at a place of the table.
    pub(crate) fn set_at(&mut self, at: usize, text: &str) {
        self.written.retain(|(n, _)| usize::from(*n) != at);
        if !text.is_empty() {
            self.written.push((at as u8, text.into()));
        }
    }

    /// The fields that are written, in the order of the table.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = self.names.iter().enumerate();
        all.map(|(at, name)| (*name, self.get_at(at)))
            .filter(|(_, text)| !text.is_empty())
    }

    /// The field at a place of the table.
    pub(crate) fn get_at(&self, at: usize) -> &str {
        let written = self.written.iter().find(|(n, _)| usize::from(*n) == at);
        written.map(|(_, text)| text.as_ref()).unwrap_or_default()
    }
}

/// Fields as they are written into an object.
pub(crate) struct WrittenFields<'a> {
    fields: &'a SparseFields,
    empty_as_null: bool,
}

impl SparseFields {
    /// The fields as members of an object; those never written are empty or null.
    pub(crate) fn members(&self, empty_as_null: bool) -> WrittenFields<'_> {
        WrittenFields {
            fields: self,
            empty_as_null,
        }
    }
}

impl Serialize for WrittenFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = self.fields.names;
        let mut map = serializer.serialize_map(Some(names.len()))?;
        for (at, name) in names.iter().enumerate() {
            let text = self.fields.get_at(at);
            let is_null = self.empty_as_null && text.is_empty();
            map.serialize_entry(name, &(!is_null).then_some(text))?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_written_is_empty_or_null() {
        let mut texts = SparseFields::new(&["a", "b"]);
        texts.set("a", "1");
        let json = |null| serde_json::to_string(&texts.members(null)).expect("JSON");
        assert_eq!(json(false), r#"{"a":"1","b":""}"#);
        assert_eq!(json(true), r#"{"a":"1","b":null}"#);
    }

    #[test]
    fn fields_keep_the_order_of_the_table() {
        let mut texts = SparseFields::new(&["a", "b", "c"]);
        assert!(texts.set("c", "3") && texts.set("a", "1") && !texts.set("d", "4"));
        assert_eq!(texts.iter().collect::<Vec<_>>(), [("a", "1"), ("c", "3")]);
        texts.set("a", "");
        assert_eq!(
            (texts.get("a"), texts.get("c"), texts.get("d")),
            ("", "3", "")
        );
    }
}
