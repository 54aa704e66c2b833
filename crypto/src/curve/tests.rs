use super::*;

#[test]
fn constants_are_what_they_claim() {
    let (x, y) = GENERATOR.coordinates().unwrap();
    assert!(Point::from_affine(x, y).is_some());
    assert!(GENERATOR.is_in_subgroup());
    let n = Point(GENERATOR.0) * &Scalar::ZERO;
    assert_eq!(n, Point::INFINITY);
    // The scalar n itself is 0, so multiply by the integer.
    assert_eq!(Jacobian::multiply(&GENERATOR, &ORDER).to_affine(), Point::INFINITY);
    assert_eq!(y, (x - U_SHIFT) * -Fp5::from_u64s([4, 0, 0, 0, 0]));
    let (nx, ny) = TWO_TORSION.coordinates().unwrap();
    assert!(Point::from_affine(nx, ny).is_some());
    assert_eq!(TWO_TORSION.double(), Point::INFINITY);
    assert!(!TWO_TORSION.is_in_subgroup());
    assert_eq!(Jacobian::multiply(&d1(), &ORDER).to_affine(), Point::INFINITY);
    assert_eq!(Point::mul_generator(&Scalar::from_u128(5)), GENERATOR * &Scalar::from_u128(5));
    assert_eq!(Point::decode(&GENERATOR.encode()).unwrap(), GENERATOR);
}
