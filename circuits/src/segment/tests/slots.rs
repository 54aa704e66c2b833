use super::world::{World, opening, transfer, withdrawal};
use crate::builder::CircuitName;
use crate::recursion::Assembly;
use crate::segment::SegmentCircuit;
use weft_protocol::{Fee, Slot, SegmentWitness};

#[test]
fn a_segment_is_proved() {
    let name = CircuitName { name: "segment-test", version: 1 };
    let mut world = World::with_users(4);
    let (environment, before) = (world.environment, world.state);
    let mut slots = Vec::new();
    let mut t = transfer(1, 2, 1, 500);
    t.fee = Fee(100 << 5);
    let s = world.sign(t);
    slots.push(world.execute(&s));
    let s = world.sign(withdrawal(2, 2, 1_000_000));
    slots.push(world.execute(&s));
    slots.push(world.execute(&opening(9, 3, 77)));
    let s = Slot::CollectFees { account: weft_protocol::AccountIndex(3), fee_asset: weft_protocol::FeeAsset::default() };
    slots.push(world.execute(&s));
    slots.push(world.execute(&Slot::Padding));
    let n = slots.len();
    let segment = SegmentWitness { environment, before, slots };
    for k in [1, 2, n] {
        let circuit = SegmentCircuit::build(name, k, Assembly::FRESH);
        eprintln!("{k}: {:?}", circuit.summary());
        if k == n {
            let proof = circuit.prove(&segment).unwrap();
            assert_eq!(circuit.verify(&proof).unwrap(), segment.statement().unwrap());
        }
    }
}
