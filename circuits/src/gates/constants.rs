//! Points and numbers that the equations contain, from `weft-crypto` in the library's field.
//!
//! # Soundness
//! Phase 1 starts at 7·D1 and adds P' or D1; the point before a step is `u·P + c·D1` with u a prefix of the challenge and
//! `c > 1` known. It equals the addend only if P is a small known multiple of D1, hence never for keys whose logarithm
//! to G somebody knows; for those multiples nobody knows it, and their accounts alone are concerned. Phase 2 adds D2 and teeth of G to a point with a non-zero part in D1: meeting an
//! addend gives such a logarithm. D1 is hashed to the curve, so nobody has one.

use std::sync::LazyLock;

use plonky2::field::extension::quintic::QuinticExtension;
use plonky2::field::types::Field;
use weft_crypto::curve;
use weft_crypto::quintic::Fp5;

use super::F;
use super::walk::{Fq, POINT_WIRES, Point};

/// Bits of s that one step of the comb absorbs.
pub(super) const TEETH: usize = curve::COMB_TEETH;
/// Entries of the comb's table.
pub(super) const TABLE: usize = 1 << TEETH;

/// The constants of all gates.
pub(super) struct Constants {
    /// A of the curve equation.
    pub(super) a: Fq,
    /// B of the curve equation.
    pub(super) b: Fq,
    /// The offset in every stored key.
    pub(super) d1: Point,
    /// x of the stored forms of the keys O and N: D1 and D1 + N.
    pub(super) excluded_x: [Fq; 2],
    /// D2 plus the teeth that the index selects.
    pub(super) comb: [Point; TABLE],
    /// Coordinates of the comb's table as multilinear polynomials in the bits of the index: x, then y.
    pub(super) comb_polynomials: [[F; TABLE]; POINT_WIRES],
}

/// The constants, computed at first use.
pub(super) fn constants() -> &'static Constants {
    static CONSTANTS: LazyLock<Constants> = LazyLock::new(|| {
        let comb = curve::comb_table().map(convert);
        let coordinates = comb.map(|point| point.elements());
        Constants {
            a: element(curve::A),
            b: element(curve::B),
            d1: convert(curve::d1()),
            excluded_x: [curve::d1(), curve::d1() + curve::TWO_TORSION].map(|point| convert(point).x),
            comb,
            comb_polynomials: std::array::from_fn(|i| multilinear(coordinates.map(|point| point[i]))),
        }
    });
    &CONSTANTS
}

fn element(value: Fp5) -> Fq {
    QuinticExtension(value.0.map(|coefficient| F::from_canonical_u64(coefficient.as_u64())))
}

fn convert(point: curve::Point) -> Point {
    let (x, y) = point.coordinates().expect("the offset points are finite, for D1 has prime order and no factor is 0");
    Point { x: element(x), y: element(y) }
}

/// Coefficients of the multilinear polynomial with these values at the corners of the cube, both indexed by subsets.
fn multilinear(mut values: [F; TABLE]) -> [F; TABLE] {
    for variable in 0..TEETH {
        for corner in (0..TABLE).filter(|corner| corner >> variable & 1 == 1) {
            let without = values[corner ^ 1 << variable];
            values[corner] -= without;
        }
    }
    values
}
