//! Proving keys, each read when it is first needed, and dropped for others when memory is short.
//!
//! A key is hundreds of megabytes, and a process seldom needs all of them: who proves segments never wraps. A key that is in
//! a file can be dropped and read again; one that could not be stored stays.

use std::fmt;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use plonky2::plonk::config::GenericConfig;
use weft_circuits::builder::CircuitName;
use weft_circuits::config::{C, D, F};
use weft_circuits::recursion::{Layer, LayerCircuit};
use weft_circuits::wrap_config::WrapConfig;

use crate::plonk::{PackedHasher, ProvingKey};

/// Memory in bytes for keys that can be dropped. More is used only while jobs at work need more at once.
pub(crate) const KEY_MEMORY: u64 = 768 << 20;

/// The keys of all circuits.
#[derive(Debug)]
pub(crate) struct ProvingKeys {
    pub(crate) small: KeySlot<C>,
    pub(crate) large: KeySlot<C>,
    pub(crate) lift_small: KeySlot<C>,
    pub(crate) lift_large: KeySlot<C>,
    pub(crate) join: KeySlot<C>,
    pub(crate) aggregate: KeySlot<C>,
    pub(crate) seal: KeySlot<C>,
    pub(crate) shrink: KeySlot<C>,
    pub(crate) wrap: KeySlot<WrapConfig>,
    pub(crate) room: Room,
}

/// How much of the memory keys take.
#[derive(Debug)]
pub(crate) struct Room {
    /// Bytes for keys that can be dropped.
    pub(crate) limit: u64,
    /// Counts uses, which puts them in order.
    uses: AtomicU64,
}

impl Room {
    pub(crate) const fn new(limit: u64) -> Self {
        Self { limit, uses: AtomicU64::new(0) }
    }
}

/// The key of one circuit.
pub(crate) struct KeySlot<K: GenericConfig<D, F = F, Hasher: PackedHasher>> {
    name: CircuitName,
    key: Mutex<Option<Arc<ProvingKey<K>>>>,
    /// Bytes of the key if it is here and can be dropped, else 0.
    droppable: AtomicU64,
    last_use: AtomicU64,
}

impl<K: GenericConfig<D, F = F, Hasher: PackedHasher>> KeySlot<K> {
    /// The slot of a circuit. A key that is in no file is made at once.
    pub(crate) fn of<L: Layer<Config = K>>(layer: &mut LayerCircuit<L>) -> Self {
        let half = layer.split_mut().take_prover_half();
        let key = half.map(|half| Arc::new(ProvingKey::new(half, &layer.verifier().common)));
        Self {
            name: layer.summary().name,
            key: Mutex::new(key),
            droppable: AtomicU64::new(0),
            last_use: AtomicU64::new(0),
        }
    }
}

/// A slot, whatever its configuration.
trait Held {
    fn name(&self) -> CircuitName;
    fn is_here(&self) -> bool;
    fn droppable(&self) -> u64;
    fn last_use(&self) -> u64;
    /// Drops the key, unless a job has it or it is being read.
    fn drop_key(&self);
}

impl<K: GenericConfig<D, F = F, Hasher: PackedHasher>> Held for KeySlot<K> {
    fn name(&self) -> CircuitName {
        self.name
    }

    fn is_here(&self) -> bool {
        self.key.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn droppable(&self) -> u64 {
        self.droppable.load(Ordering::Relaxed)
    }

    fn last_use(&self) -> u64 {
        self.last_use.load(Ordering::Relaxed)
    }

    fn drop_key(&self) {
        // Not to wait is what keeps two readers from waiting for each other.
        if let Ok(mut key) = self.key.try_lock()
            && key.as_ref().is_some_and(|key| Arc::strong_count(key) == 1)
        {
            *key = None;
            self.droppable.store(0, Ordering::Relaxed);
            tracing::debug!(circuit = self.name.name, "proving key dropped");
        }
    }
}

impl ProvingKeys {
    /// The key of a circuit. Whoever asks for a key that is being read waits for it. `rebuild` builds the circuit anew, for
    /// when its file is gone or damaged.
    pub(crate) fn get<L, K>(
        &self,
        slot: &KeySlot<K>,
        layer: &LayerCircuit<L>,
        rebuild: impl FnOnce() -> LayerCircuit<L> + Send,
    ) -> Arc<ProvingKey<K>>
    where
        L: Layer<Config = K>,
        K: GenericConfig<D, F = F, Hasher: PackedHasher>,
    {
        let mut key = slot.key.lock().unwrap_or_else(PoisonError::into_inner);
        slot.last_use.store(self.room.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        if let Some(key) = &*key {
            return Arc::clone(key);
        }
        self.make_room(layer.split().prover_file_bytes().unwrap_or_default());
        // On a thread of its own: one of a pool could take up another job while it waits, which may ask for this very key.
        let read = thread::scope(|scope| scope.spawn(|| read_key(layer, rebuild)).join());
        let (read, droppable) = read.unwrap_or_else(|panic| resume_unwind(panic));
        slot.droppable.store(droppable, Ordering::Relaxed);
        Arc::clone(key.insert(Arc::new(read)))
    }

    /// Names of the circuits whose keys are in memory.
    pub(crate) fn loaded(&self) -> Vec<CircuitName> {
        self.slots().into_iter().filter(|slot| slot.is_here()).map(Held::name).collect()
    }

    fn slots(&self) -> [&dyn Held; 9] {
        let Self { small, large, lift_small, lift_large, join, aggregate, seal, shrink, wrap, room: _ } = self;
        [small, large, lift_small, lift_large, join, aggregate, seal, shrink, wrap]
    }

    /// Drops the keys that were not used for longest, until there is room for `bytes` more.
    fn make_room(&self, bytes: u64) {
        let mut slots = self.slots();
        slots.sort_by_key(|slot| slot.last_use());
        for slot in slots {
            let held: u64 = slots.iter().map(|slot| slot.droppable()).sum();
            if held + bytes <= self.room.limit {
                return;
            }
            slot.drop_key();
        }
    }
}

/// A key out of its file, and its size; or, if that is impossible, made of a circuit built anew, to be kept.
fn read_key<L, K>(layer: &LayerCircuit<L>, rebuild: impl FnOnce() -> LayerCircuit<L>) -> (ProvingKey<K>, u64)
where
    L: Layer<Config = K>,
    K: GenericConfig<D, F = F, Hasher: PackedHasher>,
{
    let common = &layer.verifier().common;
    match layer.split().read_prover_half() {
        Ok(half) => (ProvingKey::new(half, common), layer.split().prover_file_bytes().unwrap_or_default()),
        Err(error) => {
            tracing::warn!(circuit = layer.summary().name.name, %error, "built anew: its file cannot be used");
            let half = rebuild().split_mut().take_prover_half().expect("what is built without a cache is in memory");
            (ProvingKey::new(half, common), 0)
        }
    }
}

impl<K: GenericConfig<D, F = F, Hasher: PackedHasher>> fmt::Debug for KeySlot<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySlot").field("name", &self.name).field("droppable", &self.droppable).finish_non_exhaustive()
    }
}
