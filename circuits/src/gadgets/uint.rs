//! Unsigned integers of a known width.

use plonky2::field::types::Field;

use crate::builder::{Bool, Builder, Target};
use crate::config::F;
use crate::gadgets::compare::LessThanGenerator;
use crate::ledger::Freedom;

/// A wire that carries an integer in `0..2^BITS`, enforced by the constraints that made it. `BITS` is 1 to 63.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Uint<const BITS: u32>(Target);

impl<const BITS: u32> Uint<BITS> {
    /// The wire.
    #[must_use]
    pub const fn target(self) -> Target {
        self.0
    }

    /// Calls a wire well-formed that others have constrained.
    pub(crate) const fn well_formed(target: Target) -> Self {
        Self(target)
    }

    /// The same integer as a wider one.
    ///
    /// # Panics
    /// If `WIDE < BITS` or `WIDE > 63`.
    #[must_use]
    pub fn widen<const WIDE: u32>(self) -> Uint<WIDE> {
        assert!(BITS <= WIDE && WIDE <= 63, "widening goes from narrow to wide");
        Uint(self.0)
    }
}

/// The element of an integer of `BITS` bits.
///
/// # Panics
/// If the integer is wider: a native type broke its promise.
#[must_use]
pub fn element<const BITS: u32>(value: u64) -> F {
    assert!(value >> BITS == 0, "{value} has more than {BITS} bits");
    F::from_canonical_u64(value)
}

impl Builder {
    /// Asserts that `value` is below `2^BITS` and returns it typed.
    ///
    /// # Panics
    /// Inside a condition: the result would be in range only where the condition holds. Use [`Self::range_check`].
    pub fn uint<const BITS: u32>(&mut self, value: Target) -> Uint<BITS> {
        assert!(self.condition().is_none(), "a Uint is in range under any condition: make it outside of `when`");
        self.range_check(value, BITS);
        Uint(value)
    }

    /// A constant integer.
    ///
    /// # Panics
    /// If it has more than `BITS` bits.
    pub fn constant_uint<const BITS: u32>(&mut self, value: u64) -> Uint<BITS> {
        Uint(self.constant(element::<BITS>(value)))
    }

    /// Whether `left < right`. One range check.
    ///
    /// # Soundness
    /// `left − right + 2^BITS · flag` is in `0..2^BITS` for one flag only: for `left < right` it is negative without the
    /// flag, that is above `p − 2^BITS`; for `left ≥ right` it is in `2^BITS..2^(BITS+1)` with it, below p.
    ///
    /// # Panics
    /// If `BITS > 62`.
    pub fn less_than<const BITS: u32>(&mut self, left: Uint<BITS>, right: Uint<BITS>) -> Bool {
        assert!(BITS <= 62, "a comparison needs a spare bit");
        self.gadget("less-than", |b| {
            b.unconditionally(|b| {
                let flag = b.hint(Freedom::Determined);
                let (left, right) = (left.target(), right.target());
                b.add_generator(LessThanGenerator { left, right, flag });
                let flag = b.assert_bool(flag);
                let difference = b.sub(left, right);
                let lifted = b.mul_constant_add(F::from_canonical_u64(1 << BITS), flag.target(), difference);
                b.range_check(lifted, BITS);
                flag
            })
        })
    }

    /// Asserts `left ≤ right`, under the open conditions. One range check.
    ///
    /// # Soundness
    /// With both sides below `2^BITS`, `right − left` is in `0..2^BITS` exactly if `left ≤ right`; otherwise it is above
    /// `p − 2^BITS`.
    pub fn assert_at_most<const BITS: u32>(&mut self, left: Uint<BITS>, right: Uint<BITS>) {
        let difference = self.sub(right.target(), left.target());
        self.range_check(difference, BITS);
    }

    /// `left + right`; asserts that it has `BITS` bits.
    ///
    /// # Soundness
    /// For at most 62 bits the sum is below `2^63 < p` and does not wrap.
    ///
    /// # Panics
    /// Inside a condition, or if `BITS > 62`.
    pub fn checked_add<const BITS: u32>(&mut self, left: Uint<BITS>, right: Uint<BITS>) -> Uint<BITS> {
        assert!(BITS <= 62, "a sum needs a spare bit");
        let sum = self.add(left.target(), right.target());
        self.uint(sum)
    }

    /// `left − right`; asserts that it is not negative.
    ///
    /// # Panics
    /// Inside a condition.
    pub fn checked_sub<const BITS: u32>(&mut self, left: Uint<BITS>, right: Uint<BITS>) -> Uint<BITS> {
        let difference = self.sub(left.target(), right.target());
        self.uint(difference)
    }

