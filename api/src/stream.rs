//! Streams of events: what a view says is read again and again, and differences are told.

use core::convert::Infallible;
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use axum::http::HeaderMap;
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

use crate::clients::{Client, Visit};
use crate::problem::Refusal;
use crate::router::App;
use crate::{Backend, BackendError, Event, Limits, Step};

/// How often an idle stream shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// What a stream is about.
pub(crate) trait Subject: Send + 'static {
    /// What has happened since the last look, or all up to now at the first. `None`: there will be no more.
    fn look(&mut self) -> impl Future<Output = Result<Option<Vec<Event>>, BackendError>> + Send;
}

/// Steps that the client has got: what it says in `Last-Event-ID`, else none.
///
/// # Errors
/// The header is no number.
pub(crate) fn steps_seen(headers: &HeaderMap) -> Result<usize, Refusal> {
    let Some(value) = headers.get("last-event-id") else { return Ok(0) };
    let number = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let number = number.and_then(|text| text.parse().ok());
    number.ok_or_else(|| Refusal::parameter("Last-Event-ID", "the id of an event is a number"))
}

/// Tells the steps that were not told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    told: usize,
}

impl Steps {
    pub(crate) fn after(told: usize) -> Self {
        Self { told }
    }

    /// The events of steps that are new in `steps`.
    pub(crate) fn news(&mut self, steps: &[Step]) -> Vec<Event> {
        // A batch of the same number that was taken back may have had more.
        self.told = self.told.min(steps.len());
        let news = steps.get(self.told..).unwrap_or_default().iter().copied().map(Event::Step).collect();
        self.told = steps.len();
        news
    }
}

struct State<S> {
    subject: S,
    /// Number of steps sent: the id of the next event.
    steps: usize,
    waiting: VecDeque<Event>,
    has_begun: bool,
    has_ended: bool,
    ends_at: Instant,
    interval: Duration,
    closed: watch::Receiver<bool>,
    _held: (OwnedSemaphorePermit, Visit),
}

/// Answers a client with a stream that tells all about a subject.
///
/// # Errors
/// There are as many streams as the server takes on, of this client or of all.
pub(crate) fn stream<B: Backend, S: Subject>(
    app: &App<B>,
    client: Client,
    seen: usize,
    subject: S,
) -> Result<Response, Refusal> {
    let visit = app.listeners.enter(client.0, app.limits.client_streams_max).ok_or_else(Refusal::too_many_streams)?;
    let permit = Arc::clone(&app.streams).try_acquire_owned().map_err(|_| Refusal::too_many_streams())?;
    let Limits { stream_time_max, stream_interval, .. } = app.limits;
    let state = State {
        subject,
        steps: seen,
        waiting: VecDeque::new(),
        has_begun: false,
        has_ended: false,
        ends_at: Instant::now() + stream_time_max,
        interval: stream_interval,
        closed: app.closed.clone(),
        _held: (permit, visit),
    };
    let events = stream::unfold(state, |mut state| async move {
        let event = state.next().await?;
        Some((Ok::<_, Infallible>(event), state))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response())
}

impl<S: Subject> State<S> {
    async fn next(&mut self) -> Option<Sent> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return self.sent(&event);
            }
            if self.has_ended || !self.pause().await {
                return None;
            }
            match self.subject.look().await {
                Ok(Some(events)) => self.waiting.extend(events),
                Ok(None) => self.has_ended = true,
                Err(error) => {
                    tracing::warn!(%error, "a stream of events ends early");
                    return None;
                }
            }
        }
    }

    /// Waits until it is time to look; false if the stream is over.
    async fn pause(&mut self) -> bool {
        if !self.has_begun {
            self.has_begun = true;
            return !*self.closed.borrow();
        }
        if Instant::now() >= self.ends_at {
            return false;
        }
        tokio::select! {
            () = tokio::time::sleep(self.interval) => true,
            _ = self.closed.changed() => false,
        }
    }

    /// `None` if it has no form in JSON, which ends the stream.
    fn sent(&mut self, event: &Event) -> Option<Sent> {
        self.steps += usize::from(matches!(event, Event::Step(_)));
        let sent = Sent::default().id(self.steps.to_string()).event(event.name());
        let sent = match event {
            Event::Step(step) => sent.json_data(step),
            Event::Proving(progress) => sent.json_data(progress),
            Event::Tree(tree) => sent.json_data(tree),
            Event::Job(job) => sent.json_data(job),
        };
        sent.inspect_err(|error| tracing::error!(%error, "an event has no form in JSON")).ok()
    }
}
