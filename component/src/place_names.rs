//! Names of countries and provinces as people write them, in lists of one line for each place: its
//! code, then its names, separated by `|`.
//!
//! The lists and where they come from: `component/data/make-names.py`. They are data, and no code
//! that would have to be compiled at each start.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::text::push_without_accent;

/// Words that say nothing: "Republic of the Congo" is "Congo Republic".
const EMPTY_WORDS: [&str; 3] = ["and", "of", "the"];

/// Words that are written in several ways, and the one that counts.
const SHORT_WORDS: [(&str, &str); 8] = [
    ("dem", "democratic"),
    ("is", "islands"),
    ("isl", "islands"),
    ("island", "islands"),
    ("rep", "republic"),
    ("st", "saint"),
    ("ste", "saint"),
    ("terr", "territory"),
];

/// The code of the place that this is a name or the code of.
pub(crate) fn find_code<'d>(list: &'d str, name: &str) -> Option<&'d str> {
    let as_written = |line: &&str| line.split('|').any(|one| one.eq_ignore_ascii_case(name));
    let found = list.lines().find(as_written).or_else(|| {
        let name = fold(name);
        // A code of two letters has to be written as one: "No." is not Norway.
        let same = |line: &&str| line.split('|').skip(1).any(|one| fold(one) == name);
        list.lines().find(same).filter(|_| !name.is_empty())
    });
    found?.split('|').next()
}

/// A name without what people write differently: case, accents, dots, articles, the order of words
/// ("Korea, Republic of") and a few short forms.
pub(crate) fn fold(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for letter in name.chars().flat_map(char::to_lowercase) {
        match letter {
            '.' | '\'' | '’' | '`' | '\u{300}'..='\u{36f}' => {}
            _ if letter.is_alphanumeric() => push_without_accent(&mut plain, letter),
            _ => plain.push(' '),
        }
    }
    let mut words = joined_initials(&plain);
    for word in &mut words {
        if let Some((_, long)) = SHORT_WORDS.iter().find(|(short, _)| short == word) {
            *word = (*long).to_string();
        }
    }
    words.retain(|word| !EMPTY_WORDS.contains(&word.as_str()));
    words.sort();
    words.join(" ")
}

/// The words, with letters that stand alone in a row made one: "u s a".
fn joined_initials(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut after_initial = false;
    for word in text.split_whitespace() {
        let is_initial = word.chars().nth(1).is_none();
        match words.last_mut() {
            Some(last) if is_initial && after_initial => last.push_str(word),
            _ => words.push(word.to_string()),
        }
        after_initial = is_initial;
    }
    words
}

#[cfg(test)]
pub(crate) mod tests {
    use alloc::collections::BTreeMap;

    use super::*;

    /// No name leads to two places; `scope` is what of a code a name is looked up in.
    pub(crate) fn assert_unambiguous(list: &str, scope: fn(&str) -> &str) {
        let mut seen = BTreeMap::new();
        for line in list.lines() {
            let code = line.split('|').next().expect("a code");
            for name in line.split('|') {
                let name = (scope(code), fold(name));
                // The code AND is found as it is written alone.
                if name.1.is_empty() {
                    continue;
                }
                let other = seen.insert(name, code);
                assert!(
                    other.is_none_or(|other| other == code),
                    "{line} is also {other:?}"
                );
            }
        }
    }

    #[test]
    fn what_people_write_differently_is_folded() {
        for (one, other) in [
            ("Côte d'Ivoire", "COTE D’IVOIRE"),
            ("Re\u{301}union", "Réunion"),
            ("Korea (the Republic of)", "Republic of Korea"),
            ("U. S. A.", "usa"),
            ("St. Kitts & Nevis", "Saint Kitts and Nevis"),
            ("Guinea-Bissau", "guinea bissau"),
            ("Türkiye", "TURKIYE"),
        ] {
            assert_eq!(fold(one), fold(other), "{one}");
        }
        for (one, other) in [("Niger", "Nigeria"), ("Guinea", "Guinea-Bissau")] {
            assert_ne!(fold(one), fold(other), "{one}");
        }
    }
}
