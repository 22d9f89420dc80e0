//! Who holds a listener's connections, and whose turn it is on each.
//!
//! Where it is the peer's turn, the connection ends when the peer takes longer than its time. Where
//! all slots are taken, the peer that holds the most gives way to a newcomer, with the connection
//! that has waited for it longest. So nobody is kept out by peers that hold connections and do
//! nothing, and no peer is refused what nobody else wants.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// Slots beside those of the settings, for when a request is being worked on in each of them: what
/// arrives then is told so, and health checks are answered.
const RESERVED: usize = 16;

/// The slots of one listener.
pub(super) struct Slots {
    connections_max: usize,
    peer_timeout: Duration,
    held: Mutex<Held>,
}

/// Who holds a connection: an address, or anyone who may open the Unix socket.
type Holder = Option<IpAddr>;

#[derive(Default)]
struct Held {
    next_id: u64,
    by_id: BTreeMap<u64, Entry>,
}

struct Entry {
    holder: Holder,
    turn: watch::Sender<Turn>,
    is_reserved: bool,
}

/// Whose turn it is on a connection.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Peer {
        awaited: Awaited,
        since: Instant,
    },
    Ours,
    /// The connection has to give way; final.
    Displaced,
}

/// What a peer has to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaited {
    /// Finish the TLS handshake.
    Handshake,
    /// Send a request: the head of the first one, or the body of any.
    Request,
    /// Take the answer.
    Answer,
    /// Send another request, or leave.
    NextRequest,
}

impl Slots {
    pub(super) fn new(connections_max: usize, peer_timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            connections_max: connections_max.max(1),
            peer_timeout,
            held: Mutex::default(),
        })
    }

    /// A slot for a connection of this address; nothing if work is under way in every one.
    pub(super) fn take(self: &Arc<Self>, peer: Option<IpAddr>) -> Option<Slot> {
        let holder = peer.map(network);
        let mut held = self.held();
        let is_reserved = if held.make_room(holder, false, self.connections_max) {
            false
        } else if held.make_room(holder, true, RESERVED) {
            true
        } else {
            return None;
        };
        let id = held.next_id;
        held.next_id += 1;
        let turn = watch::Sender::new(Turn::peer(Awaited::Handshake));
        let entry = Entry {
            holder,
            turn: turn.clone(),
            is_reserved,
        };
        held.by_id.insert(id, entry);
        Some(Slot {
            id,
            slots: Arc::clone(self),
            turn,
            is_reserved,
        })
    }

    /// Ends every connection on which it is the peer's turn.
    pub(super) fn displace_all(&self) {
        for entry in self.held().by_id.values() {
            entry.displace();
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Whether there is room for a connection of this holder, for which another may have to give
    /// way.
    fn make_room(&mut self, newcomer: Holder, is_reserved: bool, slots_max: usize) -> bool {
        loop {
            let taken = self.by_id.values();
            if taken
                .filter(|entry| entry.is_reserved == is_reserved)
                .count()
                < slots_max
            {
                return true;
            }
            let Some(id) = self.find_displaced(newcomer, is_reserved) else {
                return false;
            };
            if self.by_id.get(&id).is_some_and(Entry::displace) {
                self.by_id.remove(&id);
            }
        }
    }

    /// The connection that has to give way to this holder; none if it is our turn on every
    /// connection of those who hold at least as many.
    fn find_displaced(&self, newcomer: Holder, is_reserved: bool) -> Option<u64> {
        let mut shares = BTreeMap::from([(newcomer, 1_usize)]);
        for entry in self.by_id.values() {
            *shares.entry(entry.holder).or_default() += 1;
        }
        let share = |holder: Holder| shares.get(&holder).copied().unwrap_or(0);
        let alike = self.by_id.iter();
        let alike = alike.filter(|(_, entry)| entry.is_reserved == is_reserved);
        let waiting = alike.filter_map(|(id, entry)| {
            let since = entry.waits_since()?;
            Some((share(entry.holder), Reverse((since, *id))))
        });
        let most = waiting.filter(|(held, _)| *held >= share(newcomer)).max();
        most.map(|(_, Reverse((_, id)))| id)
    }
}

impl Entry {
    fn waits_since(&self) -> Option<Instant> {
        match *self.turn.borrow() {
            Turn::Peer { since, .. } => Some(since),
            Turn::Ours | Turn::Displaced => None,
        }
    }

    /// Ends the connection unless it is our turn, which may have come in this very moment.
    fn displace(&self) -> bool {
        self.turn.send_if_modified(|turn| {
            let is_peers = matches!(turn, Turn::Peer { .. });
            if is_peers {
                *turn = Turn::Displaced;
            }
            is_peers
        })
    }
}

impl Turn {
    fn peer(awaited: Awaited) -> Self {
        Self::Peer {
            awaited,
            since: Instant::now(),
        }
    }

    fn awaits(self, what: Awaited) -> bool {
        matches!(self, Self::Peer { awaited, .. } if awaited == what)
    }
}

/// The slot of one connection, which is free again when this is dropped.
pub(crate) struct Slot {
    id: u64,
    slots: Arc<Slots>,
    turn: watch::Sender<Turn>,
    is_reserved: bool,
}

impl Slot {
    /// Whether all other slots are at work, so that only health checks are answered here.
    pub(crate) fn is_reserved(&self) -> bool {
        self.is_reserved
    }

    /// A whole request is here: the work on it is not cut off, and the peer's time stands still.
    pub(crate) fn work(&self) {
        self.set(Turn::Ours);
    }

    /// The peer has to take the answer.
    pub(crate) fn answer(&self) {
        self.set(Turn::peer(Awaited::Answer));
    }

    pub(super) fn await_peer(&self, awaited: Awaited) {
        self.set(Turn::peer(awaited));
    }

    /// From now on the connection counts for this address, for which a proxy asks.
    pub(super) fn hold_for(&self, client: IpAddr) {
        if let Some(entry) = self.slots.held().by_id.get_mut(&self.id) {
            entry.holder = Some(network(client));
        }
    }

    /// The answer has left, if there was one.
    pub(super) fn answer_was_taken(&self) {
        self.turn.send_if_modified(|turn| {
            let is_taken = turn.awaits(Awaited::Answer);
            if is_taken {
                *turn = Turn::peer(Awaited::NextRequest);
            }
            is_taken
        });
    }

    /// Waits until the last answer has left: who reads none of the answers gets no more of them.
    pub(super) async fn until_answer_was_taken(&self) {
        if self.turn.borrow().awaits(Awaited::Answer) {
            let mut turn = self.turn.subscribe();
            // The sender is in `self`.
            let _ = turn.wait_for(|turn| !turn.awaits(Awaited::Answer)).await;
        }
    }

    /// Resolves when the connection has to end, with a word for the reason; nothing if a peer that
    /// was served only sends no other request.
    pub(super) async fn until_ended(&self) -> Option<&'static str> {
        let mut turn = self.turn.subscribe();
        loop {
            let now = *turn.borrow_and_update();
            let (awaited, since) = match now {
                Turn::Displaced => return Some("displaced"),
                Turn::Peer { awaited, since } => (awaited, since),
                Turn::Ours => {
                    let _ = turn.changed().await;
                    continue;
                }
            };
            tokio::select! {
                biased;
                // A turn that has changed first, so that work which has begun is never cut off.
                _ = turn.changed() => {}
                () = tokio::time::sleep_until(since + self.slots.peer_timeout) => {
                    return awaited.timeout_label();
                }
            }
        }
    }

    fn set(&self, next: Turn) {
        self.turn.send_if_modified(|turn| {
            let goes_on = !matches!(turn, Turn::Displaced);
            if goes_on {
                *turn = next;
            }
            goes_on
        });
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.held().by_id.remove(&self.id);
    }
}

