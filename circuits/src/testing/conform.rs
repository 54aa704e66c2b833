//! Native rule and circuit of a statement, compared. `conformance!(S)` makes the tests of one statement.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use plonky2::field::types::Field;
use plonky2::gates::gate::GateRef;
use plonky2::iop::target::Target;
use proptest::strategy::{BoxedStrategy, Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::checker::{Checker, Violation, clauses_of, value_of};
use super::generate::generate;
use super::mutate::{Refusal, WireClass, class_of, prove_anyway, unconstrained_classes, undetermined_hints};
use crate::builder::{Builder, Circuit, CircuitName, Mode};
use crate::config::{C, D, F, segment_config};
use crate::ledger::{ClauseId, Hint};
use crate::statement::Statement;
use crate::wired::{Wired, Wires, Witness, elements_of, targets_of};

/// Random inputs tried per statement.
pub const CASES: usize = 64;
/// Honest inputs whose every wire is changed.
const MUTATED_INPUTS: usize = 2;
/// Proofs made of bad witnesses.
const PROOFS: usize = 2;

/// Wires of the input and the values forced onto them (and whatever else hangs on them) before generation.
pub type Tamper<I> = fn(&Wires<I>) -> Vec<(Target, F)>;

/// A violation that no native input can express: an input, and wires forced to values outside of the native types.
#[derive(Clone, Debug)]
pub struct Forgery<I: Wired> {
    /// The clause that must object.
    pub clause: ClauseId,
    /// A good input.
    pub input: I,
    /// What is forced.
    pub tamper: Tamper<I>,
}

/// What the tests of a statement need beside the statement.
pub trait Conformance: Statement {
    /// Inputs near the boundaries of the rule, good and bad.
    fn inputs() -> BoxedStrategy<Self::Input>;

    /// The clause that a rejection names.
    fn clause(reject: &Self::Reject) -> ClauseId;

    /// Hand-picked inputs: at least one good one, and one for each clause that a native input can violate.
    fn examples() -> Vec<Self::Input>;

    /// Violations of the clauses that no native input can violate.
    fn forgeries() -> Vec<Forgery<Self::Input>> {
        Vec::new()
    }
}

/// A statement as a circuit of its own.
#[derive(Debug)]
pub struct StatementCircuit<S: Statement> {
    /// The circuit; the outputs are public.
    pub circuit: Circuit,
    /// Wires of the input.
    pub input: Wires<S::Input>,
    /// Wires of the output.
    pub output: Wires<S::Output>,
}

impl<S: Statement> StatementCircuit<S> {
    /// Builds the circuit.
    #[must_use]
    pub fn build(mode: Mode) -> Self {
        let name = CircuitName { name: S::SPEC, version: 1 };
        let mut b = Builder::new(name, segment_config(), mode);
        let input = b.alloc::<S::Input>();
        let output = S::constrain(&mut b, &input);
        b.expose_wires::<S::Output>(&output);
        Self { circuit: b.build(), input, output }
    }

    /// The witness of an input.
    ///
    /// # Panics
    /// If the type of the input gives two values to a wire.
    #[must_use]
    pub fn witness(&self, input: &S::Input) -> Witness {
        let mut witness = Witness::new();
        witness.assign(&self.input, input).expect("each input wire is allocated once");
        witness
    }

    /// What a witness with this input and these forced wires breaks.
    fn outcome(&self, checker: &Checker<'_, C>, input: &S::Input, forced: &[(Target, F)]) -> Outcome {
        let generated = generate(&self.circuit, &self.witness(input), forced);
        let claims = checker.broken_claims(&generated.witness);
        let rows = checker.broken_rows(&generated.witness);
        let output = targets_of::<S::Output>(&self.output)
            .into_iter()
            .map(|target| value_of(&generated.witness, target))
            .collect();
        Outcome { satisfied: rows.is_empty() && generated.is_complete(), clauses: clauses_of(&claims), rows, output }
    }
}

struct Outcome {
    satisfied: bool,
    clauses: BTreeSet<ClauseId>,
    rows: Vec<Violation>,
    output: Vec<F>,
}

/// What a test of a statement found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The native rule accepts, the circuit does not.
    CircuitRefuses {
        /// The input.
        input: String,
        /// Rows that are not satisfied.
        rows: Vec<Violation>,
    },
    /// The native rule rejects, the circuit accepts.
    CircuitAccepts {
        /// The input.
        input: String,
        /// Why the native rule rejects.
        reject: String,
    },
    /// Both accept, with different outputs.
    OutputsDiffer {
        /// The input.
        input: String,
        /// Elements of the native output.
        native: Vec<F>,
        /// Values of the output wires.
        circuit: Vec<F>,
    },
    /// Other clauses fail than the native rule names.
    WrongClause {
        /// The input.
        input: String,
        /// The clause that the native rule names, if it rejects.
        expected: Option<ClauseId>,
        /// The clauses that fail in the circuit.
        failed: BTreeSet<ClauseId>,
    },
    /// Wires can change without any gate's objection.
    Unconstrained {
        /// The input.
        input: String,
        /// Wires whose change no gate notices.
        classes: Vec<WireClass>,
        /// Hints that can lie.
        hints: Vec<Hint>,
    },
    /// The native rule accepts none of the inputs.
    NothingAccepted,
    /// The proof of an honest witness is refused.
    HonestProofRefused {
        /// By whom.
        refusal: Refusal,
    },
    /// The verifier accepts a proof of a changed witness.
    ChangedWitnessProved {
        /// The wire that was changed.
        target: Target,
    },
    /// All gates accept a forgery.
    ForgeryAccepted {
        /// The clause that it violates.
        clause: ClauseId,
    },
    /// Declared clauses and those of the circuit do not match.
    Clauses {
        /// Declared, but nothing violates them.
        silent: Vec<ClauseId>,
        /// In the circuit, but not declared.
        undeclared: Vec<ClauseId>,
    },
}

