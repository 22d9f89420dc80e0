//! The page that FreshBooks' consent page redirects a browser to (source:
//! freshbooks-authentication): what the redirect says, and what the person is shown.

use std::time::Duration;

use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};

use super::consents::{Consent, Consents};
use crate::listener::{HttpResponse, with_body};
use crate::secrets::Secret;

/// Bytes of the redirect's query. FreshBooks' codes and our states have less than 100.
const QUERY_BYTES_MAX: usize = 4_096;

/// Longest code of an error (RFC 6749, section 4.1.2.1) that is shown, such as `access_denied`.
const ERROR_BYTES_MAX: usize = 40;

/// How long the browser waits for the exchange. It usually takes less than a second, and the
/// answer must be out before a service that is stopping gives its connections up.
const RESULT_WAIT: Duration = Duration::from_secs(8);

/// Why a redirect says nothing that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedirectFault {
    /// Its query is longer than 4 KiB.
    #[error("the address is too long")]
    TooLong,
    /// A parameter is there twice (RFC 6749, section 3.1).
    #[error("the address says `{0}` twice")]
    Twice(&'static str),
    /// A parameter is not there, or empty.
    #[error("the address holds no {0}; all of it is needed")]
    Missing(&'static str),
    /// It says both that the user agreed and that the user did not.
    #[error("the address holds a code and an error")]
    Both,
}

/// The state in a redirect's query, and what the user has decided.
///
/// # Errors
///
/// [`RedirectFault`]; one sentence for the person who sees the address.
pub fn read_redirect(query: &str) -> Result<(String, Consent), RedirectFault> {
    if query.len() > QUERY_BYTES_MAX {
        return Err(RedirectFault::TooLong);
    }
    let state = only(query, "state")?.ok_or(RedirectFault::Missing("state"))?;
    let consent = match (only(query, "code")?, only(query, "error")?) {
        (Some(_), Some(_)) => return Err(RedirectFault::Both),
        (Some(code), None) => Consent::Given(Secret::new(code)),
        (None, Some(error)) => Consent::Denied(denied(&error)),
        (None, None) => return Err(RedirectFault::Missing("code")),
    };
    Ok((state, consent))
}

/// The value of a parameter that may be there once and is not empty.
fn only(query: &str, name: &'static str) -> Result<Option<String>, RedirectFault> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let mut values = pairs.filter(|(key, _)| key == name);
    let first = values.next().map(|(_, value)| value.into_owned());
    if values.next().is_some() {
        return Err(RedirectFault::Twice(name));
    }
    Ok(first.filter(|value| !value.is_empty()))
}

fn denied(error: &str) -> String {
    let is_code = error.len() <= ERROR_BYTES_MAX
        && error
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let shown = if is_code { error } else { "unknown error" };
    format!("FreshBooks did not give its consent ({shown})")
}

/// Passes on what the redirect brings, and answers with what became of it. One that nobody awaits,
/// or that cannot be read, is a refusal to note.
pub(super) async fn answer(
    consents: &Consents,
    query: Option<&str>,
    note_refusal: impl FnOnce(),
) -> HttpResponse {
    answer_within(RESULT_WAIT, consents, query, note_refusal).await
}

async fn answer_within(
    wait: Duration,
    consents: &Consents,
    query: Option<&str>,
    note_refusal: impl FnOnce(),
) -> HttpResponse {
    let (state, consent) = match read_redirect(query.unwrap_or_default()) {
        Ok(read) => read,
        Err(fault) => {
            note_refusal();
            return failure(&fault.to_string());
        }
    };
    let Some(result) = consents.arrive(&state, consent) else {
        note_refusal();
        return failure("this consent is no longer expected");
    };
    match tokio::time::timeout(wait, result).await {
        Ok(Ok(Ok(()))) => page(
            200,
            "FreshBooks is connected to ml-connector. You can close this page.",
        ),
        Ok(Ok(Err(why))) => failure(&why),
        Ok(Err(_)) | Err(_) => page(
            202,
            "It is not known yet whether FreshBooks is connected. Look at the terminal where \
             ml-connector connect runs, or at ml-connector status.",
        ),
    }
}

fn failure(why: &str) -> HttpResponse {
    let why = why.trim_end_matches('.');
    page(
        400,
        &format!(
            "FreshBooks is not connected: {why}. Start again with ml-connector connect freshbooks."
        ),
    )
}

fn page(code: u16, message: &str) -> HttpResponse {
    let text = format!(
        "<!doctype html><html lang=\"en\"><title>ml-connector</title><p>{}</p></html>\n",
        escaped(message)
    );
    let mut answer = with_body(code, text);
    // The address of this page holds a code: it is not stored, not told to others, and nothing is
    // loaded or framed.
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
    ] {
        answer
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// A message as HTML shows it: a remote's own words may be in it.
fn escaped(message: &str) -> String {
    let mut text = String::with_capacity(message.len());
    for character in message.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&#39;"),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    async fn shown(consents: &Consents, query: &str) -> (u16, String) {
        shown_within(RESULT_WAIT, consents, query).await
    }

    async fn shown_within(wait: Duration, consents: &Consents, query: &str) -> (u16, String) {
        let answer = answer_within(wait, consents, Some(query), || ()).await;
        let headers = answer.headers();
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(headers[name], value);
        }
        let policy = headers["content-security-policy"].to_str().expect("text");
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.expect("a body");
        let text = String::from_utf8(body.to_bytes().to_vec()).expect("text");
        (status, text)
    }

    /// What a redirect shows whose exchange ends like this; nothing if it is never told.
    async fn exchanged(result: Option<Result<(), String>>) -> (u16, String) {
        let consents = Consents::default();
        let awaited = consents.expect("st4te");
        let wait = match result {
            Some(_) => RESULT_WAIT,
            None => Duration::from_millis(10),
        };
        let exchange = tokio::spawn(async move {
            let redirect = awaited.await.expect("arrives");
            match result {
                Some(result) => redirect.result.send(result).expect("is awaited"),
                None => std::future::pending().await,
            }
        });
        let shown = shown_within(wait, &consents, "code=c0de&state=st4te").await;
        exchange.abort();
        shown
    }

    #[tokio::test]
    async fn it_says_what_is_so() {
        let (status, text) = exchanged(Some(Ok(()))).await;
        assert_eq!(status, 200);
        assert!(text.contains("FreshBooks is connected"), "{text}");

        let why = "FreshBooks does not know this app (<b>invalid_client</b>).";
        let (status, text) = exchanged(Some(Err(why.to_string()))).await;
        assert_eq!(status, 400);
        assert!(
            text.contains("is not connected: FreshBooks does not know this app (&lt;b&gt;"),
            "{text}"
        );

        let (status, text) = exchanged(None).await;
        assert_eq!(status, 202);
        assert!(text.contains("not known yet"), "{text}");
    }

    #[tokio::test]
    async fn a_denial_reaches_the_one_who_waits() {
        let consents = Consents::default();
        let awaited = consents.expect("st4te");
        let (page, ()) = tokio::join!(shown(&consents, "error=access_denied&state=st4te"), async {
            let redirect = awaited.await.expect("arrives");
            let Consent::Denied(why) = redirect.consent else {
                panic!("is denied");
            };
            assert_eq!(why, "FreshBooks did not give its consent (access_denied)");
            redirect.result.send(Err(why)).expect("is awaited");
        });
        assert_eq!(page.0, 400);
        assert!(page.1.contains("(access_denied)"), "{}", page.1);
    }

    #[tokio::test]
    async fn what_is_not_expected_is_refused_and_takes_nothing() {
        let consents = Consents::default();
        let mut awaited = consents.expect("st4te");
        let long = format!("code={}&state=st4te", "c".repeat(QUERY_BYTES_MAX));
        for query in [
            "",
            "code=c0de",
            "state=st4te",
            "code=&state=st4te",
            "code=c0de&state=other",
            "code=c0de&code=other&state=st4te",
            "code=c0de&state=st4te&state=st4te",
            "code=c0de&state=st4te&error=access_denied",
            "error=access_denied",
            "error=a&error=b&state=st4te",
            &long,
        ] {
            let (status, text) = shown(&consents, query).await;
            assert_eq!(status, 400, "{query}");
            assert!(text.contains("is not connected"), "{query}: {text}");
            assert!(awaited.try_recv().is_err(), "{query}");
        }
    }
}
