//! The contract that evaluates the gates' constraints.

use std::collections::BTreeSet;

use plonky2::field::types::{Field, PrimeField64};
use plonky2::gates::arithmetic_base::ArithmeticGate;
use plonky2::gates::arithmetic_extension::ArithmeticExtensionGate;
use plonky2::gates::base_sum::BaseSumGate;
use plonky2::gates::constant::ConstantGate;
use plonky2::gates::coset_interpolation::CosetInterpolationGate;
use plonky2::gates::exponentiation::ExponentiationGate;
use plonky2::gates::gate::AnyGate;
use plonky2::gates::multiplication_extension::MulExtensionGate;
use plonky2::gates::noop::NoopGate;
use plonky2::gates::poseidon::PoseidonGate;
use plonky2::gates::poseidon_mds::PoseidonMdsGate;
use plonky2::gates::public_input::PublicInputGate;
use plonky2::gates::random_access::RandomAccessGate;
use plonky2::gates::reducing::ReducingGate;
use plonky2::gates::reducing_extension::ReducingExtensionGate;
use serde::Deserialize;

use super::template::{Memory, Values, WORD_BYTES, embed, words_hex};
use super::{CodegenError, Common, D, F, poseidon};

/// Bytes of an opening.
const OPENING_BYTES: usize = 16;

/// Words of the hash of the public inputs.
const HASH_WORDS: usize = 4;

/// Value of a selector in rows of another selector's gates.
const UNUSED_SELECTOR: u64 = 0xffff_ffff;

const FIELD_TEMPLATE: &str = include_str!("templates/field.yul");
const POSEIDON_TEMPLATE: &str = include_str!("templates/poseidon.yul");
const COMMON_TEMPLATE: &str = include_str!("templates/gates.yul");
const OBJECT_TEMPLATE: &str = include_str!("templates/gates_object.yul");
const STATES_TEMPLATE: &str = include_str!("templates/gates/poseidon_states.yul");

/// How the contract evaluates a gate.
#[derive(Debug, Default)]
struct GateCode {
    /// Templates of the functions needed.
    templates: Vec<&'static str>,
    /// The call; `TABLE` stands for the address of `table`. Empty if the gate has no constraint.
    call: String,
    /// Constants that the call reads, one word each.
    table: Vec<u64>,
    /// Words of scratch memory.
    scratch_words: usize,
}

impl GateCode {
    fn new(template: &'static str, call: String) -> Self {
        Self { templates: vec![template], call, ..Self::default() }
    }
}

/// The code of `gate`.
///
/// # Errors
/// If the gate is none of the library's stock gates (or a lookup gate).
fn gate_code(gate: &dyn AnyGate<F, D>) -> Result<GateCode, CodegenError> {
    let any = gate.as_any();
    if any.is::<NoopGate>() {
        return Ok(GateCode::default());
    }
    if let Some(code) = arithmetic_code(gate) {
        return Ok(code);
    }
    if any.is::<PublicInputGate>() {
        return Ok(GateCode::new(include_str!("templates/gates/public_input.yul"), "publicInput()".into()));
    }
    if any.is::<PoseidonGate<F, D>>() {
        let template = include_str!("templates/gates/poseidon.yul");
        return Ok(GateCode {
            templates: vec![STATES_TEMPLATE, template],
            call: "poseidonGate()".into(),
            ..GateCode::default()
        });
    }
    if any.is::<PoseidonMdsGate<F, D>>() {
        let template = include_str!("templates/gates/poseidon_mds.yul");
        return Ok(GateCode {
            templates: vec![STATES_TEMPLATE, template],
            call: "poseidonMds()".into(),
            ..GateCode::default()
        });
    }
    if let Some(gate) = any.downcast_ref::<RandomAccessGate<F, D>>() {
        let call = format!("randomAccess({}, {}, {})", gate.bits, gate.num_copies, gate.num_extra_constants);
        let code = GateCode::new(include_str!("templates/gates/random_access.yul"), call);
        return Ok(GateCode { scratch_words: 2 << gate.bits, ..code });
    }
    if let Some(gate) = any.downcast_ref::<CosetInterpolationGate<F, D>>() {
        return Ok(coset_interpolation_code(gate));
    }
    Err(CodegenError::UnknownGate { id: gate.id() })
}

