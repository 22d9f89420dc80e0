//! A token endpoint's answer: raw for the store (sealed), and without its secrets for the
//! component.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::contract::credentials::{Grant, TokenField, TokenResponse};
use crate::contract::http::{Body, Response};

/// The members of a token response that hold secrets (RFC 6749, section 5.1; OpenID Connect).
const SECRETS: [(&str, TokenField); 3] = [
    ("access_token", TokenField::AccessToken),
    ("refresh_token", TokenField::RefreshToken),
    ("id_token", TokenField::IdToken),
];

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
            Body::Bytes(_) => String::new(),
        };
        Self {
            grant,
            status: response.status,
            body: Zeroizing::new(body),
        }
    }

    /// As text, to be sealed.
    pub(super) fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(serde_json::to_string(self).unwrap_or_default())
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(super) fn grant(&self) -> Grant {
        self.grant
    }

    /// The secret in a field; none if it is missing or empty.
    pub(super) fn secret(&self, field: TokenField) -> Option<Zeroizing<String>> {
        let (name, _) = SECRETS.iter().find(|(_, one)| *one == field)?;
        let members: BTreeMap<String, serde_json::Value> = serde_json::from_str(&self.body).ok()?;
        match members.get(*name)? {
            serde_json::Value::String(secret) if !secret.is_empty() => {
                Some(Zeroizing::new(secret.clone()))
            }
            _ => None,
        }
    }

    /// What the component is shown. Of a body that is no JSON object it is shown nothing: it might
    /// hold a secret.
    pub(super) fn without_secrets(&self) -> TokenResponse {
        let parsed: Option<serde_json::Value> = serde_json::from_str(&self.body).ok();
        let Some(mut value) = parsed.filter(serde_json::Value::is_object) else {
            return TokenResponse {
                status: self.status,
                json: String::new(),
                secrets_present: Vec::new(),
            };
        };
        let mut secrets_present = Vec::new();
        for (name, field) in SECRETS {
            if let Some(member) = value.get_mut(name) {
                if member.as_str().is_some_and(|secret| !secret.is_empty()) {
                    secrets_present.push(field);
                }
                *member = serde_json::Value::String(String::new());
            }
        }
        TokenResponse {
            status: self.status,
            json: value.to_string(),
            secrets_present,
        }
    }
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
}
