//! How many workers one address may register.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request};
use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

/// Registrations of one address at once, as when a whole rack starts.
const BURST: NonZeroU32 = NonZeroU32::new(64).expect("not zero");
/// Registrations of one address in a second after that.
const PER_SECOND: NonZeroU32 = NonZeroU32::MIN;
/// Addresses that are told apart; beyond that, all share one allowance.
const ADDRESSES_MAX: usize = 4096;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Registrations {
    buckets: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>,
    clock: DefaultClock,
}

impl Registrations {
    pub(super) fn new() -> Self {
        let quota = Quota::per_second(PER_SECOND).allow_burst(BURST);
        Self { buckets: RateLimiter::hashmap(quota), clock: DefaultClock::default() }
    }

    /// Takes one off the allowance of an address, or says when there is some again.
    pub(super) fn take(&self, address: IpAddr) -> Result<(), Duration> {
        if self.buckets.len() >= ADDRESSES_MAX {
            self.buckets.retain_recent();
        }
        let key = if self.buckets.len() < ADDRESSES_MAX { address } else { UNKNOWN };
        self.buckets.check_key(&key).map_err(|until| until.wait_time_from(self.clock.now()))
    }
}

/// Stands for those whose address is not known, or not kept apart.
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Where a request comes from; of version 6 the network of 64 bits, which one machine has whole.
pub(super) fn address_of(request: &Request) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    match peer.map_or(UNKNOWN, |peer| peer.to_canonical()) {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn from(text: &str) -> IpAddr {
        let mut request = Request::new(Body::empty());
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(text.parse().expect("an address"), 1)));
        address_of(&request)
    }

    #[test]
    fn an_address_has_its_own_allowance() {
        let registrations = Registrations::new();
        let [a, b] = [from("10.0.0.1"), from("2001:db8:1:2:3::4")];
        for _ in 0..BURST.get() {
            assert_eq!(registrations.take(a), Ok(()));
        }
        let wait = registrations.take(a).expect_err("it is used up");
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1), "{wait:?}");
        assert_eq!(registrations.take(b), Ok(()));
        assert_eq!((b, from("::ffff:10.0.0.1")), (from("2001:db8:1:2:ffff::1"), a));
        assert_ne!(b, from("2001:db8:1:3::1"));
        assert_eq!(address_of(&Request::new(Body::empty())), UNKNOWN);
    }

    #[test]
    fn the_memory_for_addresses_is_bounded() {
        let registrations = Registrations::new();
        for number in 0..u32::try_from(2 * ADDRESSES_MAX).expect("few") {
            // Beyond the bound all share one allowance, which ends.
            let _ = registrations.take(IpAddr::V4(Ipv4Addr::from_bits(number)));
        }
        assert!(registrations.buckets.len() <= ADDRESSES_MAX + 1);
    }
}
