//! The circuit builder in the words of the protocol.
//!
//! [`Builder`] wraps the library's builder with field and extension fixed. It is the only module that names the
//! library's builder methods.
//!
//! * Every assertion belongs to a named scope: [`Builder::clause`] for a numbered line of PROTOCOL.md,
//!   [`Builder::gadget`] for the inner consistency of a reusable part. Asserting outside of both panics at construction.
//! * [`Builder::when`] makes every assertion inside conditional. Conditions nest (they multiply).
//! * Wires are born constrained: [`Bool`] can only hold 0 or 1, range checks return typed wires
//!   (see [`crate::gadgets::uint`]), wires of a child proof come out of [`Builder::verify_child`] only.
//! * *Connecting* ([`Builder::connect`]) is wiring and *asserting* is claiming. In [`Mode::Checking`] claims of equality
//!   are recorded in the [`Ledger`] and not wired, so that a checker can name the clause which a witness breaks. The
//!   gates of both modes are the same, row by row.

mod arithmetic;
mod assertions;
mod circuit;
mod hash;
#[cfg(test)]
pub(crate) mod mutation;
mod openings;
mod recursion;
mod shape;

pub use assertions::RANGE_BITS_MAX;
pub(crate) use circuit::SourceKey;
pub use circuit::{Circuit, CircuitName};
pub use hash::{HASH_RATE, Sponge};
pub use openings::OpeningsChild;
pub use recursion::{Child, ChildKey, KeyWires, key_digest};

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash};

use plonky2::gates::gate::Gate;
use plonky2::iop::generator::SimpleGenerator;
pub use plonky2::iop::target::Target;
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::CircuitConfig;

use crate::config::{D, F};
use crate::digest::gate_fingerprint;
use crate::ledger::{Assertion, Claim, ClauseId, Freedom, Hint, Ledger};

/// What happens to a claim of equality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It becomes a constraint. The only mode whose proofs mean anything.
    Proving,
    /// It is written into the ledger only, for tests that ask which clause a witness breaks.
    Checking,
}

/// A wire that carries 0 or 1, enforced by the constraints that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bool(Target);

impl Bool {
    /// The wire, as a number.
    #[must_use]
    pub const fn target(self) -> Target {
        self.0
    }

    /// Calls a wire well-formed that others have constrained.
    pub(crate) const fn well_formed(target: Target) -> Self {
        Self(target)
    }

    /// Declares that a gate of ours constrains `target` to 0 or 1. The caller says which in a comment.
    #[must_use]
    pub const fn constrained_by_gate(target: Target) -> Self {
        Self(target)
    }
}

/// A circuit under construction. See the [module](self).
#[derive(Debug)]
pub struct Builder {
    inner: CircuitBuilder<F, D>,
    name: CircuitName,
    mode: Mode,
    ledger: Ledger,
    /// Open scopes, innermost last.
    scopes: Vec<ClauseId>,
    /// Product of the open conditions, innermost last.
    conditions: Vec<Bool>,
    /// Fingerprints of the gates that are not the library's, by id.
    custom_gates: BTreeMap<String, [u8; 32]>,
    /// What has been built so far, for the key under which a finished circuit is cached.
    trace: DefaultHasher,
    /// Where tests leave constraints out.
    #[cfg(test)]
    sites: mutation::Sites,
}

impl Builder {
    /// Starts a circuit.
    #[must_use]
    pub fn new(name: CircuitName, config: CircuitConfig, mode: Mode) -> Self {
        Self {
            inner: CircuitBuilder::new(config),
            name,
            mode,
            ledger: Ledger::default(),
            scopes: Vec::new(),
            conditions: Vec::new(),
            custom_gates: BTreeMap::new(),
            trace: DefaultHasher::new(),
            #[cfg(test)]
            sites: mutation::Sites::default(),
        }
    }

    /// The configuration that the circuit was started with.
    #[must_use]
    pub const fn config(&self) -> &CircuitConfig {
        &self.inner.config
    }