/// [`Conformance::examples`], then [`CASES`] random inputs, the same in every run.
fn all_inputs<S: Conformance>() -> Vec<S::Input> {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = S::inputs();
    let random = (0..CASES).map(|_| strategy.new_tree(&mut runner).expect("strategies do not give up").current());
    S::examples().into_iter().chain(random).collect()
}

/// The native rule accepts exactly if the circuit is satisfied, and then the outputs are equal element by element.
///
/// # Errors
/// The first input on which they differ.
pub fn native_and_circuit_agree<S: Conformance>() -> Result<(), Finding> {
    let (circuit, inputs) = (StatementCircuit::<S>::build(Mode::Proving), all_inputs::<S>());
    let checker = Checker::new(&circuit.circuit);
    inputs.into_iter().try_for_each(|value| {
        let outcome = circuit.outcome(&checker, &value, &[]);
        let input = format!("{value:?}");
        match S::evaluate(&value) {
            Ok(_) if !outcome.satisfied => Err(Finding::CircuitRefuses { input, rows: outcome.rows }),
            Ok(output) if outcome.output != elements_of(&output) => {
                Err(Finding::OutputsDiffer { input, native: elements_of(&output), circuit: outcome.output })
            }
            Err(reject) if outcome.satisfied => Err(Finding::CircuitAccepts { input, reject: format!("{reject:?}") }),
            Ok(_) | Err(_) => Ok(()),
        }
    })
}

/// Where the native rule names a clause, that clause fails in the circuit; accepted inputs break none.
///
/// # Errors
/// The first input for which another clause fails, or none.
pub fn rejections_fail_their_clause<S: Conformance>() -> Result<(), Finding> {
    let (circuit, inputs) = (StatementCircuit::<S>::build(Mode::Checking), all_inputs::<S>());
    let checker = Checker::new(&circuit.circuit);
    inputs.into_iter().try_for_each(|value| {
        let failed = circuit.outcome(&checker, &value, &[]).clauses;
        let expected = S::evaluate(&value).err().map(|reject| S::clause(&reject));
        let as_expected = match expected {
            Some(clause) => failed.contains(clause),
            None => failed.is_empty(),
        };
        if as_expected { Ok(()) } else { Err(Finding::WrongClause { input: format!("{value:?}"), expected, failed }) }
    })
}

/// On honest witnesses, a change of any wire breaks a gate, and so does a lie about any hint with all that follows from
/// it. A few changed witnesses are proved, and the verifier refuses.
///
/// # Errors
/// The changes that survive, or that no input is accepted.
pub fn every_wire_is_constrained<S: Conformance>() -> Result<(), Finding> {
    let circuit = StatementCircuit::<S>::build(Mode::Proving);
    let checker = Checker::new(&circuit.circuit);
    let accepted: Vec<_> = all_inputs::<S>().into_iter().filter(|input| S::evaluate(input).is_ok()).collect();
    let first = accepted.first().ok_or(Finding::NothingAccepted)?;
    for input in accepted.iter().take(MUTATED_INPUTS) {
        let inputs = circuit.witness(input);
        let honest = generate(&circuit.circuit, &inputs, &[]).witness;
        let classes = unconstrained_classes(&checker, &honest);
        let hints = undetermined_hints(&checker, &inputs);
        if !classes.is_empty() || !hints.is_empty() {
            return Err(Finding::Unconstrained { input: format!("{input:?}"), classes, hints });
        }
    }
    let honest = generate(&circuit.circuit, &circuit.witness(first), &[]).witness;
    prove_anyway(&circuit.circuit, honest.clone()).map_err(|refusal| Finding::HonestProofRefused { refusal })?;
    for target in targets_of::<S::Input>(&circuit.input).into_iter().take(PROOFS) {
        let mut changed = honest.clone();
        let class = class_of(&changed, target);
        changed.values[class] = Some(value_of(&honest, target) + F::ONE);
        if prove_anyway(&circuit.circuit, changed).is_ok() {
            return Err(Finding::ChangedWitnessProved { target });
        }
    }
    Ok(())
}

