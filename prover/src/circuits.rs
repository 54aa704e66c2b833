//! The circuits of a deployment.

use std::path::Path;
use std::time::{Duration, Instant};

use weft_circuits::builder::{CircuitName, Mode};
use weft_circuits::cache::Cache;
use weft_circuits::recursion::{Assembly, CircuitSummary, RecursionCircuits};
use weft_circuits::security::CircuitSecurity;
use weft_circuits::segment::{Leaves, SegmentCircuit};

use crate::keys::{KEY_MEMORY, KeySlot, ProvingKeys, Room};
use crate::{CircuitSizes, SegmentSize};

const SEGMENT_SMALL: CircuitName = CircuitName { name: "segment-small", version: 1 };
const SEGMENT_LARGE: CircuitName = CircuitName { name: "segment-large", version: 1 };

/// All circuits of a deployment: two for segments, and the family that merges, seals and wraps. What verifiers know of them is
/// in memory; the keys of provers are read when they are needed.
#[derive(Debug)]
pub struct CircuitSet {
    sizes: CircuitSizes,
    small: SegmentCircuit,
    large: SegmentCircuit,
    family: RecursionCircuits,
    keys: ProvingKeys,
}

/// A step of [`CircuitSet::load_or_build`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BuildStep {
    /// One of the segment circuits.
    Segment(SegmentSize),
    /// Lifts, aggregate, seal, shrink and wrap.
    Recursion,
}

impl BuildStep {
    /// All steps, in the order in which they end at the latest.
    pub const ALL: [Self; 3] = [Self::Segment(SegmentSize::Small), Self::Segment(SegmentSize::Large), Self::Recursion];
}

/// How far a step is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BuildState {
    /// It has begun.
    Started,
    /// It has ended.
    Done {
        /// What it took.
        wall: Duration,
    },
}

/// News from [`CircuitSet::load_or_build`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BuildProgress {
    /// The step.
    pub step: BuildStep,
    /// How far it is.
    pub state: BuildState,
}

impl CircuitSet {
    /// The circuits for these sizes, out of the directory `cache` as far as they are there, else built and kept in it.
    ///
    /// `progress` is called from the threads that build. A cache that cannot be read or written is logged and costs
    /// nothing but time.
    ///
    /// # Panics
    /// If segments of these sizes do not fit the circuits above them, or the table of openings does not take every segment.
    #[must_use]
    pub fn load_or_build(sizes: CircuitSizes, cache: Option<&Path>, progress: impl Fn(BuildProgress) + Sync) -> Self {
        assert!(sizes.are_consistent(), "the table of openings takes every large segment");
        let cache = cache.map(Cache::new);
        let assembly = Assembly { mode: Mode::Proving, cache: cache.as_ref() };
        let segment = |size| step(&progress, BuildStep::Segment(size), || build_segment(&sizes, size, assembly));
        let (mut small, mut large) = rayon::join(|| segment(SegmentSize::Small), || segment(SegmentSize::Large));
        let mut family = step(&progress, BuildStep::Recursion, || {
            RecursionCircuits::build(small.verifier_data(), large.verifier_data(), sizes.family(), assembly)
        });
        let keys = ProvingKeys {
            small: KeySlot::of(&mut small.layer),
            large: KeySlot::of(&mut large.layer),
            lift_small: KeySlot::of(&mut family.lift_small.layer),
            lift_large: KeySlot::of(&mut family.lift_large.layer),
            join: KeySlot::of(&mut family.join.layer),
            aggregate: KeySlot::of(&mut family.aggregate.layer),
            seal: KeySlot::of(&mut family.seal.layer),
            shrink: KeySlot::of(&mut family.shrink.layer),
            wrap: KeySlot::of(&mut family.wrap.layer),
            room: Room::new(KEY_MEMORY),
        };
        Self { sizes, small, large, family, keys }
    }

    /// Keeps at most so many bytes of proving keys in memory between jobs, those that were used last.
    #[must_use]
    pub const fn with_key_memory(mut self, bytes: u64) -> Self {
        self.keys.room.limit = bytes;
        self
    }

    /// Names of the circuits whose proving keys are in memory.
    #[must_use]
    pub fn loaded_keys(&self) -> Vec<&'static str> {
        self.keys.loaded().into_iter().map(|circuit| circuit.name).collect()
    }

    /// What the circuits were built for.
    #[must_use]
    pub const fn sizes(&self) -> &CircuitSizes {
        &self.sizes
    }

    /// A segment circuit.
    #[must_use]
    pub const fn segment(&self, size: SegmentSize) -> &SegmentCircuit {
        match size {
            SegmentSize::Small => &self.small,
            SegmentSize::Large => &self.large,
        }
    }

    /// The circuits above the segments.
    #[must_use]
    pub const fn family(&self) -> &RecursionCircuits {
        &self.family
    }

    /// Proving keys of all circuits.
    pub(crate) const fn keys(&self) -> &ProvingKeys {
        &self.keys
    }

    /// Size and identity of all circuits, in the order of the road.
    #[must_use]
    pub fn summaries(&self) -> Vec<CircuitSummary> {
        let segments = [self.small.summary(), self.large.summary()];
        segments.into_iter().chain(self.family.summaries()).collect()
    }

    /// Bits of security of all circuits, in the order of the road.
    #[must_use]
    pub fn security(&self) -> Vec<CircuitSecurity> {
        let segments = [self.small.layer.security(), self.large.layer.security()];
        segments.into_iter().chain(self.family.security()).collect()
    }
}

/// One of the segment circuits.
pub(crate) fn build_segment(sizes: &CircuitSizes, size: SegmentSize, assembly: Assembly<'_>) -> SegmentCircuit {
    let (name, leaves) = match size {
        SegmentSize::Small => (SEGMENT_SMALL, Leaves::ByPaths),
        SegmentSize::Large => (SEGMENT_LARGE, Leaves::ByAccesses),
    };
    SegmentCircuit::build_with(name, sizes.slots(size), leaves, assembly)
}

/// Does a step between its two pieces of news.
fn step<T>(progress: &impl Fn(BuildProgress), step: BuildStep, work: impl FnOnce() -> T) -> T {
    progress(BuildProgress { step, state: BuildState::Started });
    let start = Instant::now();
    let result = work();
    let wall = start.elapsed();
    tracing::debug!(?step, ?wall, "circuits ready");
    progress(BuildProgress { step, state: BuildState::Done { wall } });
    result
}
