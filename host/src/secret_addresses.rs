//! The addresses at which webhooks and events arrive are secrets: anyone who knows one can send
//! there. Requests that register them are part of histories, which people share, so the secret part
//! is replaced in all that is shown or exported.

use sha2::{Digest, Sha256};

/// Digits of the secret part at least: 128 bits in hex.
const DIGITS_MIN: usize = 32;

/// How a slash is written in a text, in JSON within JSON, and in a query.
const SLASHES: [&str; 5] = ["/", r"\/", r"\\/", "%2F", "%2f"];

/// Replaces the secret part of every address by digits that belong to it alone and do not lead back
/// to it, so that a history whose addresses are replaced replays as it did.
///
/// # Examples
///
/// ```
/// use ml_connector::secret_addresses::redacted;
///
/// let secret = "0123456789abcdef0123456789abcdef";
/// let shown = redacted(&format!("https://a.test/hooks/freshbooks/acme/{secret}?x"));
/// assert!(shown.starts_with("https://a.test/hooks/freshbooks/acme/redacted-"));
/// assert!(shown.ends_with("?x"));
/// assert!(!shown.contains(secret));
/// assert_eq!(redacted(&shown), shown);
/// ```
#[must_use]
pub fn redacted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("hooks") {
        let (before, found) = rest.split_at(at + "hooks".len());
        shown.push_str(before);
        rest = found;
        if let Some((path, secret)) = secret_part(rest) {
            let hash = Sha256::digest(format!("ml-connector address {secret}"));
            let hash = base16ct::lower::encode_string(&hash[..8]);
            shown.push_str(&rest[..path]);
            shown.push_str("redacted-");
            shown.push_str(&hash);
            rest = &rest[path + secret.len()..];
        }
    }
    shown.push_str(rest);
    shown
}

/// Of a text that begins after `hooks`: how long the path before the secret part is, and that part.
fn secret_part(text: &str) -> Option<(usize, &str)> {
    let mut rest = text;
    for _ in ["system", "connection"] {
        rest = after_slash(rest)?;
        let is_name = |one: char| one.is_ascii_alphanumeric() || one == '-';
        let end = rest.find(|one| !is_name(one)).filter(|end| *end > 0)?;
        rest = &rest[end..];
    }
    rest = after_slash(rest)?;
    let is_digit = |one: char| one.is_ascii_hexdigit();
    let end = rest.find(|one| !is_digit(one)).unwrap_or(rest.len());
    (end >= DIGITS_MIN).then(|| (text.len() - rest.len(), &rest[..end]))
}

fn after_slash(text: &str) -> Option<&str> {
    let mut slashes = SLASHES.iter();
    slashes.find_map(|slash| text.strip_prefix(slash))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "00112233445566778899aabbccddeeff";

    #[test]
    fn the_secret_part_is_replaced_however_it_is_written_and_nothing_else_is() {
        for slash in SLASHES {
            let address = |secret: &str| {
                let path = ["https:", "", "a.test", "hooks", "concur", "my-co", secret];
                format!("say \"{}\" twice: hooks, hooks", path.join(slash))
            };
            let shown = redacted(&address(SECRET));
            assert!(!shown.contains(SECRET), "{shown}");
            let (before, after) = address("|").split_once('|').map_or_else(
                || panic!("has a part"),
                |(before, after)| (before.to_owned(), after.to_owned()),
            );
            assert!(
                shown.starts_with(&before) && shown.ends_with(&after),
                "{shown}"
            );
        }
        for text in [
            "/hooks/freshbooks/acme/0011",
            "/hooks/freshbooks/00112233445566778899aabbccddeeff",
            "https://hooks.test/00112233445566778899aabbccddeeff",
            "hooks",
        ] {
            assert_eq!(redacted(text), text);
        }
    }

    #[test]
    fn two_addresses_stay_two_and_one_stays_one() {
        let of = |secret: &str| redacted(&format!("/hooks/freshbooks/acme/{secret}"));
        assert_eq!(of(SECRET), of(SECRET));
        assert_ne!(of(SECRET), of(&SECRET.replace('0', "1")));
    }
}