fn arithmetic_code(gate: &dyn AnyGate<F, D>) -> Option<GateCode> {
    let any = gate.as_any();
    let (template, call) = if let Some(gate) = any.downcast_ref::<ArithmeticGate>() {
        (include_str!("templates/gates/arithmetic.yul"), format!("arithmetic({})", gate.num_ops))
    } else if let Some(gate) = any.downcast_ref::<ArithmeticExtensionGate<D>>() {
        (include_str!("templates/gates/arithmetic_extension.yul"), format!("arithmeticExtension({})", gate.num_ops))
    } else if let Some(gate) = any.downcast_ref::<MulExtensionGate<D>>() {
        let template = include_str!("templates/gates/multiplication_extension.yul");
        (template, format!("multiplicationExtension({})", gate.num_ops))
    } else if let Some((limbs, base)) = base_sum_parameters(gate) {
        (include_str!("templates/gates/base_sum.yul"), format!("baseSum({limbs}, {base})"))
    } else if any.is::<ConstantGate>() {
        (include_str!("templates/gates/constant.yul"), format!("constant({})", gate.num_constants()))
    } else if let Some(gate) = any.downcast_ref::<ExponentiationGate<F, D>>() {
        (include_str!("templates/gates/exponentiation.yul"), format!("exponentiation({})", gate.num_power_bits))
    } else if let Some(gate) = any.downcast_ref::<ReducingGate<D>>() {
        (include_str!("templates/gates/reducing.yul"), format!("reducing({}, 1)", gate.num_coeffs))
    } else if let Some(gate) = any.downcast_ref::<ReducingExtensionGate<D>>() {
        (include_str!("templates/gates/reducing.yul"), format!("reducing({}, {D})", gate.num_coeffs))
    } else {
        return None;
    };
    Some(GateCode::new(template, call))
}

/// Limbs and base of a decomposition into limbs of base 2 or 4.
fn base_sum_parameters(gate: &dyn AnyGate<F, D>) -> Option<(usize, usize)> {
    let any = gate.as_any();
    let binary = any.downcast_ref::<BaseSumGate<2>>().map(|gate| (gate.num_limbs, 2));
    let quaternary = || any.downcast_ref::<BaseSumGate<4>>().map(|gate| (gate.num_limbs, 4));
    binary.or_else(quaternary)
}

fn coset_interpolation_code(gate: &CosetInterpolationGate<F, D>) -> GateCode {
    let points = F::two_adic_subgroup(gate.subgroup_bits);
    let call = format!("cosetInterpolation({}, {}, TABLE)", points.len(), gate.degree);
    let table = points.iter().zip(&gate.barycentric_weights).flat_map(|(x, w)| [x, w].map(F::to_canonical_u64));
    GateCode { table: table.collect(), ..GateCode::new(include_str!("templates/gates/coset_interpolation.yul"), call) }
}

/// The library's `SelectorsInfo`, whose fields only its serialisation shows.
#[derive(Debug, Deserialize)]
struct Selectors {
    /// Selector of each gate.
    selector_indices: Vec<usize>,
    /// Gates of each selector.
    groups: Vec<std::ops::Range<u64>>,
}

/// Sizes of the calldata that the contract takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct GatesInput {
    /// Start of the hash of the public inputs.
    pub(super) hash: usize,
    /// Start of the openings.
    pub(super) openings: usize,
    /// Bytes of the openings.
    pub(super) openings_bytes: usize,
}

impl GatesInput {
    /// Layout for the circuit `common`.
    pub(super) const fn new(common: &Common) -> Self {
        let config = &common.config;
        let hash = config.num_challenges * WORD_BYTES;
        Self {
            hash,
            openings: hash + HASH_WORDS * WORD_BYTES,
            openings_bytes: (common.num_constants + config.num_routed_wires + config.num_wires) * OPENING_BYTES,
        }
    }

    /// Bytes of the whole.
    pub(super) const fn total(&self) -> usize {
        self.openings + self.openings_bytes
    }
}

