//! The contract that verifies a proof: transcript, identity of the constraints, FRI.

use alloy::primitives::keccak256;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::plonk::config::GenericHashOut;
use weft_circuits::wrap_config::encoding::{ELEMENT_BYTES, EXTENSION_BYTES};
use weft_circuits::wrap_config::hasher::DIGEST_BYTES;
use weft_circuits::wrap_config::{Digest, ProofLayout};

use super::gates::GatesInput;
use super::template::{Memory, Values, WORD_BYTES, embed, words_hex};
use super::{CodegenError, Common, F, VerifierOnly};

/// Start of the proof's bytes in the calldata of `verify(bytes,uint256[4])`.
const PROOF_START: usize = 4 + 6 * WORD_BYTES;

const OBJECT_TEMPLATE: &str = include_str!("templates/verifier_object.yul");
const FUNCTION_TEMPLATES: [&str; 4] = [
    include_str!("templates/field.yul"),
    include_str!("templates/transcript.yul"),
    include_str!("templates/constraints.yul"),
    include_str!("templates/queries.yul"),
];

/// Generates the contract.
///
/// # Errors
/// If a template has a placeholder without value.
pub(super) fn generate(common: &Common, verifier: &VerifierOnly, header: &str) -> Result<String, CodegenError> {
    let layout = ProofLayout::new(common);
    let mut values = Values::default();
    values.set("HEADER", header);
    set_selectors(&mut values);
    set_proof(common, &layout, &mut values);
    set_sizes(common, &layout, &mut values);
    set_rows(&layout, &mut values);
    let tables = set_tables(common, verifier, &mut values);
    let prefix = set_prefix(common, verifier, &layout, &mut values);
    set_memory(common, &layout, prefix, tables, &mut values);
    let object = embed(OBJECT_TEMPLATE, "#FUNCTIONS#", &FUNCTION_TEMPLATES.join("\n"));
    let object = embed(&object, "#FOLD_CALLS#", &fold_calls(&layout));
    values.fill(&embed(&object, "#ROW_REMAINDER#", &row_remainder(&layout)))
}

/// Selectors of the functions and errors of `IVerifier`.
fn set_selectors(values: &mut Values) {
    for (name, signature) in [
        ("VERIFY_SELECTOR", "verify(bytes,uint256[4])"),
        ("DIGEST_SELECTOR", "circuitDigest()"),
        ("UNKNOWN_FUNCTION", "UnknownFunction()"),
        ("PROOF_LENGTH", "ProofLength()"),
        ("NOT_CANONICAL", "NotCanonical()"),
        ("GATES_FAILED", "GatesFailed()"),
        ("PROOF_OF_WORK", "ProofOfWork()"),
        ("CONSTRAINTS", "Constraints()"),
        ("MERKLE_PATH", "MerklePath()"),
        ("DOMAIN", "Domain()"),
        ("FINAL_VALUE", "FinalValue()"),
    ] {
        values.set(name, format!("0x{}", hex::encode(&keccak256(signature)[..4])));
    }
}

