//! A token endpoint's answer, read leniently: one endpoint writes the same number as a number in
//! one guide and as a string in another.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;

use serde_json::{Map, Value};

use crate::contract::credentials::{TokenField, TokenResponse};
use crate::contract::types::Instant;

/// The longest error name that is repeated: those of RFC 6749 have at most 25 characters.
const CODE_BYTES_MAX: usize = 40;

/// An answer; one that is no JSON object has no members.
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    members: Map<String, Value>,
    secrets_present: &'a [TokenField],
}

impl<'a> Answer<'a> {
    pub(super) fn read(response: &'a TokenResponse) -> Self {
        Self {
            status: response.status,
            members: serde_json::from_str(&response.json).unwrap_or_default(),
            secrets_present: &response.secrets_present,
        }
    }

    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether there is an access token, and of the one type that is ever sent.
    pub(super) fn grants_access(&self) -> bool {
        let kind = self.text("token_type").unwrap_or("bearer");
        self.has_secret(TokenField::AccessToken) && kind.eq_ignore_ascii_case("bearer")
    }

    pub(super) fn has_secret(&self, field: TokenField) -> bool {
        self.secrets_present.contains(&field)
    }

    /// A string that is not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.members
            .get(name)?
            .as_str()
            .filter(|text| !text.is_empty())
    }

    /// A whole number, written as a number or as a string.
    pub(super) fn whole(&self, name: &str) -> Option<u64> {
        match self.members.get(name)? {
            Value::Number(number) => number.as_u64(),
            Value::String(digits) => digits.trim().parse().ok(),
            _ => None,
        }
    }

    /// Whole epoch seconds as an instant.
    pub(super) fn instant(&self, name: &str) -> Option<Instant> {
        self.whole(name)
            .map(|seconds| seconds.saturating_mul(1_000))
    }

    /// The remote's name of the error (RFC 6749, section 5.2) if it is one, else the status.
    /// Nothing else of the remote's text is repeated: a proxy may echo the form that it was sent.
    pub(super) fn error_name(&self) -> String {
        self.text("error")
            .filter(|error| is_name(error))
            .map_or_else(|| format!("http-{}", self.status), ToOwned::to_owned)
    }
}

fn is_name(text: &str) -> bool {
    text.len() <= CODE_BYTES_MAX
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b'-')
}
