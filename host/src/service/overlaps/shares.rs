//! Which financial documents a connection takes of its company: by `financial.documents` and
//! `financial.ledgers`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::config::ConnectionConfig;

/// The lists of `financial.ledgers`.
const LISTS: [&str; 3] = ["codes", "policies", "countries"];

/// Which documents a connection takes, as its settings say. The component has checked them.
pub struct Share<'c> {
    /// The name of the connection whose share it is.
    pub connection: &'c str,
    documents: BTreeSet<String>,
    /// By [`LISTS`], in lower case; an empty one is any.
    lists: [BTreeSet<String>; 3],
    /// Whether it takes documents that do not name what a list asks for.
    pub takes_unnamed: bool,
}

impl<'c> Share<'c> {
    /// None where it takes no financial documents.
    #[must_use]
    pub fn of(connection: &'c ConnectionConfig) -> Option<Self> {
        let settings: Value = serde_json::from_str(&connection.json).ok()?;
        let financial = &settings["financial"];
        if financial["enabled"] != true {
            return None;
        }
        let ledgers = &financial["ledgers"];
        let documents = texts(&financial["documents"]);
        let lists = LISTS.map(|list| texts(&ledgers[list]));
        Some(Self {
            connection: &connection.name,
            documents: match documents.is_empty() {
                true => ["expense", "invoice", "cash-advance", "payroll"]
                    .map(String::from)
                    .into(),
                false => documents,
            },
            takes_unnamed: ledgers["unnamed"] == true || lists.iter().all(BTreeSet::is_empty),
            lists,
        })
    }

    /// Whether a document can be taken by both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let mut lists = self.lists.iter().zip(&other.lists);
        let is_shared = lists.all(|(ours, theirs)| {
            ours.is_empty() || theirs.is_empty() || !ours.is_disjoint(theirs)
        });
        let shares_unnamed = self.takes_unnamed && other.takes_unnamed;
        !self.documents.is_disjoint(&other.documents) && (is_shared || shares_unnamed)
    }
}

fn texts(list: &Value) -> BTreeSet<String> {
    let items = list.as_array().into_iter().flatten();
    let items = items.filter_map(Value::as_str);
    items.map(str::to_ascii_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(ledgers: &str) -> Share<'static> {
        let json = format!(r#"{{"financial": {{"enabled": true, "ledgers": {ledgers}}}}}"#);
        let connection = ConnectionConfig {
            name: "acme".to_string(),
            json,
        };
        Share::of(Box::leak(Box::new(connection))).expect("takes documents")
    }

    #[test]
    fn two_shares_overlap_where_a_document_can_be_in_both() {
        for (one, other, expected) in [
            ("{}", "{}", true),
            ("{}", r#"{"codes": ["GP"]}"#, true),
            (r#"{"codes": ["SAP"]}"#, r#"{"codes": ["GP"]}"#, false),
            (r#"{"codes": ["gp"]}"#, r#"{"codes": ["GP"]}"#, true),
            (r#"{"codes": ["SAP"]}"#, r#"{"countries": ["CA"]}"#, true),
            (
                r#"{"codes": ["SAP"], "countries": ["DE"]}"#,
                r#"{"codes": ["SAP"], "countries": ["CA"]}"#,
                false,
            ),
            (
                r#"{"codes": ["SAP"], "unnamed": true}"#,
                r#"{"codes": ["GP"], "unnamed": true}"#,
                true,
            ),
        ] {
            assert_eq!(
                share(one).overlaps(&share(other)),
                expected,
                "{one} {other}"
            );
        }
    }
}
