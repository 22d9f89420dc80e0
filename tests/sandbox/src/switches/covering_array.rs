//! Covering arrays: few rows in which every two readings of two switches meet.

use std::collections::BTreeMap;

use super::{Row, Switch};
use crate::random::Random;

/// How many rows are drawn for each that is taken: the one that covers most. More of them make the
/// array hardly any shorter.
const CANDIDATES: usize = 12;

/// Rows in which every two readings of two switches meet, but for those that meet where every
/// switch has its default. The same seed gives the same rows.
#[must_use]
pub fn pairwise(switches: &[Switch], seed: u64) -> Vec<Row> {
    let mut pairs = Pairs::new(switches);
    pairs.cover(&vec![0; switches.len()]);
    let mut random = Random::new(seed, "covering array");
    let mut rows = Vec::new();
    while let Some(pair) = pairs.uncovered() {
        let candidates = (0..CANDIDATES).map(|_| pairs.candidate(pair, &mut random));
        let best = candidates.max_by_key(|candidate| pairs.gain(candidate));
        let best = best.unwrap_or_default();
        pairs.cover(&best);
        rows.push(row(switches, &best));
    }
    rows
}

/// A row for each reading but the defaults, in which it is alone.
#[must_use]
pub fn singles(switches: &[Switch]) -> Vec<Row> {
    let alone = switches.iter().flat_map(|switch| {
        let others = switch.values.iter().skip(1);
        others.map(|value| Row(BTreeMap::from([(switch.name.clone(), value.clone())])))
    });
    alone.collect()
}

/// So many rows in which every switch has any of its readings.
#[must_use]
pub fn random(switches: &[Switch], seed: u64, count: usize) -> Vec<Row> {
    let mut random = Random::new(seed, "random rows");
    let mut drawn = || {
        let readings = switches
            .iter()
            .map(|switch| below(switch.values.len(), &mut random));
        row(switches, &readings.collect::<Vec<_>>())
    };
    (0..count).map(|_| drawn()).collect()
}

/// The row of these readings, one for each switch.
fn row(switches: &[Switch], readings: &[usize]) -> Row {
    let values = switches
        .iter()
        .zip(readings)
        .filter(|(_, reading)| **reading > 0);
    let named =
        values.map(|(switch, reading)| (switch.name.clone(), switch.values[*reading].clone()));
    Row(named.collect())
}

/// Which pairs of readings have met. Readings are numbered over all switches.
struct Pairs {
    /// How many readings each switch has.
    counts: Vec<usize>,
    /// The number of each switch's first reading.
    firsts: Vec<usize>,
    /// How many readings there are.
    len: usize,
    /// By the numbers of both readings: whether they have yet to meet.
    missing: Vec<bool>,
}

impl Pairs {
    fn new(switches: &[Switch]) -> Self {
        let counts: Vec<usize> = switches.iter().map(|switch| switch.values.len()).collect();
        let mut len = 0;
        let firsts = counts.iter().map(|count| {
            len += count;
            len - count
        });
        let firsts = firsts.collect();
        let missing = vec![true; len * len];
        let mut pairs = Self {
            counts,
            firsts,
            len,
            missing,
        };
        for switch in 0..pairs.counts.len() {
            pairs.forget_within(switch);
        }
        pairs
    }

    /// Two readings of one switch never meet.
    fn forget_within(&mut self, switch: usize) {
        let (first, count) = (self.firsts[switch], self.counts[switch]);
        for one in first..first + count {
            for other in first..first + count {
                self.missing[one * self.len + other] = false;
            }
        }
    }

    fn is_missing(&self, one: usize, other: usize) -> bool {
        self.missing[one * self.len + other]
    }

    /// A pair of readings that have yet to meet.
    fn uncovered(&self) -> Option<(usize, usize)> {
        let place = self.missing.iter().position(|missing| *missing)?;
        Some((place / self.len, place % self.len))
    }

    fn switch_of(&self, reading: usize) -> usize {
        self.firsts.partition_point(|first| *first <= reading) - 1
    }

