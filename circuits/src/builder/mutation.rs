//! Constraint mutation: circuits with one constraint less, or a weaker one, so that it can be seen whether a test notices.
//!
//! Only the tests of this crate have this module: no other build can leave anything out. The variable [`MUTANT`] names the
//! site that a process mutates; the file that [`SITES`] names receives the name of every site that it comes across. `cargo
//! xtask mutate` sets both.
//!
//! A site is the n-th constraint of its kind in a scope that a file opens, every time it opens it: what is left out of one
//! slot is left out of all, as if its line were deleted. Parts inside of a clause are counted with the clause.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::panic::Location;
use std::sync::{LazyLock, Mutex, PoisonError};

use super::{Bool, Builder, RANGE_BITS_MAX, Target};
use crate::ledger::{Claim, ClauseId};

/// Variable with the site that is mutated.
const MUTANT: &str = "WEFT_MUTANT";
/// Variable with the file that receives the names of all sites.
const SITES: &str = "WEFT_MUTATION_SITES";

/// What happens to a constraint.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Mutation {
    /// A claim of equality is not made.
    Equal,
    /// A claim of equality under a condition is not made.
    EqualIf,
    /// A wire may be other than 0 and 1.
    Bool,
    /// A range is not checked.
    Range,
    /// A range has one bit more.
    Wider,
    /// A value may have more digits than are used.
    Digits,
    /// A public input is not tied to the wire that is exposed.
    Public,
    /// A part of the verification of a child is left out.
    Child,
}

impl Mutation {
    /// What leaving out this claim of equality is called.
    pub(super) const fn of(claim: &Claim) -> Self {
        match claim {
            Claim::EqualIf { .. } => Self::EqualIf,
            Claim::Bool(_) => Self::Bool,
            Claim::Equal(..) | Claim::Range { .. } | Claim::Rows { .. } => Self::Equal,
        }
    }
}

impl fmt::Display for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "equal",
            Self::EqualIf => "equal-if",
            Self::Bool => "bool",
            Self::Range => "range",
            Self::Wider => "wider",
            Self::Digits => "digits",
            Self::Public => "public",
            Self::Child => "child",
        })
    }
}

/// The sites of a circuit under construction.
#[derive(Default, Debug)]
pub(super) struct Sites(Vec<Scope>);

/// An open scope with the constraints in it so far.
#[derive(Debug)]
struct Scope {
    id: ClauseId,
    file: &'static str,
    /// Scopes of this id that are open inside of each other.
    depth: usize,
    counts: BTreeMap<Mutation, usize>,
}

impl Sites {
    /// A scope is opened.
    pub(super) fn enter(&mut self, id: ClauseId, opened: &Location<'static>) {
        match self.0.last_mut() {
            Some(scope) if scope.id == id => scope.depth += 1,
            _ => {
                let file = opened.file().rsplit_once("src/").map_or(opened.file(), |(_, file)| file);
                self.0.push(Scope { id, file, depth: 1, counts: BTreeMap::new() });
            }
        }
    }

    /// The scope that was opened last is closed.
    pub(super) fn leave(&mut self) {
        let scope = self.0.last_mut().expect("only open scopes are closed");
        scope.depth -= 1;
        if scope.depth == 0 {
            self.0.pop();
        }
    }

    /// Whether the next constraint of this kind is to be mutated. Outside of scopes nothing is.
    pub(super) fn mutates(&mut self, mutation: Mutation) -> bool {
        let Some(scope) = self.0.last_mut() else { return false };
        let count = scope.counts.entry(mutation).or_default();
        let site = format!("{} in {}: {mutation} {count}", scope.id, scope.file);
        *count += 1;
        is_mutant(site)
    }
}

impl Builder {
    /// The bits that a range check allows, or `None` if there is to be no check.
    pub(super) fn range_bits(&mut self, bits: u32) -> Option<u32> {
        if self.sites.mutates(Mutation::Range) {
            return None;
        }
        let is_wider = bits < RANGE_BITS_MAX && self.sites.mutates(Mutation::Wider);
        Some(bits + u32::from(is_wider))
    }

    /// The lowest digits of a value, or of its product with the condition, that may have more of them.
    pub(super) fn lowest_bits(&mut self, value: Target, width: usize) -> Vec<Bool> {
        let value = self.condition().map_or(value, |flag| self.mul(flag.target(), value));
        let bits = self.inner.split_le(value, 64);
        bits.into_iter().take(width).map(|bit| Bool(bit.target)).collect()
    }

    /// What is made public instead of `targets`: wires of their own, equal to these only in honest witnesses, where a public
    /// input is to be mutated.
    pub(super) fn untie_exposed(&mut self, targets: &[Target], exposed: &Location<'static>) -> Vec<Target> {
        self.sites.enter("exposed", exposed);
        let targets = targets.iter().map(|&target| {
            if !self.sites.mutates(Mutation::Public) {
                return target;
            }
            let copy = self.inner.add_virtual_target();
            self.inner.generate_copy(target, copy);
            copy
        });
        let targets = targets.collect();
        self.sites.leave();
        targets
    }
}

/// The term that is to vanish from this gate's equations, if there is one.
pub(crate) fn mutated_term(gate: &'static str, parameters: impl Fn() -> Vec<usize>, terms: usize) -> Option<usize> {
    static TERM: LazyLock<Option<(String, usize)>> = LazyLock::new(|| parse_term(MUTATED.as_ref()?));
    static LISTED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

    let name = || format!("{gate}{:?}", parameters());
    if OUTPUT.is_some() && LISTED.lock().unwrap_or_else(PoisonError::into_inner).insert(name()) {
        for term in 0..terms {
            is_mutant(format!("{}: term {term}", name()));
        }
    }
    // Rows are evaluated millions of times: the whole name is made for the family that is concerned only.
    let (mutated, term) = TERM.as_ref()?;
    (mutated.starts_with(gate) && *mutated == name()).then_some(*term)
}

fn parse_term(site: &str) -> Option<(String, usize)> {
    let (gate, term) = site.split_once(": term ")?;
    Some((gate.to_owned(), term.parse().ok()?))
}

static MUTATED: LazyLock<Option<String>> = LazyLock::new(|| std::env::var(MUTANT).ok());
static OUTPUT: LazyLock<Option<std::ffi::OsString>> = LazyLock::new(|| std::env::var_os(SITES));

/// Notes a site; says whether it is the one to be mutated.
fn is_mutant(site: String) -> bool {
    static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

    let mutates = MUTATED.as_ref() == Some(&site);
    if let Some(path) = OUTPUT.as_ref() {
        let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.contains(&site) {
            let file = OpenOptions::new().create(true).append(true).open(path);
            writeln!(file.expect("the file of sites can be opened"), "{site}").expect("a line can be added");
            seen.insert(site);
        }
    }
    mutates
}
