//! How many requests a client may send.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::Limits;
use crate::problem::Refusal;

/// Clients that are told apart; beyond that, all share one allowance.
const CLIENTS_MAX: usize = 16 * 1024;

type Buckets = RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock, StateInformationMiddleware>;

/// The allowance of each client: refilled steadily, up to a burst.
#[derive(Debug)]
pub(crate) struct Allowances {
    buckets: Buckets,
    clock: DefaultClock,
    burst: u32,
    per_second: u32,
}

impl Allowances {
    pub(crate) fn new(limits: &Limits) -> Self {
        let quota = Quota::per_second(limits.client_requests_per_second).allow_burst(limits.client_requests_burst);
        Self {
            buckets: RateLimiter::hashmap(quota).with_middleware(),
            clock: DefaultClock::default(),
            burst: limits.client_requests_burst.get(),
            per_second: limits.client_requests_per_second.get(),
        }
    }

    /// Takes one request off a client's allowance: what is left of it, or when there is some again.
    fn take(&self, client: IpAddr) -> Result<u32, Duration> {
        if self.buckets.len() >= CLIENTS_MAX {
            self.buckets.retain_recent();
        }
        let key = if self.buckets.len() < CLIENTS_MAX { client } else { UNKNOWN };
        match self.buckets.check_key(&key) {
            Ok(snapshot) => Ok(snapshot.remaining_burst_capacity()),
            Err(until) => Err(until.wait_time_from(self.clock.now())),
        }
    }

    /// What a client should know of its allowance.
    fn describe(&self, headers: &mut HeaderMap, remaining: u32) {
        let missing = self.burst.saturating_sub(remaining);
        let reset = missing.div_ceil(self.per_second);
        for (name, value) in
            [("ratelimit-limit", self.burst), ("ratelimit-remaining", remaining), ("ratelimit-reset", reset)]
        {
            headers.insert(name, HeaderValue::from(value));
        }
    }
}

/// Stands for those whose address is not known, or not kept apart.
pub(crate) const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Who is one client: an address, of version 6 a network of 64 bits, which one user has whole.
pub(crate) fn client_of(peer: &SocketAddr) -> IpAddr {
    match peer.ip().to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// Refuses a client that has used up its allowance.
pub(crate) async fn limit(State(allowances): State<Arc<Allowances>>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let client = peer.map_or(UNKNOWN, |ConnectInfo(peer)| client_of(peer));
    let (mut response, remaining) = match allowances.take(client) {
        Ok(remaining) => (next.run(request).await, remaining),
        Err(wait) => (Refusal::rate_limited(wait).into_response(), 0),
    };
    allowances.describe(response.headers_mut(), remaining);
    response
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU32;

    use super::*;

    fn client(text: &str) -> IpAddr {
        client_of(&SocketAddr::new(text.parse().unwrap(), 1))
    }

    #[test]
    fn networks_of_version_6_are_one_client() {
        assert_eq!(client("2001:db8:1:2:3::4"), client("2001:db8:1:2:ffff::1"));
        assert_ne!(client("2001:db8:1:2::1"), client("2001:db8:1:3::1"));
        assert_eq!(client("::ffff:10.0.0.1"), client("10.0.0.1"));
        assert_ne!(client("10.0.0.1"), client("10.0.0.2"));
    }

    #[test]
    fn a_client_has_its_own_allowance() {
        let one = NonZeroU32::new(1).unwrap();
        let two = NonZeroU32::new(2).unwrap();
        let limits = Limits { client_requests_per_second: one, client_requests_burst: two, ..Limits::default() };
        let allowances = Allowances::new(&limits);
        let [a, b] = [client("10.0.0.1"), client("10.0.0.2")];
        assert_eq!([allowances.take(a), allowances.take(a)], [Ok(1), Ok(0)]);
        let wait = allowances.take(a).unwrap_err();
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1));
        assert_eq!(allowances.take(b), Ok(1));
    }

    #[test]
    fn the_memory_for_clients_is_bounded() {
        let allowances = Allowances::new(&Limits::default());
        for number in 0..u32::try_from(2 * CLIENTS_MAX).unwrap() {
            assert!(allowances.take(IpAddr::V4(Ipv4Addr::from_bits(number))).is_ok());
        }
        assert!(allowances.buckets.len() <= CLIENTS_MAX + 1);
    }
}
