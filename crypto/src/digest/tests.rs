use proptest::prelude::*;

use super::*;

fn example() -> Digest {
    Digest([1, 0xdead_beef, 0, Goldilocks::ORDER - 1].map(Goldilocks::from_u64))
}

#[test]
fn bytes_and_text_have_the_documented_order() {
    let text = "0x000000000000000100000000deadbeef0000000000000000ffffffff00000000";
    assert_eq!(example().to_string(), text);
    assert_eq!(format!("{:?}", example()), text);
    assert_eq!(example().to_bytes().to_vec(), hex::decode(&text[2..]).unwrap());
}

#[test]
fn elements_from_the_order_on_are_refused() {
    for position in 0..4 {
        let mut bytes = example().to_bytes();
        bytes[8 * position..8 * position + 8].copy_from_slice(&Goldilocks::ORDER.to_be_bytes());
        assert_eq!(Digest::from_bytes(&bytes), None);
        let text = format!("0x{}", hex::encode(bytes));
        assert_eq!(text.parse::<Digest>(), Err(ParseDigestError::NotCanonical));
    }
}

#[test]
fn only_one_text_is_a_digest() {
    let text = example().to_string();
    assert_eq!(text[2..].parse::<Digest>(), Err(ParseDigestError::MissingPrefix));
    assert_eq!(text[..65].parse::<Digest>(), Err(ParseDigestError::Length { got: 63 }));
    assert_eq!(format!("{text}0").parse::<Digest>(), Err(ParseDigestError::Length { got: 65 }));
    let upper = text.replace("beef", "BEEF");
    assert_eq!(upper.parse::<Digest>(), Err(ParseDigestError::Digit { position: 28 }));
}

proptest! {
    #[test]
    fn bytes_and_text_round_trip(elements: [u64; 4]) {
        let digest = Digest(elements.map(Goldilocks::from_u64));
        prop_assert_eq!(Digest::from_bytes(&digest.to_bytes()), Some(digest));
        prop_assert_eq!(digest.to_string().parse(), Ok(digest));
    }
}
