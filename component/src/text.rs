//! Names and descriptions that people wrote, fit for the other system.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Without control characters, and with every run of white space made one space.
#[must_use]
pub(crate) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for word in text.split(|character: char| character.is_whitespace() || character.is_control()) {
        if !word.is_empty() {
            if !cleaned.is_empty() {
                cleaned.push(' ');
            }
            cleaned.push_str(word);
        }
    }
    cleaned
}

/// At most so many characters; what is cut off is marked by an ellipsis.
#[must_use]
pub(crate) fn shortened(text: &str, characters_max: usize) -> String {
    if text.chars().count() <= characters_max {
        return text.to_string();
    }
    let mut short: String = text
        .chars()
        .take(characters_max.saturating_sub(1))
        .collect();
    short.push('…');
    short
}

/// Text in double quotes, as messages repeat it, at most so many characters of it. Quotes inside
/// are single ones, and those around it are not doubled.
#[must_use]
pub(crate) fn quoted(text: &str, characters_max: usize) -> String {
    let inner = text.trim().strip_prefix('"');
    let inner = inner.and_then(|text| text.strip_suffix('"'));
    let bare = inner.unwrap_or(text).trim().replace('"', "'");
    format!("\"{}\"", shortened(&bare, characters_max))
}

/// A name as a part of a JSON Pointer. (RFC 6901, section 3.)
#[must_use]
pub(crate) fn pointer_token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The text, unless it is empty.
#[must_use]
pub(crate) fn non_empty(text: impl Into<String>) -> Option<String> {
    Some(text.into()).filter(|text| !text.is_empty())
}

/// The words of a text of at most so many characters in lower case and without accents; names such
/// as `TooManyRequests` or `rate.limit` are several.
pub(crate) fn plain_words(text: &str, characters_max: usize) -> Vec<String> {
    let mut plain = String::new();
    let mut after_small = false;
    for letter in text.chars().take(characters_max) {
        if !letter.is_alphabetic() || (letter.is_uppercase() && after_small) {
            plain.push(' ');
        }
        after_small = letter.is_lowercase();
        if letter.is_alphabetic() {
            let small = letter.to_lowercase();
            small.for_each(|letter| push_without_accent(&mut plain, letter));
        }
    }
    plain.split_whitespace().map(ToString::to_string).collect()
}

/// Adds a lower-case letter without its accent, as far as the Latin alphabets of Europe and
/// that of Vietnam go.
pub(crate) fn push_without_accent(text: &mut String, letter: char) {
    let plain = match letter {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ạ'..='ặ' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'č' => "c",
        'ð' | 'ď' | 'đ' => "d",
        'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' | 'ẹ'..='ệ' => "e",
        'ğ' => "g",
        'ì'..='ï' | 'ī' | 'į' | 'ı' | 'ỉ'..='ị' => "i",
        'ł' | 'ľ' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ő' | 'ơ' | 'ọ'..='ợ' => "o",
        'œ' => "oe",
        'ř' => "r",
        'ś' | 'ş' | 'š' => "s",
        'ß' => "ss",
        'ţ' | 'ť' => "t",
        'ù'..='ü' | 'ū' | 'ů' | 'ű' | 'ư' | 'ụ'..='ự' => "u",
        'ý' | 'ÿ' | 'ỳ'..='ỹ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return text.push(letter),
    };
    text.push_str(plain);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn white_space_and_control_characters_go() {
        assert_eq!(
            clean("  Roe\t&\u{a0}Söhne\r\nGmbH \u{7}"),
            "Roe & Söhne GmbH"
        );
    }

    #[test]
    fn a_quoted_text_has_one_pair_of_quotes() {
        for (text, shown) in [
            ("HST", r#""HST""#),
            (r#""HST""#, r#""HST""#),
            (r#"a "b" c"#, r#""a 'b' c""#),
        ] {
            assert_eq!(quoted(text, 40), shown);
        }
    }

    proptest! {
        #[test]
        fn a_shortened_text_keeps_its_bound(text in ".{0,80}", max in 1_usize..60) {
            prop_assert!(shortened(&text, max).chars().count() <= max);
        }

        #[test]
        fn cleaning_twice_is_cleaning_once(text in "\\PC{0,80}|[ \\t\\r\\n]{0,9}") {
            prop_assert_eq!(clean(&clean(&text)), clean(&text));
        }
    }
}
