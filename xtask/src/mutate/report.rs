//! What a campaign found, as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use super::{DOCUMENT, Family, Fate};

const BEGIN: &str = "<!-- mutation report -->\n";
const END: &str = "<!-- end of the mutation report -->";

/// The kill rate, a line for each family, and the survivors.
pub(super) fn table(families: &BTreeMap<String, Family>, fates: &BTreeMap<String, Fate>) -> String {
    let survivors: Vec<_> = survivors(fates).collect();
    let killed = fates.len() - survivors.len();
    let (rate, tenths) = (killed * 100 / fates.len(), killed * 1_000 / fates.len() % 10);
    let mut text = format!("kill rate {rate}.{tenths}\n\n{killed} of {} mutants are noticed.\n\n", fates.len());
    text.push_str("| constraints | sites | mutants | noticed |\n|---|---|---|---|\n");
    for (name, Family { sites, chosen }) in families {
        let noticed = chosen.iter().filter(|site| !survivors.contains(site)).count();
        writeln!(text, "| {name} | {sites} | {} | {noticed} |", chosen.len()).expect("a string takes any text");
    }
    if !survivors.is_empty() {
        text.push_str("\nNot noticed:\n\n");
    }
    for site in survivors {
        writeln!(text, "- `{site}`").expect("a string takes any text");
    }
    text
}

/// Survivors that the text around the report does not name.
pub(super) fn unexplained(document: &str, fates: &BTreeMap<String, Fate>) -> Result<Vec<String>> {
    let (before, after) = around(document)?;
    let is_explained = |site: &str| [before, after].iter().any(|text| text.contains(&format!("`{site}`")));
    Ok(survivors(fates).filter(|site| !is_explained(site)).cloned().collect())
}

/// The document with this report.
pub(super) fn replaced(document: &str, report: &str) -> Result<String> {
    let (before, after) = around(document)?;
    Ok(format!("{before}{BEGIN}\n{report}\n{END}{after}"))
}

fn survivors(fates: &BTreeMap<String, Fate>) -> impl Iterator<Item = &String> {
    fates.iter().filter(|(_, fate)| matches!(fate, Fate::Survived(_))).map(|(site, _)| site)
}

/// What stands before and after the last report.
fn around(document: &str) -> Result<(&str, &str)> {
    let (before, rest) = document.split_once(BEGIN).with_context(|| format!("{DOCUMENT} has no place for a report"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("the report in {DOCUMENT} has no end"))?;
    Ok((before, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fates() -> BTreeMap<String, Fate> {
        let killed = |name: &str| (name.to_owned(), Fate::Killed("a test".to_owned()));
        BTreeMap::from([killed("A: equal 0"), killed("A: equal 1"), ("B: range 0".to_owned(), Fate::Survived(4))])
    }

    #[test]
    fn a_table_counts_and_names_survivors() {
        let family =
            |sites, chosen: &[&str]| Family { sites, chosen: chosen.iter().map(ToString::to_string).collect() };
        let families = BTreeMap::from([
            ("A: equal".to_owned(), family(9, &["A: equal 0", "A: equal 1"])),
            ("B: range".to_owned(), family(1, &["B: range 0"])),
        ]);
        let text = table(&families, &fates());
        for line in ["kill rate 66.6", "| A: equal | 9 | 2 | 2 |", "| B: range | 1 | 1 | 0 |", "- `B: range 0`"] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
    }

    #[test]
    fn a_survivor_is_explained_outside_of_the_report_only() {
        let document = |text: &str| format!("{text}\n{BEGIN}- `B: range 0`\n{END}\nafter\n");
        assert_eq!(unexplained(&document(""), &fates()).unwrap(), ["B: range 0"]);
        assert!(unexplained(&document("`B: range 0` is implied by A."), &fates()).unwrap().is_empty());
        assert!(unexplained("no place", &fates()).is_err());
    }

    #[test]
    fn a_report_takes_the_place_of_the_last_one() {
        let once = replaced(&format!("before\n{BEGIN}{END}\nafter\n"), "first").unwrap();
        let twice = replaced(&once, "second").unwrap();
        assert_eq!(twice, format!("before\n{BEGIN}\nsecond\n{END}\nafter\n"));
    }
}
