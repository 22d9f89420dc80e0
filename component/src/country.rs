//! Countries: FreshBooks writes names, SAP Concur wants two upper-case letters.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};

use celes::Country;

/// Whether this is an ISO 3166 two-letter code, upper case.
#[must_use]
pub(crate) fn is_code(code: &str) -> bool {
    code.len() == 2
        && code.bytes().all(|byte| byte.is_ascii_uppercase())
        && Country::from_alpha2(code).is_ok()
}

/// The two-letter code of a country given by name, short name or code, in any case; `names` are
/// tried first.
#[must_use]
pub(crate) fn code(text: &str, names: &BTreeMap<String, String>) -> Option<String> {
    let text = text.trim();
    if let Some(code) = names.get(text) {
        return Some(code.clone());
    }
    let country = match text.len() {
        0 => return None,
        2 => Country::from_alpha2(text).ok(),
        3 => Country::from_alpha3(text).ok().or_else(|| by_name(text)),
        _ => by_name(text),
    };
    country.map(|country| country.alpha2.to_string())
}

fn by_name(text: &str) -> Option<Country> {
    let spoken = text.replace(' ', "");
    Country::get_countries()
        .iter()
        .find(|country| country.long_name.eq_ignore_ascii_case(text))
        .copied()
        .or_else(|| Country::from_alias(&spoken).ok())
        .or_else(|| Country::from_name(text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(text: &str) -> Option<String> {
        code(text, &BTreeMap::new())
    }

    #[test]
    fn names_and_codes_are_found() {
        for (text, expected) in [
            ("Canada", "CA"),
            ("canada", "CA"),
            ("United States", "US"),
            ("United States of America", "US"),
            ("USA", "US"),
            ("United Kingdom", "GB"),
            ("Germany", "DE"),
            ("de", "DE"),
            ("Japan", "JP"),
            ("Kuwait", "KW"),
            (" France ", "FR"),
        ] {
            assert_eq!(code_of(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_country_is_not_guessed() {
        for text in ["", "Atlantis", "XX", "Deutschlan"] {
            assert_eq!(code_of(text), None, "{text}");
        }
    }

    #[test]
    fn own_names_come_first() {
        let names = BTreeMap::from([("Holland".to_string(), "NL".to_string())]);
        assert_eq!(code("Holland", &names).as_deref(), Some("NL"));
    }

    #[test]
    fn a_code_is_two_upper_case_letters() {
        assert!(is_code("CA"));
        assert!(!is_code("ca") && !is_code("XX") && !is_code("CAN"));
    }
}
