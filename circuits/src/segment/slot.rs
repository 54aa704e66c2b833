//! One slot in the circuit: the rules of all kinds over one shape (PROTOCOL.md §8).
//!
//! The kinds (each in its file under [`crate::kinds`]) say whether A is opened and written; the rest is the same for all.

use plonky2::field::types::Field;
use weft_protocol::crypto::Tag;
use weft_protocol::{FeeAsset, TREE_DEPTH};

use super::Leaves;
use super::facts::Facts;
use super::input::{EnvironmentWires, PathWires, PathsInput, SlotInput, SlotInputWires, StateWires};
use super::object::HashedObject;
use super::records::RecordWires;
use crate::builder::{Bool, Builder, Target};
use crate::config::F;
use crate::gadgets::signature::SignatureWires;
use crate::kinds;

/// The wires of a slot that are set from outside.
#[derive(Clone, Debug)]
pub(crate) struct SlotWires {
    /// All but paths and signature.
    pub(crate) input: SlotInputWires,
    /// The paths, if leaves are opened by them.
    pub(crate) paths: Option<PathWires>,
    /// The signature.
    pub(crate) signature: SignatureWires,
}

/// An access of a leaf.
struct AccessWires {
    index: Target,
    before: [Target; 4],
    after: [Target; 4],
}

/// What a slot does to A.
struct Decision {
    /// A is opened against the root.
    opened: Bool,
    /// A is written.
    written: Bool,
}

impl Builder {
    /// Constrains one slot and returns the running state after it.
    pub(super) fn slot(
        &mut self,
        environment: &EnvironmentWires,
        before: &StateWires,
        leaves: Leaves,
    ) -> (SlotWires, StateWires) {
        let input = self.clause("SL-2", |b| b.alloc::<SlotInput>());
        let paths = match leaves {
            Leaves::ByPaths => Some(self.alloc::<PathsInput>()),
            Leaves::ByAccesses => None,
        };
        let facts = self.facts(&input, before);
        self.clause("SL-3", |b| b.unused_fields(&facts));

        let credited = kinds::deposit::constrain(self, &facts);
        let opened = kinds::deposit_open::constrain(self, &facts);
        kinds::transfer::constrain(self, &facts);
        kinds::withdraw::constrain(self, &facts);
        kinds::collect_fees::constrain(self, &facts);
        let signature = kinds::signed::constrain(self, environment, &facts);

        let decision = self.decide(&facts, credited, opened);
        let root = self.write_a(&facts, &decision, paths.as_ref());
        let root = self.write_b(&facts, root, paths.as_ref());
        let fee_sums = self.fee_sums_after(&facts);
        let records = self.records(&facts);
        let chain = self.claim_rows("SL-9", |b| b.extend_chain(before.chain, &records));
        let after = StateWires { root, chain, fee_sums };
        (SlotWires { input, paths, signature }, after)
    }

    /// Fields of the first record that the kind does not name.
    fn unused_fields(&mut self, facts: &Facts<'_>) {
        let (selectors, fields) = (facts.selectors(), facts.fields());
        let not_transfer = self.not(selectors.transfer);
        self.when(not_transfer, |b| b.assert_zero(fields.b));
        let unsigned = self.not(facts.signed);
        self.when(unsigned, |b| b.assert_zero(facts.fee_code));
        let pays_fee_asset = self.either(facts.signed, selectors.collect);
        let no_fee_asset = self.not(pays_fee_asset);
        self.when(no_fee_asset, |b| fields.fee_asset.iter().for_each(|&bit| b.assert_false(bit)));
        let has_lane = self.either(facts.signed, selectors.deposit);
        let no_lane = self.not(has_lane);
        self.when(no_lane, |b| b.assert_false(fields.lane));
        let from_l1 = self.either(selectors.deposit, selectors.opening);
        let not_from_l1 = self.not(from_l1);
        self.when(not_from_l1, |b| b.assert_false(fields.bounced));
        self.when(facts.padding, |b| {
            [fields.a, fields.asset.target(), facts.amount].into_iter().for_each(|field| b.assert_zero(field));
        });
    }

    fn decide(&mut self, facts: &Facts<'_>, credited: Bool, opened: Bool) -> Decision {
        let selectors = facts.selectors();
        let always = self.either(facts.signed, selectors.collect);
        let always = self.either(always, opened);
        let named = self.and(selectors.deposit, facts.a_index.in_tree);
        self.clause("SL-7", |b| {
            b.when(always, |b| b.assert_true(facts.a_index.in_tree));
            b.when(selectors.transfer, |b| b.assert_true(facts.b_index.in_tree));
        });
        Decision { opened: self.either(always, named), written: self.either(always, credited) }
    }

    /// Opens A, and writes it if the kind says so; returns the root, or the chain, after.
    fn write_a(&mut self, facts: &Facts<'_>, decision: &Decision, paths: Option<&PathWires>) -> [Target; 4] {
        let (a, root, index) = (&facts.input.a, facts.before.root, &facts.a_index.bits[..TREE_DEPTH]);
        let (hashed, found) = self.claim_rows("SL-4", |b| {
            b.absent_is_blank(facts);
            let hashed = a.hash(b, &facts.a_balances[0]);
            let leaf = hashed.before.map(|element| b.gate(facts.input.a_exists, element));
            if let Some(paths) = paths {
                let opened = b.merkle_root(leaf, index, &paths.a);
                b.when(decision.opened, |b| b.assert_all_equal(&opened, &root));
            }
            (hashed, leaf)
        });
        let leaf = self.claim_rows("SL-10", |b| b.a_after(facts, &hashed));
        self.claim_rows("SL-5", |b| match paths {
            Some(paths) => {
                let after = b.merkle_root(leaf, index, &paths.a);
                b.select_array(decision.written, after, root)
            }
            None => {
                let left = b.select_array(decision.written, leaf, found);
                let access = AccessWires { index: facts.fields().a, before: found, after: left };
                b.extend_access_chain(root, decision.opened, &access)
            }
        })
    }

