//! Faults that can be switched on per call.

use serde::{Deserialize, Serialize};

use crate::http::{Millis, Request, System};
use crate::random::Random;

/// Which calls get which fault. Of several rules that match a call the oldest applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// The vendor whose calls are meant.
    pub system: System,
    /// The method, in upper case; any if absent.
    #[serde(default)]
    pub method: Option<String>,
    /// A part of the path and query; any if absent.
    #[serde(default)]
    pub path_contains: Option<String>,
    /// How many matching calls are let through first.
    #[serde(default)]
    pub skip: u32,
    /// How many calls get the fault; all if absent.
    #[serde(default)]
    pub times: Option<u32>,
    /// The share of matching calls that get it, in thousandths; all if absent.
    #[serde(default)]
    pub per_mille: Option<u16>,
    /// What happens to them.
    pub fault: Fault,
}

impl FaultRule {
    /// Every call to a system gets the fault; narrow it with the fields.
    pub fn new(system: System, fault: Fault) -> Self {
        Self {
            system,
            method: None,
            path_contains: None,
            skip: 0,
            times: None,
            per_mille: None,
            fault,
        }
    }

    /// Only calls of this method.
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Only calls whose path and query contain this.
    pub fn path(mut self, part: &str) -> Self {
        self.path_contains = Some(part.into());
        self
    }

    /// At most this many calls.
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Only after this many matching calls.
    pub fn skip(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    /// Only this share of the calls, in thousandths.
    pub fn per_mille(mut self, share: u16) -> Self {
        self.per_mille = Some(share);
        self
    }

    fn matches(&self, system: System, request: &Request) -> bool {
        let method = self.method.as_ref();
        let part = self.path_contains.as_ref();
        self.system == system
            && method.is_none_or(|method| *method == request.method)
            && part.is_none_or(|part| request.target.contains(part.as_str()))
    }

    fn refuses_any(&self, system: System) -> bool {
        let any = self.method.is_none() && self.path_contains.is_none();
        self.system == system && self.fault == Fault::Refuse && any
    }

    /// Counts a matching call and returns whether it gets the fault.
    fn strikes(&self, seen: &mut u32, random: &mut Random) -> bool {
        if self.per_mille.is_some_and(|share| !random.per_mille(share)) {
            return false;
        }
        *seen = seen.saturating_add(1);
        let last = self.times.map(|times| self.skip.saturating_add(times));
        *seen > self.skip && last.is_none_or(|last| *seen <= last)
    }
}

/// What can go wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Fault {
    /// The connection is not accepted.
    Refuse,
    /// The answer is HTTP 429, and nothing was done.
    RateLimited {
        /// Its `Retry-After`, in seconds.
        #[serde(default)]
        retry_after_s: Option<u64>,
    },
    /// The answer is HTTP 400 with words about an exceeded limit, and nothing was done.
    ThrottledAs400 {
        /// Which words. SAP publishes none (source: concur-http-status-codes).
        #[serde(default)]
        words: ThrottleWords,
    },
    /// The answer is HTTP 400 without a word about a limit or a field, and nothing was done.
    Unexplained400,
    /// The answer is the web page of a proxy, and nothing was done.
    Page {
        /// Its HTTP status.
        status: u16,
    },
    /// The answer has no body, and nothing was done.
    Empty {
        /// Its HTTP status.
        status: u16,
    },
    /// The answer is HTTP 503, and nothing was done.
    Maintenance,
    /// The answer is HTTP 500, and nothing was done.
    ServerError,
    /// The answer is HTTP 500, but the call was carried out.
    ServerErrorAfterCommit,
    /// The call was carried out, but no answer arrives.
    ResponseLost,
    /// The call was not carried out, and no answer arrives.
    RequestLost,
    /// No answer arrives, and the call is carried out later.
    LateExecution {
        /// How much later, in milliseconds.
        delay: Millis,
    },
    /// The answer takes this long.
    Slow {
        /// How long it takes, in milliseconds.
        delay: Millis,
    },
    /// The answer breaks off in the middle of its body.
    Truncated,
    /// Lists do not show what is younger than this.
    StaleLookUp {
        /// How old rows must be to show, in milliseconds.
        lag: Millis,
    },
    /// The access token is refused as if it had expired.
    ExpiredToken,
    /// The answer is HTTP 200 with a body that is not JSON.
    Garbage,
    /// The answer's JSON object has a member `junk` more: an array of zeros.
    Padded {
        /// About how long it is.
        bytes: usize,
    },
}

