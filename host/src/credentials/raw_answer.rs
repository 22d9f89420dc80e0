//! A token endpoint's answer: raw for the store (sealed), and without its secrets for the
//! component.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::bearer_of;
use crate::contract::credentials::{Grant, TokenField, TokenResponse};
use crate::contract::http::{Body, Response};

/// The members of a token response that hold secrets (RFC 6749, section 5.1; OpenID Connect).
const SECRETS: [(&str, TokenField); 3] = [
    ("access_token", TokenField::AccessToken),
    ("refresh_token", TokenField::RefreshToken),
    ("id_token", TokenField::IdToken),
];

/// The longest body that is stored and read; the contract allows no longer one.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// The longest member of a body that was too long. Tokens are the longest that matter, and one that
/// is longer fits in no header.
const MEMBER_BYTES_MAX: usize = 16 * 1024;

/// The members of a JSON object as they are written. They are not read further: what is beside the
/// tokens may be nested or numbered beyond all measure.
type Members<'a> = BTreeMap<String, &'a RawValue>;

/// An answer with its secrets.
#[derive(Serialize, Deserialize)]
pub(super) struct RawAnswer {
    grant: Grant,
    status: u16,
    body: Zeroizing<String>,
}

impl RawAnswer {
    pub(super) fn new(grant: Grant, response: Response) -> Self {
        Self {
            grant,
            status: response.status,
            body: bounded(text(response.body)),
        }
    }

    /// Of an answer that was cut short: with the members that are whole.
    pub(super) fn of_beginning(grant: Grant, response: Response) -> Self {
        let beginning = text(response.body);
        let mut members = Members::new();
        let mut reader = serde_json::Deserializer::from_str(&beginning);
        // It ends with an error, wherever it was cut.
        let _ = reader.deserialize_map(Leading(&mut members));
        let body = serde_json::to_string(&members).unwrap_or_default();
        Self {
            grant,
            status: response.status,
            body: bounded(Zeroizing::new(body)),
        }
    }

    /// Whether it has a token that works or brings another.
    pub(super) fn has_tokens(&self) -> bool {
        let fields = [TokenField::AccessToken, TokenField::RefreshToken];
        fields.into_iter().any(|field| self.secret(field).is_some())
    }

    /// As text, to be sealed.
    pub(super) fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(serde_json::to_string(self).unwrap_or_default())
    }

    /// Reads an answer that was stored, perhaps by a version that had no bound.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let answer: Self = serde_json::from_str(text).ok()?;
        Some(Self {
            body: bounded(answer.body),
            ..answer
        })
    }

    pub(super) fn grant(&self) -> Grant {
        self.grant
    }

    /// The secret in a field; none if it is missing, empty, or an access token that cannot be
    /// written in a header.
    pub(super) fn secret(&self, field: TokenField) -> Option<Zeroizing<String>> {
        let (name, _) = SECRETS.iter().find(|(_, one)| *one == field)?;
        let member = *members(&self.body)?.get(*name)?;
        let secret: Zeroizing<String> = serde_json::from_str(member.get()).ok()?;
        let can_be_sent = field != TokenField::AccessToken || bearer_of(&secret).is_some();
        (!secret.is_empty() && can_be_sent).then_some(secret)
    }

    /// What the component is shown. Of a body that is no JSON object it is shown nothing: it might
    /// hold a secret.
    pub(super) fn without_secrets(&self) -> TokenResponse {
        let empty = serde_json::from_str("\"\"").unwrap_or(RawValue::NULL);
        let mut shown = members(&self.body);
        for (name, _) in SECRETS {
            if let Some(member) = shown.as_mut().and_then(|members| members.get_mut(name)) {
                *member = empty;
            }
        }
        let fields = SECRETS.iter().map(|(_, field)| *field);
        TokenResponse {
            status: self.status,
            json: shown
                .and_then(|members| serde_json::to_string(&members).ok())
                .unwrap_or_default(),
            secrets_present: fields
                .filter(|field| self.secret(*field).is_some())
                .collect(),
        }
    }
}

/// Takes the members of an object for as long as they are whole.
struct Leading<'m, 'a>(&'m mut Members<'a>);

impl<'de> Visitor<'de> for Leading<'_, 'de> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((name, member)) = map.next_entry()? {
            self.0.insert(name, member);
        }
        Ok(())
    }
}

/// A stray byte costs no token.
fn text(body: Body) -> Zeroizing<String> {
    Zeroizing::new(match body {
        Body::Text(text) => text,
        Body::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
    })
}

fn members(body: &str) -> Option<Members<'_>> {
    serde_json::from_str(body).ok()
}

