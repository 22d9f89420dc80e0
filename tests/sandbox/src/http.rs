//! A request and an answer as plain data, with the reading of them that both vendors share.

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch. The sandbox has no clock: every call is passed the instant.
pub type Millis = u64;

/// Decoded name and value pairs of a query or a form, in the order received.
pub(crate) type Pairs = Vec<(String, String)>;

/// Which of the two vendors a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum System {
    /// FreshBooks: the API host and the consent host are one here.
    FreshBooks,
    /// SAP Concur: the landing zone and the datacenters, told apart by [`Request::host`].
    Concur,
}

/// One HTTP request as it arrives, before anything is believed about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The authority it was addressed to, such as `us2.api.concursolutions.com` or
    /// `127.0.0.1:4010`.
    pub host: String,
    /// The method in upper case.
    pub method: String,
    /// Path and query, still percent-encoded.
    pub target: String,
    /// Header fields in the order received; names are compared without regard to case.
    pub headers: Vec<(String, String)>,
    /// The whole body; the server reads at most 4 MiB.
    pub body: Vec<u8>,
}

impl Request {
    /// A request without headers and without a body.
    pub fn new(host: &str, method: &str, target: &str) -> Self {
        let (host, method, target) = (host.into(), method.into(), target.into());
        Self {
            host,
            method,
            target,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// The same request with one more header.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same request with an `Authorization: Bearer` header.
    pub fn with_bearer(self, token: &str) -> Self {
        self.with_header("Authorization", &format!("Bearer {token}"))
    }

    /// The same request with a JSON body and its content type.
    pub fn with_json(mut self, body: &serde_json::Value) -> Self {
        self.body = body.to_string().into_bytes();
        self.with_header("Content-Type", "application/json")
    }

    /// The same request with a form body and its content type.
    pub fn with_form(mut self, fields: &[(&str, &str)]) -> Self {
        self.body = encode_form(fields.iter().copied()).into_bytes();
        self.with_header("Content-Type", "application/x-www-form-urlencoded")
    }

    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The path, without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The token of an `Authorization: Bearer` header.
    pub(crate) fn bearer(&self) -> Option<&str> {
        let value = self.header("authorization")?;
        let (scheme, token) = value.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then_some(token.trim())
    }

    /// The query's pairs, decoded.
    pub(crate) fn query(&self) -> Pairs {
        match self.target.split_once('?') {
            Some((_, query)) => decode_form(query.as_bytes()),
            None => Vec::new(),
        }
    }
}

/// One HTTP answer as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status code.
    pub status: u16,
    /// Header fields; the content length is added when it is sent.
    pub headers: Vec<(String, String)>,
    /// The whole body, uncompressed.
    pub body: Vec<u8>,
}

impl Response {
    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// An answer with a JSON body.
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        Self::typed(
            status,
            "application/json",
            serde_json::to_vec(body).unwrap_or_default(),
        )
    }

    /// An answer with a body of the given content type.
    pub fn typed(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), content_type.into())],
            body,
        }
    }

    /// The same answer with one more header.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body read as JSON; `Null` if it is none.
    pub fn value(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Encodes pairs as a form body.
pub(crate) fn encode_form<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

/// Decodes a query or a form body.
pub(crate) fn decode_form(bytes: &[u8]) -> Pairs {
    form_urlencoded::parse(bytes).into_owned().collect()
}

/// The first value under a name.
pub(crate) fn first_value<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(n, _)| n == name)
        .map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_names_are_compared_without_case() {
        let request = Request::new("h", "GET", "/a").with_header("X-Api-Version", "1");
        assert_eq!(request.header("x-api-version"), Some("1"));
        assert_eq!(request.header("accept"), None);
    }

    #[test]
    fn path_and_query_are_taken_apart() {
        let request = Request::new("h", "GET", "/a/b?search%5Bevent%5D=x+y&search[event]=z");
        assert_eq!(request.path(), "/a/b");
        assert_eq!(request.query()[0], ("search[event]".into(), "x y".into()));
        assert_eq!(request.query()[1], ("search[event]".into(), "z".into()));
    }

    #[test]
    fn bearer_needs_the_scheme() {
        assert_eq!(
            Request::new("h", "GET", "/").with_bearer("t").bearer(),
            Some("t")
        );
        let basic = Request::new("h", "GET", "/").with_header("authorization", "Basic t");
        assert_eq!(basic.bearer(), None);
    }
}
