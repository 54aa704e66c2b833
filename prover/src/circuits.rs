//! The circuits of a deployment.

use std::path::Path;
use std::time::{Duration, Instant};

use weft_circuits::builder::{CircuitName, Mode};
use weft_circuits::cache::Cache;
use weft_circuits::config::C;
use weft_circuits::recursion::{Assembly, CircuitSummary, RecursionCircuits};
use weft_circuits::segment::{Leaves, SegmentCircuit};

use crate::layer::{FamilyProvingKeys, take_key};
use crate::plonk::ProvingKey;
use crate::{CircuitSizes, SegmentSize};

const SEGMENT_SMALL: CircuitName = CircuitName { name: "segment-small", version: 1 };
const SEGMENT_LARGE: CircuitName = CircuitName { name: "segment-large", version: 1 };

/// All circuits of a deployment: two for segments, and the family that merges, seals and wraps.
#[derive(Debug)]
pub struct CircuitSet {
    sizes: CircuitSizes,
    small: SegmentCircuit,
    large: SegmentCircuit,
    family: RecursionCircuits,
    keys: Keys,
}

/// What the prover has made of the circuits.
#[derive(Debug)]
struct Keys {
    small: ProvingKey<C>,
    large: ProvingKey<C>,
    family: FamilyProvingKeys,
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
        let segment = |size, name| {
            step(&progress, BuildStep::Segment(size), || {
                let leaves = match size {
                    SegmentSize::Small => Leaves::ByPaths,
                    SegmentSize::Large => Leaves::ByAccesses,
                };
                let mut circuit = SegmentCircuit::build_with(name, sizes.slots(size), leaves, assembly);
                let key = take_key(&mut circuit.layer);
                (circuit, key)
            })
        };
        let ((small, small_key), (large, large_key)) =
            rayon::join(|| segment(SegmentSize::Small, SEGMENT_SMALL), || segment(SegmentSize::Large, SEGMENT_LARGE));
        let (family, family_keys) = step(&progress, BuildStep::Recursion, || {
            let [small, large] = [&small, &large].map(SegmentCircuit::verifier_data);
            let mut family = RecursionCircuits::build(&small, &large, sizes.family(), assembly);
            let keys = FamilyProvingKeys::take(&mut family);
            (family, keys)
        });
        let keys = Keys { small: small_key, large: large_key, family: family_keys };
        Self { sizes, small, large, family, keys }
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

    /// Proving key of a segment circuit.
    pub(crate) const fn segment_key(&self, size: SegmentSize) -> &ProvingKey<C> {
        match size {
            SegmentSize::Small => &self.keys.small,
            SegmentSize::Large => &self.keys.large,
        }
    }

    /// Proving keys of the circuits above the segments.
    pub(crate) const fn family_keys(&self) -> &FamilyProvingKeys {
        &self.keys.family
    }

    /// Size and identity of all circuits, in the order of the road.
    #[must_use]
    pub fn summaries(&self) -> Vec<CircuitSummary> {
        let segments = [self.small.summary(), self.large.summary()];
        segments.into_iter().chain(self.family.summaries()).collect()
    }
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
