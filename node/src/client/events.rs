//! Streams of events that outlive their connections.

use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt, TryStreamExt};
use serde::de::DeserializeOwned;
use sse_stream::{Sse, SseByteStream};
use weft_api::Event;

use super::{ANSWER_WITHIN, Answer, BACKOFF, Client, ClientError};

/// Connections in a row that may end without an event.
const FAILURES_MAX: u32 = 8;
/// Longest silence of a stream: the node sends a comment more often than that.
const SILENCE_MAX: Duration = Duration::from_secs(60);

type Connection = Pin<Box<dyn Stream<Item = Result<Sse, sse_stream::Error>> + Send>>;

/// An event and its place in the stream.
#[derive(Clone, PartialEq, Debug)]
pub struct StreamEvent {
    /// Id, with which a stream can be taken up after this event.
    pub id: Option<String>,
    /// The event.
    pub event: Event,
}

/// The events of a transaction or of a batch. A connection that ends is opened again where it has ended; whoever reads
/// decides when there is nothing more to wait for.
pub struct EventStream {
    client: Client,
    path: String,
    last_id: Option<String>,
    connection: Option<Connection>,
    failures: u32,
}

impl std::fmt::Debug for EventStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventStream").field("path", &self.path).field("last_id", &self.last_id).finish_non_exhaustive()
    }
}

impl EventStream {
    pub(super) fn new(client: Client, path: String) -> Self {
        Self { client, path, last_id: None, connection: None, failures: 0 }
    }

    /// The next event.
    ///
    /// # Errors
    /// The node refuses the stream, sends what is no event, or does not answer several times in a row.
    pub async fn next(&mut self) -> Answer<StreamEvent> {
        loop {
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => self.connect().await?,
            };
            match tokio::time::timeout(SILENCE_MAX, connection.next()).await {
                Ok(Some(Ok(sse))) => {
                    self.connection = Some(connection);
                    if sse.id.is_some() {
                        self.last_id.clone_from(&sse.id);
                    }
                    self.failures = 0;
                    if let Some(event) = self.read(&sse)? {
                        return Ok(StreamEvent { id: sse.id, event });
                    }
                }
                // Ended, cut off or silent: the next round connects again.
                Ok(Some(Err(_)) | None) | Err(_) => self.pause().await?,
            }
        }
    }

    async fn connect(&self) -> Answer<Connection> {
        let url = self.client.url(&self.path);
        let request = || {
            let request = self.client.http.get(&url).header(reqwest::header::ACCEPT, "text/event-stream");
            match &self.last_id {
                Some(id) => request.header("Last-Event-ID", id),
                None => request,
            }
        };
        // The time limit of a request would end the stream: only the head of the answer is waited for.
        let head = tokio::time::timeout(ANSWER_WITHIN, self.client.open(request)).await;
        let response = head.map_err(|_| self.client.strange(format!("no stream at {}", self.path)))??;
        let bytes = response.bytes_stream().map_err(std::io::Error::other);
        Ok(Box::pin(SseByteStream::new(bytes)))
    }

    /// Waits before the next connection, longer each time.
    async fn pause(&mut self) -> Answer<()> {
        self.failures += 1;
        if self.failures > FAILURES_MAX {
            return Err(self.client.strange(format!("the stream {} ends again and again", self.path)));
        }
        tokio::time::sleep(BACKOFF * self.failures).await;
        Ok(())
    }

    /// The event of a message; `None` for messages of kinds that this version does not know.
    fn read(&self, sse: &Sse) -> Answer<Option<Event>> {
        let data = sse.data.as_deref().unwrap_or_default();
        Ok(match sse.event.as_deref() {
            Some("step") => Some(Event::Step(self.content(data)?)),
            Some("proving") => Some(Event::Proving(self.content(data)?)),
            Some("tree") => Some(Event::Tree(self.content(data)?)),
            Some("job") => Some(Event::Job(self.content(data)?)),
            Some(_) | None => None,
        })
    }

    fn content<T: DeserializeOwned>(&self, data: &str) -> Answer<T> {
        serde_json::from_str(data).map_err(|error| self.client.strange(format!("an event of {}: {error}", self.path)))
    }
}

impl Client {
    /// As `send`, without a time limit for the body.
    async fn open(&self, request: impl Fn() -> reqwest::RequestBuilder) -> Result<reqwest::Response, ClientError> {
        let response = request().send().await.map_err(|source| self.unreachable(source))?;
        self.accepted(response).await
    }
}