/// Places and sizes in the proof, as calldata addresses.
fn set_proof(common: &Common, layout: &ProofLayout, values: &mut Values) {
    let config = &common.config;
    let openings = PROOF_START + layout.openings();
    let sigmas = openings + common.num_constants * EXTENSION_BYTES;
    let wires = sigmas + config.num_routed_wires * EXTENSION_BYTES;
    let zs = wires + config.num_wires * EXTENSION_BYTES;
    let partials = zs + config.num_challenges * EXTENSION_BYTES;
    let quotient = openings + (layout.all_columns() - layout.columns[3]) * EXTENSION_BYTES;
    let final_polynomial = PROOF_START + layout.final_polynomial();
    for (name, value) in [
        ("PROOF_BYTES", layout.total()),
        ("PROOF_END", PROOF_START + layout.total()),
        ("WIRES_CAP", PROOF_START),
        ("ZS_CAP", PROOF_START + layout.cap_bytes()),
        ("QUOTIENT_CAP", PROOF_START + 2 * layout.cap_bytes()),
        ("CAP_BYTES", layout.cap_bytes()),
        ("CAP_WORDS", layout.cap_digests * WORD_BYTES),
        ("OPENINGS", openings),
        ("OPENINGS_BYTES", (layout.all_columns() + layout.next_columns) * EXTENSION_BYTES),
        ("SIGMA_OPENINGS", sigmas),
        ("WIRE_OPENINGS", wires),
        ("Z_OPENINGS", zs),
        ("PARTIAL_OPENINGS", partials),
        ("PARTIAL_STRIDE", common.num_partial_products * EXTENSION_BYTES),
        ("QUOTIENT_OPENINGS", quotient),
        ("QUOTIENT_STRIDE", common.quotient_degree_factor * EXTENSION_BYTES),
        ("Z_NEXT_OPENINGS", openings + layout.all_columns() * EXTENSION_BYTES),
        ("FOLD_CAPS", PROOF_START + layout.fold_caps()),
        ("FOLDS", layout.fold_bits.len()),
        ("FINAL_POLYNOMIAL", final_polynomial),
        ("FINAL_POLYNOMIAL_END", final_polynomial + layout.final_coefficients * EXTENSION_BYTES),
        ("FINAL_BYTES", layout.final_coefficients * EXTENSION_BYTES + ELEMENT_BYTES),
        ("FIRST_QUERY", PROOF_START + layout.first_query()),
        ("QUERY_BYTES", layout.query_bytes()),
        ("QUERY_SIBLINGS", layout.query_siblings()),
        ("QUERY_FOLDS", layout.query_fold(0)),
        ("INITIAL_SIBLINGS", layout.initial_siblings),
        ("PATH_BYTES", layout.initial_siblings * DIGEST_BYTES),
    ] {
        values.set(name, value);
    }
}

/// Sizes of the circuit and of its domains.
fn set_sizes(common: &Common, layout: &ProofLayout, values: &mut Values) {
    let config = &common.config;
    for (name, value) in [
        ("QUERIES", layout.queries),
        ("COLUMNS", layout.all_columns()),
        ("NEXT_COLUMNS", layout.next_columns),
        ("CHALLENGES", config.num_challenges),
        ("BETAS_AND_GAMMAS", 2 * config.num_challenges),
        ("GRINDING_AND_QUERIES", 1 + layout.queries),
        ("ROUTED", config.num_routed_wires),
        ("CHUNK", common.quotient_degree_factor),
        ("DEGREE_BITS", common.degree_bits()),
        ("DEGREE", common.degree()),
        ("INDEX_MASK", common.lde_size() - 1),
    ] {
        values.set(name, value);
    }
    values.set("GRINDING_SHIFT", u64::BITS - config.fri_config.proof_of_work_bits);
    values.set("DOMAIN_SHIFT", F::coset_shift().to_canonical_u64());
    values.set("GENERATOR", F::primitive_root_of_unity(common.degree_bits()).to_canonical_u64());
}

/// The rows of the four trees in a query, and where the columns opened at g zeta are.
fn set_rows(layout: &ProofLayout, values: &mut Values) {
    for (index, columns) in layout.columns.iter().enumerate() {
        values.set(&format!("ROW_BYTES_{index}"), columns * ELEMENT_BYTES);
    }
    values.set("ROW_BYTES", layout.query_siblings());
    values.set("WHOLE_ROW_BYTES", layout.query_siblings() / WORD_BYTES * WORD_BYTES);
    values.set("NEXT_ROW_OFFSET", (layout.columns[0] + layout.columns[1]) * ELEMENT_BYTES);
}

