//! States and provinces (ISO 3166-2) of the countries where SAP Concur insists on their codes
//! (source: concur-vendor).

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};

use crate::country::own_name;
use crate::place_names::find_code;

/// Codes such as `CA-QC`, and names. (CLDR.)
const SUBDIVISIONS: &str = include_str!("../data/subdivisions.txt");

/// Whether vendors of this country need a state.
#[must_use]
pub(crate) fn are_required(country: &str) -> bool {
    matches!(country, "CA" | "US")
}

/// Whether this is the code of a state or province that is sent, such as `CA-QC`.
#[must_use]
pub(crate) fn is_code(code: &str) -> bool {
    let mut codes = SUBDIVISIONS.lines().filter_map(|line| line.get(..5));
    codes.any(|known| known == code)
}

/// The code of a state given by name or code, in any case, without its country; `names` lead to
/// codes with their country and are tried first.
#[must_use]
pub(crate) fn subdivision_code(
    country: &str,
    name: &str,
    names: &BTreeMap<String, String>,
) -> Option<String> {
    let name = name.trim();
    let of_country = |code: &str| {
        let (of, code) = code.split_once('-')?;
        (of == country).then(|| code.to_string())
    };
    let own = own_name(name, names).and_then(|code| of_country(code));
    own.or_else(|| by_code(country, name)).or_else(|| {
        let list = list_of(country)?;
        find_code(list, name).and_then(of_country)
    })
}

fn by_code(country: &str, code: &str) -> Option<String> {
    let code = code.to_ascii_uppercase();
    let full = alloc::format!("{country}-{code}");
    is_code(&full).then_some(code)
}

/// The lines of a country, which stand together.
fn list_of(country: &str) -> Option<&'static str> {
    let first = SUBDIVISIONS.find(&alloc::format!("{country}-"))?;
    let list = &SUBDIVISIONS[first..];
    let of_country = |line: &&str| line.starts_with(country);
    let length = list
        .split_inclusive('\n')
        .take_while(of_country)
        .map(str::len)
        .sum();
    list.get(..length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place_names::tests::assert_unambiguous;

    fn code_of(country: &str, name: &str) -> Option<String> {
        subdivision_code(country, name, &BTreeMap::new())
    }

    #[test]
    fn names_and_codes_in_every_common_form() {
        for (country, name, expected) in [
            ("CA", "ontario", "ON"),
            ("CA", "Ont.", "ON"),
            ("CA", "on", "ON"),
            ("CA", "CA-ON", "ON"),
            ("CA", "QUÉBEC", "QC"),
            ("CA", "Que.", "QC"),
            ("CA", "P.Q.", "QC"),
            ("CA", "PEI", "PE"),
            ("CA", "P.E.I.", "PE"),
            ("CA", "Prince Edward Isl", "PE"),
            ("CA", "Newfoundland", "NL"),
            ("CA", "Newfoundland & Labrador", "NL"),
            ("CA", "NF", "NL"),
            ("CA", "B.C.", "BC"),
            ("CA", "Colombie-Britannique", "BC"),
            ("CA", "NWT", "NT"),
            ("CA", "Yukon Territory", "YT"),
            ("US", "ny", "NY"),
            ("US", "N.Y.", "NY"),
            ("US", "Calif.", "CA"),
            ("US", "Washington, D.C.", "DC"),
            ("US", "Washington", "WA"),
            ("US", "W. Virginia", "WV"),
            ("US", "Mass.", "MA"),
            ("US", "Me.", "ME"),
            ("US", "Puerto Rico", "PR"),
        ] {
            let code = code_of(country, name);
            assert_eq!(code.as_deref(), Some(expected), "{country} {name}");
        }
    }

    #[test]
    fn what_is_none_of_that_country_is_not_guessed() {
        for (country, name) in [
            ("US", "Ontario"),
            ("CA", "New York"),
            ("US", "Carolina"),
            ("CA", ""),
            ("CA", "Kebek"),
            ("DE", "Bayern"),
        ] {
            assert_eq!(code_of(country, name), None, "{country} {name}");
        }
    }

    #[test]
    fn no_name_leads_to_two_of_one_country() {
        assert_unambiguous(SUBDIVISIONS, |code| &code[..2]);
    }

    #[test]
    fn own_names_count_in_their_country_alone() {
        let names = BTreeMap::from([("Kebek".to_string(), "CA-QC".to_string())]);
        let code = |country| subdivision_code(country, "KEBEK", &names);
        assert_eq!(code("CA").as_deref(), Some("QC"));
        assert_eq!(code("US"), None);
    }

    #[test]
    fn other_countries_have_none() {
        assert!(are_required("US") && are_required("CA") && !are_required("DE"));
        assert!(is_code("CA-QC") && !is_code("QC") && !is_code("DE-BY"));
    }
}
