//! A clock that does not say what L1's says.

use weft_api::{CheckView, Finality};

use super::world::*;
use super::*;
use crate::clock;

const NOW: u64 = 2_000_000_000;
const YEAR: u64 = 365 * 24 * 3600;

fn clock_check(world: &World) -> CheckView {
    world.sequencer.checks().into_iter().find(|check| check.name == "clock").expect("it is looked at")
}

fn time(world: &mut World, number: u32) -> u64 {
    world.environment(number).timestamp.get()
}

#[test]
fn a_clock_far_ahead_is_told_of_and_batches_are_dated_by_l1() {
    let mut world = World::new(LIMITS);
    world.seal();
    world.tell_time(NOW, NOW + YEAR);
    assert_eq!(world.submit_transfer(1, 2, 0), Finality::Executed, "nothing waits for the clock");
    assert!(
        (NOW + AHEAD_MAX..NOW + AHEAD_MAX + 60).contains(&time(&mut world, 2)),
        "L1 takes it soon: {}",
        time(&mut world, 2)
    );
    let check = clock_check(&world);
    assert!(!check.ok && check.detail.contains("ahead of L1"), "{check:?}");
    assert!(world.sequencer.status().unwrap().lags.clock_ahead_seconds > 3e7);
    world.seal();
    world.prove(1);
    world.verify(1);
    // Once it is set right, all goes on.
    world.tell_time(NOW + 500, NOW + 500);
    assert!(clock_check(&world).ok);
    assert_eq!(world.submit_transfer(1, 2, 1), Finality::Executed);
    assert_eq!(time(&mut world, 3), NOW + 500);
}

#[test]
fn a_clock_that_is_a_little_ahead_or_behind_is_taken_as_it_is() {
    let mut world = World::new(LIMITS);
    world.seal();
    world.tell_time(NOW, NOW + AHEAD_MAX / 2);
    world.submit_transfer(1, 2, 0);
    assert_eq!(time(&mut world, 2), NOW + AHEAD_MAX / 2);
    assert!(clock_check(&world).ok);
    world.tell_time(NOW + YEAR, NOW);
    assert!(clock_check(&world).ok);
}

#[test]
fn a_chain_that_makes_no_blocks_says_nothing_of_the_time() {
    let mut world = World::empty(LIMITS);
    let old = clock::now_seconds() - YEAR;
    world.sequencer.observe_l1(L1Head { number: 7, timestamp: old, now: None });
    world.sequencer.observe_l1(L1Head { number: 7, timestamp: old, now: None });
    assert_eq!((world.sequencer.clock_ahead(), clock_check(&world).ok), (None, true));
    let now = clock::now_seconds() - 30;
    world.sequencer.observe_l1(L1Head { number: 8, timestamp: now, now: None });
    let ahead = world.sequencer.clock_ahead().expect("a block has come");
    assert!((30..60).contains(&ahead), "{ahead}");
}

#[test]
fn no_batch_begins_before_l1_was_heard() {
    let mut world = World::new(LIMITS);
    world.seal();
    world = world.restarted();
    assert_eq!(world.submit_transfer(1, 2, 0), Finality::Accepted, "it waits");
    world.advance_l1(5);
    assert_eq!(world.submit_transfer(1, 2, 0), Finality::Executed);
}