    /// `yes` if `flag`, else `no`.
    pub fn select_uint<const BITS: u32>(&mut self, flag: Bool, yes: Uint<BITS>, no: Uint<BITS>) -> Uint<BITS> {
        Uint(self.select(flag, yes.target(), no.target()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::builder::{Builder, Mode};
    use crate::conformance;
    use crate::ledger::ClauseId;
    use crate::statement::Statement;
    use crate::testing::conform::{Conformance, Forgery};
    use crate::wired::Wires;
    use crate::{wired_uint, wires};

    /// A value of 62 bits, the widest that can be compared.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
    struct Wide(u64);
    wired_uint!(Wide, 62, |value| value.0);

    #[derive(Clone, Debug)]
    struct Values {
        a: Wide,
        b: Wide,
        limit: Wide,
    }
    wires! { struct ValuesWires for Values { a: Wide, b: Wide, limit: Wide } }

    #[derive(Clone, Debug, PartialEq)]
    struct Results {
        sum: Wide,
        difference: Wide,
        below: bool,
        maximum: Wide,
    }
    wires! { struct ResultsWires for Results { sum: Wide, difference: Wide, below: bool, maximum: Wide } }

    /// `sum = a + b ≤ limit`, `difference = limit − b`, `below = a < b`, `maximum = max(a, b)`.
    struct UintArithmetic;

    #[derive(Debug)]
    enum UintReject {
        Overflow,
        Negative,
        AboveLimit,
    }

    impl Statement for UintArithmetic {
        const SPEC: &'static str = "UINT";
        const CLAUSES: &'static [ClauseId] = &["UINT-1", "UINT-2", "UINT-3"];
        type Input = Values;
        type Output = Results;
        type Reject = UintReject;

        fn evaluate(input: &Values) -> Result<Results, UintReject> {
            let sum = input.a.0 + input.b.0;
            if sum >> 62 != 0 {
                return Err(UintReject::Overflow);
            }
            let difference = input.limit.0.checked_sub(input.b.0).ok_or(UintReject::Negative)?;
            if sum > input.limit.0 {
                return Err(UintReject::AboveLimit);
            }
            Ok(Results {
                sum: Wide(sum),
                difference: Wide(difference),
                below: input.a < input.b,
                maximum: if input.a < input.b { input.b } else { input.a },
            })
        }

        fn constrain(b: &mut Builder, input: &Wires<Values>) -> Wires<Results> {
            let sum = b.clause("UINT-1", |b| b.checked_add(input.a, input.b));
            let difference = b.clause("UINT-2", |b| b.checked_sub(input.limit, input.b));
            b.clause("UINT-3", |b| b.assert_at_most(sum, input.limit));
            let below = b.less_than(input.a, input.b);
            let maximum = b.select_uint(below, input.b, input.a);
            ResultsWires { sum, difference, below, maximum }
        }
    }

    impl Conformance for UintArithmetic {
        fn inputs() -> BoxedStrategy<Values> {
            let value = || prop_oneof![0..3_u64, (1_u64 << 62) - 3..1 << 62, 0..1_u64 << 62].prop_map(Wide);
            (value(), value(), value()).prop_map(|(a, b, limit)| Values { a, b, limit }).boxed()
        }

        fn clause(reject: &UintReject) -> ClauseId {
            match reject {
                UintReject::Overflow => "UINT-1",
                UintReject::Negative => "UINT-2",
                UintReject::AboveLimit => "UINT-3",
            }
        }

        fn examples() -> Vec<Values> {
            let max = (1 << 62) - 1;
            [(3, 4, 7), (4, 3, 9), (5, 5, 10), (0, 0, 0), (0, max, max), (max, max, max), (1, 2, 1), (1, 2, 2)]
                .map(|(a, b, limit)| Values { a: Wide(a), b: Wide(b), limit: Wide(limit) })
                .to_vec()
        }

        fn forgeries() -> Vec<Forgery<Values>> {
            use plonky2::field::types::Field;

            use crate::config::F;
            let input = Values { a: Wide(3), b: Wide(4), limit: Wide(7) };
            vec![
                Forgery { clause: "input", input: input.clone(), tamper: |wires| vec![(wires.a.target(), F::NEG_ONE)] },
                Forgery {
                    clause: "input",
                    input,
                    tamper: |wires| vec![(wires.limit.target(), F::from_canonical_u64(1 << 62))],
                },
            ]
        }
    }

    conformance!(UintArithmetic);

    #[test]
    fn both_sides_of_a_comparison_are_bounded_in_both_modes() {
        for mode in [Mode::Proving, Mode::Checking] {
            let name = crate::builder::CircuitName { name: "test", version: 1 };
            let mut b = Builder::new(name, crate::config::segment_config(), mode);
            let (left, right) = (b.alloc::<Wide>(), b.alloc::<Wide>());
            b.less_than(left, right);
            let scopes: Vec<_> = b.build().ledger.clauses();
            assert_eq!(scopes, ["input", "less-than"]);
        }
    }
}
