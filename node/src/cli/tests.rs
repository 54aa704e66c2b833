//! Helps, and arguments that are refused before anything is done.

use clap::CommandFactory;
use clap::error::ErrorKind;

use super::*;

fn refusal(line: &str) -> clap::Error {
    Cli::try_parse_from(line.split_whitespace()).err().unwrap_or_else(|| panic!("{line} is taken"))
}

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn the_help_of_every_command_has_an_example() {
    fn check(command: &clap::Command, path: &str) -> usize {
        let mut checked = 1;
        let help = command.clone().render_long_help().to_string();
        let example = help.lines().any(|line| line.trim_start().starts_with(path));
        assert!(command.is_hide_set() || example, "{path} --help has no line that begins with {path}:\n{help}");
        for child in command.get_subcommands().filter(|child| child.get_name() != "help") {
            checked += check(child, &format!("{path} {}", child.get_name()));
        }
        checked
    }
    assert!(check(&Cli::command(), "weft") > 15);
}

#[test]
fn the_help_tells_the_exit_codes() {
    let help = Cli::command().render_long_help().to_string();
    assert!(help.contains(EXIT_CODES), "{help}");
}

#[test]
fn every_command_takes_json() {
    for line in ["weft --json status", "weft status --json", "weft demo --json", "weft batch 3 --watch --json"] {
        assert!(Cli::try_parse_from(line.split_whitespace()).unwrap().json, "{line}");
    }
}

#[test]
fn secrets_are_no_arguments() {
    for option in ["--passphrase x", "--private-key x", "--secret x", "--seed x"] {
        for command in ["keygen k.json", "transfer 1 --to 2", "deposit 1", "claim 1"] {
            let error = refusal(&format!("weft {command} {option}"));
            assert_eq!(error.kind(), ErrorKind::UnknownArgument, "{command} {option}");
        }
    }
}

#[test]
fn wrong_arguments_are_refused_with_code_2() {
    for line in [
        "weft",
        "weft nothing",
        "weft transfer",
        "weft transfer 1",
        "weft transfer 1 --to",
        "weft transfer 1 --to nobody",
        "weft transfer 1 --to 0x12",
        "weft transfer 1 --to -1",
        "weft transfer 1 --to 4294967296",
        "weft transfer 1 --to 2 --asset gold",
        "weft transfer 1 --to 2 --asset 65536",
        "weft transfer 1 --to 2 --nonce -1",
        "weft transfer 1 --to 2 --wait soon",
        "weft transfer 1 --to 2 --timeout 1.5",
        "weft withdraw 1 --to 2",
        "weft deposit 1 --owner 0x12",
        "weft deposit 1 --key-digest 0x12",
        "weft deposit 1 --account 3 --key-digest 0x0000000000000000000000000000000000000000000000000000000000000000",
        "weft deposit 1 --l1-key a --l1-key-file b",
        "weft claim",
        "weft claim x",
        "weft claim 1 --position -1",
        "weft account",
        "weft account 0xzz",
        "weft account 1 --at 3",
        "weft tx",
        "weft tx 0x12",
        "weft tx 12",
        "weft batch 0",
        "weft batch first",
        "weft batch -1",
        "weft batch --list x",
        "weft batch --list 0",
        "weft account 1 --history 0",
        "weft claim 0",
        "weft transfer 1 --to 2 --valid-for 0",
        "weft transfer 1 --to 2 --valid-for 99999999999",
        "weft transfer 1 --to 2 --contract 0x12",
        "weft verify f --contract x",
        "weft batch --list 3 --watch",
        "weft keygen",
        "weft keygen k.json --kind other",
        "weft keygen k.json --passphrase-file p --passphrase-stdin",
        "weft workers retry",
        "weft workers retry first --operator-token-file t",
        "weft workers retry -1 --operator-token-file t",
        "weft workers readmit",
        "weft workers --api http://x retry 1 --operator-token-file t",
        "weft verify",
        "weft doctor --chain-id x",
        "weft completions",
        "weft completions dos",
    ] {
        assert_eq!(refusal(line).exit_code(), 2, "{line}");
    }
}

