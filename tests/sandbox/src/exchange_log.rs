//! Every exchange as a line of JSON, to see what a client really sends.

use std::io::Write;

use serde_json::{Value, json};

use crate::http::{Millis, Request, Response, System};

/// Writes the lines to a file or any other sink.
pub(crate) struct ExchangeLog(Box<dyn Write + Send>);

impl std::fmt::Debug for ExchangeLog {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Journal")
    }
}

impl ExchangeLog {
    pub(crate) fn new(out: Box<dyn Write + Send>) -> Self {
        Self(out)
    }

    /// Writes one exchange; `answer` is nothing when none was sent.
    pub(crate) fn write(
        &mut self,
        system: System,
        request: &Request,
        answer: Option<&Response>,
        now: Millis,
    ) {
        let line = json!({
            "time_ms": now,
            "system": system,
            "host": request.host,
            "method": request.method,
            "target": request.target,
            "headers": headers(&request.headers),
            "body": text(&request.body),
            "status": answer.map(|answer| answer.status),
            "answer_headers": answer.map(|answer| headers(&answer.headers)),
            "answer": answer.map(|answer| text(&answer.body)),
        });
        // A log that cannot be written must not change what the sandbox does.
        // In one piece, so that whoever reads meanwhile sees whole lines.
        let _ = self.0.write_all(format!("{line}\n").as_bytes());
    }
}

fn headers(headers: &[(String, String)]) -> Value {
    let shown = |(name, value): &(String, String)| {
        let secret = name.eq_ignore_ascii_case("authorization");
        json!([name, if secret { "[redacted]" } else { value.as_str() }])
    };
    headers.iter().map(shown).collect()
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}