/// Generates the contract.
///
/// # Errors
/// If the circuit has a gate that is not known.
pub(super) fn generate(common: &Common, header: &str) -> Result<String, CodegenError> {
    let selectors = serde_json::to_value(&common.selectors_info).and_then(serde_json::from_value::<Selectors>);
    let selectors = selectors.map_err(|error| CodegenError::Selectors(error.to_string()))?;
    let codes = common.gates.iter().map(|gate| gate_code(&*gate.0)).collect::<Result<Vec<_>, _>>()?;

    let mut values = Values::default();
    poseidon::set_values(&mut values)?;
    let (table, constants) = set_memory(common, &codes, &mut values);
    let input = GatesInput::new(common);
    let wires = input.openings + (common.num_constants + common.config.num_routed_wires) * OPENING_BYTES;
    values.set("INPUTS_HASH", input.hash);
    values.set("CONSTANT", input.openings + selectors.groups.len() * OPENING_BYTES);
    values.set("WIRES", wires);
    values.set("CALLDATA", input.total());
    values.set("MULTIPLE", "0xffffffff000000010000000000000000");
    values.set("HEADER", header);
    values.set("CONSTANTS", constants);
    set_sums(common.config.num_challenges, &mut values);

    let evaluate = evaluation(&codes, &selectors, input.openings, table);
    let mut functions: BTreeSet<&str> = codes.iter().flat_map(|code| code.templates.iter().copied()).collect();
    functions.extend([FIELD_TEMPLATE, POSEIDON_TEMPLATE, COMMON_TEMPLATE]);
    let functions = functions.into_iter().collect::<Vec<_>>().join("\n");
    let object = embed(OBJECT_TEMPLATE, "#FUNCTIONS#", &functions);
    values.fill(&embed(&object, "#EVALUATE#", &evaluate))
}

/// Lays out memory; returns the address of the gates' tables and the bytes of the constants.
fn set_memory(common: &Common, codes: &[GateCode], values: &mut Values) -> (usize, String) {
    let mut memory = Memory::default();
    memory.reserve(values, "RESULT", common.config.num_challenges * 2 * WORD_BYTES);
    values.set("RESULT_BYTES", memory.size());
    memory.reserve(values, "FILTER", 2 * WORD_BYTES);
    let scratch_words = codes.iter().map(|code| code.scratch_words).max().unwrap_or(0);
    memory.reserve(values, "SCRATCH", scratch_words * WORD_BYTES);
    memory.reserve(values, "STATES", 8 * WORD_BYTES);
    memory.reserve(values, "NEXT", 8 * WORD_BYTES);
    memory.reserve(values, "SUMS", common.num_gate_constraints * 2 * WORD_BYTES);
    values.set("SUMS_END", memory.size());

    let table = poseidon::table();
    let mut constants: String = table.iter().map(|word| format!("{word:064x}")).collect();
    memory.reserve(values, "TABLE", table.len() * WORD_BYTES);
    let gate_tables = memory.size();
    constants.push_str(&words_hex(codes.iter().flat_map(|code| code.table.iter().copied())));
    let words: usize = codes.iter().map(|code| code.table.len()).sum();
    memory.reserve(values, "GATE_TABLES", words * WORD_BYTES);
    values.set("MEMORY", memory.size());
    (gate_tables, constants)
}

/// One `setFilter` and one call per gate with constraints.
fn evaluation(codes: &[GateCode], selectors: &Selectors, openings: usize, table: usize) -> String {
    let last = if selectors.groups.len() > 1 { UNUSED_SELECTOR } else { 0 };
    let mut table = table;
    let mut lines = Vec::new();
    for (row, (code, &selector)) in codes.iter().zip(&selectors.selector_indices).enumerate() {
        if code.call.is_empty() {
            continue;
        }
        let group = &selectors.groups[selector];
        let opening = openings + selector * OPENING_BYTES;
        lines.push(format!("setFilter({opening}, {row}, {}, {}, {last})", group.start, group.end));
        lines.push(code.call.replace("TABLE", &table.to_string()));
        table += code.table.len() * WORD_BYTES;
    }
    lines.join("\n")
}

/// Horner's rule for every alpha, written out.
fn set_sums(challenges: usize, values: &mut Values) {
    let lines = |line: &dyn Fn(usize) -> String| (0..challenges).map(line).collect::<Vec<_>>().join("\n");
    values.set(
        "DECLARE_SUMS",
        lines(&|k| format!("let alpha{k} := calldataload({})\nlet s{k} := 0\nlet t{k} := 0", k * WORD_BYTES)),
    );
    values.set(
        "ADD_TERM",
        lines(&|k| {
            let sum = |sum: char, term: char| {
                format!("{sum}{k} := mod(add(mul({sum}{k}, alpha{k}), {term}), 0xffffffff00000001)")
            };
            format!("{}\n{}", sum('s', 'a'), sum('t', 'b'))
        }),
    );
    values.set(
        "STORE_SUMS",
        lines(&|k| {
            let at = 2 * k * WORD_BYTES;
            format!("mstore({at}, s{k})\nmstore({}, t{k})", at + WORD_BYTES)
        }),
    );
}
