//! Wires of basic types.

use plonky2::field::types::Field;
use plonky2::iop::target::Target;
use weft_crypto::{Digest, Goldilocks};

use super::{Targets, Wired, to_field};
use crate::builder::{Bool, Builder};
use crate::config::F;
use crate::gadgets::uint::Uint;
use crate::wired_uint;

impl Wired for F {
    type Wires = Target;

    fn alloc(b: &mut Builder) -> Target {
        b.input()
    }

    fn elements(&self, out: &mut Vec<F>) {
        out.push(*self);
    }

    fn targets(wires: &Target, out: &mut Vec<Target>) {
        out.push(*wires);
    }

    fn rebuild(source: &mut Targets<'_>) -> Target {
        source.next()
    }
}

impl Wired for Goldilocks {
    type Wires = Target;

    fn alloc(b: &mut Builder) -> Target {
        b.input()
    }

    fn elements(&self, out: &mut Vec<F>) {
        out.push(to_field(*self));
    }

    fn targets(wires: &Target, out: &mut Vec<Target>) {
        out.push(*wires);
    }

    fn rebuild(source: &mut Targets<'_>) -> Target {
        source.next()
    }
}

impl Wired for Digest {
    type Wires = [Target; 4];

    fn alloc(b: &mut Builder) -> [Target; 4] {
        std::array::from_fn(|_| b.input())
    }

    fn elements(&self, out: &mut Vec<F>) {
        out.extend(self.0.map(to_field));
    }

    fn targets(wires: &[Target; 4], out: &mut Vec<Target>) {
        out.extend(wires);
    }

    fn rebuild(source: &mut Targets<'_>) -> [Target; 4] {
        std::array::from_fn(|_| source.next())
    }
}

impl Wired for bool {
    type Wires = Bool;

    fn alloc(b: &mut Builder) -> Bool {
        let target = b.input();
        b.assert_bool(target)
    }

    fn elements(&self, out: &mut Vec<F>) {
        out.push(F::from_bool(*self));
    }

    fn targets(wires: &Bool, out: &mut Vec<Target>) {
        out.push(wires.target());
    }

    fn rebuild(source: &mut Targets<'_>) -> Bool {
        Bool::well_formed(source.next())
    }
}

impl<T: Wired, const N: usize> Wired for [T; N] {
    type Wires = [T::Wires; N];

    fn alloc(b: &mut Builder) -> Self::Wires {
        std::array::from_fn(|_| T::alloc(b))
    }

    fn elements(&self, out: &mut Vec<F>) {
        self.iter().for_each(|value| value.elements(out));
    }

    fn targets(wires: &Self::Wires, out: &mut Vec<Target>) {
        wires.iter().for_each(|wires| T::targets(wires, out));
    }

    fn rebuild(source: &mut Targets<'_>) -> Self::Wires {
        std::array::from_fn(|_| T::rebuild(source))
    }
}

impl Wired for () {
    type Wires = ();

    fn alloc(_: &mut Builder) {}

    fn elements(&self, _: &mut Vec<F>) {}

    fn targets((): &(), _: &mut Vec<Target>) {}

    fn rebuild(_: &mut Targets<'_>) {}
}

impl<A: Wired, B: Wired> Wired for (A, B) {
    type Wires = (A::Wires, B::Wires);

    fn alloc(b: &mut Builder) -> Self::Wires {
        (A::alloc(b), B::alloc(b))
    }

    fn elements(&self, out: &mut Vec<F>) {
        self.0.elements(out);
        self.1.elements(out);
    }

    fn targets(wires: &Self::Wires, out: &mut Vec<Target>) {
        A::targets(&wires.0, out);
        B::targets(&wires.1, out);
    }

    fn rebuild(source: &mut Targets<'_>) -> Self::Wires {
        (A::rebuild(source), B::rebuild(source))
    }
}

wired_uint!(u8, 8, |value| u64::from(*value));
wired_uint!(u16, 16, |value| u64::from(*value));
wired_uint!(u32, 32, |value| u64::from(*value));

impl<const BITS: u32> Uint<BITS> {
    /// Reads well-formed wires back.
    pub fn read(source: &mut Targets<'_>) -> Self {
        Self::well_formed(source.next())
    }
}
