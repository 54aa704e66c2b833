//! The proof of a batch as it grows, for people: drawn on a terminal, told in lines elsewhere. All it knows comes from the
//! API's stream of events.

mod picture;
mod screen;

use std::time::Duration;

use weft_api::{Event, Finality};

use crate::client::{Answer, Client};
use crate::clock;

pub use picture::Picture;
pub use screen::Screen;

/// How often a drawing is renewed without an event, so that times go on.
const REDRAW: Duration = Duration::from_millis(250);

/// Follows a batch until it has reached a step, and shows it on `screen`.
///
/// # Errors
/// There is no such batch, or the node does not answer.
pub async fn watch_batch(client: &Client, number: u32, until: Finality, screen: &Screen) -> Answer<Picture> {
    let mut events = client.batch_events(number);
    let mut picture = Picture::new(number);
    let mut redraw = tokio::time::interval(REDRAW);
    loop {
        // Waiting for an event may be given up: the stream keeps what it has.
        let event = tokio::select! {
            event = events.next() => Some(event?.event),
            _ = redraw.tick() => None,
        };
        if let Some(event) = &event {
            for line in picture.take(event) {
                screen.tell(&line);
            }
        }
        screen.draw(&picture.rows(clock::now()));
        if let Some(Event::Step(step)) = event
            && step.step >= until
        {
            screen.clear();
            return Ok(picture);
        }
    }
}
