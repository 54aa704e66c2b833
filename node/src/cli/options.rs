//! Options that several commands share.

use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy::network::EthereumWallet;
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::signers::local::PrivateKeySigner;
use anyhow::{Context, Result};
use clap::Args;
use reqwest::Url;
use weft_api::Deployment;
use weft_protocol::crypto::schnorr::SecretKey;

use super::exit::{Refused, Usage};
use super::passphrase::{PassphraseOptions, Purpose};
use super::profile::Profile;
use crate::client::Client;
use crate::keystore::{Keystore, read_hex_key, read_private};
use crate::l1::http_client;

/// How often L1 is asked for the block of a transaction.
const L1_POLL: Duration = Duration::from_millis(200);

/// Which node.
#[derive(Debug, Args)]
pub(super) struct ApiOptions {
    /// Address of the node's API, such as `http://127.0.0.1:8080`. Default: `api` of the profile.
    #[arg(long, env = "WEFT_API", value_name = "URL")]
    api: Option<String>,
}

impl ApiOptions {
    /// The node's address, if one is named.
    fn url(&self, profile: &Profile) -> Result<Option<Url>> {
        self.api.as_ref().or(profile.api.as_ref()).map(|url| http_url(url, "--api")).transpose()
    }

    /// The node's address.
    pub(super) fn required(&self, profile: &Profile) -> Result<Url> {
        let none = "no node is named: give --api URL, set WEFT_API, or put api in the profile";
        self.url(profile)?.ok_or_else(|| Usage(none.to_owned()).into())
    }

    /// A client of the node, if one is named.
    pub(super) fn named_client(&self, profile: &Profile) -> Result<Option<Client>> {
        Ok(self.url(profile)?.map(|url| Client::new(url.as_str())))
    }

    /// A client of the node.
    pub(super) fn client(&self, profile: &Profile) -> Result<Client> {
        Ok(Client::new(self.required(profile)?.as_str()))
    }
}

/// Which L1.
#[derive(Debug, Default, Args)]
pub(super) struct L1Options {
    /// Address of L1's JSON-RPC. Default: `l1` of the profile.
    #[arg(long, env = "WEFT_L1", value_name = "URL")]
    l1: Option<String>,
}

impl L1Options {
    /// The address, if there is one.
    pub(super) fn url(&self, profile: &Profile) -> Result<Option<Url>> {
        self.l1.as_ref().or(profile.l1.as_ref()).map(|url| http_url(url, "--l1")).transpose()
    }

    /// The address.
    pub(super) fn required(&self, profile: &Profile) -> Result<Url> {
        let none = "no L1 is named: give --l1 URL, set WEFT_L1, or put l1 in the profile";
        self.url(profile)?.ok_or_else(|| Usage(none.to_owned()).into())
    }

    /// A provider that reads, if L1 is named.
    pub(super) fn reader(&self, profile: &Profile) -> Result<Option<DynProvider>> {
        self.url(profile)?.map(reader).transpose()
    }

    /// A provider that signs with a key, on the chain of this rollup.
    pub(super) async fn signer(
        &self,
        profile: &Profile,
        key: PrivateKeySigner,
        deployment: &Deployment,
    ) -> Result<DynProvider> {
        let provider = signing(self.required(profile)?, key)?;
        let (expected, got) =
            (deployment.chain_id, provider.get_chain_id().await.context("cannot ask L1 for its chain")?);
        if expected != got {
            return Err(Refused(format!("the rollup is on chain {expected}, this L1 is chain {got}")).into());
        }
        Ok(provider)
    }
}

/// A provider that signs with a key.
pub(super) fn signing(url: Url, key: PrivateKeySigner) -> Result<DynProvider> {
    let client = http_client().context("no client for L1")?;
    let provider = ProviderBuilder::new().wallet(EthereumWallet::from(key)).connect_reqwest(client, url).erased();
    provider.client().set_poll_interval(L1_POLL);
    Ok(provider)
}

