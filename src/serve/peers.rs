//! How many connections each address has: one that takes all places would keep everybody else out.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;

/// The connections of all addresses that have one.
pub(super) struct Peers {
    cap: usize,
    /// Proxies, behind which many are.
    exempt: Vec<IpNet>,
    open: Mutex<HashMap<IpAddr, Count>>,
}

#[derive(Default)]
struct Count {
    open: usize,
    /// Whether somebody was turned away since it had none.
    told: bool,
}

/// One connection among those of its address; none where nobody counts.
pub(super) struct Seat(Option<(Arc<Peers>, IpAddr)>);

impl Peers {
    pub(super) fn new(cap: usize, exempt: Vec<IpNet>) -> Arc<Self> {
        Arc::new(Peers { cap, exempt, open: Mutex::default() })
    }

    /// One more connection of this address. Refused, it says whether it is the first one to be refused since the
    /// address had none: that is worth a word, and the others are not.
    pub(super) fn take(self: &Arc<Self>, peer: IpAddr) -> Result<Seat, bool> {
        let peer = peer.to_canonical();
        if self.cap == usize::MAX || self.exempt.iter().any(|net| net.contains(&peer)) {
            return Ok(Seat(None));
        }
        let block = block(peer);
        let mut open = self.lock();
        let count = open.entry(block).or_default();
        if count.open >= self.cap {
            return Err(!std::mem::replace(&mut count.told, true));
        }
        count.open += 1;
        Ok(Seat(Some((Arc::clone(self), block))))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Count>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some((peers, block)) = &self.0 else { return };
        if let Entry::Occupied(mut count) = peers.lock().entry(*block) {
            count.get_mut().open -= 1;
            if count.get().open == 0 {
                count.remove();
            }
        }
    }
}

/// What counts as one address. Whoever has one of IPv6 has 2^64 of them, which differ in their second half.
pub fn block(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn each_address_has_its_number_and_the_first_refusal_is_told_apart() {
        let peers = Peers::new(2, vec!["10.0.0.0/8".parse().unwrap()]);
        let one = at("192.0.2.1");
        let first = peers.take(one).ok().unwrap();
        let second = peers.take(at("::ffff:192.0.2.1")).ok().unwrap();
        assert_eq!(peers.take(one).err(), Some(true));
        assert_eq!(peers.take(one).err(), Some(false));
        let other = peers.take(at("192.0.2.2")).ok().unwrap();
        drop(first);
        let third = peers.take(one).ok().unwrap();
        assert_eq!(peers.take(one).err(), Some(false), "it is the same crowd");
        let proxied: Vec<_> = (0..5).map(|_| peers.take(at("10.1.2.3")).ok().unwrap()).collect();
        drop((second, third, other, proxied));
        assert!(peers.lock().is_empty(), "nobody is remembered");
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let peers = Peers::new(1, vec![]);
        let _one = peers.take(at("2001:db8:1:2::3")).ok().unwrap();
        assert!(peers.take(at("2001:db8:1:2:ffff::4")).is_err());
        assert!(peers.take(at("2001:db8:1:3::3")).is_ok());
        let none = Peers::new(usize::MAX, vec![]);
        let _all: Vec<_> = (0..100).map(|_| none.take(at("192.0.2.1")).ok().unwrap()).collect();
    }
}