impl Awaited {
    fn timeout_label(self) -> Option<&'static str> {
        match self {
            Self::Handshake => Some("handshake-timeout"),
            Self::Request => Some("request-timeout"),
            Self::Answer => Some("answer-timeout"),
            Self::NextRequest => None,
        }
    }
}

/// What counts as one peer: an IPv4 address, or the /64 that one subscriber of IPv6 has.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    fn slots(connections_max: usize) -> Arc<Slots> {
        Slots::new(connections_max, Duration::from_secs(10))
    }

    fn is_displaced(slot: &Slot) -> bool {
        matches!(*slot.turn.borrow(), Turn::Displaced)
    }

    #[test]
    fn who_holds_most_gives_way_with_what_has_waited_longest() {
        let slots = slots(4);
        let taken: Vec<Slot> = [1, 2, 2, 1]
            .map(|last| slots.take(address(last)).expect("is free"))
            .into();
        taken[0].await_peer(Awaited::NextRequest);
        let own = slots.take(address(1)).expect("takes its own");
        assert!(is_displaced(&taken[3]) && !own.is_reserved());
        let other = slots.take(address(3)).expect("takes another's");
        assert!(is_displaced(&taken[1]), "which has waited longest");
        assert!(!is_displaced(&taken[0]) && !is_displaced(&taken[2]) && !is_displaced(&other));
    }

    #[test]
    fn work_is_never_displaced_and_there_is_room_to_say_so() {
        let slots = slots(2);
        let working: Vec<Slot> = (0..2).filter_map(|_| slots.take(address(1))).collect();
        working.iter().for_each(Slot::work);
        let reserved = (0..RESERVED).filter_map(|_| slots.take(address(2)));
        let reserved: Vec<Slot> = reserved.inspect(Slot::work).collect();
        assert!(reserved.len() == RESERVED && reserved.iter().all(Slot::is_reserved));
        assert!(slots.take(address(3)).is_none(), "has a bound");
        working[1].answer();
        let next = slots.take(address(3)).expect("is free");
        assert!(is_displaced(&working[1]) && !next.is_reserved());
        assert!(!is_displaced(&working[0]) && !reserved.iter().any(is_displaced));
    }

    #[test]
    fn what_was_displaced_stays_so() {
        let slots = slots(1);
        let first = slots.take(address(1)).expect("is free");
        let _second = slots.take(address(2)).expect("takes it");
        first.work();
        first.answer();
        first.answer_was_taken();
        assert!(is_displaced(&first));
    }

    /// As when the request and the end of its time come while the machine is asleep.
    #[tokio::test]
    async fn a_deadline_that_has_passed_does_not_cut_off_work_that_has_begun() {
        let slots = Slots::new(1, Duration::from_millis(100));
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..8 {
            let slot = slots.take(address(1)).expect("is free");
            let mut ended = pin!(slot.until_ended());
            assert_eq!(ended.as_mut().poll(&mut context), Poll::Pending);
            tokio::time::sleep(Duration::from_millis(120)).await;
            slot.work();
            assert_eq!(ended.as_mut().poll(&mut context), Poll::Pending);
        }
    }

    #[test]
    fn a_subscriber_of_ipv6_is_one_peer() {
        let parse = |text: &str| network(text.parse().expect("an address"));
        assert_eq!(parse("2001:db8:1:2:3:4:5:6"), parse("2001:db8:1:2::1"));
        assert_ne!(parse("2001:db8:1:2::1"), parse("2001:db8:1:3::1"));
        assert_eq!(parse("::ffff:192.0.2.1"), parse("192.0.2.1"));
    }
}
