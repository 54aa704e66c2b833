//! Options of `weft node` and `weft config`: a flag for each setting of a node.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Args, Command, Error, FromArgMatches, value_parser};

use crate::config::{Config, ConfigError, SETTINGS, load};

/// Name of the option with the file.
const FILE: &str = "config";

/// A file and values from the command line.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct SettingsOptions {
    file: Option<PathBuf>,
    flags: Vec<(String, String)>,
}

impl SettingsOptions {
    /// All settings: defaults, then the file, then the environment, then the flags.
    pub(super) fn load(&self) -> Result<Config, ConfigError> {
        load(self.file.as_deref(), |name| std::env::var(name).ok(), &self.flags)
    }
}

impl FromArgMatches for SettingsOptions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut options = Self::default();
        options.update_from_arg_matches(matches)?;
        Ok(options)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.file = matches.get_one::<PathBuf>(FILE).cloned();
        let value = |name: &str| Some((name.to_owned(), matches.get_one::<String>(name)?.clone()));
        self.flags = SETTINGS.iter().filter_map(|setting| value(setting.name)).collect();
        Ok(())
    }
}

impl Args for SettingsOptions {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new(FILE).long(FILE).env("WEFT_CONFIG").value_name("FILE").value_parser(value_parser!(PathBuf));
        let command = command.arg(file.help("File with settings, in TOML"));
        SETTINGS.iter().fold(command, |command, setting| {
            let help = format!("{} [env: {}]", setting.help, setting.variable());
            command.arg(Arg::new(setting.name).long(setting.flag()).value_name("VALUE").help(help))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
