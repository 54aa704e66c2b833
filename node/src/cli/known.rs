//! The rollups of nodes that were used: kept at the first use, compared at each further one.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use weft_api::{AssetView, Deployment};

use super::exit::Refused;
use super::identity::same_assets;
use super::profile::Profile;
use crate::wallet::Terms;

/// Name of the file, in the folder of the profile.
pub(super) const FILE: &str = "known-rollups.toml";
/// Largest such file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// What stands at its beginning.
const HEADER: &str =
    "# What nodes said of their rollups when they were first used. Without its entry, a node is believed anew.\n\n";

/// A rollup as a node has described it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    rollup: Deployment,
    assets: Vec<AssetView>,
}

/// The file.
#[derive(Debug)]
pub(super) struct Known {
    path: PathBuf,
}

impl Known {
    /// The file beside a profile.
    ///
    /// # Errors
    /// Nobody knows where profiles are.
    pub(super) fn beside(profile: &Profile) -> Result<Self> {
        let folder = profile.folder.as_ref().context(
            "there is no folder to keep what the node says of its rollup (set HOME or --profile): \
            name the contract with --contract and L1 with --l1",
        )?;
        Ok(Self { path: folder.join(FILE) })
    }

    /// Compares what the node at an address says with what it said before. At the first use it is kept; returns a note
    /// about it.
    ///
    /// # Errors
    /// The node says something else, or the file cannot be read or written.
    pub(super) fn check(&self, node: &str, terms: &Terms) -> Result<Option<String>> {
        let mut entries = self.read().with_context(|| format!("cannot use {}", self.path.display()))?;
        let Some(before) = entries.get_mut(node) else {
            let Terms { deployment, assets } = terms.clone();
            entries.insert(node.to_owned(), Entry { rollup: deployment, assets });
            self.write(&entries)?;
            let (contract, chain) = (deployment.contract, deployment.chain_id);
            let file = self.path.display();
            return Ok(Some(format!(
                "first use of {node}: its rollup is {contract} on chain {chain}, as it says; kept in {file}"
            )));
        };
        self.compare(node, before, terms)?;
        if before.assets.len() < terms.assets.len() {
            before.assets.clone_from(&terms.assets);
            self.write(&entries)?;
        }
        Ok(None)
    }

    fn compare(&self, node: &str, before: &Entry, terms: &Terms) -> Result<()> {
        let Terms { deployment, assets } = terms;
        if before.rollup != *deployment {
            let words = |rollup: &Deployment| {
                format!("{} on chain {}, domain {}", rollup.contract, rollup.chain_id, rollup.domain.0)
            };
            let (now, then) = (words(deployment), words(&before.rollup));
            let file = self.path.display();
            return Err(Refused(format!(
                "{node} serves another rollup than at its first use: now {now}; then {then}. \
                If this is meant, remove its entry from {file}"
            ))
            .into());
        }
        // Assets that were listed since are new, those of before must be as they were.
        let is_old = |asset: &&AssetView| before.assets.iter().any(|known| known.id == asset.id);
        let old: Vec<_> = assets.iter().filter(is_old).copied().collect();
        same_assets(&format!("at its first use ({}) it", self.path.display()), &before.assets, &old)
    }

    fn read(&self) -> Result<BTreeMap<String, Entry>> {
        let file = match std::fs::File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(error.into()),
        };
        let mut text = String::new();
        let length = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
        anyhow::ensure!(u64::try_from(length)? <= FILE_BYTES_MAX, "it is larger than {FILE_BYTES_MAX} bytes");
        Ok(toml::from_str(&text)?)
    }

    /// Replaces the file as a whole: two commands at once leave the entries of one of them.
    fn write(&self, entries: &BTreeMap<String, Entry>) -> Result<()> {
        let write = || {
            let folder = self.path.parent().unwrap_or(Path::new("."));
            std::fs::create_dir_all(folder)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(HEADER.as_bytes())?;
            file.write_all(toml::to_string(entries)?.as_bytes())?;
            file.persist(&self.path)?;
            anyhow::Ok(())
        };
        write().with_context(|| {
            let file = self.path.display();
            format!("cannot keep what the node says in {file}: name the contract with --contract and L1 with --l1")
        })
    }
}

#[cfg(test)]
mod tests {
    use weft_protocol::crypto::Digest;
    use weft_protocol::{Address, Amount, Domain};

    use super::*;

    fn terms() -> Terms {
        let deployment = Deployment { chain_id: 7, contract: Address([1; 20]), domain: Domain(Digest::ZERO) };
        let eth = AssetView { id: 1, token: None, scale: Amount::new(1_000_000_000).unwrap() };
        let token = AssetView { id: 2, token: Some(Address([9; 20])), scale: Amount::new(10).unwrap() };
        Terms { deployment, assets: vec![eth, token] }
    }

    fn known(folder: &Path) -> Known {
        Known::beside(&Profile { folder: Some(folder.to_owned()), ..Profile::default() }).unwrap()
    }

    #[test]
    fn the_first_use_is_told_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("weft");
        let note = known(&folder).check("http://a", &terms()).unwrap().unwrap();
        assert!(note.contains("0x0101010101010101010101010101010101010101 on chain 7"), "{note}");
        assert_eq!(known(&folder).check("http://a", &terms()).unwrap(), None);
        assert!(known(&folder).check("http://b", &terms()).unwrap().is_some());
    }

    #[test]
    fn what_differs_later_is_refused_with_both_values() {
        let folder = tempfile::tempdir().unwrap();
        let known = known(folder.path());
        known.check("http://a", &terms()).unwrap();
        type Change = (fn(&mut Terms), &'static str, &'static str);
        let changes: [Change; 5] = [
            (|terms| terms.deployment.chain_id = 8, "chain 8", "chain 7"),
            (|terms| terms.deployment.contract = Address([2; 20]), "0x0202", "0x0101"),
            (
                |terms| terms.deployment.domain = Domain(Digest::from_bytes(&[1; 32]).unwrap()),
                "domain 0x01",
                "domain 0x00",
            ),
            (|terms| terms.assets[0].scale = Amount::new(1).unwrap(), "scale 1;", "scale 1000000000"),
            (|terms| terms.assets[1].token = Some(Address([8; 20])), "0x0808", "0x0909"),
        ];
        for (change, now, then) in changes {
            let mut terms = terms();
            change(&mut terms);
            let error = known.check("http://a", &terms).unwrap_err();
            assert!(error.is::<Refused>(), "{error:#}");
            let text = error.to_string();
            assert!(text.contains(now) && text.contains(then) && text.contains(FILE), "{text}");
        }
        assert_eq!(known.check("http://a", &terms()).unwrap(), None);
    }

    #[test]
    fn assets_may_be_listed_later_and_are_kept_then() {
        let folder = tempfile::tempdir().unwrap();
        let known = known(folder.path());
        let mut fewer = terms();
        fewer.assets.truncate(1);
        known.check("http://a", &fewer).unwrap();
        assert_eq!(known.check("http://a", &terms()).unwrap(), None);
        let mut other = terms();
        other.assets[1].scale = Amount::new(1).unwrap();
        assert!(known.check("http://a", &other).is_err());
    }

    #[test]
    fn a_file_that_is_not_understood_is_told_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        std::fs::write(&path, "[a]\nrollup = 1\n").unwrap();
        let error = known(folder.path()).check("http://a", &terms()).unwrap_err();
        assert!(format!("{error:#}").contains(FILE), "{error:#}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "[a]\nrollup = 1\n");
    }
}
