//! Countries: FreshBooks writes names, SAP Concur wants two upper-case letters.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};

use crate::place_names::{find_code, fold};
use crate::text::quoted;

/// Two-letter codes, three-letter codes and names. (ISO 3166-1, CLDR.)
const COUNTRIES: &str = include_str!("../data/countries.txt");

/// Names that two countries go by, and what each of the two is called alone.
const AMBIGUOUS: [(&str, &str, &str); 3] = [
    ("Korea", "South Korea", "North Korea"),
    (
        "Virgin Islands",
        "British Virgin Islands",
        "US Virgin Islands",
    ),
    ("Republic of China", "Taiwan", "China"),
];
/// As much of a name is repeated in a problem's message.
const SHOWN_CHARS_MAX: usize = 60;

/// Whether this is an ISO 3166 two-letter code, upper case.
#[must_use]
pub(crate) fn is_code(code: &str) -> bool {
    let mut codes = COUNTRIES.lines().filter_map(|line| line.get(..2));
    codes.any(|known| known == code)
}

/// The two-letter code of a country given by name, short name or code, in any case; `names` are
/// tried first.
#[must_use]
pub(crate) fn code(text: &str, names: &BTreeMap<String, String>) -> Option<String> {
    let text = text.trim();
    let own = own_name(text, names).map(String::as_str);
    own.or_else(|| find_code(COUNTRIES, text))
        .map(ToString::to_string)
}

/// Why a name has no code, and what helps.
#[must_use]
pub(crate) fn unknown_message(name: &str) -> String {
    let shown = quoted(name, SHOWN_CHARS_MAX);
    let folded = fold(name);
    let mut known = AMBIGUOUS.into_iter();
    match known.find(|(ambiguous, ..)| fold(ambiguous) == folded) {
        Some((_, one, other)) => format!(
            "{shown} could be {one} or {other}; enter which of the two in FreshBooks, or add \
             {shown} to `countries`"
        ),
        None => format!(
            "{shown} is not a known country; correct it in FreshBooks, or add it to `countries`"
        ),
    }
}

