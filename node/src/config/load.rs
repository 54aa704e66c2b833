//! Where each setting comes from.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::Settings;

/// A setting, for help and for `config show`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Setting {
    /// Its name in the file: sections and names, with dots between.
    pub name: &'static str,
    /// What it is.
    pub help: &'static str,
}

/// All settings, in the order of the file.
pub const SETTINGS: [Setting; 27] = [
    Setting { name: "data_dir", help: "Folder of everything that the node keeps" },
    Setting { name: "l1.url", help: "URL of L1's JSON-RPC" },
    Setting { name: "l1.contract", help: "Address of the rollup's contract" },
    Setting { name: "l1.first_block", help: "Block of the deployment, or an earlier one" },
    Setting { name: "l1.genesis_salt", help: "Salt with which the contract was deployed" },
    Setting { name: "l1.operator_key", help: "File with the key of the L1 account that posts batches" },
    Setting { name: "l1.poll_ms", help: "Milliseconds between two questions for news of L1" },
    Setting { name: "api.listen", help: "Address and port of the REST API; port 0: a free one" },
    Setting { name: "api.requests_per_second", help: "Requests of one client in a second, on the average" },
    Setting { name: "api.requests_burst", help: "Requests of one client at once, after a pause" },
    Setting { name: "api.connections_max", help: "Connections to the REST API at the same time" },
    Setting { name: "api.stream_seconds", help: "Seconds after which a stream of events ends; clients resume it" },
    Setting { name: "batch.slots_max", help: "Slots after which a batch is sealed" },
    Setting { name: "batch.seal_after_ms", help: "Milliseconds after the first slot at which a batch is sealed" },
    Setting { name: "batch.unverified_max", help: "Batches that may be sealed and not yet verified" },
    Setting { name: "batch.segments", help: "Segments that are proved while a batch grows: small or large" },
    Setting { name: "pool.transactions_max", help: "Transactions that may wait for a batch" },
    Setting { name: "pool.per_account_max", help: "Of those, of one account" },
    Setting { name: "provers.local_workers", help: "Provers in the node's own process; 0: only external ones" },
    Setting { name: "provers.threads", help: "Threads of each; 0: as many as the machine has cores" },
    Setting { name: "provers.memory_mib", help: "Memory in MiB that the proofs of each may take" },
    Setting { name: "provers.token_file", help: "File with the token of external workers" },
    Setting { name: "provers.operator_token_file", help: "File with the token of operators, for weft workers" },
    Setting { name: "provers.listen", help: "Address and port of external workers; port 0: a free one" },
    Setting { name: "fees.owner", help: "L1 address that owns the account of fees" },
    Setting { name: "fees.key", help: "Digest of that account's key" },
    Setting { name: "fees.minimum", help: "Least fee of a transaction, in base units of the fee's asset" },
];

impl Setting {
    /// Its name in the environment.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("WEFT_{}", self.name.replace('.', "_").to_uppercase())
    }

    /// Its name as a flag, without the dashes before it.
    #[must_use]
    pub fn flag(&self) -> String {
        self.name.replace(['.', '_'], "-")
    }
}

/// Where a value comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The file.
    File(PathBuf),
    /// The variable of this name.
    Environment(String),
    /// The flag of this name.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag --{name}"),
        }
    }
}

/// Settings cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no TOML.
    #[error("{} is no TOML: {source}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// There is no such setting.
    #[error("{origin}: there is no setting {name}")]
    Unknown {
        /// Who names it.
        origin: Origin,
        /// The name.
        name: String,
    },
    /// A value has not the setting's form.
    #[error("{origin}: {name} is {value}, which is not of the form of {example}")]
    Form {
        /// Who sets it.
        origin: Origin,
        /// The setting.
        name: String,
        /// The value.
        value: String,
        /// The default, as an example.
        example: String,
    },
    /// A value is out of its range.
    #[error("the settings cannot be taken: {0}")]
    Value(Box<toml::de::Error>),
}

/// Settings, and where each comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// The settings.
    pub settings: Settings,
    /// Origin of each, by name.
    pub origins: BTreeMap<&'static str, Origin>,
}

impl Config {
    /// Name, value and origin of each setting, in the order of the file.
    ///
    /// # Panics
    /// Never: settings have a form in TOML.
    #[must_use]
    pub fn entries(&self) -> Vec<(Setting, Value, Origin)> {
        let table = Table::try_from(&self.settings).expect("settings have a form in TOML");
        let entry = |setting: &Setting| {
            let value = get(&table, setting.name).cloned().expect("every setting is a field");
            (*setting, value, self.origins[setting.name].clone())
        };
        SETTINGS.iter().map(entry).collect()
    }
}

/// Reads all settings. `variable` reads the environment; `flags` are names of settings with the texts of their values.
///
/// # Errors
/// The file cannot be read, a name is none of a setting, or a value does not fit.
///
/// # Panics
/// Never: the defaults have a form in TOML.
pub fn load(
    file: Option<&Path>,
    variable: impl Fn(&str) -> Option<String>,
    flags: &[(String, String)],
) -> Result<Config, ConfigError> {
    let mut merged = Merged {
        table: Table::try_from(Settings::default()).expect("the defaults have a form in TOML"),
        origins: SETTINGS.iter().map(|setting| (setting.name, Origin::Default)).collect(),
    };
    if let Some(path) = file {
        merged.add_file(path)?;
    }
    for setting in &SETTINGS {
        let name = setting.variable();
        if let Some(text) = variable(&name) {
            merged.set_text(setting.name, &text, Origin::Environment(name))?;
        }
    }
    for (name, text) in flags {
        let flag = name.replace(['.', '_'], "-");
        merged.set_text(name, text, Origin::Flag(flag))?;
    }
    let settings = merged.table.try_into().map_err(|error| ConfigError::Value(Box::new(error)))?;
    Ok(Config { settings, origins: merged.origins })
}

