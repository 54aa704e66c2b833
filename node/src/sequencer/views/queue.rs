//! What the API shows of the L1 queue.

use weft_api::{Finality, PageRequest, QueueEntryView, QueueState, Time};

use crate::sequencer::{Batch, KnownEntry, Sequencer, Shelf};

/// Batches that are read at once for a page of the queue.
const AHEAD: u32 = 16;

impl Sequencer {
    /// Entries of the L1 queue that the node has read, by rising position.
    pub fn queue_entries(&self, page: PageRequest, shelf: &mut Shelf) -> Vec<QueueEntryView> {
        let mut position = page.after.map_or(0, |after| after.saturating_add(1));
        let mut entries = Vec::new();
        let executed = self.machine.queue.executed();
        if position < executed {
            let Some(mut number) = self.batch_that_took(position, shelf) else { return entries };
            while position < executed && entries.len() < page.limit {
                let Some(batch) = self.batch_of(number, shelf) else {
                    // The batches behind it will be asked for next.
                    (1..AHEAD).for_each(|ahead| drop(self.batch_of(number.saturating_add(ahead), shelf)));
                    break;
                };
                let (first, taken) = (batch.queue().start, &batch.queue_entries);
                for (at, entry) in (first..).zip(taken).skip_while(|(at, _)| *at < position) {
                    entries.push(of_batch(at, entry, &batch));
                }
                position = position.max(batch.queue().end);
                number += 1;
            }
        }
        let now = self.settings.clock.now();
        let waiting = (executed..).zip(self.machine.queue.waiting()).filter(|(at, _)| *at >= position);
        entries.extend(waiting.take(page.limit).map(|(at, entry)| of_waiting(at, entry, now)));
        entries.truncate(page.limit);
        entries
    }

    /// Number of the batch that took the entry at a position which some batch took. Batches take entries in order. `None`
    /// as long as the shelf lacks a batch.
    fn batch_that_took(&self, position: u64, shelf: &mut Shelf) -> Option<u32> {
        let (mut low, mut high) = (1, self.last_begun());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.batch_of(middle, shelf)?.queue().end > position {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Some(low)
    }
}

fn of_batch(position: u64, known: &KnownEntry, batch: &Batch) -> QueueEntryView {
    let is_verified = batch.has_reached(Finality::Verified);
    QueueEntryView {
        state: if is_verified { QueueState::Verified } else { QueueState::Executed },
        batch: Some(batch.number()),
        read_at: Some(Time::from_unix_ms(known.read_at)),
        ..QueueEntryView::waiting(position, &known.entry, known.chain)
    }
}

fn of_waiting(position: u64, known: &KnownEntry, now: Time) -> QueueEntryView {
    QueueEntryView {
        read_at: Some(Time::from_unix_ms(known.read_at)),
        age_seconds: Some(super::node::seconds_since(Time::from_unix_ms(known.read_at), now)),
        ..QueueEntryView::waiting(position, &known.entry, known.chain)
    }
}
