//! Connections: how many, for how long, and how they end.

use core::net::SocketAddr;
use core::pin::pin;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

use crate::clients::Clients;
use crate::rate::client_of;
use crate::router::{App, observed, router_of};
use crate::{Backend, Limits};

/// Headers of a request; more are refused with 431.
const HEADERS_MAX: usize = 64;
/// Bytes of a request's head; more are refused with 431.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Pause after the operating system gave no connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The API of a node, ready to be served.
#[derive(Debug)]
pub struct Server<B> {
    app: Arc<App<B>>,
    /// Ends the streams of events.
    closing: watch::Sender<bool>,
    others: Router,
}

impl<B: Backend> Server<B> {
    /// The API over a backend, within the default [`Limits`].
    #[must_use]
    pub fn new(backend: Arc<B>) -> Self {
        Self::with_limits(backend, Limits::default())
    }

    /// The API over a backend.
    #[must_use]
    pub fn with_limits(backend: Arc<B>, limits: Limits) -> Self {
        let (closing, closed) = watch::channel(false);
        Self { app: Arc::new(App::new(backend, limits, closed)), closing, others: Router::new() }
    }

    /// Serves the routes of another router too, which keeps its own limits of time and size; its errors are explained
    /// where it does not do so itself. It has no fallback and no route of this API.
    #[must_use]
    pub fn merge(mut self, others: Router) -> Self {
        self.others = self.others.merge(others);
        self
    }

    /// All routes with the layers around them; without the limits of connections.
    pub fn router(&self) -> Router {
        router_of(&self.app, self.others.clone())
    }

    /// Serves until `shutdown` ends. Requests in work are answered first, streams end at once; what has not ended after
    /// [`Limits::stop_time_max`] is cut off.
    ///
    /// # Errors
    /// The listener has no address any more.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()> + Send) -> io::Result<()> {
        let connections = Connections::new(self.router(), self.app.limits);
        let close = || {
            // Streams watch this; without any, nobody does.
            let _ = self.closing.send(true);
        };
        connections.serve(listener, shutdown, close).await
    }
}

/// Other routes than those of the API, behind a door of their own: what comes through it takes no connection from the API's
/// clients, nor they from it.
#[derive(Debug)]
pub struct Door {
    router: Router,
    limits: Limits,
}

impl Door {
    /// A door to these routes, which keep their own limits of time and size; of `limits`, those of connections hold.
    /// Requests have trace ids, and errors are explained where the routes do not do so themselves.
    #[must_use]
    pub fn new(router: Router, limits: Limits) -> Self {
        Self { router: observed(router), limits }
    }

    /// Serves until `shutdown` ends; see [`Server::serve`].
    ///
    /// # Errors
    /// The listener has no address any more.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()> + Send) -> io::Result<()> {
        Connections::new(self.router, self.limits).serve(listener, shutdown, || ()).await
    }
}

struct Connections {
    router: Router,
    limits: Limits,
    clients: Arc<Clients>,
    graceful: GracefulShutdown,
}

impl Connections {
    fn new(router: Router, limits: Limits) -> Self {
        Self { router, limits, clients: Arc::default(), graceful: GracefulShutdown::new() }
    }

    /// Serves until `shutdown` ends; `close` is called then, and what is in work may end.
    async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send,
        close: impl FnOnce() + Send,
    ) -> io::Result<()> {
        listener.local_addr()?;
        tokio::select! {
            () = self.accept(&listener) => {}
            () = shutdown => {}
        }
        drop(listener);
        close();
        if tokio::time::timeout(self.limits.stop_time_max, self.graceful.shutdown()).await.is_err() {
            tracing::warn!("connections were cut off: they did not end in time");
        }
        Ok(())
    }

    /// Takes connections for ever. At the limit it waits: a connection that does nothing ends soon.
    async fn accept(&self, listener: &TcpListener) {
        let permits = Arc::new(Semaphore::new(self.limits.connections_max));
        loop {
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, peer)) => self.begin(stream, peer, permit),
                Err(error) => {
                    // Out of descriptors, or a connection that ended before it began: the next one may do.
                    tracing::warn!(%error, "no connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn begin(&self, stream: TcpStream, peer: SocketAddr, permit: OwnedSemaphorePermit) {
        let Some(visit) = self.clients.enter(client_of(&peer), self.limits.client_connections_max) else {
            metrics::counter!("weft_api_connections_refused_total").increment(1);
            return;
        };
        let served = serve_connection(stream, peer, self.router.clone(), self.limits, self.graceful.watcher());
        tokio::spawn(async move {
            metrics::gauge!("weft_api_connections").increment(1.0);
            if let Err(error) = served.await {
                tracing::debug!(%peer, %error, "connection ended");
            }
            metrics::gauge!("weft_api_connections").decrement(1.0);
            drop((visit, permit));
        });
    }
}

async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    limits: Limits,
    watcher: Watcher,
) -> hyper::Result<()> {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "small answers may be late");
    }
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.write_time_max));
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time_max)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    pin!(watcher.watch(connection)).await
}