/// The body itself, or of one that is too long its secrets and as much of the rest as may be.
fn bounded(body: Zeroizing<String>) -> Zeroizing<String> {
    if body.len() <= BODY_BYTES_MAX {
        return body;
    }
    let mut all: Vec<(String, &RawValue)> =
        members(&body).unwrap_or_default().into_iter().collect();
    let is_secret = |name: &str| SECRETS.iter().any(|(secret, _)| *secret == name);
    all.sort_by_key(|(name, _)| !is_secret(name));
    let (mut kept, mut left) = (Members::new(), BODY_BYTES_MAX);
    for (name, member) in all {
        // Twice the name, which is escaped again, and what is between two members.
        let length = 2 * name.len() + member.get().len() + 4;
        if length <= left.min(MEMBER_BYTES_MAX) {
            left -= length;
            kept.insert(name, member);
        }
    }
    Zeroizing::new(serde_json::to_string(&kept).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> RawAnswer {
        RawAnswer {
            grant: Grant::RefreshToken,
            status: 200,
            body: Zeroizing::new(body.to_string()),
        }
    }

    #[test]
    fn the_component_sees_that_there_are_secrets_and_not_which() {
        let answer = answer(
            r#"{"access_token":"canary-1","refresh_token":"canary-2","id_token":"",
                "expires_in":"3600"}"#,
        );
        let shown = answer.without_secrets();
        assert!(!shown.json.contains("canary"), "{}", shown.json);
        assert!(shown.json.contains("3600"));
        assert_eq!(
            shown.secrets_present,
            [TokenField::AccessToken, TokenField::RefreshToken]
        );
        assert_eq!(
            answer
                .secret(TokenField::RefreshToken)
                .expect("is there")
                .as_str(),
            "canary-2"
        );
    }

    #[test]
    fn a_body_that_is_not_an_object_is_not_shown() {
        for body in ["canary", r#"["canary"]"#, ""] {
            assert_eq!(answer(body).without_secrets().json, "");
        }
    }

    #[test]
    fn it_survives_the_store() {
        let kept = answer(r#"{"access_token":"a"}"#).to_text();
        let read = RawAnswer::parse(&kept).expect("is read");
        assert_eq!(
            read.secret(TokenField::AccessToken)
                .expect("is there")
                .as_str(),
            "a"
        );
    }

    #[test]
    fn what_stands_beside_the_tokens_costs_none() {
        let zeros = format!("[{}0]", "0,".repeat(1_950_000));
        let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
        let many = r#""m":1,"#.repeat(20_000);
        for (name, junk) in [
            ("zeros", format!(r#""junk":{zeros}"#)),
            ("deep", format!(r#""junk":{deep}"#)),
            ("many", format!("{many}\"n\":0")),
            ("a name", format!(r#""{}":0"#, "n".repeat(100_000))),
            ("a number", r#""expires_in":1e400"#.to_string()),
        ] {
            let body = format!(
                r#"{{"access_token":"a-1","expires_in":3600,{junk},"refresh_token":"r-1"}}"#
            );
            let read = RawAnswer::parse(&answer(&body).to_text()).expect("is read");
            assert!(read.to_text().len() <= 2 * BODY_BYTES_MAX, "{name}");
            let shown = read.without_secrets();
            assert!(shown.json.len() <= BODY_BYTES_MAX, "{name}");
            assert!(shown.json.contains("expires_in"), "{name}: {}", shown.json);
            assert_eq!(
                shown.secrets_present,
                [TokenField::AccessToken, TokenField::RefreshToken],
                "{name}"
            );
            let refresh_token = read.secret(TokenField::RefreshToken).expect("is there");
            assert_eq!(refresh_token.as_str(), "r-1", "{name}");
        }
    }

    #[test]
    fn a_stray_byte_costs_no_token() {
        let mut body = br#"{"access_token":"a-1","note":""#.to_vec();
        body.extend_from_slice(b"\xff\"}");
        let response = Response {
            status: 200,
            headers: Vec::new(),
            body: Body::Bytes(body),
        };
        let answer = RawAnswer::new(Grant::RefreshToken, response);
        assert!(answer.secret(TokenField::AccessToken).is_some());
    }

    #[test]
    fn what_is_whole_of_an_answer_that_was_cut_is_there() {
        let whole = r#"{"access_token":"a-1","refresh_token":"r-1","x":{"y":[1,2]}}"#;
        let has = |end: usize| {
            let response = Response {
                status: 200,
                headers: Vec::new(),
                body: Body::Text(whole[..end].to_owned()),
            };
            let answer = RawAnswer::of_beginning(Grant::RefreshToken, response);
            assert_eq!(
                answer.has_tokens(),
                answer.secret(TokenField::AccessToken).is_some()
            );
            answer.without_secrets().secrets_present.len()
        };
        let (access, refresh) = (whole.find(",\"r"), whole.find(",\"x"));
        let (access, refresh) = (access.expect("is there"), refresh.expect("is there"));
        for end in 0..=whole.len() {
            let expected = usize::from(end >= access) + usize::from(end >= refresh);
            assert_eq!(has(end), expected, "{}", &whole[..end]);
        }
    }

    #[test]
    fn an_access_token_that_no_header_can_hold_is_none() {
        for token in [r"a\r\nb", r"a\u0000b", "é\u{7f}"] {
            let body = format!(r#"{{"access_token":"{token}","refresh_token":"a\r\nb"}}"#);
            let present = answer(&body).without_secrets().secrets_present;
            assert_eq!(present, [TokenField::RefreshToken], "{token}");
        }
    }
}
