//! `weft config`.

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::json;
use toml::Value;

use super::Context;
use super::exit::Exit;
use super::output::{row, table};
use super::settings::SettingsOptions;

const EXAMPLES: &str = "\
Examples:
  weft config show
  weft config show --origin --config node.toml";

const SHOW_EXAMPLES: &str = "\
Examples:
  weft config show --config node.toml
  weft config show --origin --batch-slots-max 2048
  WEFT_BATCH_SLOTS_MAX=2048 weft config show --origin --json";

/// Arguments of `weft config`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Shows the settings that `weft node` would start with.
    Show(ShowArgs),
}

#[derive(Debug, Args)]
#[command(after_help = SHOW_EXAMPLES)]
struct ShowArgs {
    /// Tell for each setting where it comes from.
    #[arg(long)]
    origin: bool,
    #[command(flatten)]
    settings: SettingsOptions,
}

pub(super) fn run(args: &ConfigArgs, context: &Context) -> Result<Exit> {
    let ConfigCommand::Show(args) = &args.command;
    let entries = args.settings.load()?.entries();
    let object: Vec<_> = entries
        .iter()
        .map(|(setting, value, origin)| json!({ "name": setting.name, "value": value, "origin": origin.to_string() }))
        .collect();
    context.output.result(&object, || {
        let rows: Vec<_> = entries
            .iter()
            .map(|(setting, value, origin)| {
                let origin = if args.origin { origin.to_string() } else { String::new() };
                row![setting.name, text(value), origin]
            })
            .collect();
        table(&rows)
    });
    Ok(Exit::Done)
}

/// A value as the file has it; an empty text is none.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "-".to_owned(),
        value => value.to_string(),
    }
}
