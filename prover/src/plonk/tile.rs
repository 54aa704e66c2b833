//! Rows of a table that is kept by columns, as quotients read them.

use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;
use weft_circuits::config::F;

use super::Packed;

/// Points of a tile. A column's values there are lines of memory that follow each other; a tile of all columns stays in the
/// cache.
pub(super) const TILE: usize = 64;

/// Packs of points, in each of which the values of a column are side by side, column by column.
#[derive(Debug, Default)]
pub(super) struct Tile {
    columns: usize,
    values: Vec<F>,
}

impl Tile {
    /// Copies values at `count` points, a whole number of packs: `copy` writes those of a column.
    pub(super) fn fill(&mut self, columns: usize, count: usize, mut copy: impl FnMut(usize, &mut [F])) {
        self.columns = columns;
        self.values.resize(columns * count, F::ZERO);
        let mut column_values = [F::ZERO; TILE];
        for column in 0..columns {
            let column_values = &mut column_values[..count];
            copy(column, column_values);
            for (pack, values) in column_values.chunks_exact(Packed::WIDTH).enumerate() {
                let start = (pack * columns + column) * Packed::WIDTH;
                self.values[start..start + Packed::WIDTH].copy_from_slice(values);
            }
        }
    }

    /// Copies the values of all columns at the points from `first` on.
    pub(super) fn fill_from(&mut self, columns: &[Vec<F>], first: usize, count: usize) {
        self.fill(columns.len(), count, |column, values| {
            values.copy_from_slice(&columns[column][first..first + count]);
        });
    }

    /// The values of all columns in a pack of points.
    pub(super) fn pack(&self, pack: usize) -> &[F] {
        let length = self.columns * Packed::WIDTH;
        &self.values[pack * length..(pack + 1) * length]
    }

    /// The same, a pack for each column.
    pub(super) fn row(&self, pack: usize) -> &[Packed] {
        Packed::pack_slice(self.pack(pack))
    }
}
