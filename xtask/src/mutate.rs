//! Constraint mutation: leaves one constraint out of the circuits, or weakens it, and sees whether a test notices.
//!
//! The tests of the circuits know their sites (`circuits/src/builder/mutation.rs`). Their program is built once; every test
//! is run once to learn which sites it comes across and how long it takes, and then for each mutant the tests that reach it,
//! the quickest first, until one fails. Recordings (snapshots, numbers of rows) would notice everything and say nothing: they
//! do not count.

mod known;
mod program;
mod report;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context as _, Result, anyhow, ensure};
use clap::Args;

use known::Known;
use program::{Program, Test};

/// Where the report stands.
const DOCUMENT: &str = "docs/soundness.md";
/// Parts of the names of sites that belong to circuits of the tests.
const OF_TESTS: [&str; 5] = ["tests", "testing/", "input in gadgets/merkle.rs", "input in gadgets/uint.rs", "UINT-"];
/// Threads that run tests.
const WORKERS: usize = 2;

/// What is mutated and where the result goes.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only sites whose name contains this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// At most so many sites of a family, evenly spread: the terms of one kind of gate, the claims of one kind in one clause.
    #[arg(long, value_name = "N", default_value_t = 24)]
    family: usize,
    /// Tests that are left out, by a part of their name.
    #[arg(long, value_name = "TEXT")]
    skip: Vec<String>,
    /// File of the mutants that were noticed in this and earlier runs: they are not run again.
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// Writes the report into docs/soundness.md.
    #[arg(long)]
    report: bool,
}

/// What became of a mutant.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Fate {
    /// This test failed.
    Killed(String),
    /// All of so many tests passed.
    Survived(usize),
}

/// Sites that are alike: their names differ in the last number, and in the parameters of a gate.
#[derive(Default, PartialEq, Eq, Debug)]
struct Family {
    sites: usize,
    chosen: Vec<String>,
}

/// Runs the tests once for each mutant.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    ensure!(!options.report || options.only.is_empty(), "a report is about all sites: leave --only away");
    let program = Program::build(root)?;
    let mut names = program.names()?;
    names.retain(|name| !options.skip.iter().any(|skipped| name.contains(skipped)));
    let mut tests: Vec<Test> = in_parallel(&names, |name| program.record(name))?;
    tests.sort_by_key(|test| test.time);
    let families = families(sites(&tests), options);
    let mutants: Vec<&String> = families.values().flat_map(|family| &family.chosen).collect();
    ensure!(!mutants.is_empty(), "no site contains {:?}", options.only);
    eprintln!("{} mutants of {} sites", mutants.len(), families.values().map(|family| family.sites).sum::<usize>());
    let known = Known::read(options.known.as_deref())?;
    let done = AtomicUsize::new(0);
    let fates = in_parallel(&mutants, |site| {
        let fate = match known.killer(site) {
            Some(test) => Fate::Killed(test.to_owned()),
            None => fate(&program, &tests, site)?,
        };
        known.add(site, &fate)?;
        eprintln!("{}/{} {site}: {fate:?}", done.fetch_add(1, Ordering::Relaxed) + 1, mutants.len());
        Ok(((*site).clone(), fate))
    })?;
    let fates: BTreeMap<String, Fate> = fates.into_iter().collect();
    let table = report::table(&families, &fates);
    println!("{table}");
    let path = root.join(DOCUMENT);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let unexplained = report::unexplained(&text, &fates)?;
    if options.report {
        fs::write(&path, report::replaced(&text, &table)?)?;
    }
    ensure!(unexplained.is_empty(), "{DOCUMENT} does not explain why these survive: {unexplained:#?}");
    Ok(())
}

/// What is mutated: sites of our circuits, and terms of gates that a circuit has, not only a test of the gate.
fn sites(tests: &[Test]) -> impl Iterator<Item = &str> {
    let of_circuits = tests.iter().flat_map(|test| test.sites.iter().map(move |site| (test, site.as_str())));
    let of_circuits =
        of_circuits.filter(|(test, site)| !(test.name.starts_with("gates::") && site.contains("]: term ")));
    of_circuits.map(|(_, site)| site).filter(|site| !OF_TESTS.iter().any(|part| site.contains(part)))
}

fn fate(program: &Program, tests: &[Test], site: &str) -> Result<Fate> {
    let mut passed = 0;
    for test in tests.iter().filter(|test| test.sites.contains(site)) {
        if !program.passes(&test.name, site)? {
            return Ok(Fate::Killed(test.name.clone()));
        }
        passed += 1;
    }
    Ok(Fate::Survived(passed))
}

