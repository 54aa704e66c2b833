//! Keeps what is traced, for tests of what can be found again.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// Fields by name; the text of an event is its `message`, the name of a span its `span`.
pub(crate) type Fields = BTreeMap<String, String>;

/// An event, and the spans around it, the innermost first.
#[derive(Clone, Debug)]
pub(crate) struct Traced {
    pub(crate) event: Fields,
    pub(crate) spans: Vec<Fields>,
}

/// All events of a subscriber.
#[derive(Clone, Debug, Default)]
pub(crate) struct Capture(Arc<Mutex<Vec<Traced>>>);

impl Capture {
    /// A subscriber whose events it keeps.
    pub(crate) fn subscriber(&self) -> impl Subscriber + Send + Sync + use<> {
        Registry::default().with(self.clone())
    }

    /// The events with this text.
    pub(crate) fn events(&self, message: &str) -> Vec<Traced> {
        let events = self.0.lock().unwrap();
        events.iter().filter(|traced| traced.event["message"] == message).cloned().collect()
    }
}

struct Writer<'a>(&'a mut Fields);

impl Visit for Writer<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Capture {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::from([("span".to_owned(), attributes.metadata().name().to_owned())]);
        attributes.record(&mut Writer(&mut fields));
        context.span(id).unwrap().extensions_mut().insert(fields);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::from([("message".to_owned(), String::new())]);
        event.record(&mut Writer(&mut fields));
        let scope = context.event_scope(event).into_iter().flatten();
        let spans = scope.map(|span| span.extensions().get::<Fields>().unwrap().clone()).collect();
        self.0.lock().unwrap().push(Traced { event: fields, spans });
    }
}
