//! How often and when a failure of one record is tried again: exponential back-off in whole
//! milliseconds, with a jitter that repeats.

use sha2::{Digest, Sha256};

use crate::contract::types::Duration;

/// Exponential back-off in whole milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Retries after the first attempt, 0 to 20. Default 5.
    pub retries_max: u32,
    /// The delay before the first retry. Default 30,000 (30 s).
    pub delay_first: Duration,
    /// What each further delay is multiplied by, 1 to 10. Default 4.
    pub factor: u32,
    /// No delay is longer than this. Default 7,200,000 (2 h).
    pub delay_max: Duration,
    /// Up to this share of a delay, in thousandths, is added to it, derived from the key so that it
    /// repeats. 0 to 1000, default 100.
    pub jitter_permille: u32,
}

/// The policy that applies where the settings say nothing: 30 s, 2 min, 8 min, 32 min, 2 h, each
/// with up to a tenth more.
pub fn default_policy() -> Policy {
    Policy {
        retries_max: 5,
        delay_first: 30_000,
        factor: 4,
        delay_max: 7_200_000,
        jitter_permille: 100,
    }
}

/// The delay before the next attempt in milliseconds, or `None` when the retries are used up.
///
/// `failures` counts the failed attempts so far, from 1 (0 is read as 1); `key` seeds the jitter.
/// The delay is never more than `delay_max` and its jitter share. A factor of 0 is read as 1, a
/// share over 1000 as 1000.
///
/// ```
/// use ml_connector_component::retry::{default_policy, delay_after};
///
/// let policy = default_policy();
/// // The first retry: 30 s and up to 3 s of jitter, the same each time it is asked for.
/// let first = delay_after(policy, 1, "marker");
/// assert!(first.is_some_and(|ms| (30_000..=33_000).contains(&ms)));
/// assert_eq!(first, delay_after(policy, 1, "marker"));
/// // The fifth: 30 s * 4^4 = 2 h 8 min, capped at 2 h, and up to 12 min of jitter.
/// let capped = delay_after(policy, 5, "marker");
/// assert!(capped.is_some_and(|ms| (7_200_000..=7_920_000).contains(&ms)));
/// // Exhausted: the sixth attempt was the last one.
/// assert_eq!(delay_after(policy, 6, "marker"), None);
/// ```
pub fn delay_after(policy: Policy, failures: u32, key: &str) -> Option<Duration> {
    if failures > policy.retries_max {
        return None;
    }
    // Saturating arithmetic: what would overflow is over the cap in any case.
    let growth = u64::from(policy.factor.max(1)).saturating_pow(failures.saturating_sub(1));
    let delay = policy
        .delay_first
        .saturating_mul(growth)
        .min(policy.delay_max);
    Some(delay.saturating_add(jitter(policy, delay, failures, key)))
}

/// Between 0 and the policy's share of `delay`, evenly spread over keys and failures.
fn jitter(policy: Policy, delay: Duration, failures: u32, key: &str) -> Duration {
    let bound = u128::from(delay) * u128::from(policy.jitter_permille.min(1_000)) / 1_000;
    let digest = Sha256::new()
        .chain_update(key.as_bytes())
        .chain_update(failures.to_be_bytes())
        .finalize();
    let mut head = [0; 8];
    head.copy_from_slice(&digest[..8]);
    // `bound` fits 64 bits, so that neither the product nor its upper half overflows.
    let drawn = ((bound + 1) * u128::from(u64::from_be_bytes(head))) >> 64;
    u64::try_from(drawn).unwrap_or(delay)
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    const PLAIN: Policy = Policy {
        retries_max: 5,
        delay_first: 30_000,
        factor: 4,
        delay_max: 7_200_000,
        jitter_permille: 0,
    };

    #[test]
    fn the_default_is_plain_with_a_tenth_of_jitter() {
        let expected = Policy {
            jitter_permille: 100,
            ..PLAIN
        };
        assert_eq!(default_policy(), expected);
    }

    #[test]
    fn the_default_delays_are_those_of_the_contract() {
        let delays: Vec<_> = (1..=6).map(|n| delay_after(PLAIN, n, "k")).collect();
        let expected = [
            Some(30_000),
            Some(120_000),
            Some(480_000),
            Some(1_920_000),
            Some(7_200_000),
            None,
        ];
        assert_eq!(delays, expected);
    }

    #[test]
    fn no_retries_means_none() {
        let never = Policy {
            retries_max: 0,
            ..PLAIN
        };
        assert_eq!(delay_after(never, 1, "k"), None);
        assert_eq!(delay_after(never, 0, "k"), Some(30_000));
    }

    #[test]
    fn jitter_depends_on_key_and_failures() {
        let wide = Policy {
            jitter_permille: 1_000,
            factor: 1,
            ..PLAIN
        };
        let by_key: BTreeSet<_> = (0..50)
            .map(|n| delay_after(wide, 1, &n.to_string()))
            .collect();
        let by_failures: BTreeSet<_> = (1..=5).map(|n| delay_after(wide, n, "k")).collect();
        assert!(by_key.len() > 45, "{by_key:?}");
        assert_eq!(by_failures.len(), 5);
    }

    #[test]
    fn jitter_spreads_over_its_whole_share() {
        let wide = Policy {
            jitter_permille: 1_000,
            delay_first: 1_000,
            ..PLAIN
        };
        let drawn: Vec<_> = (0..1_000)
            .filter_map(|n| delay_after(wide, 1, &n.to_string()))
            .collect();
        assert!(drawn.iter().any(|ms| *ms < 1_050));
        assert!(drawn.iter().any(|ms| *ms > 1_950));
    }

    /// Recorded histories replay only if this never changes.
    #[test]
    fn the_jitter_of_a_key_is_fixed_for_ever() {
        // SHA-256 of "marker" and 00000001 begins with 61b0e677b2774cd6, which is 0.38 of 2^64.
        assert_eq!(delay_after(default_policy(), 1, "marker"), Some(31_145));
    }

    fn any_policy() -> impl Strategy<Value = Policy> {
        any::<(u32, u64, u32, u64, u32)>().prop_map(|fields| Policy {
            retries_max: fields.0,
            delay_first: fields.1,
            factor: fields.2,
            delay_max: fields.3,
            jitter_permille: fields.4,
        })
    }

    proptest! {
        #[test]
        fn bounded_and_total_for_any_policy(policy in any_policy(), failures: u32, key: String) {
            let share = u128::from(policy.jitter_permille.min(1_000));
            let most = u128::from(policy.delay_max) * (1_000 + share) / 1_000;
            let delay = delay_after(policy, failures, &key);
            prop_assert_eq!(delay.is_some(), failures <= policy.retries_max);
            prop_assert!(u128::from(delay.unwrap_or(0)) <= most);
        }

        #[test]
        fn never_shrinks_without_jitter(policy in any_policy(), failures in 1..u32::MAX) {
            let policy = Policy { jitter_permille: 0, retries_max: u32::MAX, ..policy };
            prop_assert!(delay_after(policy, failures, "") <= delay_after(policy, failures + 1,
                ""));
        }
    }
}
