//! A token endpoint's answer: raw for the store (sealed), and without its secrets for the
//! component.

use std::collections::BTreeMap;

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
        let body = match response.body {
            Body::Text(text) => text,
            // A stray byte costs no token.
            Body::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        };
        Self {
            grant,
            status: response.status,
            body: bounded(Zeroizing::new(body)),
        }
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
    fn an_access_token_that_no_header_can_hold_is_none() {
        for token in [r"a\r\nb", r"a\u0000b", "é\u{7f}"] {
            let body = format!(r#"{{"access_token":"{token}","refresh_token":"a\r\nb"}}"#);
            let present = answer(&body).without_secrets().secrets_present;
            assert_eq!(present, [TokenField::RefreshToken], "{token}");
        }
    }
}
