//! Settings of a node: defaults, a file, the environment and flags, in rising order of precedence.
//!
//! A setting is known by its name in the file, such as `batch.slots_max`. In the environment it is `WEFT_BATCH_SLOTS_MAX`,
//! as a flag `--batch-slots-max`. Secrets are never values: settings name the files that hold them.

mod load;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use weft_api::Limits;
use weft_protocol::Amount;
use weft_prover::SegmentSize;
use weft_storage::rollup::UNDO_BATCHES;

pub use load::{Config, ConfigError, Origin, SETTINGS, Setting, load};

/// When a batch ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchLimits {
    /// Slots after which a batch is sealed, those that collect fees apart.
    pub slots_max: usize,
    /// Time after the first slot at which a batch is sealed.
    pub seal_after: Duration,
    /// Batches that may be sealed and not yet verified on L1; further transactions wait in the pool.
    pub unverified_max: usize,
}

/// Provers in the node's own process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProverLimits {
    /// How many; 0 if only external workers prove.
    pub local_workers: u32,
    /// Threads of each; `None`: as many as the machine has cores.
    pub threads: Option<NonZeroUsize>,
    /// Memory that the proofs of each may take.
    pub memory_mib: u32,
}

/// Limits and times of a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NodeConfig {
    /// When a batch ends.
    pub batch: BatchLimits,
    /// Which segments are proved while a batch still grows: the first proof of small ones starts early, large ones are
    /// less work for each transaction.
    pub streamed: SegmentSize,
    /// Transactions that may wait for a batch.
    pub pool_max: usize,
    /// Of those, of one account.
    pub pool_per_account_max: u32,
    /// How often L1 is asked for news.
    pub l1_poll: Duration,
    /// Provers in the node's own process.
    pub provers: ProverLimits,
    /// What the REST API takes on.
    pub api: Limits,
    /// Least fee of a transaction, in base units of the fee's asset.
    pub fee_minimum: Amount,
}

impl Default for NodeConfig {
    fn default() -> Self {
        Settings::default().node()
    }
}

/// All settings, as the file has them. Each has a default; those that a deployment must name are empty.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Folder of everything that the node keeps.
    pub data_dir: PathBuf,
    /// L1 and the contract.
    pub l1: L1Settings,
    /// The REST API.
    pub api: ApiSettings,
    /// When a batch ends.
    pub batch: BatchSettings,
    /// Transactions that wait.
    pub pool: PoolSettings,
    /// Who proves.
    pub provers: ProverSettings,
    /// Who collects fees.
    pub fees: FeeSettings,
}

/// L1 and the contract.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct L1Settings {
    /// URL of its JSON-RPC.
    pub url: String,
    /// Address of the rollup's contract.
    pub contract: String,
    /// Block of the deployment, or an earlier one: no event of the contract is before it.
    pub first_block: u64,
    /// Salt with which the contract was deployed.
    pub genesis_salt: String,
    /// File with the key of the L1 account that posts batches: a keystore, or the key in hexadecimal digits.
    pub operator_key: PathBuf,
    /// Milliseconds between two questions for news.
    pub poll_ms: u64,
}

/// The REST API.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiSettings {
    /// Address and port on which it listens; port 0: a free one.
    pub listen: SocketAddr,
    /// Requests of one client in a second, on the average.
    pub requests_per_second: NonZeroU32,
    /// Requests of one client at once, after a pause.
    pub requests_burst: NonZeroU32,
    /// Connections at the same time; half of them may be of one client.
    pub connections_max: NonZeroU32,
    /// Seconds after which a stream of events ends; clients resume it.
    pub stream_seconds: u32,
}

/// When a batch ends.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BatchSettings {
    /// Slots after which a batch is sealed, those that collect fees apart.
    pub slots_max: NonZeroU32,
    /// Milliseconds after the first slot at which a batch is sealed.
    pub seal_after_ms: u64,
    /// Batches that may be sealed and not yet verified; more than 128 count as 128.
    pub unverified_max: NonZeroU32,
    /// Segments that are proved while a batch grows: `small` or `large`.
    pub segments: Segments,
}

/// Size of the segments that are proved while a batch grows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Segments {
    /// The first proof starts early.
    Small,
    /// Less work for each transaction.
    Large,
}

