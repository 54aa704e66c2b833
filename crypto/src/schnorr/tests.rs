use super::*;

#[test]
fn walk_ends_at_the_commitment() {
    let secret = SecretKey::from_seed(&[7; 32]);
    let message = Digest([1, 2, 3, 4].map(Goldilocks::from_u64));
    let signature = sign(&secret, &message);
    assert!(verify(secret.public_key(), &message, &signature));
    let shifted = secret.public_key().point();
    let e = challenge(&signature.r.x().unwrap(), &secret.public_key().digest(), &message);
    let walk = walk::walk(&shifted, e, &signature.s.limbs()).unwrap();
    assert_eq!(walk.end(), signature.r);
}