/// Constants in the contract's code; returns their hexadecimal form's length in bytes.
fn set_tables(common: &Common, verifier: &VerifierOnly, values: &mut Values) -> Tables {
    let lde_bits = common.fri_params.lde_bits();
    let root = F::primitive_root_of_unity(lde_bits);
    let fold_bits = common.fri_params.reduction_arity_bits.iter().copied().max().unwrap_or(0);
    let coset_root = F::primitive_root_of_unity(fold_bits);
    let reversed = |index: usize, bits: usize| (0..bits).fold(0, |r, bit| r << 1 | (index >> bit & 1));
    let power = |index: usize, bits: usize| coset_root.exp_u64(reversed(index, bits) as u64);

    let shifts = common.k_is.iter().take(common.config.num_routed_wires).copied();
    let roots = (0..lde_bits).rev().map(|bit| root.exp_power_of_2(bit));
    let coset = (0..1 << fold_bits).map(|i| power(i, fold_bits));
    let inverses = (0..1 << fold_bits.saturating_sub(1)).map(|i| power(2 * i, fold_bits).inverse());
    let halves = (0..=fold_bits).map(|bits| F::from_canonical_u64(1 << bits).inverse());
    let mut tables = Tables::default();
    tables.add("SHIFTS", shifts);
    tables.add("ROOTS", roots);
    tables.add("COSET", coset);
    tables.add("INVERSES", inverses);
    tables.add("HALVES", halves);
    tables.names.push(("CONSTANT_CAP", tables.bytes()));
    for digest in &verifier.constants_sigmas_cap.0 {
        tables.hex.push_str(&word_of(digest));
    }
    values.set("TABLES_DATA", &tables.hex);
    values.set("CIRCUIT_DIGEST", format!("0x{}", word_of(&verifier.circuit_digest)));
    tables
}

/// A digest in the top bytes of a word.
fn word_of(digest: &Digest) -> String {
    format!("{:0<64}", hex::encode(digest.0))
}

/// Tables of words, one after the other.
#[derive(Debug, Default)]
struct Tables {
    hex: String,
    names: Vec<(&'static str, usize)>,
}

impl Tables {
    fn bytes(&self) -> usize {
        self.hex.len() / 2
    }

