//! Short codes without hyphens, from which the text that they were made of can be read again.
//!
//! SAP Concur joins the codes of a path with hyphens and warns that one inside of a code can
//! corrupt the list (source: concur-list-items). So a hyphen becomes `_`, which reads well in the
//! common case of an account number such as `1000-1`; `_` itself and other dashes, which a
//! program between us and the list may take for hyphens, become `~` and a letter.

use alloc::string::String;

/// The longest short code. The pages of v4 name no bound; this one is of v3
/// (source: concur-list-items).
pub(crate) const CODE_CHARS_MAX: usize = 32;

/// What a character becomes; all others stay.
const ENCODED: [(char, &str); 11] = [
    ('-', "_"),
    ('_', "~u"),
    ('~', "~t"),
    ('\u{ad}', "~s"),
    ('\u{2010}', "~h"),
    ('\u{2011}', "~b"),
    ('\u{2012}', "~f"),
    ('\u{2013}', "~n"),
    ('\u{2014}', "~m"),
    ('\u{2212}', "~i"),
    ('\u{ff0d}', "~w"),
];

/// The code of a text.
pub(super) fn encode(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    for character in text.chars() {
        match ENCODED.iter().find(|(from, _)| *from == character) {
            Some((_, to)) => code.push_str(to),
            None => code.push(character),
        }
    }
    code
}

/// A name for people: all dashes are `_`.
pub(super) fn without_hyphens(name: &str) -> String {
    let is_dash = |character: char| {
        let mut dashes = ENCODED
            .iter()
            .filter(|(from, _)| !matches!(from, '_' | '~'));
        dashes.any(|(from, _)| *from == character)
    };
    name.replace(is_dash, "_")
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;
    use proptest::prelude::*;

    /// The text that a code was made of; none if it was made of none.
    fn decode(code: &str) -> Option<String> {
        let mut text = String::new();
        let mut rest = code;
        while let Some(character) = rest.chars().next() {
            let known = ENCODED.iter().find(|(_, to)| rest.starts_with(to));
            let length = match known {
                Some((from, to)) => {
                    text.push(*from);
                    to.len()
                }
                None if character == '~' || character == '-' => return None,
                None => {
                    text.push(character);
                    character.len_utf8()
                }
            };
            rest = &rest[length..];
        }
        Some(text)
    }

    #[test]
    fn common_codes_read_well() {
        for (text, code) in [("1000-1", "1000_1"), ("5512", "5512"), ("PRJ_A", "PRJ~uA")] {
            assert_eq!(encode(text), code);
        }
        assert_eq!(without_hyphens("a-b\u{2014}c_d~"), "a_b_c_d~".to_string());
    }

    proptest! {
        #[test]
        fn a_code_is_reversible_and_has_no_hyphen(
            text in "[-_~a-c\u{ad}\u{2010}-\u{2014}\u{2212}\u{ff0d}]{0,24}|\\PC{0,24}"
        ) {
            let code = encode(&text);
            prop_assert_eq!(decode(&code), Some(text));
            let dashes = ENCODED.iter().filter(|(from, _)| !matches!(from, '_' | '~'));
            for (dash, _) in dashes {
                prop_assert!(!code.contains(*dash));
            }
        }
    }
}
