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
/// Several times as many as in the pairwise array, which has about forty.
const RANDOM_ROWS: usize = 300;

/// Of the moments at which a process can crash, each row has every so many, beginning at its own
/// number: about ten of the forty rows meet at each moment. The defaults have them all.
const MOMENTS_APART: usize = 4;

thread_local! {
    static PLAYED: RefCell<Played> = RefCell::new(Played::new(given().unwrap_or_default(), None));
}

/// What a test on this thread plays under.
struct Played {
    row: Row,
    /// Made when it is first asked for, as a test that crashes at every moment asks often.
    config: Option<SandboxConfig>,
    /// The number of the row, where a test plays under many.
    number: Option<usize>,
    was_asked: bool,
}

impl Played {
    fn new(row: Row, number: Option<usize>) -> Self {
        Self {
            row,
            config: None,
            number,
            was_asked: false,
        }
    }
}

/// The sandbox as a test on this thread starts it.
///
/// # Panics
///
/// If a test has kept a switch that does not exist.
#[must_use]
pub fn config() -> SandboxConfig {
    PLAYED.with_borrow_mut(|played| {
        played.was_asked = true;
        let make = || {
            let made = played.row.config();
            made.unwrap_or_else(|error| panic!("the sandbox's switches: {error}"))
        };
        played.config.get_or_insert_with(make).clone()
    })
}

/// The moments of a crash to play, of this many: all of them, or the share of the row.
pub fn moments(count: u64) -> impl Iterator<Item = u64> {
    let number = PLAYED.with_borrow(|played| played.number);
    let (first, apart) = number.map_or((0, 1), |number| (number % MOMENTS_APART, MOMENTS_APART));
    (first as u64..count).step_by(apart)
}

/// Keeps a switch at a value under every row: what the test asserts holds under this reading alone,
/// for the reason that is given. Of no effect on sandboxes that have started.
pub fn keep(name: &str, value: impl Into<Value>, _why: &str) {
    let value = value.into();
    PLAYED.with_borrow_mut(|played| {
        played.row.0.insert(name.to_string(), value);
        played.config = None;
    });
}

/// Whether the test plays under the sandbox's defaults.
#[must_use]
pub fn are_default() -> bool {
    PLAYED.with_borrow(|played| played.row.0.is_empty())
}

/// Whether `SANDBOX_SWITCHES` gives a row.
#[must_use]
pub fn are_given() -> bool {
    given().is_some()
}

/// Plays a test under the row that `SANDBOX_SWITCHES` gives, or else under the defaults.
pub fn under_one_row(play: impl Fn()) {
    under(&given().unwrap_or_default(), None, play);
}

/// Plays a test, named with its module, under each row.
///
/// # Panics
///
/// If the test fails under a row; with the least part of the row under which it fails too, and the
/// command that repeats it. And if it never asks for [`config`]: it plays under no row then.
pub fn under_each_row(test: &str, play: impl Fn()) {
    let number = |at: usize| (!are_given() && !are_full()).then_some(at);
    let fails = |at: usize, row: &Row| {
        catch_unwind(AssertUnwindSafe(|| under(row, number(at), &play))).is_err()
    };
    let mut rows = ROWS.iter().enumerate();
    let Some((at, row)) = rows.find(|(at, row)| fails(*at, row)) else {
        return;
    };
    let least = row.reduced(|row| fails(at, row));
    let (binary, name) = test.split_once("::").unwrap_or((test, ""));
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
    if are_full() {
        rows.extend(covering_array::singles(&switches));
        rows.extend(covering_array::random(&switches, SEED, RANDOM_ROWS));
    }
    rows
});

/// Whether everything is to be played.
fn are_full() -> bool {
    match std::env::var("SANDBOX_ROWS").as_deref() {
        Err(_) => false,
        Ok("full") => true,
        Ok(other) => panic!("SANDBOX_ROWS={other}: expected `full`"),
    }
}

/// The row that the environment gives.
fn given() -> Option<Row> {
    let text = std::env::var("SANDBOX_SWITCHES").ok()?;
    let row = text.parse();
    Some(row.unwrap_or_else(|error| panic!("SANDBOX_SWITCHES: {error}")))
}

/// Plays under a row; what the test keeps is forgotten after it.
fn under(row: &Row, number: Option<usize>, play: impl Fn()) {
    PLAYED.set(Played::new(row.clone(), number));
    play();
    let played = PLAYED.replace(Played::new(Row::default(), None));
    assert!(
        played.was_asked,
        "the test starts no sandbox with `switches::config()`, so that it plays under no row"
    );
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
    fn a_test_that_plays_under_no_row_fails() {
        let failure = catch_unwind(|| {
            under_each_row("x::y", || {
                let _ = SandboxConfig::default();
            });
        });
        assert!(failure.is_err());
    }

    #[test]
    fn each_moment_is_played_under_some_row_and_all_of_them_under_the_defaults() {
        let played = RefCell::new(Vec::new());
        under_each_row("x::y", || {
            let _ = config();
            let few: Vec<u64> = moments(10).collect();
            assert!(few.len() < 4);
            played.borrow_mut().extend(few);
        });
        let mut played = played.into_inner();
        played.sort_unstable();
        played.dedup();
        assert_eq!(played, (0..10).collect::<Vec<_>>());
        assert_eq!(moments(10).collect::<Vec<_>>(), played);
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