/// The family of a site and its place in there.
fn family_of(site: &str) -> (String, Vec<usize>) {
    let numbers = site.split(|character: char| !character.is_ascii_digit()).filter_map(|number| number.parse().ok());
    let family = site.rsplit_once(' ').map_or(site, |(family, _)| family);
    let family = match (family.split_once('['), family.split_once(']')) {
        (Some((gate, _)), Some((_, kind))) => format!("{gate}{kind}"),
        _ => family.to_owned(),
    };
    (family, numbers.collect())
}

fn families<'a>(sites: impl Iterator<Item = &'a str>, options: &Options) -> BTreeMap<String, Family> {
    let mut all = BTreeMap::<String, BTreeMap<Vec<usize>, String>>::new();
    for site in sites {
        if site.contains(&options.only) {
            let (family, place) = family_of(site);
            all.entry(family).or_default().insert(place, site.to_owned());
        }
    }
    let choose = |sites: BTreeMap<Vec<usize>, String>| {
        let count = sites.len();
        let chosen = count.min(options.family.max(1));
        let sites: Vec<_> = sites.into_values().collect();
        Family { sites: count, chosen: (0..chosen).map(|i| sites[i * count / chosen].clone()).collect() }
    };
    all.into_iter().map(|(name, sites)| (name, choose(sites))).collect()
}

/// Runs `work` for each item on [`WORKERS`] threads; results in the order of the items.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> Result<R> + Sync) -> Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let worker = || -> Result<Vec<(usize, R)>> {
        let mut results = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return Ok(results) };
            results.push((index, work(item)?));
        }
    };
    let results: Result<Vec<_>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().map(|worker| worker.join().map_err(|_| anyhow!("a worker panicked"))?).collect()
    });
    let mut results: Vec<_> = results?.into_iter().flatten().collect();
    results.sort_by_key(|&(index, _)| index);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(only: &str, family: usize) -> Options {
        Options { only: only.to_owned(), family, skip: Vec::new(), known: None, report: false }
    }

    #[test]
    fn families_are_sampled_evenly_in_the_order_of_their_numbers() {
        let sites: Vec<_> = (0..10).rev().map(|i| format!("SL-2 in segment/slot.rs: equal {i}")).collect();
        let families = families(sites.iter().map(String::as_str), &options("", 3));
        let chosen = [0, 3, 6].map(|i| format!("SL-2 in segment/slot.rs: equal {i}")).to_vec();
        assert_eq!(families["SL-2 in segment/slot.rs: equal"], Family { sites: 10, chosen });
    }

    #[test]
    fn gates_of_all_parameters_are_one_family() {
        let sites = ["RangeGate[62, 3]: term 4", "RangeGate[8, 9]: term 0"];
        let families = families(sites.into_iter(), &options("", 9));
        let chosen = vec![sites[1].to_owned(), sites[0].to_owned()];
        assert_eq!(families, BTreeMap::from([("RangeGate: term".to_owned(), Family { sites: 2, chosen })]));
    }

    #[test]
    fn circuits_of_tests_and_gates_without_a_circuit_are_left_alone() {
        let test = |name: &str, sites: &[&str]| Test {
            name: name.to_owned(),
            time: std::time::Duration::ZERO,
            sites: sites.iter().map(ToString::to_string).collect(),
        };
        let tests = [
            test("gates::key::tests::conforms", &["KeyGate[1]: term 0", "KeyGate[2]: term 0"]),
            test(
                "segment::tests",
                &["KeyGate[2]: term 0", "input in segment/tests/world.rs: bool 0", "A in a.rs: bool 0"],
            ),
        ];
        assert_eq!(sites(&tests).collect::<Vec<_>>(), ["A in a.rs: bool 0", "KeyGate[2]: term 0"]);
    }

    #[test]
    fn only_some_sites_are_chosen() {
        let sites = ["A-1 in a.rs: equal 0", "B-1 in b.rs: equal 0"];
        assert_eq!(families(sites.into_iter(), &options("B-", 9)).len(), 1);
    }

    #[test]
    fn parallel_results_are_in_order_and_errors_are_returned() {
        let items: Vec<_> = (0..50).collect();
        let squares = in_parallel(&items, |&item| Ok(item * item)).unwrap();
        assert_eq!(squares, items.iter().map(|item| item * item).collect::<Vec<_>>());
        assert!(in_parallel(&items, |&item| if item == 7 { Err(anyhow!("seven")) } else { Ok(item) }).is_err());
    }
}
