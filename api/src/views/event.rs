//! Server-sent events.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{JobView, Progress, ProofTreeView, Step};

/// An event of a stream: `event` is the name in `snake_case`, `data` the JSON of the content.
///
/// The `id` of an event is the number of steps that the client has got with it. With that number in `Last-Event-ID`, a
/// stream goes on with the step after; what is not a step tells how things are at present and is sent again.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A step was reached.
    Step(Step),
    /// More of the batch's segments are proved; of a transaction.
    Proving(Progress),
    /// The whole proof tree: the first event after the steps, and again if jobs have come or gone; of a batch.
    Tree(Box<ProofTreeView>),
    /// A job has changed; of a batch.
    Job(Box<JobView>),
}

impl Event {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Step(_) => "step",
            Self::Proving(_) => "proving",
            Self::Tree(_) => "tree",
            Self::Job(_) => "job",
        }
    }
}