/// Transactions that wait.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PoolSettings {
    /// Transactions that may wait for a batch.
    pub transactions_max: u32,
    /// Of those, of one account.
    pub per_account_max: u32,
}

/// Who proves.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProverSettings {
    /// Provers in the node's own process; 0 if only external workers prove.
    pub local_workers: u32,
    /// Threads of each; 0: as many as the machine has cores.
    pub threads: u32,
    /// Memory in MiB that the proofs of each may take.
    pub memory_mib: u32,
    /// File with the token of external workers; without one there are none.
    pub token_file: PathBuf,
    /// File with the token of operators; without one nobody can retry batches or readmit workers.
    pub operator_token_file: PathBuf,
    /// Address and port at which external workers find a door of their own, which clients of the API cannot fill; port 0: a
    /// free one.
    pub listen: SocketAddr,
}

/// Who collects fees.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeeSettings {
    /// L1 address that owns the account of fees.
    pub owner: String,
    /// Digest of that account's key.
    pub key: String,
    /// Least fee of a transaction, in base units of the fee's asset.
    pub minimum: u32,
}

impl Default for L1Settings {
    fn default() -> Self {
        Self {
            url: String::new(),
            contract: String::new(),
            first_block: 0,
            genesis_salt: String::new(),
            operator_key: PathBuf::new(),
            poll_ms: 100,
        }
    }
}

impl Default for ApiSettings {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7100),
            requests_per_second: limits.client_requests_per_second,
            requests_burst: limits.client_requests_burst,
            connections_max: NonZeroU32::new(2048).expect("not zero"),
            stream_seconds: 600,
        }
    }
}

impl Default for BatchSettings {
    fn default() -> Self {
        // With the collection of each fee asset they fill the three large segments that share a table.
        const SLOTS_MAX: NonZeroU32 = NonZeroU32::new(1154).expect("not zero");
        const UNVERIFIED_MAX: NonZeroU32 = NonZeroU32::new(8).expect("not zero");
        Self { slots_max: SLOTS_MAX, seal_after_ms: 5_000, unverified_max: UNVERIFIED_MAX, segments: Segments::Large }
    }
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self { transactions_max: 10_000, per_account_max: 256 }
    }
}

impl Default for ProverSettings {
    fn default() -> Self {
        // Two, so that one fills the gaps of the other.
        Self {
            local_workers: 2,
            threads: 0,
            memory_mib: 8192,
            token_file: PathBuf::new(),
            operator_token_file: PathBuf::new(),
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7101),
        }
    }
}

impl Settings {
    /// The limits and times that a running node works with.
    #[must_use]
    pub fn node(&self) -> NodeConfig {
        let size = |number: u32| usize::try_from(number).expect("32 bits");
        NodeConfig {
            batch: BatchLimits {
                slots_max: size(self.batch.slots_max.get()),
                seal_after: Duration::from_millis(self.batch.seal_after_ms),
                // More could not be taken back.
                unverified_max: size(self.batch.unverified_max.get().min(UNDO_BATCHES)),
            },
            streamed: match self.batch.segments {
                Segments::Small => SegmentSize::Small,
                Segments::Large => SegmentSize::Large,
            },
            pool_max: size(self.pool.transactions_max),
            pool_per_account_max: self.pool.per_account_max,
            l1_poll: Duration::from_millis(self.l1.poll_ms),
            provers: ProverLimits {
                local_workers: self.provers.local_workers,
                threads: NonZeroUsize::new(size(self.provers.threads)),
                memory_mib: self.provers.memory_mib,
            },
            api: self.api.limits(),
            fee_minimum: Amount::new(self.fees.minimum.into()).expect("32 bits are below 2^62"),
        }
    }
}

impl ApiSettings {
    fn limits(&self) -> Limits {
        let connections_max = usize::try_from(self.connections_max.get()).expect("32 bits");
        Limits {
            client_requests_per_second: self.requests_per_second,
            client_requests_burst: self.requests_burst,
            connections_max,
            client_connections_max: connections_max.div_ceil(2),
            stream_time_max: Duration::from_secs(self.stream_seconds.into()),
            ..Limits::default()
        }
    }
}
