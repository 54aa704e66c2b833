//! Defaults of a user: a file of options that every command would otherwise need.

use std::path::{Path, PathBuf};

use alloy::primitives::Address as L1Address;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// Largest profile that is read, in bytes.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// Content of a profile. Options and environment come before it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Profile {
    /// Folder of the profile, or where it would be; nothing of this kind if nobody knows.
    #[serde(skip)]
    pub(super) folder: Option<PathBuf>,
    /// Chain id of the rollup that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) chain_id: Option<u64>,
    /// Contract of the rollup that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) contract: Option<L1Address>,
    /// Address of the node's API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) api: Option<String>,
    /// Address of L1's JSON-RPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) l1: Option<String>,
    /// Key file for transactions of the rollup.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<PathBuf>,
    /// Key file for L1 transactions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) l1_key: Option<PathBuf>,
    /// File with the hexadecimal digits of an L1 key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) l1_key_file: Option<PathBuf>,
}

impl Profile {
    /// Reads the profile at `path`, or, if none is named, the one at the usual place if it is there.
    pub(super) fn load(path: Option<&Path>) -> Result<Self> {
        let usual = usual_path();
        let path = match (path, &usual) {
            (Some(path), _) => path,
            (None, Some(path)) if path.exists() => path,
            (None, usual) => {
                let folder = usual.as_ref().and_then(|path| path.parent()).map(Path::to_owned);
                return Ok(Self { folder, ..Self::default() });
            }
        };
        let length =
            std::fs::metadata(path).with_context(|| format!("cannot read the profile {}", path.display()))?.len();
        anyhow::ensure!(
            length <= FILE_BYTES_MAX,
            "the profile {} is larger than {FILE_BYTES_MAX} bytes",
            path.display()
        );
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read the profile {}", path.display()))?;
        let profile: Self =
            toml::from_str(&text).with_context(|| format!("the profile {} is not understood", path.display()))?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(profile.relative_to(folder))
    }

    /// Files are named relative to the profile's folder.
    fn relative_to(self, folder: &Path) -> Self {
        let resolve = |path: Option<PathBuf>| path.map(|path| folder.join(path));
        Self {
            folder: Some(folder.to_owned()),
            key: resolve(self.key),
            l1_key: resolve(self.l1_key),
            l1_key_file: resolve(self.l1_key_file),
            ..self
        }
    }
}

/// Where the profile is if nobody says: the user's folder of configurations.
fn usual_path() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let configurations = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")))?;
    Some(configurations.join("weft").join("profile.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_names_files_beside_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.toml");
        let contract = "0x00000000000000000000000000000000000000Aa";
        let text = format!(
            "api = \"http://127.0.0.1:1\"\nkey = \"a.json\"\nl1_key_file = \"/b.hex\"\ncontract = \"{contract}\"\n"
        );
        std::fs::write(&path, text).unwrap();
        let profile = Profile::load(Some(&path)).unwrap();
        assert_eq!(profile.api.as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(profile.key, Some(folder.path().join("a.json")));
        assert_eq!(profile.l1_key_file, Some(PathBuf::from("/b.hex")));
        assert_eq!(profile.contract, Some(contract.parse().unwrap()));
        assert_eq!(profile.folder.as_deref(), Some(folder.path()));
    }

    #[test]
    fn a_profile_that_was_named_must_be_good() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.toml");
        assert!(Profile::load(Some(&path)).is_err(), "it is not there");
        for text in ["api = 1", "ap = \"x\"", "api", "contract = \"0x12\"", "folder = \"/\""] {
            std::fs::write(&path, text).unwrap();
            assert!(Profile::load(Some(&path)).is_err(), "{text}");
        }
    }
}
