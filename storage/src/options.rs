//! What all RocksDB instances of the node have in common.

use rocksdb::{DBCompressionType, DBRecoveryMode, Options};

/// Files of messages that RocksDB keeps, and the size of each.
const MESSAGE_FILES_MAX: usize = 4;
const MESSAGE_FILE_BYTES: usize = 1 << 20;

/// What an instance may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Writes that are in memory only (and in the write-ahead log), all column families together.
    pub(crate) write_buffers_bytes: usize,
    /// Size of the write-ahead logs at which column families that are seldom written are flushed too.
    pub(crate) wal_bytes_max: u64,
    /// Files that are open.
    pub(crate) open_files_max: i32,
}

impl Bounds {
    /// Options of an instance, and of each of its column families.
    pub(crate) fn options(self) -> Options {
        let mut options = Options::default();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        // The families go to disk together, so that a batch of writes is there in all of them or in none.
        options.set_atomic_flush(true);
        // After a crash: all writes up to the first one that is torn.
        options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
        options.set_compression_type(DBCompressionType::Lz4);
        options.set_db_write_buffer_size(self.write_buffers_bytes);
        options.set_max_total_wal_size(self.wal_bytes_max);
        options.set_max_open_files(self.open_files_max);
        options.set_keep_log_file_num(MESSAGE_FILES_MAX);
        options.set_max_log_file_size(MESSAGE_FILE_BYTES);
        options
    }
}