/// What the settings say of a name: as it is written there, else folded.
pub(crate) fn own_name<'n>(text: &str, names: &'n BTreeMap<String, String>) -> Option<&'n String> {
    let folded = || {
        let text = fold(text);
        let mut all = names.iter().filter(|_| !text.is_empty());
        all.find(|(name, _)| fold(name) == text)
            .map(|(_, code)| code)
    };
    names.get(text).or_else(folded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place_names::tests::assert_unambiguous;

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
            ("DEU", "DE"),
            ("Japan", "JP"),
            ("Kuwait", "KW"),
            (" France ", "FR"),
        ] {
            assert_eq!(code_of(text).as_deref(), Some(expected), "{text}");
        }
    }

    /// As ISO, the United Nations, CLDR and people write them.
    #[test]
    fn names_are_found_in_every_common_form() {
        for (text, expected) in [
            ("Viet Nam", "VN"),
            ("Vietnam", "VN"),
            ("Korea, Republic of", "KR"),
            ("Korea (the Republic of)", "KR"),
            ("South Korea", "KR"),
            ("Korea, Democratic People's Republic of", "KP"),
            ("Côte d'Ivoire", "CI"),
            ("Cote D’Ivoire", "CI"),
            ("Ivory Coast", "CI"),
            ("Taiwan, Province of China", "TW"),
            ("Taiwan (Province of China)", "TW"),
            ("Réunion", "RE"),
            ("Reunion", "RE"),
            ("UK", "GB"),
            ("U.K.", "GB"),
            ("England", "GB"),
            ("UAE", "AE"),
            ("U.S.A.", "US"),
            ("U.S.", "US"),
            ("the United States", "US"),
            ("United States of America (the)", "US"),
            ("Bolivia (Plurinational State of)", "BO"),
            ("Iran (Islamic Republic of)", "IR"),
            ("Netherlands (Kingdom of the)", "NL"),
            ("The Netherlands", "NL"),
            ("Falkland Islands (the) [Malvinas]", "FK"),
            ("Congo (the Democratic Republic of the)", "CD"),
            ("Democratic Republic of the Congo", "CD"),
            ("Republic of the Congo", "CG"),
            ("Lao People's Democratic Republic", "LA"),
            ("Macedonia, the former Yugoslav Republic of", "MK"),
            ("Saint Vincent and the Grenadines", "VC"),
            ("St. Vincent & Grenadines", "VC"),
            ("Sint Maarten (Dutch part)", "SX"),
            ("St Martin", "MF"),
            ("São Tomé and Príncipe", "ST"),
            ("Curacao", "CW"),
            ("Aland Islands", "AX"),
            ("Turkiye", "TR"),
            ("Turkey", "TR"),
            ("Czech Rep.", "CZ"),
            ("Russia", "RU"),
            ("Tanzania", "TZ"),
            ("US Virgin Islands", "VI"),
            ("Virgin Islands, British", "VG"),
            ("Hong Kong SAR China", "HK"),
            ("P.R. China", "CN"),
            ("Republic of Singapore", "SG"),
            ("Federal Republic of Germany", "DE"),
            ("Bosnia & Herzegovina", "BA"),
            ("Swaziland", "SZ"),
            ("Palestine, State of", "PS"),
        ] {
            assert_eq!(code_of(text).as_deref(), Some(expected), "{text}");
        }
    }

    /// Each country in its own official languages, national and regional.
    #[test]
    fn names_are_found_in_the_country_s_own_languages() {
        for (text, expected) in [
            ("Schweiz", "CH"),
            ("Suisse", "CH"),
            ("Svizzera", "CH"),
            ("Deutschland", "DE"),
            ("Österreich", "AT"),
            ("日本", "JP"),
            ("Россия", "RU"),
            ("РОССИЯ", "RU"),
            ("中国", "CN"),
            ("台灣", "TW"),
            ("대한민국", "KR"),
            ("भारत", "IN"),
            ("ประเทศไทย", "TH"),
            ("Ελλάδα", "GR"),
            ("Україна", "UA"),
            ("مصر", "EG"),
            ("ישראל", "IL"),
            ("Polska", "PL"),
            ("Česko", "CZ"),
            ("Magyarország", "HU"),
            ("Việt Nam", "VN"),
            ("Norge", "NO"),
            ("Suomi", "FI"),
            ("Belgique", "BE"),
        ] {
            assert_eq!(code_of(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_name_that_could_be_two_says_which() {
        for (name, one, other) in AMBIGUOUS {
            let message = unknown_message(&name.to_uppercase());
            assert!(
                message.contains(one) && message.contains(other),
                "{message}"
            );
            assert_eq!(code_of(name), None, "{name}");
            let both = (code_of(one), code_of(other));
            assert!(both.0.is_some() && both.1.is_some() && both.0 != both.1);
        }
        assert!(unknown_message("Atlantis").contains("not a known country"));
    }

    #[test]
    fn what_is_no_country_or_could_be_two_is_not_guessed() {
        for text in [
            "",
            ".",
            "the",
            "Atlantis",
            "XX",
            "Deutschlan",
            "Korea",
            "Virgin Islands",
            "Republic of China",
            "America",
            "No.",
            "|",
            "CA|CAN",
        ] {
            assert_eq!(code_of(text), None, "{text}");
        }
    }

    #[test]
    fn no_name_leads_to_two_countries() {
        assert_unambiguous(COUNTRIES, |_| "");
        assert_eq!(COUNTRIES.lines().count(), 249);
    }

    #[test]
    fn own_names_come_first() {
        let names = BTreeMap::from([
            ("Kanada".to_string(), "CA".to_string()),
            ("Georgia".to_string(), "US".to_string()),
        ]);
        assert_eq!(code("Kanada", &names).as_deref(), Some("CA"));
        assert_eq!(code(" KANADA ", &names).as_deref(), Some("CA"));
        assert_eq!(code("georgia", &names).as_deref(), Some("US"));
    }

    #[test]
    fn a_code_is_two_upper_case_letters() {
        assert!(is_code("CA"));
        assert!(!is_code("ca") && !is_code("XX") && !is_code("CAN") && !is_code(""));
    }
}