/// Runs a command that fails, on the library side of the parser.
fn fails(line: &str, profile: Profile) -> Exit {
    let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
    let context = Context { circuit_cache: None, profile, output: Output::Json };
    exit::class(&run_command(&cli.command, &context).expect_err(line))
}

#[test]
fn a_node_must_be_named_and_answer() {
    for command in ["status", "workers", "batch", "account 1", "transfer 1 --to 2 --yes", "deposit 1 --yes", "claim 1"]
    {
        assert_eq!(fails(&format!("weft {command} --api nowhere"), Profile::default()), Exit::Usage, "{command}");
        let nobody = format!("weft {command} --api http://127.0.0.1:1");
        assert_eq!(fails(&nobody, Profile::default()), Exit::Unreachable, "{command}");
    }
    let profile = Profile { api: Some("http://127.0.0.1:1".to_owned()), ..Profile::default() };
    assert_eq!(fails("weft status", profile), Exit::Unreachable);
}

#[test]
fn operators_name_the_node_and_a_file_with_their_token() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("operator-token");
    std::fs::write(&token, "0123456789abcdef\n").unwrap();
    for order in ["retry 17", "readmit attic"] {
        let line = |api: &str| format!("weft workers {order}{api} --operator-token-file {}", token.display());
        let nobody = line(" --api http://127.0.0.1:1");
        std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(fails(&nobody, Profile::default()), Exit::Failed, "others can read the token");
        std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(fails(&nobody, Profile::default()), Exit::Unreachable);
        assert_eq!(fails(&line(""), Profile::default()), Exit::Usage);
    }
}

#[test]
fn files_that_are_not_there_fail() {
    assert_eq!(fails("weft verify /nowhere/proof.json", Profile::default()), Exit::Failed);
    assert_eq!(fails("weft keygen /nowhere/key.json --passphrase-file /nowhere/p", Profile::default()), Exit::Failed);
}

#[test]
fn a_key_is_made_once() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let [key, passphrase] = ["key.json", "passphrase"].map(|name| folder.path().join(name));
    std::fs::write(&passphrase, "correct horse\n").unwrap();
    std::fs::set_permissions(&passphrase, std::fs::Permissions::from_mode(0o600)).unwrap();
    let line = format!("weft keygen {} --kind l1 --passphrase-file {}", key.display(), passphrase.display());
    let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
    let context = Context { circuit_cache: None, profile: Profile::default(), output: Output::Json };
    assert_eq!(run_command(&cli.command, &context).unwrap(), Exit::Done);
    let bytes = std::fs::read(&key).unwrap();
    assert!(crate::keystore::Keystore::read(&key).unwrap().open_l1(b"correct horse").is_ok());
    assert_eq!(fails(&line, Profile::default()), Exit::Failed);
    assert_eq!(std::fs::read(&key).unwrap(), bytes);
}

#[test]
fn what_nobody_can_be_asked_about_is_not_signed() {
    use std::io::IsTerminal;
    // Without a terminal, as the test runner starts tests, the node is not even asked.
    if std::io::stdin().is_terminal() {
        return;
    }
    for line in ["weft transfer 1 --to 2", "weft withdraw 1", "weft deposit 1"] {
        assert_eq!(fails(&format!("{line} --api http://127.0.0.1:1"), Profile::default()), Exit::Usage, "{line}");
    }
}

#[test]
fn l1_is_asked_about_the_contract_that_is_meant() {
    let line = "weft verify /nowhere/proof.json --l1 http://127.0.0.1:1";
    assert_eq!(fails(line, Profile::default()), Exit::Usage);
    let profile = Profile { contract: Some(alloy::primitives::Address::ZERO), ..Profile::default() };
    assert_eq!(fails(line, profile), Exit::Failed, "then the file is read");
}
