//! Which legal entities' documents a connection takes.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::settings::checks::{Check, anything, country_code};
use crate::settings::reader::Reader;
use crate::text::shortened;

/// As much of a name is shown: SAP Concur's policy ids have 32 characters.
const NAME_CHARS_MAX: usize = 40;

/// The ledgers, policies and countries whose documents are taken; an empty set is any. A document
/// must be in each set that is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledgers {
    /// Ledger codes.
    pub codes: BTreeSet<String>,
    /// Policy ids; of an invoice also the policy's name.
    pub policies: BTreeSet<String>,
    /// Home countries of employees, two letters.
    pub countries: BTreeSet<String>,
    /// Whether documents are taken too that do not say what a set asks for, as cash advances never
    /// do.
    pub unnamed: bool,
}

/// The legal entity of a document, as far as it says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entity {
    /// Its ledger code.
    pub ledger: Option<String>,
    /// The id of its policy, and the policy's name.
    pub policies: BTreeSet<String>,
    /// Its home country.
    pub country: Option<String>,
}

impl Entity {
    /// What it names, such as `ledger "GP" and country "DE"`; empty if nothing.
    #[must_use]
    pub fn shown(&self) -> String {
        let ledger = self.ledger.iter().map(|name| ("ledger", name));
        let policies = self.policies.iter().map(|name| ("policy", name));
        let country = self.country.iter().map(|name| ("country", name));
        let named = ledger.chain(policies).chain(country);
        let named: Vec<String> = named
            .map(|(noun, name)| format!("{noun} \"{}\"", shortened(name, NAME_CHARS_MAX)))
            .collect();
        named.join(" and ")
    }
}

impl Ledgers {
    pub(super) fn read(table: &mut Reader) -> Self {
        let mut set = |key: &str, check: fn(&str) -> Check| -> BTreeSet<String> {
            table.texts(key, check).into_iter().collect()
        };
        Self {
            codes: set("codes", anything),
            policies: set("policies", anything),
            countries: set("countries", country_code),
            unnamed: table.flag("unnamed", false),
        }
    }

    /// Whether documents of this legal entity are taken.
    #[must_use]
    pub fn takes(&self, entity: &Entity) -> bool {
        let ledger: BTreeSet<String> = entity.ledger.iter().cloned().collect();
        let country: BTreeSet<String> = entity.country.iter().cloned().collect();
        self.is_in(&self.codes, &ledger)
            && self.is_in(&self.policies, &entity.policies)
            && self.is_in(&self.countries, &country)
    }

    fn is_in(&self, wanted: &BTreeSet<String>, named: &BTreeSet<String>) -> bool {
        let is_wanted = |name: &String| wanted.iter().any(|one| one.eq_ignore_ascii_case(name));
        match (wanted.is_empty(), named.is_empty()) {
            (true, _) => true,
            (false, true) => self.unnamed,
            (false, false) => named.iter().any(is_wanted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn ledgers(json: &str) -> Ledgers {
        let mut reader = Reader::new(json).expect("is a table");
        let ledgers = Ledgers::read(&mut reader);
        assert_eq!(reader.finish(), []);
        ledgers
    }

    fn entity(ledger: &str, policy: &str, country: &str) -> Entity {
        let named = |name: &str| Some(name.to_string()).filter(|name| !name.is_empty());
        Entity {
            ledger: named(ledger),
            policies: named(policy).into_iter().collect(),
            country: named(country),
        }
    }

    #[test]
    fn nothing_is_left_out_by_default() {
        assert!(ledgers("{}").takes(&entity("GP", "P1", "DE")));
        assert!(ledgers("{}").takes(&Entity::default()));
    }

    #[test]
    fn a_document_must_be_in_every_set_that_is_given() {
        let both = ledgers(r#"{"codes": ["GP", "SAP"], "countries": ["CA"]}"#);
        for (ledger, country, expected) in [
            ("GP", "CA", true),
            ("sap", "ca", true),
            ("GP", "DE", false),
            ("DEFAULT", "CA", false),
            ("", "CA", false),
        ] {
            let taken = both.takes(&entity(ledger, "", country));
            assert_eq!(taken, expected, "{ledger} {country}");
        }
        let policies = ledgers(r#"{"policies": ["P1"]}"#);
        assert!(policies.takes(&entity("", "P1", "")));
        assert!(!policies.takes(&entity("", "P2", "")));
    }

    #[test]
    fn what_says_nothing_is_taken_if_the_settings_say_so() {
        let some = ledgers(r#"{"codes": ["GP"], "unnamed": true}"#);
        assert!(some.takes(&Entity::default()));
        assert!(!some.takes(&entity("SAP", "", "")));
    }
}
