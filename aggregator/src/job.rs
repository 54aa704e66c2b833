//! Names of jobs.

use std::fmt;

use serde::{Deserialize, Serialize};
/// Consecutive segments of a batch, by their positions from 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Span {
    /// The first one.
    pub first: usize,
    /// The last one, included.
    pub last: usize,
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.first, self.last)
    }
}

/// A job of a batch. The name is unique in its batch.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Job {
    /// Proves the segment at this position.
    Segment(usize),
    /// Merges segments.
    Lift(Span),
    /// Proves the openings of large segments.
    Openings(Span),
    /// Joins the lift of large segments with their openings.
    Join(Span),
    /// Merges lifts of small segments, joins and aggregates.
    Aggregate(Span),
    /// Binds the whole batch to its public data.
    Seal,
    /// Shrinks the seal and wraps it for L1.
    Wrap,
}

/// What a job does, without the where.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum JobKind {
    /// See [`Job::Segment`].
    Segment,
    /// See [`Job::Lift`].
    Lift,
    /// See [`Job::Openings`].
    Openings,
    /// See [`Job::Join`].
    Join,
    /// See [`Job::Aggregate`].
    Aggregate,
    /// See [`Job::Seal`].
    Seal,
    /// See [`Job::Wrap`].
    Wrap,
}

impl Job {
    /// What the job does.
    #[must_use]
    pub const fn kind(&self) -> JobKind {
        match self {
            Self::Segment(_) => JobKind::Segment,
            Self::Lift(_) => JobKind::Lift,
            Self::Openings(_) => JobKind::Openings,
            Self::Join(_) => JobKind::Join,
            Self::Aggregate(_) => JobKind::Aggregate,
            Self::Seal => JobKind::Seal,
            Self::Wrap => JobKind::Wrap,
        }
    }
}

impl JobKind {
    /// All of them, in the order of the road.
    pub const ALL: [Self; 7] =
        [Self::Segment, Self::Lift, Self::Openings, Self::Join, Self::Aggregate, Self::Seal, Self::Wrap];

    /// One word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Segment => "segment",
            Self::Lift => "lift",
            Self::Openings => "openings",
            Self::Join => "join",
            Self::Aggregate => "aggregate",
            Self::Seal => "seal",
            Self::Wrap => "wrap",
        }
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Segment(position) => write!(f, "segment {position}"),
            Self::Lift(span) => write!(f, "lift {span}"),
            Self::Openings(span) => write!(f, "openings {span}"),
            Self::Join(span) => write!(f, "join {span}"),
            Self::Aggregate(span) => write!(f, "aggregate {span}"),
            Self::Seal => f.write_str("seal"),
            Self::Wrap => f.write_str("wrap"),
        }
    }
}