    /// The mode that the circuit was started in.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Rows so far. The build adds a few for public inputs and constants and pads to a power of two.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.inner.num_gates()
    }

    /// Runs `body` as the clause `id`: assertions inside carry this name, unless an inner clause takes over.
    #[cfg_attr(test, track_caller)]
    pub fn clause<T>(&mut self, id: ClauseId, body: impl FnOnce(&mut Self) -> T) -> T {
        self.scoped(id, body)
    }

    /// Runs `body` as a part of the open clause, or, outside of any clause, under the part's own name.
    ///
    /// For assertions that define a part's outputs (an inverse, a decomposition) and are no claim of the protocol.
    #[cfg_attr(test, track_caller)]
    pub fn gadget<T>(&mut self, name: ClauseId, body: impl FnOnce(&mut Self) -> T) -> T {
        let id = self.scopes.last().copied().unwrap_or(name);
        self.scoped(id, body)
    }

    /// Runs `body` with every assertion inside required only if `flag` is 1. Nested conditions must all be 1.
    ///
    /// Definitions (outputs of arithmetic, comparisons, hashes, gates) hold in any case.
    pub fn when<T>(&mut self, flag: Bool, body: impl FnOnce(&mut Self) -> T) -> T {
        let product = match self.conditions.last() {
            Some(&outer) => self.and(outer, flag),
            None => flag,
        };
        self.conditions.push(product);
        let result = body(self);
        self.conditions.pop();
        result
    }

    /// Runs `body` with no condition open: for definitions, which hold whatever the conditions around them say.
    pub(crate) fn unconditionally<T>(&mut self, body: impl FnOnce(&mut Self) -> T) -> T {
        let conditions = std::mem::take(&mut self.conditions);
        let result = body(self);
        self.conditions = conditions;
        result
    }

    #[cfg_attr(test, track_caller)]
    fn scoped<T>(&mut self, id: ClauseId, body: impl FnOnce(&mut Self) -> T) -> T {
        #[cfg(test)]
        self.sites.enter(id, std::panic::Location::caller());
        self.scopes.push(id);
        self.ledger.row_scopes.push((self.inner.num_gates(), id));
        self.inner.push_context(log::Level::Debug, id);
        let result = body(self);
        self.inner.pop_context();
        self.scopes.pop();
        #[cfg(test)]
        self.sites.leave();
        let outer = self.scopes.last().copied().unwrap_or("");
        self.ledger.row_scopes.push((self.inner.num_gates(), outer));
        result
    }

    /// Product of all open conditions, if there are any.
    #[must_use]
    pub fn condition(&self) -> Option<Bool> {
        self.conditions.last().copied()
    }

    /// The scope that assertions are recorded under.
    ///
    /// # Panics
    /// Outside of any scope: an assertion without a name cannot be tested.
    fn open_scope(&self) -> ClauseId {
        self.scopes.last().expect("every assertion is made inside a clause or a gadget")
    }

    /// Mixes a step of the construction into the cache key.
    fn trace(&mut self, step: impl Hash) {
        step.hash(&mut self.trace);
    }

    pub(crate) fn record(&mut self, claim: Claim) {
        let clause = self.open_scope();
        self.trace((clause, claim));
        self.ledger.assertions.push(Assertion { clause, claim });
    }

    /// A new wire without any constraint; private so that no wire leaves the builder unconstrained by accident.
    pub(crate) fn fresh(&mut self) -> Target {
        self.inner.add_virtual_target()
    }

    /// A wire for an input of the witness. Only [`crate::wired::Wired::alloc`] of a type that admits every field element
    /// uses it as it is; every other type adds its constraints.
    pub fn input(&mut self) -> Target {
        self.fresh()
    }

    /// A wire that a generator of ours fills and that the caller's constraints determine.
    pub fn hint(&mut self, freedom: Freedom) -> Target {
        let target = self.fresh();
        let scope = self.open_scope();
        self.ledger.hints.push(Hint { target, scope, freedom });
        target
    }

    /// Adds code that computes hints when a witness is generated. It has no part in the constraints.
    ///
    /// A circuit can be cached only if the generator is listed in [`crate::cache::Generators`].
    pub fn add_generator<G: SimpleGenerator<F, D>>(&mut self, generator: G) {
        self.trace((generator.id(), generator.dependencies()));
        self.inner.add_simple_generator(generator);
    }

    /// Adds a row with a gate of ours and returns the row. Its id and behaviour enter the circuit's digest.
    ///
    /// Wire the inputs with [`Self::connect`]; the wires of the row are [`Target::wire`]`(row, column)`.
    pub fn add_gate<G: Gate<F, D>>(&mut self, gate: G, constants: Vec<F>) -> usize {
        self.note_gate(&gate);
        self.trace((gate.id(), &constants));
        self.inner.add_gate(gate, constants)
    }

    /// The next free operation `(row, index)` of a gate of ours that packs several operations into a row.
    ///
    /// `parameters` tell operations apart that cannot share a row; usually the constants.
    pub fn find_slot<G: Gate<F, D> + Clone>(&mut self, gate: G, parameters: &[F], constants: &[F]) -> (usize, usize) {
        self.note_gate(&gate);
        self.trace((gate.id(), parameters, constants));
        self.inner.find_slot(gate, parameters, constants)
    }

    fn note_gate<G: Gate<F, D>>(&mut self, gate: &G) {
        self.custom_gates.entry(gate.id()).or_insert_with(|| gate_fingerprint(gate));
    }

    /// Wires two targets together, in every mode. For feeding values into gates, not for claims about values: use
    /// [`Self::assert_equal`] where a witness could make this fail.
    pub fn connect(&mut self, source: Target, sink: Target) {
        self.trace((source, sink));
        self.inner.connect(source, sink);
    }

    /// Makes `targets` public, in this order, after those made public before.
    #[cfg_attr(test, track_caller)]
    pub fn expose(&mut self, targets: &[Target]) {
        self.trace(targets);
        #[cfg(test)]
        let targets = &self.untie_exposed(targets, std::panic::Location::caller())[..];
        self.inner.register_public_inputs(targets);
    }

    /// Public inputs so far.
    #[must_use]
    pub fn num_public_inputs(&self) -> usize {
        self.inner.num_public_inputs()
    }
}

#[cfg(test)]
mod tests;
