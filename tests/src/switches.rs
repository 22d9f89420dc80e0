//! Under which readings of the vendors' pages a test plays: the row of sandbox switches that the
//! fixtures read, and the rows that every scenario and model is played under.
//!
//! | Variable | What is played |
//! |---|---|
//! | none | rows in which every two readings of two switches meet |
//! | `SANDBOX_ROWS=full` | those, every reading alone, and `RANDOM_ROWS` random rows |
//! | `SANDBOX_SWITCHES='name=value …'` | this row alone, also by what plays under the defaults |

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

use ml_connector_sandbox::SandboxConfig;
use ml_connector_sandbox::switches::{Row, covering_array, switches};
use serde_json::Value;

/// What the rows are drawn from: the same ones every time, so that a change is judged by what it
/// changes.
const SEED: u64 = 1;
/// More than ten times as many as in the pairwise array, which has about twenty.
const RANDOM_ROWS: usize = 300;

thread_local! {
    static ROW: RefCell<Row> = RefCell::new(given().unwrap_or_default());
}

/// The sandbox as a test on this thread starts it.
///
/// # Panics
///
/// If a test has kept a switch that does not exist.
#[must_use]
pub fn config() -> SandboxConfig {
    let config = ROW.with_borrow(Row::config);
    config.unwrap_or_else(|error| panic!("the sandbox's switches: {error}"))
}

/// Keeps a switch at a value under every row: what the test asserts holds under this reading alone,
/// for the reason that is given. Of no effect on sandboxes that have started.
pub fn keep(name: &str, value: impl Into<Value>, _why: &str) {
    let value = value.into();
    ROW.with_borrow_mut(|row| row.0.insert(name.to_string(), value));
}

/// Whether the test plays under the sandbox's defaults.
#[must_use]
pub fn are_default() -> bool {
    ROW.with_borrow(|row| row.0.is_empty())
}

/// Whether `SANDBOX_SWITCHES` gives a row.
#[must_use]
pub fn are_given() -> bool {
    given().is_some()
}

/// Plays a test under the row that `SANDBOX_SWITCHES` gives, or else under the defaults.
pub fn under_one_row(play: impl Fn()) {
    under(&given().unwrap_or_default(), play);
}

/// Plays a test, named with its module, under each row.
///
/// # Panics
///
/// If the test fails under a row; with the least part of the row under which it fails too, and the
/// command that repeats it.
pub fn under_each_row(test: &str, play: impl Fn()) {
    let fails = |row: &Row| catch_unwind(AssertUnwindSafe(|| under(row, &play))).is_err();
    let failing = ROWS.iter().find(|row| fails(row));
    let Some(row) = failing else {
        return;
    };
    let (binary, name) = test.split_once("::").unwrap_or((test, ""));
    let least = row.reduced(fails);
    panic!(
        "fails under `{least}`, found under `{row}`. Repeat it:\n\
        SANDBOX_SWITCHES='{least}' cargo test --workspace --test {binary} {name}"
    );
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    if let Some(row) = given() {
        return vec![row];
    }
    let switches = switches();
    let mut rows = covering_array::pairwise(&switches, SEED);
    match std::env::var("SANDBOX_ROWS").as_deref() {
        Err(_) => {}
        Ok("full") => {
            rows.extend(covering_array::singles(&switches));
            rows.extend(covering_array::random(&switches, SEED, RANDOM_ROWS));
        }
        Ok(other) => panic!("SANDBOX_ROWS={other}: expected `full`"),
    }
    rows
});

/// The row that the environment gives.
fn given() -> Option<Row> {
    let text = std::env::var("SANDBOX_SWITCHES").ok()?;
    let row = text.parse();
    Some(row.unwrap_or_else(|error| panic!("SANDBOX_SWITCHES: {error}")))
}

/// Plays under a row; what the test keeps is forgotten after it.
fn under(row: &Row, play: impl Fn()) {
    ROW.set(row.clone());
    play();
    ROW.set(Row::default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_that_fails_is_found_reduced_and_named() {
        let play = || {
            let config = config();
            let is_rotating =
                config.concur.token.refresh != SandboxConfig::default().concur.token.refresh;
            assert!(!is_rotating || config.freshbooks.newest_first);
        };
        let failure = catch_unwind(|| under_each_row("scenarios::here::rows::this", play));
        let failure = failure.expect_err("fails");
        let message = failure.downcast_ref::<String>().expect("is a text");
        assert!(message.contains("concur.token.refresh=rotate"), "{message}");
        let command = "freshbooks.newest_first=false' cargo test --workspace --test scenarios \
            here::rows::this";
        assert!(message.ends_with(command), "{message}");
    }

    #[test]
    fn what_a_test_keeps_is_kept_under_every_row() {
        let name = "concur.gateway.error_envelope";
        under_each_row("x::y", || {
            keep(name, "message", "for this test");
            assert_eq!(
                serde_json::json!(config().concur.gateway.error_envelope),
                "message"
            );
        });
        assert!(are_default());
    }
}