    /// A's digest with its nonce raised if it signs.
    fn a_after(&mut self, facts: &Facts<'_>, hashed: &HashedObject) -> [Target; 4] {
        let object = &facts.input.a;
        let nonce = self.add(object.nonce, facts.signed.target());
        self.clause("TX-5", |b| b.range_check(nonce, 32));
        object.hash_with_nonce(self, hashed, nonce, &facts.a_balances[1])
    }

    /// Everything of a leaf that does not exist is 0, but for what an opening deposit sets (DO-3).
    fn absent_is_blank(&mut self, facts: &Facts<'_>) {
        let (object, balances) = (&facts.input.a, &facts.a_balances[0]);
        let absent = self.not(facts.input.a_exists);
        self.when(absent, |b| {
            let rest = [object.nonce, object.agent_nonce];
            let elements = object.agent.iter().chain(&rest).chain(&balances.id_words).chain(&balances.amounts);
            elements.for_each(|&element| b.assert_zero(element));
        });
    }

    /// Opens and writes B if the slot is a transfer; returns the root, or the chain, after.
    fn write_b(&mut self, facts: &Facts<'_>, root: [Target; 4], paths: Option<&PathWires>) -> [Target; 4] {
        let (object, transfer) = (&facts.input.b, facts.selectors().transfer);
        let index = &facts.b_index.bits[..TREE_DEPTH];
        let hashed = self.claim_rows("SL-6", |b| {
            let hashed = object.hash(b, &facts.b_balances[0]);
            if let Some(paths) = paths {
                let opened = b.merkle_root(hashed.before, index, &paths.b);
                b.when(transfer, |b| b.assert_all_equal(&opened, &root));
            }
            hashed
        });
        let leaf = self.claim_rows("SL-11", |b| hashed.with_balances(b, &facts.b_balances[1]));
        self.claim_rows("SL-6", |b| match paths {
            Some(paths) => {
                let after = b.merkle_root(leaf, index, &paths.b);
                b.select_array(transfer, after, root)
            }
            None => {
                let access = AccessWires { index: facts.fields().b, before: hashed.before, after: leaf };
                b.extend_access_chain(root, transfer, &access)
            }
        })
    }

    /// The chain after an access, or the same chain if there is none: one row, as [`Access::extend`].
    ///
    /// [`Access::extend`]: weft_protocol::Access::extend
    fn extend_access_chain(&mut self, chain: [Target; 4], opened: Bool, access: &AccessWires) -> [Target; 4] {
        let [first, rest @ ..] = chain;
        let first = self.add(first, access.index);
        let state = [&access.before[..], &access.after, &[first], &rest].concat();
        let state = state.try_into().expect("two digests and a chain are the width of the permutation");
        let [.., a, b, c, d] = self.permute(state);
        self.select_array(opened, [a, b, c, d], chain)
    }

    /// The fee sums after: a fee adds to its asset's sum, a collection takes it.
    ///
    /// # Soundness
    /// Only signed slots have a fee (SL-3), and a collection's amount is the sum (CF-1).
    fn fee_sums_after(&mut self, facts: &Facts<'_>) -> [Target; FeeAsset::COUNT] {
        let collect = facts.selectors().collect;
        let change =
            self.clause("CF-3", |b| b.arithmetic([F::NEG_ONE, F::ONE], [collect.target(), facts.amount, facts.fee]));
        self.clause("TX-11", |b| {
            std::array::from_fn(|i| b.mul_add(facts.fee_asset[i].target(), change, facts.before.fee_sums[i]))
        })
    }

    /// The records of the slot, in order.
    fn records(&mut self, facts: &Facts<'_>) -> [RecordWires; 4] {
        let (selectors, fields) = (facts.selectors(), facts.fields());
        let first = RecordWires { limbs: self.first_record(facts), used: self.not(facts.padding) };
        let used = self.sum(&[selectors.withdraw, selectors.deposit, selectors.opening].map(Bool::target));
        let address = RecordWires { limbs: self.address_record(fields), used: Bool::well_formed(used) };
        let key = fields.key.each_ref().map(|key| {
            let limbs = self.key_record(key);
            RecordWires { limbs, used: selectors.opening }
        });
        [first, address, key[0], key[1]]
    }

    /// The digest that a signer signs.
    pub(crate) fn message(&mut self, environment: &EnvironmentWires, facts: &Facts<'_>) -> [Target; 4] {
        let fields = facts.fields();
        let record = self.first_record(facts);
        let address = fields.address.elements();
        let last = [fields.nonce, fields.expiry.target()];
        let message = [&environment.domain[..], &record, &address, &fields.group, &last].concat();
        self.claim_rows("TX-3", |b| b.hash(Tag::MESSAGE, &message))
    }

    /// Runs `body` as the clause `id`, which claims all rows that it adds.
    pub(crate) fn claim_rows<T>(&mut self, id: crate::ledger::ClauseId, body: impl FnOnce(&mut Self) -> T) -> T {
        self.clause(id, |b| {
            let start = b.rows();
            let result = body(b);
            let end = b.rows();
            b.record(crate::ledger::Claim::Rows { start, end });
            result
        })
    }
}
