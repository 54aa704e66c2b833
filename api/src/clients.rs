//! Who has how many of something.

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;

use crate::problem::Refusal;
use crate::rate::{UNKNOWN, client_of};

/// Who sends a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client(pub(crate) IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(peer.map_or(UNKNOWN, |ConnectInfo(peer)| client_of(peer))))
    }
}

/// Connections or streams by client.
#[derive(Debug, Default)]
pub(crate) struct Clients(Mutex<BTreeMap<IpAddr, usize>>);

/// One of them: counted until it is dropped.
#[derive(Debug)]
pub(crate) struct Visit {
    clients: Arc<Clients>,
    client: IpAddr,
}

impl Clients {
    /// Counts one more, unless the client has as many as it may.
    pub(crate) fn enter(self: &Arc<Self>, client: IpAddr, max: usize) -> Option<Visit> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(client).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        Some(Visit { clients: Arc::clone(self), client })
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let mut counts = self.clients.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::*;

    #[test]
    fn what_a_client_has_is_counted() {
        let clients = Arc::new(Clients::default());
        let [a, b] = [1, 2].map(|last| IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)));
        let visits: Vec<_> = (0..3).filter_map(|_| clients.enter(a, 2)).collect();
        assert_eq!(visits.len(), 2);
        assert!(clients.enter(b, 2).is_some());
        drop(visits);
        assert!(clients.enter(a, 1).is_some());
        assert!(clients.0.lock().unwrap().is_empty());
    }
}