    fn add(&mut self, name: &'static str, elements: impl Iterator<Item = F>) {
        self.names.push((name, self.bytes()));
        self.hex.push_str(&words_hex(elements.map(|element| element.to_canonical_u64())));
    }
}

/// What the transcript absorbs before the hash of the public inputs: FRI's parameters and the circuit's digest.
/// Returns its length in bytes.
fn set_prefix(common: &Common, verifier: &VerifierOnly, layout: &ProofLayout, values: &mut Values) -> usize {
    let fri = &common.fri_params;
    let config = &fri.config;
    let strategy: Vec<F> = config.reduction_strategy.serialize();
    let mut prefix = vec![
        F::from_canonical_usize(config.rate_bits),
        F::from_canonical_usize(config.cap_height),
        F::from_canonical_u32(config.proof_of_work_bits),
    ];
    prefix.extend(strategy);
    prefix.extend([config.num_query_rounds, usize::from(fri.hiding), fri.degree_bits].map(F::from_canonical_usize));
    prefix.extend(fri.reduction_arity_bits.iter().map(|&bits| F::from_canonical_usize(bits)));
    prefix.extend(GenericHashOut::<F>::to_vec(&verifier.circuit_digest));
    let bytes: String = prefix.iter().map(|element| format!("{:016x}", element.to_canonical_u64())).collect();
    let length = bytes.len() / 2;
    values.set("PREFIX_DATA", bytes);
    values.set("PREFIX_BYTES", length);
    values.set("FIRST_BYTES", length + WORD_BYTES + layout.cap_digests * WORD_BYTES);
    length
}

fn set_memory(common: &Common, layout: &ProofLayout, prefix: usize, tables: Tables, values: &mut Values) {
    let challenges = common.config.num_challenges;
    let input = GatesInput::new(common);
    let mut memory = Memory::default();
    memory.reserve(values, "SCRATCH", 2 * WORD_BYTES);
    memory.reserve(values, "LEAF", WORD_BYTES);
    let betas = memory.reserve(values, "BETAS", (2 * challenges).next_multiple_of(2) * WORD_BYTES);
    values.set("GAMMAS", betas + challenges * WORD_BYTES);
    memory.reserve(values, "ALPHAS", challenges.next_multiple_of(2) * WORD_BYTES);
    memory.reserve(values, "ZETA", 2 * WORD_BYTES);
    memory.reserve(values, "ZETA_NEXT", 2 * WORD_BYTES);
    memory.reserve(values, "FRI_ALPHA", 2 * WORD_BYTES);
    memory.reserve(values, "FRI_BETAS", 2 * layout.fold_bits.len() * WORD_BYTES);
    let grinding = memory.reserve(values, "GRINDING", (1 + layout.queries).next_multiple_of(2) * WORD_BYTES);
    values.set("INDICES", grinding + WORD_BYTES);
    memory.reserve(values, "REDUCED", 4 * WORD_BYTES);

    let chunks = common.num_partial_products + 1;
    memory.reserve(values, "TERMS", challenges * (1 + chunks) * 2 * WORD_BYTES);
    values.set("TERMS_END", memory.size());
    memory.reserve(values, "GATE_SUMS", challenges * 2 * WORD_BYTES);
    values.set("GATE_SUMS_BYTES", challenges * 2 * WORD_BYTES);
    let gates = memory.reserve(values, "GATES_INPUT", input.total());
    values.set("GATES_INPUT_HASH", gates + input.hash);
    values.set("GATES_INPUT_OPENINGS", gates + input.openings);
    values.set("GATES_INPUT_BYTES", input.total());
    values.set("GATES_OPENINGS_BYTES", input.openings_bytes);

    let base = memory.reserve(values, "TABLES", tables.bytes());
    for (name, offset) in tables.names {
        values.set(name, base + offset);
    }
    let powers = memory.reserve(values, "POWERS", layout.all_columns().next_multiple_of(4) * 2 * WORD_BYTES);
    values.set("NEXT_SHIFT", powers + layout.next_columns * 2 * WORD_BYTES);

    memory.reserve(values, "BEFORE_BUFFER", WORD_BYTES);
    let first = prefix + WORD_BYTES + layout.cap_digests * WORD_BYTES;
    let openings = (layout.all_columns() + layout.next_columns) * EXTENSION_BYTES;
    let last = layout.final_coefficients * EXTENSION_BYTES + ELEMENT_BYTES;
    let fold = EXTENSION_BYTES << layout.fold_bits.iter().max().copied().unwrap_or(0);
    let longest = [first, openings, last, layout.query_siblings(), fold].into_iter().max().expect("five values");
    // A word more: copies are followed by a zero word, or by the rest of a word.
    let buffer = memory.reserve(values, "BUFFER", longest + WORD_BYTES);
    values.set("AFTER_PREFIX", buffer + prefix);
    let mut row = buffer;
    for (index, columns) in layout.columns.iter().enumerate() {
        values.set(&format!("ROW_{index}"), row);
        row += columns * ELEMENT_BYTES;
    }
    values.set("MEMORY", memory.size());
}

/// The folds of a query, one after the other.
fn fold_calls(layout: &ProofLayout) -> String {
    let mut lines = Vec::new();
    for (step, (&bits, &siblings)) in layout.fold_bits.iter().zip(&layout.fold_siblings).enumerate() {
        let start = layout.query_fold(step);
        let path = start + ((1 << bits) - 1) * EXTENSION_BYTES;
        let cap = PROOF_START + layout.fold_caps() + step * layout.cap_bytes();
        let own = (1 << bits) - 1;
        lines.push(format!(
            "a, b := fold(a, b, add(query, {start}), and(index, {own}), {bits}, inverted, add(#FRI_BETAS#, {}))",
            2 * step * WORD_BYTES
        ));
        lines.push(format!("index := shr({bits}, index)"));
        lines.push(format!("checkFold(add(query, {path}), index, {siblings}, {cap})"));
        lines.push(format!("x := squareTimes(x, {bits})"));
        lines.push(format!("inverted := squareTimes(inverted, {bits})"));
    }
    lines.join("\n")
}

/// The columns after the last whole word of a row.
fn row_remainder(layout: &ProofLayout) -> String {
    let left = layout.query_siblings() % WORD_BYTES;
    if left == 0 {
        return String::new();
    }
    let mask = format!("0x{:0<64}", "f".repeat(2 * left));
    format!("let v := and(calldataload(query), {mask})\nbits := or(bits, excess(v))\na, b := addFour(a, b, v, power)")
}
