//! The state against maps in memory, over arbitrary histories of it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::Index;
use weft_protocol::testing::arb_object;
use weft_protocol::{AccountIndex, Object};
use weft_storage::rollup::{Applied, Change, IndexedTransaction, Position, RollupStore, Standing, StateCommit};

use crate::{digest, id, open};

#[derive(Clone, Debug)]
enum Step {
    /// Objects at some indices, and the accounts of each transaction.
    Apply {
        writes: Vec<(u32, Option<Object>)>,
        transactions: Vec<Vec<u32>>,
    },
    Revert,
    Replace {
        batch: Index,
        text: String,
    },
    Reopen,
    Reset,
}

/// The state as it should be, one for each batch; the last is the present one.
#[derive(Clone, Default, PartialEq, Debug)]
struct Model {
    applied: Option<Applied>,
    objects: BTreeMap<AccountIndex, Object>,
    batches: BTreeMap<u32, String>,
    transactions: BTreeMap<[u8; 32], (Position, Vec<AccountIndex>)>,
}

fn arb_step() -> impl Strategy<Value = Step> {
    let writes = prop::collection::vec((0..12u32, prop::option::weighted(0.8, arb_object())), 0..8);
    let transactions = prop::collection::vec(prop::collection::vec(0..4u32, 0..3), 0..5);
    prop_oneof![
        8 => (writes, transactions).prop_map(|(writes, transactions)| Step::Apply { writes, transactions }),
        3 => Just(Step::Revert),
        2 => (any::<Index>(), "[a-z]{0,9}").prop_map(|(batch, text)| Step::Replace { batch, text }),
        2 => Just(Step::Reopen),
        1 => Just(Step::Reset),
    ]
}

impl Model {
    /// Adds a batch, and returns what the store is to be told.
    fn apply(&mut self, writes: &[(u32, Option<Object>)], accounts: &[Vec<u32>]) -> StateCommit<String, u32, u32> {
        let number = self.applied.map_or(10, |applied| applied.batch + 1);
        let applied = Applied { batch: number, root: digest(number), log_next: 0 };
        let changes = writes.iter().map(|&(index, after)| {
            let index = AccountIndex(index);
            let before = match after {
                Some(object) => self.objects.insert(index, object),
                None => self.objects.remove(&index),
            };
            Change { index, before, after }
        });
        let changes = changes.collect();
        let transactions = accounts.iter().zip(0..).map(|(accounts, place)| {
            let accounts: Vec<_> = accounts.iter().map(|&index| AccountIndex(index)).collect();
            self.transactions.insert(id(number, place), (Position { batch: number, place }, accounts.clone()));
            IndexedTransaction { id: id(number, place), record: place, accounts }
        });
        let transactions = transactions.collect();
        let record = format!("batch {number}");
        self.batches.insert(number, record.clone());
        self.applied = Some(applied);
        StateCommit { standing: Standing { applied, checkpoint: number }, changes, record, transactions }
    }

    fn compare(&self, store: &RollupStore) {
        assert_eq!(store.applied(), self.applied);
        assert_eq!(store.checkpoint().unwrap(), self.applied.map(|applied| applied.batch));
        let batches: Vec<(u32, String)> = store.batches(None, 1000).unwrap();
        assert!(batches.into_iter().rev().eq(self.batches.clone()));
        for (id, (position, _)) in &self.transactions {
            assert_eq!(store.transaction(id).unwrap(), Some(position.place));
        }
        for account in (0..4).map(AccountIndex) {
            let all = self.transactions.iter().filter(|(_, (_, accounts))| accounts.contains(&account));
            let mut all: Vec<_> = all.map(|(id, (position, _))| (*position, *id)).collect();
            all.sort();
            all.reverse();
            assert_eq!(store.history(account, None, 1000).unwrap(), all);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_state_is_a_map_that_can_go_back(steps in prop::collection::vec(arb_step(), 1..24)) {
        let dir = tempfile::tempdir().unwrap();
        let (mut store, _) = open(dir.path());
        let mut models = vec![Model::default()];
        for step in &steps {
            let mut model = models.last().unwrap().clone();
            match step {
                Step::Apply { writes, transactions } => {
                    store.apply(&model.apply(writes, transactions)).unwrap();
                    models.push(model);
                }
                Step::Revert if models.len() > 1 => {
                    models.pop();
                    assert_eq!(store.revert_last().unwrap(), models.last().unwrap().applied);
                }
                Step::Revert => assert!(store.revert_last().is_err()),
                Step::Replace { batch, text } if !model.batches.is_empty() => {
                    let number = *batch.get(&model.batches.keys().copied().collect::<Vec<_>>());
                    store.put_batch(number, text).unwrap();
                    // Also in the states to come back to, where the batch is applied.
                    for model in &mut models {
                        model.batches.entry(number).and_modify(|record| record.clone_from(text));
                    }
                }
                Step::Replace { text, .. } => assert!(store.put_batch(10, text).is_err()),
                Step::Reopen => {
                    drop(store);
                    let (reopened, opened) = open(dir.path());
                    assert!(opened.objects.into_iter().eq(model.objects));
                    store = reopened;
                }
                Step::Reset => {
                    store = store.reset_state().unwrap();
                    models = vec![Model::default()];
                }
            }
            models.last().unwrap().compare(&store);
        }
        drop(store);
        let (_, opened) = open(dir.path());
        assert!(opened.objects.into_iter().eq(models.pop().unwrap().objects));
    }
}