/// Every clause is violated by some example, input or forgery, and every clause in the circuit is declared.
///
/// # Errors
/// Clauses that never fail, forgeries that are accepted, clauses in the circuit that are not declared.
pub fn every_clause_fires<S: Conformance>() -> Result<(), Finding> {
    let (proving, checking) =
        (StatementCircuit::<S>::build(Mode::Proving), StatementCircuit::<S>::build(Mode::Checking));
    let (prover, checker) = (Checker::new(&proving.circuit), Checker::new(&checking.circuit));
    let mut fired = BTreeSet::new();
    for input in all_inputs::<S>() {
        fired.extend(checking.outcome(&checker, &input, &[]).clauses);
    }
    for Forgery { clause, input, tamper } in S::forgeries() {
        let failed = checking.outcome(&checker, &input, &tamper(&checking.input)).clauses;
        if !failed.contains(clause) {
            return Err(Finding::WrongClause { input: format!("{input:?}"), expected: Some(clause), failed });
        }
        if proving.outcome(&prover, &input, &tamper(&proving.input)).rows.is_empty() {
            return Err(Finding::ForgeryAccepted { clause });
        }
        fired.insert(clause);
    }
    let silent: Vec<_> = S::CLAUSES.iter().copied().filter(|clause| !fired.contains(clause)).collect();
    let prefix = format!("{}-", S::SPEC);
    let mut undeclared = checking.circuit.ledger.clauses();
    undeclared.retain(|clause| clause.starts_with(&prefix) && !S::CLAUSES.contains(clause));
    if silent.is_empty() && undeclared.is_empty() { Ok(()) } else { Err(Finding::Clauses { silent, undeclared }) }
}

/// Size, gates, clauses and digest of a circuit as text, for snapshots.
#[must_use]
pub fn summary<K>(circuit: &Circuit<K>) -> String
where
    K: plonky2::plonk::config::GenericConfig<D, F = F>,
{
    let common = &circuit.data.common;
    let checker = Checker::new(circuit);
    let mut text = format!(
        "digest: {}\ndegree: 2^{}\npublic inputs: {}\n",
        circuit.digest,
        common.degree_bits(),
        common.num_public_inputs
    );
    for gate in &common.gates {
        let rows = (0..checker.rows()).filter(|&row| checker.gate(row) == gate).count();
        writeln!(text, "rows: {rows:6} {}", short_id(gate)).expect("a string takes any text");
    }
    for clause in circuit.ledger.clauses() {
        let count = circuit.ledger.assertions().iter().filter(|assertion| assertion.clause == clause).count();
        writeln!(text, "assertions: {count:6} {clause}").expect("a string takes any text");
    }
    text
}

/// A gate's id without its parameters.
fn short_id(gate: &GateRef<F, D>) -> String {
    gate.0.id().chars().take_while(|&character| character.is_alphanumeric() || "_:".contains(character)).collect()
}

/// The tests of one statement: `conformance!(Transfer)`, in a test module of the statement's file.
#[macro_export]
macro_rules! conformance {
    ($statement:ty) => {
        #[test]
        fn native_and_circuit_agree() {
            assert_eq!($crate::testing::conform::native_and_circuit_agree::<$statement>(), Ok(()));
        }

        #[test]
        fn rejections_fail_their_clause() {
            assert_eq!($crate::testing::conform::rejections_fail_their_clause::<$statement>(), Ok(()));
        }

        #[test]
        fn every_wire_is_constrained() {
            assert_eq!($crate::testing::conform::every_wire_is_constrained::<$statement>(), Ok(()));
        }

        #[test]
        fn every_clause_fires() {
            assert_eq!($crate::testing::conform::every_clause_fires::<$statement>(), Ok(()));
        }

        #[test]
        fn circuit_is_the_recorded_one() {
            let circuit =
                $crate::testing::conform::StatementCircuit::<$statement>::build($crate::builder::Mode::Proving);
            let name = <$statement as $crate::statement::Statement>::SPEC;
            insta::assert_snapshot!(name, $crate::testing::conform::summary(&circuit.circuit));
        }
    };
}