/// What is set so far.
struct Merged {
    table: Table,
    origins: BTreeMap<&'static str, Origin>,
}

impl Merged {
    fn add_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let path = path.to_owned();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => return Err(ConfigError::Read { path, source }),
        };
        let table: Table = match text.parse() {
            Ok(table) => table,
            Err(source) => return Err(ConfigError::Syntax { path, source: Box::new(source) }),
        };
        for (name, value) in leaves(&table) {
            self.set(&name, value, Origin::File(path.clone()))?;
        }
        Ok(())
    }

    /// Sets a value that is a text, read in the form of the default.
    fn set_text(&mut self, name: &str, text: &str, origin: Origin) -> Result<(), ConfigError> {
        let value = match get(&self.table, name) {
            Some(Value::Integer(_)) => text.parse().map_or_else(|_| Value::String(text.to_owned()), Value::Integer),
            _ => Value::String(text.to_owned()),
        };
        self.set(name, value, origin)
    }

    fn set(&mut self, name: &str, value: Value, origin: Origin) -> Result<(), ConfigError> {
        let known = SETTINGS.iter().find(|setting| setting.name == name);
        let (Some(setting), Some(place)) = (known, get_mut(&mut self.table, name)) else {
            return Err(ConfigError::Unknown { origin, name: name.to_owned() });
        };
        if !place.same_type(&value) {
            let (name, value, example) = (name.to_owned(), value.to_string(), place.to_string());
            return Err(ConfigError::Form { origin, name, value, example });
        }
        *place = value;
        self.origins.insert(setting.name, origin);
        Ok(())
    }
}

/// Values with their names, sections dissolved.
fn leaves(table: &Table) -> Vec<(String, Value)> {
    let mut leaves = Vec::new();
    for (name, value) in table {
        match value {
            Value::Table(section) => {
                leaves.extend(leaves_of(name, section));
            }
            value => leaves.push((name.clone(), value.clone())),
        }
    }
    leaves
}

fn leaves_of(section: &str, table: &Table) -> Vec<(String, Value)> {
    table.iter().map(|(name, value)| (format!("{section}.{name}"), value.clone())).collect()
}

fn get<'a>(table: &'a Table, name: &str) -> Option<&'a Value> {
    match name.split_once('.') {
        None => table.get(name),
        Some((section, name)) => table.get(section)?.get(name),
    }
}

fn get_mut<'a>(table: &'a mut Table, name: &str) -> Option<&'a mut Value> {
    match name.split_once('.') {
        None => table.get_mut(name),
        Some((section, name)) => table.get_mut(section)?.get_mut(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        move |name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn every_field_is_a_setting_and_the_other_way_round() {
        let table = Table::try_from(Settings::default()).unwrap();
        let mut fields: Vec<_> = leaves(&table).into_iter().map(|(name, _)| name).collect();
        fields.sort();
        let mut names = SETTINGS.map(|setting| setting.name);
        names.sort_unstable();
        assert_eq!(fields, names);
    }

    #[test]
    fn later_sources_win_and_are_named() {
        let file = file("data_dir = \"here\"\n[batch]\nslots_max = 7\nunverified_max = 2\n");
        let variable = variables(&[("WEFT_BATCH_UNVERIFIED_MAX", "3"), ("WEFT_L1_POLL_MS", "9")]);
        let flags = [("l1.poll_ms".to_owned(), "11".to_owned())];
        let config = load(Some(file.path()), variable, &flags).unwrap();
        let node = config.settings.node();
        assert_eq!((node.batch.slots_max, node.batch.unverified_max, node.l1_poll.as_millis()), (7, 3, 11));
        assert_eq!(config.settings.data_dir, Path::new("here"));
        let origin = |name: &str| config.origins[name].to_string();
        assert_eq!(origin("pool.transactions_max"), "default");
        assert_eq!(origin("batch.slots_max"), format!("file {}", file.path().display()));
        assert_eq!(origin("batch.unverified_max"), "environment WEFT_BATCH_UNVERIFIED_MAX");
        assert_eq!(origin("l1.poll_ms"), "flag --l1-poll-ms");
        assert_eq!(config.entries().len(), SETTINGS.len());
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_origin() {
        let none = variables(&[]);
        let unknown = load(Some(file("[batch]\nslot_max = 7\n").path()), &none, &[]).unwrap_err();
        assert!(matches!(&unknown, ConfigError::Unknown { name, .. } if name == "batch.slot_max"), "{unknown}");
        let form = load(None, variables(&[("WEFT_BATCH_SLOTS_MAX", "many")]), &[]).unwrap_err();
        assert!(form.to_string().contains("WEFT_BATCH_SLOTS_MAX"), "{form}");
        let range = load(None, &none, &[("batch.slots_max".to_owned(), "-1".to_owned())]).unwrap_err();
        assert!(matches!(range, ConfigError::Value(_)), "{range}");
        let choice = load(None, &none, &[("batch.segments".to_owned(), "medium".to_owned())]).unwrap_err();
        assert!(choice.to_string().contains("medium"), "{choice}");
        assert!(matches!(load(Some(file("a = ").path()), &none, &[]), Err(ConfigError::Syntax { .. })));
        assert!(matches!(load(Some(Path::new("/nowhere")), &none, &[]), Err(ConfigError::Read { .. })));
    }
}