    /// A row with this pair; every other switch, in random order, gets the reading that meets most
    /// of the chosen ones for the first time.
    fn candidate(&self, pair: (usize, usize), random: &mut Random) -> Vec<usize> {
        let mut chosen: Vec<Option<usize>> = vec![None; self.counts.len()];
        for reading in [pair.0, pair.1] {
            chosen[self.switch_of(reading)] = Some(reading);
        }
        let mut left: Vec<usize> = (0..chosen.len())
            .filter(|one| chosen[*one].is_none())
            .collect();
        while !left.is_empty() {
            let switch = left.swap_remove(below(left.len(), random));
            let readings = self.firsts[switch]..self.firsts[switch] + self.counts[switch];
            let gain = |reading: usize| {
                let others = chosen.iter().flatten();
                others
                    .filter(|other| self.is_missing(reading, **other))
                    .count()
            };
            let best = readings
                .map(|reading| (gain(reading), random.next(), reading))
                .max();
            chosen[switch] = best.map(|(_, _, reading)| reading);
        }
        let row = chosen.iter().zip(&self.firsts);
        row.map(|(reading, first)| reading.map_or(0, |reading| reading - first))
            .collect()
    }

    /// The numbers of a row's readings.
    fn numbers(&self, row: &[usize]) -> Vec<usize> {
        row.iter()
            .zip(&self.firsts)
            .map(|(reading, first)| first + reading)
            .collect()
    }

    /// How many pairs would meet for the first time, each counted twice.
    fn gain(&self, row: &[usize]) -> usize {
        let numbers = self.numbers(row);
        let meets = |one: &usize| {
            numbers
                .iter()
                .filter(|other| self.is_missing(*one, **other))
                .count()
        };
        numbers.iter().map(meets).sum()
    }

    fn cover(&mut self, row: &[usize]) {
        let numbers = self.numbers(row);
        for one in &numbers {
            for other in &numbers {
                self.missing[one * self.len + other] = false;
            }
        }
    }
}

/// An index below this length.
fn below(length: usize, random: &mut Random) -> usize {
    let bound = u64::try_from(length).unwrap_or(u64::MAX);
    usize::try_from(random.below(bound)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::switches::switches;

    type Reading = (String, String);

    /// Every two readings of two switches that meet in a row.
    fn meetings(switches: &[Switch], row: &Row) -> BTreeSet<(Reading, Reading)> {
        let reading = |switch: &Switch| {
            let value = row.0.get(&switch.name).unwrap_or(&switch.values[0]);
            (switch.name.clone(), value.to_string())
        };
        let readings: Vec<Reading> = switches.iter().map(reading).collect();
        let pairs = readings.iter().enumerate().flat_map(|(at, one)| {
            let after = readings[at + 1..].iter();
            after.map(move |other| (one.clone(), other.clone()))
        });
        pairs.collect()
    }

    #[test]
    fn every_two_readings_meet_in_few_rows() {
        let switches = switches();
        let rows = pairwise(&switches, 1);
        // Those with the most readings decide how few rows there can be.
        assert!(rows.len() < 48, "{} rows", rows.len());
        let mut met = meetings(&switches, &Row::default());
        for row in &rows {
            met.extend(meetings(&switches, row));
        }
        let count = |switch: &Switch| switch.values.len();
        let readings: usize = switches.iter().map(count).sum();
        let within: usize = switches.iter().map(|switch| count(switch).pow(2)).sum();
        assert_eq!(met.len(), (readings.pow(2) - within) / 2);
        assert_eq!(rows, pairwise(&switches, 1));
    }

    #[test]
    fn every_reading_is_alone_once() {
        let switches = switches();
        let rows = singles(&switches);
        assert!(rows.iter().all(|row| row.0.len() == 1));
        let others = switches.iter().map(|switch| switch.values.len() - 1);
        assert_eq!(rows.len(), others.sum::<usize>());
        assert_ne!(random(&switches, 1, 2)[0], random(&switches, 1, 2)[1]);
    }
}
