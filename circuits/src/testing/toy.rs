//! The harness tested on a small statement, whole and with one constraint missing.

use plonky2::field::types::Field;
use plonky2::iop::generator::{GeneratedValues, SimpleGenerator};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartitionWitness, WitnessWrite};
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::util::serialization::{Buffer, IoResult, Read, Write};
use proptest::prelude::*;

use super::conform::{
    Conformance, Finding, Forgery, every_clause_fires, every_wire_is_constrained, native_and_circuit_agree,
    rejections_fail_their_clause,
};
use crate::builder::{Bool, Builder};
use crate::config::{D, F};
use crate::ledger::{ClauseId, Freedom};
use crate::statement::Statement;
use crate::wired::Wires;
use crate::{conformance, wired_uint, wires};

/// An amount of 62 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Amount(u64);
wired_uint!(Amount, 62, |amount| amount.0);

#[derive(Clone, Debug, PartialEq)]
struct Payment {
    balance: Amount,
    nonce: u32,
    amount: Amount,
    payment_nonce: u32,
    fee_due: bool,
    fee: Amount,
}
wires! { struct PaymentWires for Payment {
    balance: Amount, nonce: u32, amount: Amount, payment_nonce: u32, fee_due: bool, fee: Amount
} }

#[derive(Clone, Debug, PartialEq)]
struct After {
    balance: Amount,
    nonce: u32,
    empty: bool,
}
wires! { struct AfterWires for After { balance: Amount, nonce: u32, empty: bool } }

#[derive(Clone, Copy, Debug)]
enum ToyReject {
    StaleNonce,
    Insufficient,
    NonceExhausted,
    FeeMissing,
}

const SOUND: usize = 0;
const WITHOUT_NONCE_CHECK: usize = 1;
const WITHOUT_NONCE_RANGE: usize = 2;
const STRAY_WIRE: usize = 3;
const FREE_EMPTY_FLAG: usize = 4;
const WRONG_CLAUSE: usize = 5;
const WRONG_OUTPUT: usize = 6;
const UNDECLARED_CLAUSE: usize = 7;
const TOO_STRICT: usize = 8;

struct Toy<const FLAW: usize>;

impl<const FLAW: usize> Statement for Toy<FLAW> {
    const SPEC: &'static str = "TOY";
    const CLAUSES: &'static [ClauseId] = &["TOY-1", "TOY-2", "TOY-3", "TOY-4"];
    type Input = Payment;
    type Output = After;
    type Reject = ToyReject;

    fn evaluate(input: &Payment) -> Result<After, ToyReject> {
        if input.nonce != input.payment_nonce {
            return Err(ToyReject::StaleNonce);
        }
        let balance = input.balance.0.checked_sub(input.amount.0).ok_or(ToyReject::Insufficient)?;
        let nonce = input.nonce.checked_add(1).ok_or(ToyReject::NonceExhausted)?;
        if input.fee_due && input.fee.0 == 0 {
            return Err(ToyReject::FeeMissing);
        }
        Ok(After { balance: Amount(balance), nonce, empty: balance == 0 })
    }

    fn constrain(b: &mut Builder, input: &Wires<Payment>) -> Wires<After> {
        let nonce_clause = if FLAW == WRONG_CLAUSE { "TOY-2" } else { "TOY-1" };
        if FLAW != WITHOUT_NONCE_CHECK {
            b.clause(nonce_clause, |b| b.assert_equal(input.nonce.target(), input.payment_nonce.target()));
        }
        let balance = b.clause("TOY-2", |b| b.checked_sub(input.balance, input.amount));
        let next = b.add_constant(input.nonce.target(), F::ONE);
        let nonce = match FLAW {
            WITHOUT_NONCE_RANGE => crate::gadgets::uint::Uint::well_formed(next),
            _ => b.clause("TOY-3", |b| b.uint::<32>(next)),
        };
        b.when(input.fee_due, |b| b.clause("TOY-4", |b| b.assert_nonzero(input.fee.target())));
        let empty = match FLAW {
            FREE_EMPTY_FLAG => flag_that_may_lie(b),
            WRONG_OUTPUT => b.constant_bool(false),
            _ => b.is_zero(balance.target()),
        };
        match FLAW {
            STRAY_WIRE => {
                flag_that_may_lie(b);
            }
            UNDECLARED_CLAUSE => b.clause("TOY-5", |b| b.assert_equal(next, next)),
            TOO_STRICT => b.clause("TOY-2", |b| b.assert_nonzero(input.balance.target())),
            _ => {}
        }
        AfterWires { balance, nonce, empty }
    }
}

impl<const FLAW: usize> Conformance for Toy<FLAW> {
    fn inputs() -> BoxedStrategy<Payment> {
        let amount = || prop_oneof![0..3_u64, (1_u64 << 62) - 3..1 << 62, 0..1_u64 << 62].prop_map(Amount);
        let nonce = || prop_oneof![0..3_u32, u32::MAX - 2..=u32::MAX];
        (amount(), nonce(), amount(), nonce(), any::<bool>(), amount())
            .prop_map(|(balance, nonce, amount, payment_nonce, fee_due, fee)| Payment {
                balance,
                nonce,
                amount,
                payment_nonce,
                fee_due,
                fee,
            })
            .boxed()
    }

    fn clause(reject: &ToyReject) -> ClauseId {
        match reject {
            ToyReject::StaleNonce => "TOY-1",
            ToyReject::Insufficient => "TOY-2",
            ToyReject::NonceExhausted => "TOY-3",
            ToyReject::FeeMissing => "TOY-4",
        }
    }