/// How a request limit or a deadlock is put into words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThrottleWords {
    /// As SAP's page of status codes puts it, in the documented error.
    #[default]
    RequestsExceed,
    /// The same with the words in another order.
    LimitExceeded,
    /// As in the documented body of a 429.
    TooMany,
    /// "Reached", in an error that is only a message.
    Reached,
    /// A deadlock, in XML.
    Deadlock,
    /// In German, as a company of that language may see it.
    German,
}

impl ThrottleWords {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::RequestsExceed,
        Self::LimitExceeded,
        Self::TooMany,
        Self::Reached,
        Self::Deadlock,
        Self::German,
    ];
}

/// The rules in force.
#[derive(Debug)]
pub(crate) struct Faults {
    random: Random,
    rules: Vec<(FaultRule, u32)>,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed, "faults"),
            rules: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, rule: FaultRule) {
        self.rules.push((rule, 0));
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// The fault of a call, if one is due.
    pub(crate) fn fault_for(&mut self, system: System, request: &Request) -> Option<Fault> {
        let random = &mut self.random;
        let matching = self
            .rules
            .iter_mut()
            .filter(|(rule, _)| rule.matches(system, request));
        let mut due =
            matching.filter_map(|(rule, seen)| rule.strikes(seen, random).then_some(rule.fault));
        due.next()
    }

    /// Whether a connection is refused before anything of a request is known.
    pub(crate) fn refuse_connection(&mut self, system: System) -> bool {
        let random = &mut self.random;
        let mut matching = self
            .rules
            .iter_mut()
            .filter(|(rule, _)| rule.refuses_any(system));
        matching.any(|(rule, seen)| rule.strikes(seen, random))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(rule: FaultRule, count: usize) -> Vec<bool> {
        let mut faults = Faults::new(1);
        faults.add(rule);
        let request = Request::new("h", "POST", "/api/v3.0/invoice/paymentrequest?a=1");
        (0..count)
            .map(|_| faults.fault_for(System::Concur, &request).is_some())
            .collect()
    }

    #[test]
    fn skip_and_times_count_matching_calls() {
        let rule = FaultRule::new(System::Concur, Fault::ResponseLost)
            .skip(1)
            .times(2);
        assert_eq!(calls(rule, 5), [false, true, true, false, false]);
    }

    #[test]
    fn method_path_and_system_narrow() {
        let rule = || FaultRule::new(System::Concur, Fault::Maintenance);
        assert_eq!(calls(rule().method("GET"), 1), [false]);
        assert_eq!(calls(rule().path("paymentrequest"), 1), [true]);
        assert_eq!(calls(rule().path("vendors"), 1), [false]);
        assert_eq!(
            calls(FaultRule::new(System::FreshBooks, Fault::Refuse), 1),
            [false]
        );
    }

    #[test]
    fn a_share_is_about_that_share_and_repeats() {
        let rule = || FaultRule::new(System::Concur, Fault::Refuse).per_mille(250);
        let hits = calls(rule(), 1000);
        let count = hits.iter().filter(|hit| **hit).count();
        assert!((200..300).contains(&count), "{count}");
        assert_eq!(hits, calls(rule(), 1000));
    }

    #[test]
    fn connections_are_refused_by_rules_that_name_no_request() {
        let mut faults = Faults::new(1);
        faults.add(FaultRule::new(System::Concur, Fault::Refuse).path("vendors"));
        faults.add(FaultRule::new(System::Concur, Fault::Maintenance));
        assert!(!faults.refuse_connection(System::Concur));
        faults.add(FaultRule::new(System::Concur, Fault::Refuse).times(1));
        assert!(!faults.refuse_connection(System::FreshBooks));
        assert!(faults.refuse_connection(System::Concur));
        assert!(!faults.refuse_connection(System::Concur));
    }

    #[test]
    fn rules_are_read_from_json() {
        let json =
            r#"{"system":"concur","fault":{"kind":"rate-limited","retry_after_s":3},"times":1}"#;
        let rule: FaultRule = serde_json::from_str(json).expect("is a rule");
        assert_eq!(
            rule.fault,
            Fault::RateLimited {
                retry_after_s: Some(3)
            }
        );
    }
}
