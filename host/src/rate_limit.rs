//! Rates: how much of a kind may come at once, and how much in the long run.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Token buckets by key, at most so many. One that is not there is full.
///
/// Each is a single instant, at which it will be full again (the generic cell rate algorithm), so
/// that nothing has to be refilled.
#[derive(Debug)]
pub struct TokenBuckets<K> {
    rate: Rate,
    buckets_max: usize,
    full_at: BTreeMap<K, Instant>,
}

/// How fast tokens may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Tokens of a full bucket, at least 1.
    pub burst: u32,
    /// A token is added after each of these times.
    pub refill: Duration,
}

impl<K: Ord + Clone> TokenBuckets<K> {
    /// Buckets that are full. When there would be more than `buckets_max` that are not, the one
    /// that is nearest to it is taken for full.
    #[must_use]
    pub fn new(rate: Rate, buckets_max: usize) -> Self {
        Self {
            rate,
            buckets_max: buckets_max.max(1),
            full_at: BTreeMap::new(),
        }
    }

    /// How long until there is a token; zero if there is one.
    #[must_use]
    pub fn wait(&self, key: &K, now: Instant) -> Duration {
        let full_at = self.full_at.get(key).map_or(now, |at| (*at).max(now));
        let full_with_one = self.rate.refill * self.rate.burst.saturating_sub(1);
        (full_at - now).saturating_sub(full_with_one)
    }

    /// Takes a token; of an empty bucket nothing, so that no wait is longer than one refill.
    pub fn take(&mut self, key: &K, now: Instant) {
        let full_at = self.full_at.get(key).map_or(now, |at| (*at).max(now));
        if !self.full_at.contains_key(key) && self.full_at.len() >= self.buckets_max {
            self.make_room(now);
        }
        let emptied = now + self.rate.refill * self.rate.burst;
        let full_at = (full_at + self.rate.refill).min(emptied);
        self.full_at.insert(key.clone(), full_at);
    }

    fn make_room(&mut self, now: Instant) {
        self.full_at.retain(|_, full_at| *full_at > now);
        if self.full_at.len() >= self.buckets_max {
            let nearest = self.full_at.iter().min_by_key(|(_, full_at)| **full_at);
            let nearest = nearest.map(|(key, _)| key.clone());
            nearest.and_then(|key| self.full_at.remove(&key));
        }
    }
}

/// Connections and kinds of deliveries whose rate is watched at once. There are about a dozen kinds
/// for each connection.
const KINDS_MAX: usize = 4_096;

/// Deliveries that can be read, of one connection and event: a whole account may be imported at
/// once, and in the long run even a large one changes less than this.
const READ: Rate = Rate {
    burst: 50_000,
    refill: Duration::from_millis(20),
};

/// Deliveries that cannot be read, of one connection: each is stored for a person, who needs to see
/// a few.
const UNREADABLE: Rate = Rate {
    burst: 100,
    refill: Duration::from_secs(1),
};

/// How many authentic deliveries a receiver stores: beyond that it answers 503, and stores nothing.
#[derive(Debug)]
pub struct DeliveryRates {
    read: Mutex<TokenBuckets<(String, String)>>,
    unreadable: Mutex<TokenBuckets<String>>,
}

impl Default for DeliveryRates {
    fn default() -> Self {
        Self {
            read: Mutex::new(TokenBuckets::new(READ, KINDS_MAX)),
            unreadable: Mutex::new(TokenBuckets::new(UNREADABLE, KINDS_MAX)),
        }
    }
}

impl DeliveryRates {
    /// Whether one more notice or event of this name may be stored; then it is counted.
    pub fn take_read(&self, connection: &str, event: &str) -> bool {
        take(&self.read, &(connection.to_string(), event.to_string()))
    }

    /// Whether one more delivery that cannot be read may be stored; then it is counted.
    pub fn take_unreadable(&self, connection: &str) -> bool {
        take(&self.unreadable, &connection.to_string())
    }
}

fn take<K: Ord + Clone>(buckets: &Mutex<TokenBuckets<K>>, key: &K) -> bool {
    let mut buckets = buckets.lock().unwrap_or_else(PoisonError::into_inner);
    let now = Instant::now();
    let has_token = buckets.wait(key, now).is_zero();
    if has_token {
        buckets.take(key, now);
    }
    has_token
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn buckets(buckets_max: usize) -> TokenBuckets<u32> {
        let rate = Rate {
            burst: 3,
            refill: SECOND,
        };
        TokenBuckets::new(rate, buckets_max)
    }

    #[test]
    fn a_burst_is_let_through_and_then_one_in_each_interval() {
        let (mut buckets, start) = (buckets(9), Instant::now());
        for _ in 0..3 {
            assert_eq!(buckets.wait(&1, start), Duration::ZERO);
            buckets.take(&1, start);
        }
        assert_eq!(buckets.wait(&1, start), SECOND);
        assert_eq!(buckets.wait(&2, start), Duration::ZERO, "of another key");
        let later = start + SECOND;
        assert_eq!(buckets.wait(&1, later), Duration::ZERO);
        buckets.take(&1, later);
        assert_eq!(buckets.wait(&1, later), SECOND);
        let much_later = start + SECOND * 60;
        for _ in 0..3 {
            assert_eq!(buckets.wait(&1, much_later), Duration::ZERO);
            buckets.take(&1, much_later);
        }
        assert_eq!(
            buckets.wait(&1, much_later),
            SECOND,
            "no more than a burst is saved up"
        );
    }

    #[test]
    fn buckets_are_bounded_and_the_emptiest_stay() {
        let (mut buckets, start) = (buckets(4), Instant::now());
        for _ in 0..3 {
            buckets.take(&0, start);
        }
        for key in 1..100 {
            buckets.take(&key, start);
            assert!(buckets.full_at.len() <= 4);
        }
        assert_eq!(buckets.wait(&0, start), SECOND);
    }

    #[test]
    fn what_cannot_be_read_is_stored_at_its_own_rate() {
        let rates = DeliveryRates::default();
        let taken = (0..1_000).filter(|_| rates.take_unreadable("acme"));
        assert!((100..110).contains(&taken.count()));
        assert!(rates.take_unreadable("bolt"));
        assert!(rates.take_read("acme", "invoice.update"));
    }
}