    fn examples() -> Vec<Payment> {
        let good = good();
        vec![
            good.clone(),
            Payment { amount: good.balance, ..good.clone() },
            Payment { balance: Amount(0), amount: Amount(0), ..good.clone() },
            Payment { payment_nonce: 8, ..good.clone() },
            Payment { amount: Amount(101), ..good.clone() },
            Payment { nonce: u32::MAX, payment_nonce: u32::MAX, ..good.clone() },
            Payment { fee: Amount(0), ..good.clone() },
            Payment { fee: Amount(0), fee_due: false, ..good },
        ]
    }

    fn forgeries() -> Vec<Forgery<Payment>> {
        vec![
            Forgery { clause: "input", input: good(), tamper: |wires| vec![(wires.fee_due.target(), F::TWO)] },
            Forgery {
                clause: "input",
                input: good(),
                tamper: |wires| vec![(wires.balance.target(), F::from_canonical_u64(1 << 62))],
            },
            Forgery {
                clause: "TOY-2",
                input: good(),
                tamper: |wires| vec![(wires.amount.target(), F::from_canonical_u64((1 << 62) - 1))],
            },
        ]
    }
}

fn good() -> Payment {
    Payment { balance: Amount(100), nonce: 7, amount: Amount(40), payment_nonce: 7, fee_due: true, fee: Amount(3) }
}

/// Sets a wire to 0 and is not asked about it again.
#[derive(Debug, Default)]
struct ZeroGenerator(Target);

impl SimpleGenerator<F, D> for ZeroGenerator {
    fn id(&self) -> String {
        "weft::test::ZeroGenerator".to_owned()
    }

    fn dependencies(&self) -> Vec<Target> {
        Vec::new()
    }

    fn run_once(&self, _: &PartitionWitness<F>, out: &mut GeneratedValues<F>) -> anyhow::Result<()> {
        out.set_target(self.0, F::ZERO)
    }

    fn serialize(&self, dst: &mut Vec<u8>, _: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_target(self.0)
    }

    fn deserialize(src: &mut Buffer, _: &CommonCircuitData<F, D>) -> IoResult<Self> {
        src.read_target().map(Self)
    }
}

/// Fills a hint with 0 by a generator that the cache does not know.
pub(crate) fn unlisted_generator(b: &mut Builder, hint: Target) {
    b.add_generator(ZeroGenerator(hint));
}

fn flag_that_may_lie(b: &mut Builder) -> Bool {
    let flag = b.gadget("toy", |b| b.hint(Freedom::Determined));
    unlisted_generator(b, flag);
    Bool::well_formed(flag)
}

mod sound {
    use super::*;

    conformance!(Toy<SOUND>);
}

#[test]
fn a_missing_equality_is_found() {
    assert!(matches!(
        native_and_circuit_agree::<Toy<WITHOUT_NONCE_CHECK>>(),
        Err(Finding::CircuitAccepts { reject, .. }) if reject == "StaleNonce"
    ));
}

#[test]
fn a_missing_range_check_is_found() {
    assert!(matches!(
        native_and_circuit_agree::<Toy<WITHOUT_NONCE_RANGE>>(),
        Err(Finding::CircuitAccepts { reject, .. }) if reject == "NonceExhausted"
    ));
}

#[test]
fn a_silent_clause_is_found() {
    assert_eq!(
        every_clause_fires::<Toy<WITHOUT_NONCE_RANGE>>(),
        Err(Finding::Clauses { silent: vec!["TOY-3"], undeclared: vec![] })
    );
}

#[test]
fn an_undeclared_clause_is_found() {
    assert_eq!(
        every_clause_fires::<Toy<UNDECLARED_CLAUSE>>(),
        Err(Finding::Clauses { silent: vec![], undeclared: vec!["TOY-5"] })
    );
}

#[test]
fn a_wrong_clause_is_found() {
    assert!(matches!(
        rejections_fail_their_clause::<Toy<WRONG_CLAUSE>>(),
        Err(Finding::WrongClause { expected: Some("TOY-1"), .. })
    ));
}

#[test]
fn a_wrong_output_is_found() {
    assert!(matches!(native_and_circuit_agree::<Toy<WRONG_OUTPUT>>(), Err(Finding::OutputsDiffer { .. })));
}

#[test]
fn a_constraint_too_many_is_found() {
    assert!(matches!(native_and_circuit_agree::<Toy<TOO_STRICT>>(), Err(Finding::CircuitRefuses { .. })));
    assert!(matches!(
        rejections_fail_their_clause::<Toy<TOO_STRICT>>(),
        Err(Finding::WrongClause { expected: None, .. })
    ));
}

#[test]
fn a_stray_wire_is_found() {
    let Err(Finding::Unconstrained { classes, hints, .. }) = every_wire_is_constrained::<Toy<STRAY_WIRE>>() else {
        panic!("the stray wire is not reported");
    };
    assert_eq!(classes.len(), 1);
    assert_eq!(classes[0].rows, Vec::<usize>::new());
    assert_eq!(hints.len(), 1);
}

#[test]
fn a_hint_that_can_lie_is_found() {
    let Err(Finding::Unconstrained { hints, .. }) = every_wire_is_constrained::<Toy<FREE_EMPTY_FLAG>>() else {
        panic!("the lie is not reported");
    };
    assert_eq!(hints.iter().map(|hint| hint.scope).collect::<Vec<_>>(), ["toy"]);
}
