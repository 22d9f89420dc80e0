//! Words that say "slow down". SAP Concur answers 400 when a request limit was exceeded or its
//! database deadlocked, and publishes no wording (source: concur-http-status-codes).

use crate::text::plain_words;

/// As much of a text as is looked at: an error says it in its first lines.
const SEARCHED_CHARS_MAX: usize = 2_000;

/// Beginnings of words that mean it by themselves.
const ALONE: [&str; 2] = ["deadlock", "throttl"];
/// Beginnings of what can be used up ...
const WHAT: [&str; 14] = [
    "anfrage",
    "api",
    "call",
    "kontingent",
    "limit",
    "peticion",
    "queries",
    "query",
    "quota",
    "rate",
    "ratelimit",
    "request",
    "requete",
    "solicitud",
];
/// ... and of the words for it, in English, German, French, Italian and Spanish, without accents.
const USED_UP: [&str; 13] = [
    "atteint",
    "depass",
    "erreicht",
    "exced",
    "exceed",
    "exceso",
    "exhaust",
    "hit",
    "over",
    "reach",
    "superat",
    "uberschritt",
    "violat",
];
/// Beginnings of words that make it a limit of a field: "exceeds the limit of 64 characters".
const OF_A_FIELD: [&str; 5] = ["caract", "charact", "digit", "length", "zeichen"];
/// More of them than are taken.
const TOO_MANY: [(&str, &str); 5] = [
    ("too", "many"),
    ("trop", "de"),
    ("zu", "viele"),
    ("troppe", "richieste"),
    ("demasiadas", "solicitudes"),
];

/// Whether this says that requests come too fast or too often, in any order of words, and also as a
/// name such as `TooManyRequests` or `rate.limit.reached`.
pub(super) fn say_throttled(text: &str) -> bool {
    let words = plain_words(text, SEARCHED_CHARS_MAX);
    let any = |beginnings: &[&str]| {
        let mut all = words.iter();
        all.any(|word| beginnings.iter().any(|begin| word.starts_with(begin)))
    };
    let too_many = words.windows(2).any(|pair| {
        let mut pairs = TOO_MANY.iter();
        pairs.any(|(one, other)| pair[0] == *one && pair[1] == *other)
    });
    any(&ALONE) || (any(&WHAT) && (any(&USED_UP) || too_many) && !any(&OF_A_FIELD))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttling_is_seen_in_any_order_and_in_names() {
        for text in [
            "Number of requests exceeds the request limit",
            "Requests received have exceeded the limit",
            "The request limit exceeded. Please try again.",
            "exceeds the request limit",
            "You have exceeded the limit",
            "Too many requests",
            "Too many API calls",
            "rate limit was reached",
            "Rate limit is over",
            "the limit has been exceeded",
            "limit exceeded",
            "Quota exhausted for today",
            "You hit the maximum number of calls",
            "Developer Over Rate",
            "TooManyRequests",
            "ThrottlingException",
            "request was throttled",
            "a DEADLOCK occurred",
            "Transaction was deadlocked",
            "security.rate.limit.reached",
            "RATE_LIMIT_EXCEEDED",
            "Das Anfragelimit wurde überschritten: zu viele Anfragen",
            "Trop de requêtes",
            "Le quota de requêtes a été dépassé",
            "Se ha excedido el límite de solicitudes",
        ] {
            assert!(say_throttled(text), "{text}");
        }
    }

    #[test]
    fn what_is_about_a_record_is_not_throttling() {
        for text in [
            "",
            "limit",
            "Vendor Code is invalid",
            "Vendor could not be matched.",
            "Too many line items",
            "The request is missing a vendor",
            "Rate is not a number",
            "The amount is over",
            "Name exceeds the limit of 64 characters",
        ] {
            assert!(!say_throttled(text), "{text}");
        }
    }
}
