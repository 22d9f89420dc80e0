//! What was called how often.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::http::{Request, Response, System};

/// Calls by system, method, path without ids, and status; `-` for no answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Counts by `concur POST /api/v3.0/invoice/paymentrequest 200`.
    pub calls: BTreeMap<String, u64>,
    /// The sum of all counts.
    pub total: u64,
}

impl Stats {
    pub(crate) fn count(&mut self, system: System, request: &Request, answer: Option<&Response>) {
        let system = match system {
            System::FreshBooks => "freshbooks",
            System::Concur => "concur",
        };
        let mut key = format!("{system} {} ", request.method);
        for part in request.path().split('/').filter(|part| !part.is_empty()) {
            key.push('/');
            key.push_str(if is_id(part) { "*" } else { part });
        }
        match answer {
            Some(answer) => key.push_str(&format!(" {}", answer.status)),
            None => key.push_str(" -"),
        }
        *self.calls.entry(key).or_default() += 1;
        self.total += 1;
    }
}

/// Ids of both vendors begin with a digit or have a capital letter; names in paths have neither. A
/// UUID that begins with a letter is counted under its own name.
fn is_id(part: &str) -> bool {
    part.starts_with(|first: char| first.is_ascii_digit())
        || part.bytes().any(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_left_out() {
        let mut stats = Stats::default();
        for id in ["1", "22"] {
            let target =
                format!("/accounting/account/zQ7pLm/invoices/invoices/{id}?include[]=lines");
            stats.count(
                System::FreshBooks,
                &Request::new("h", "GET", &target),
                Some(&Response::empty(200)),
            );
        }
        stats.count(
            System::Concur,
            &Request::new("h", "POST", "/api/v3.0/x"),
            None,
        );
        let keys: Vec<_> = stats
            .calls
            .iter()
            .map(|(key, count)| (key.as_str(), *count))
            .collect();
        let expected = [
            ("concur POST /api/v3.0/x -", 1),
            (
                "freshbooks GET /accounting/account/*/invoices/invoices/* 200",
                2,
            ),
        ];
        assert_eq!(keys, expected);
    }
}
