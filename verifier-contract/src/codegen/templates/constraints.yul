// The identity of the constraints at zeta, for every alpha:
//   sum over j of alpha^j term_j = (zeta^n - 1) * sum over m of (zeta^n)^m quotient_m
// with the terms L_0 (Z - 1), the permutation checks, and the gates' constraints.

function checkConstraints(gates) {
    let n0 := mload(#ZETA#)
    let n1 := mload(add(#ZETA#, 32))
    for { let i := 0 } lt(i, #DEGREE_BITS#) { i := add(i, 1) } { n0, n1 := mulx(n0, n1, n0, n1) }
    let v0 := addmod(n0, 0xffffffff00000000, 0xffffffff00000001)
    firstRowTerms(v0, n1)
    permutationTerms()
    gateSums(gates)
    for { let k := 0 } lt(k, #CHALLENGES#) { k := add(k, 1) } {
        let q0 := 0
        let q1 := 0
        let first := add(#QUOTIENT_OPENINGS#, mul(#QUOTIENT_STRIDE#, k))
        for { let at := add(first, #QUOTIENT_STRIDE#) } gt(at, first) {} {
            at := sub(at, 16)
            let c0, c1 := load(at)
            q0, q1 := mulx(q0, q1, n0, n1)
            q0 := add(q0, c0)
            q1 := add(q1, c1)
        }
        q0, q1 := mulx(q0, q1, v0, n1)
        let t0, t1 := termSum(k)
        if or(xor(t0, q0), xor(t1, q1)) { fail(#CONSTRAINTS#) }
    }
}

// L_0(zeta) (Z_k(zeta) - 1), with L_0(zeta) = v / (n (zeta - 1)).
function firstRowTerms(v0, v1) {
    let p := 0xffffffff00000001
    let d0 := mulmod(#DEGREE#, add(mload(#ZETA#), 0xffffffff00000000), p)
    let d1 := mulmod(#DEGREE#, mload(add(#ZETA#, 32)), p)
    // The conjugate over the norm.
    let norm := inverse(mod(add(mul(d0, d0), mul(sub(p, 7), mul(d1, d1))), p))
    if iszero(norm) { fail(#CONSTRAINTS#) }
    let l0, l1 := mulx(v0, v1, mulmod(d0, norm, p), mulmod(sub(p, d1), norm, p))
    for { let k := 0 } lt(k, #CHALLENGES#) { k := add(k, 1) } {
        let z0, z1 := load(add(#Z_OPENINGS#, mul(16, k)))
        z0, z1 := mulx(l0, l1, add(z0, 0xffffffff00000000), z1)
        mstore(add(#TERMS#, mul(64, k)), z0)
        mstore(add(add(#TERMS#, 32), mul(64, k)), z1)
    }
}

// For every challenge and chunk of routed wires: previous * numerators - next * denominators, where previous
// and next run through Z(zeta), the partial products, Z(g zeta).
function permutationTerms() {
    let term := add(#TERMS#, mul(64, #CHALLENGES#))
    for { let k := 0 } lt(k, #CHALLENGES#) { k := add(k, 1) } {
        let beta := mload(add(#BETAS#, mul(32, k)))
        let gamma := mload(add(#GAMMAS#, mul(32, k)))
        let previous := add(#Z_OPENINGS#, mul(16, k))
        let next := add(#PARTIAL_OPENINGS#, mul(#PARTIAL_STRIDE#, k))
        for { let i := 0 } lt(i, #ROUTED#) { i := add(i, #CHUNK#) } {
            let end := add(i, #CHUNK#)
            if iszero(lt(end, #ROUTED#)) {
                end := #ROUTED#
                next := add(#Z_NEXT_OPENINGS#, mul(16, k))
            }
            let a0, a1 := numerators(i, end, beta, gamma)
            let b0, b1 := load(previous)
            a0, a1 := mulx(a0, a1, b0, b1)
            let c0, c1 := denominators(i, end, beta, gamma)
            b0, b1 := load(next)
            b0, b1 := mulx(b0, b1, c0, c1)
            mstore(term, sub(add(a0, 0xffffffff00000001), b0))
            mstore(add(term, 32), sub(add(a1, 0xffffffff00000001), b1))
            term := add(term, 64)
            previous := next
            next := add(next, 16)
        }
    }
}

// Product over i..end of wire_j + beta k_j zeta + gamma.
function numerators(i, end, beta, gamma) -> a, b {
    a := 1
    let p := 0xffffffff00000001
    let z0 := mulmod(beta, mload(#ZETA#), p)
    let z1 := mulmod(beta, mload(add(#ZETA#, 32)), p)
    for {} lt(i, end) { i := add(i, 1) } {
        let w0, w1 := load(add(#WIRE_OPENINGS#, mul(16, i)))
        let k := mload(add(#SHIFTS#, mul(32, i)))
        a, b := mulx(a, b, mod(add(add(w0, gamma), mul(k, z0)), p), mod(add(w1, mul(k, z1)), p))
    }
}

// Product over i..end of wire_j + beta sigma_j + gamma.
function denominators(i, end, beta, gamma) -> a, b {
    a := 1
    let p := 0xffffffff00000001
    for {} lt(i, end) { i := add(i, 1) } {
        let w0, w1 := load(add(#WIRE_OPENINGS#, mul(16, i)))
        let s0, s1 := load(add(#SIGMA_OPENINGS#, mul(16, i)))
        a, b := mulx(a, b, mod(add(add(w0, gamma), mul(beta, s0)), p), mod(add(w1, mul(beta, s1)), p))
    }
}

// Asks the gates contract for the sums over the gates' constraints.
function gateSums(gates) {
    for { let k := 0 } lt(k, #CHALLENGES#) { k := add(k, 1) } {
        mstore(add(#GATES_INPUT#, mul(32, k)), mload(add(#ALPHAS#, mul(32, k))))
    }
    calldatacopy(#GATES_INPUT_OPENINGS#, #OPENINGS#, #GATES_OPENINGS_BYTES#)
    if iszero(staticcall(gas(), gates, #GATES_INPUT#, #GATES_INPUT_BYTES#, #GATE_SUMS#, #GATE_SUMS_BYTES#)) {
        fail(#GATES_FAILED#)
    }
    if iszero(eq(returndatasize(), #GATE_SUMS_BYTES#)) { fail(#GATES_FAILED#) }
}

// Sum of alpha_k^j term_j, the gates' constraints after the terms at TERMS.
function termSum(k) -> a, b {
    a := mload(add(#GATE_SUMS#, mul(64, k)))
    b := mload(add(add(#GATE_SUMS#, 32), mul(64, k)))
    let alpha := mload(add(#ALPHAS#, mul(32, k)))
    for { let at := #TERMS_END# } gt(at, #TERMS#) {} {
        at := sub(at, 64)
        a := mod(add(mul(a, alpha), mload(at)), 0xffffffff00000001)
        b := mod(add(mul(b, alpha), mload(add(at, 32))), 0xffffffff00000001)
    }
}