/// A provider that reads.
pub(super) fn reader(url: Url) -> Result<DynProvider> {
    let client = http_client().context("no client for L1")?;
    let provider = ProviderBuilder::new().connect_reqwest(client, url).erased();
    provider.client().set_poll_interval(L1_POLL);
    Ok(provider)
}

/// Which key signs transactions of the rollup.
#[derive(Debug, Args)]
pub(super) struct KeyOptions {
    /// Key file, from `weft keygen`. Default: `key` of the profile.
    #[arg(long, env = "WEFT_KEY", value_name = "FILE")]
    key: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseOptions,
}

impl KeyOptions {
    /// Where passphrases are.
    pub(super) const fn passphrase(&self) -> &PassphraseOptions {
        &self.passphrase
    }

    /// The key.
    pub(super) fn open(&self, profile: &Profile) -> Result<SecretKey> {
        let path = self.key.as_ref().or(profile.key.as_ref());
        let path = path.ok_or_else(|| {
            Usage("no key is named: give --key FILE, set WEFT_KEY, or put key in the profile".to_owned())
        })?;
        let keystore = Keystore::read(path)?;
        let passphrase = self.passphrase.read(Purpose::Open(path))?;
        Ok(keystore.open_rollup(&passphrase)?)
    }
}

/// Which key signs L1 transactions.
#[derive(Debug, Args)]
pub(super) struct L1KeyOptions {
    /// Key file of kind l1, from `weft keygen --kind l1`. Default: `l1_key` of the profile.
    #[arg(long, env = "WEFT_L1_KEY", value_name = "FILE", conflicts_with = "l1_key_file")]
    l1_key: Option<PathBuf>,
    /// File with the hexadecimal digits of a key, as development chains have them; its mode must be 0600. Default:
    /// `l1_key_file` of the profile.
    #[arg(long, env = "WEFT_L1_KEY_FILE", value_name = "FILE")]
    l1_key_file: Option<PathBuf>,
}

impl L1KeyOptions {
    /// The key.
    pub(super) fn open(&self, profile: &Profile, passphrase: &PassphraseOptions) -> Result<PrivateKeySigner> {
        let (sealed, plain) = if self.l1_key.is_some() || self.l1_key_file.is_some() {
            (&self.l1_key, &self.l1_key_file)
        } else {
            (&profile.l1_key, &profile.l1_key_file)
        };
        match (sealed, plain) {
            (Some(path), _) => {
                let keystore = Keystore::read(path)?;
                Ok(keystore.open_l1(&passphrase.read(Purpose::Open(path))?)?)
            }
            (None, Some(path)) => Ok(read_hex_key(path)?),
            (None, None) => Err(Usage(
                "no L1 key is named: give --l1-key FILE or --l1-key-file FILE, or put one in the profile".to_owned(),
            )
            .into()),
        }
    }
}

/// An L1 key out of a file: a key file, or the hexadecimal digits alone.
pub(super) fn l1_key(path: &Path, passphrase: &PassphraseOptions) -> Result<PrivateKeySigner> {
    if !read_private(path)?.starts_with(b"{") {
        return Ok(read_hex_key(path)?);
    }
    let keystore = Keystore::read(path)?;
    Ok(keystore.open_l1(&passphrase.read(Purpose::Open(path))?)?)
}

/// An address that this program can speak to.
pub(super) fn http_url(text: &str, option: &str) -> Result<Url> {
    let url = Url::parse(text).map_err(|error| Usage(format!("{option}: {text:?} is no URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(Usage(format!("{option}: {text:?} is no HTTP address")).into());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_http() {
        assert!(http_url("http://127.0.0.1:8080", "--api").is_ok());
        for text in ["", "127.0.0.1:8080", "localhost", "ftp://x", "file:///etc", "http://"] {
            let error = http_url(text, "--api").unwrap_err();
            assert!(error.is::<Usage>(), "{text}: {error}");
            assert!(error.to_string().starts_with("--api: "), "{error}");
        }
    }
}
