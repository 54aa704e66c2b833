//! An L1 in a process of its own: Foundry's anvil, under mainnet's rules.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use alloy::primitives::U256;
use alloy::providers::{Provider, ProviderBuilder};
use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use weft_contract::embedded::{EmbeddedConfig, dev_signer};

/// What names anvil's program.
const PROGRAM: &str = "WEFT_ANVIL";
/// Anvil says so when it can be called; the address follows.
const READY: &str = "Listening on ";
/// Longest time until then.
const START_TIME_MAX: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// A running anvil, with the dev accounts of the embedded chain. It ends when it is dropped.
#[derive(Debug)]
pub struct Anvil {
    child: Child,
    url: String,
    _output: TempDir,
}

impl Anvil {
    /// Starts one on a free port, with the rules of the Osaka fork: anvil wants the gas cap of a transaction asked for.
    ///
    /// # Errors
    /// `WEFT_ANVIL` does not name the program, or it does not start.
    pub async fn start() -> Result<Self> {
        let program: PathBuf = std::env::var_os(PROGRAM)
            .with_context(|| format!("{PROGRAM} must name the program anvil; `./weft test` brings one"))?
            .into();
        let folder = tempfile::tempdir()?;
        let output = folder.path().join("stdout");
        let config = EmbeddedConfig::default();
        let child = Command::new(&program)
            .args(["--host", "127.0.0.1", "--port", "0", "--hardfork", "osaka", "--enable-tx-gas-limit"])
            // A block for each transaction at once, and one a second: batches wait for L1's time to go on.
            .args(["--block-time", "1", "--mixed-mining"])
            .args(["--chain-id", &config.chain_id.to_string(), "--accounts", "1"])
            .stdin(Stdio::null())
            .stdout(File::create(&output)?)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut anvil = Self { child, url: String::new(), _output: folder };
        let began = Instant::now();
        anvil.url = loop {
            let said = fs::read_to_string(&output)?;
            if let Some(address) = said.lines().find_map(|line| line.strip_prefix(READY)) {
                break format!("http://{address}");
            }
            if let Some(status) = anvil.child.try_wait()? {
                bail!("anvil has ended, {status}: {said}");
            }
            if began.elapsed() > START_TIME_MAX {
                bail!("anvil does not get ready: {said}");
            }
            std::thread::sleep(POLL);
        };
        let provider = ProviderBuilder::new().connect_http(anvil.url.parse()?);
        for account in 0..config.dev_accounts {
            let balance: (_, U256) = (dev_signer(account).address(), config.dev_balance);
            provider.raw_request::<_, ()>("anvil_setBalance".into(), balance).await?;
        }
        Ok(anvil)
    }

    /// Its JSON-RPC.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
