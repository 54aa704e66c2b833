// FRI. Every query opens a row of the four trees, combines it with the openings into the value of one
// polynomial, and follows that value through the folds to the final polynomial.

// Powers of FRI's alpha, two words each, and the reduced openings at zeta and g zeta.
function prepareQueries() {
    let x0 := mload(#FRI_ALPHA#)
    let x1 := mload(add(#FRI_ALPHA#, 32))
    let a := 1
    let b := 0
    let s0 := 0
    let s1 := 0
    for { let i := 0 } lt(i, #COLUMNS#) { i := add(i, 1) } {
        let at := add(#POWERS#, mul(64, i))
        mstore(at, a)
        mstore(add(at, 32), b)
        let c0, c1 := load(add(#OPENINGS#, mul(16, i)))
        c0, c1 := mulx(a, b, c0, c1)
        s0 := add(s0, c0)
        s1 := add(s1, c1)
        a, b := mulx(a, b, x0, x1)
    }
    mstore(#REDUCED#, mod(s0, 0xffffffff00000001))
    mstore(add(#REDUCED#, 32), mod(s1, 0xffffffff00000001))
    s0 := 0
    s1 := 0
    for { let i := 0 } lt(i, #NEXT_COLUMNS#) { i := add(i, 1) } {
        let at := add(#POWERS#, mul(64, i))
        let c0, c1 := load(add(#Z_NEXT_OPENINGS#, mul(16, i)))
        c0, c1 := mulx(mload(at), mload(add(at, 32)), c0, c1)
        s0 := add(s0, c0)
        s1 := add(s1, c1)
    }
    mstore(add(#REDUCED#, 64), mod(s0, 0xffffffff00000001))
    mstore(add(#REDUCED#, 96), mod(s1, 0xffffffff00000001))
}

function checkQueries() {
    prepareQueries()
    let query := #FIRST_QUERY#
    for { let i := 0 } lt(i, #QUERIES#) { i := add(i, 1) } {
        let index := and(mload(add(#INDICES#, mul(32, i))), #INDEX_MASK#)
        checkRows(query, index)
        checkFolds(query, index)
        query := add(query, #QUERY_BYTES#)
    }
}

// Root of the path of `count` siblings at `at` from a leaf's hash; hashes are kept in the top 25 bytes.
function climb(hash, at, index, count) -> root {
    root := hash
    for { let end := add(at, mul(25, count)) } lt(at, end) { at := add(at, 25) } {
        switch and(index, 1)
        case 0 {
            mstore(0, root)
            mstore(25, calldataload(at))
        }
        default {
            mstore(0, calldataload(at))
            mstore(25, root)
        }
        root := keccak256(0, 50)
        index := shr(1, index)
    }
}

// The rows are in the trees at `index`. The first cap is a constant, the others are in the proof.
function checkRows(query, index) {
    let node := shr(#INITIAL_SIBLINGS#, index)
    let siblings := add(query, #QUERY_SIBLINGS#)
    calldatacopy(#BUFFER#, query, #ROW_BYTES#)
    let root := climb(keccak256(#BUFFER#, #ROW_BYTES_0#), siblings, index, #INITIAL_SIBLINGS#)
    let bad := shr(56, xor(root, mload(add(#CONSTANT_CAP#, mul(32, node)))))
    siblings := add(siblings, #PATH_BYTES#)
    root := climb(keccak256(#ROW_1#, #ROW_BYTES_1#), siblings, index, #INITIAL_SIBLINGS#)
    bad := or(bad, shr(56, xor(root, calldataload(add(#WIRES_CAP#, mul(25, node))))))
    siblings := add(siblings, #PATH_BYTES#)
    root := climb(keccak256(#ROW_2#, #ROW_BYTES_2#), siblings, index, #INITIAL_SIBLINGS#)
    bad := or(bad, shr(56, xor(root, calldataload(add(#ZS_CAP#, mul(25, node))))))
    siblings := add(siblings, #PATH_BYTES#)
    root := climb(keccak256(#ROW_3#, #ROW_BYTES_3#), siblings, index, #INITIAL_SIBLINGS#)
    bad := or(bad, shr(56, xor(root, calldataload(add(#QUOTIENT_CAP#, mul(25, node))))))
    if bad { fail(#MERKLE_PATH#) }
}

// Sum of alpha^i column_i over the row at `query`, unreduced.
function combineRow(query) -> a, b {
    let bits := 0
    let power := #POWERS#
    for { let end := add(query, #WHOLE_ROW_BYTES#) } lt(query, end) { query := add(query, 32) } {
        let v := calldataload(query)
        bits := or(bits, excess(v))
        a, b := addFour(a, b, v, power)
        power := add(power, 256)
    }
    #ROW_REMAINDER#
    if bits { fail(#NOT_CANONICAL#) }
}

// Adds the products of the four words of v with the powers at `power`.
function addFour(a, b, v, power) -> c, d {
    let x := shr(192, v)
    c := add(a, mul(x, mload(power)))
    d := add(b, mul(x, mload(add(power, 32))))
    x := and(shr(128, v), 0xffffffffffffffff)
    c := add(c, mul(x, mload(add(power, 64))))
    d := add(d, mul(x, mload(add(power, 96))))
    x := and(shr(64, v), 0xffffffffffffffff)
    c := add(c, mul(x, mload(add(power, 128))))
    d := add(d, mul(x, mload(add(power, 160))))
    x := and(v, 0xffffffffffffffff)
    c := add(c, mul(x, mload(add(power, 192))))
    d := add(d, mul(x, mload(add(power, 224))))
}

// The same over the columns opened at g zeta.
function combineNext(query) -> c, d {
    for { let i := 0 } lt(i, #NEXT_COLUMNS#) { i := add(i, 1) } {
        let x := shr(192, calldataload(add(add(query, #NEXT_ROW_OFFSET#), mul(8, i))))
        c := add(c, mul(x, mload(add(#POWERS#, mul(64, i)))))
        d := add(d, mul(x, mload(add(add(#POWERS#, 32), mul(64, i)))))
    }
}

// The point of the domain with this index: shift w^reverse(index).
function domainPoint(index) -> x {
    x := #DOMAIN_SHIFT#
    for { let at := #ROOTS# } index { at := add(at, 32) } {
        if and(index, 1) { x := mulmod(x, mload(at), 0xffffffff00000001) }
        index := shr(1, index)
    }
}

// Norm of x - point.
function distanceNorm(x, point) -> norm {
    let p := 0xffffffff00000001
    let d := add(x, sub(p, mload(point)))
    let z := mload(add(point, 32))
    norm := mod(add(mul(d, d), mul(sub(p, 7), mul(z, z))), p)
}

// (sum - reduced) / (x - point), where `inverted` is the inverse of the norm of x - point.
function quotientAt(a, b, reduced, x, point, inverted) -> c, d {
    let p := 0xffffffff00000001
    a := mod(add(a, sub(p, mload(reduced))), p)
    b := mod(add(b, sub(p, mload(add(reduced, 32)))), p)
    c, d := mulx(a, b, mod(add(x, sub(p, mload(point))), p), mload(add(point, 32)))
    c := mulmod(c, inverted, p)
    d := mulmod(d, inverted, p)
}

// Value of the combined polynomial at the query's point x, and 1 / x.
function combined(query, x) -> a, b, inverted {
    let p := 0xffffffff00000001
    let m := distanceNorm(x, #ZETA#)
    let n := distanceNorm(x, #ZETA_NEXT#)
    // One inversion for three values.
    let all := inverse(mulmod(mulmod(m, n, p), x, p))
    if iszero(all) { fail(#DOMAIN#) }
    inverted := mulmod(all, mulmod(m, n, p), p)
    all := mulmod(all, x, p)
    a, b := combineRow(query)
    a, b := quotientAt(a, b, #REDUCED#, x, #ZETA#, mulmod(all, n, p))
    a, b := mulx(a, b, mload(#NEXT_SHIFT#), mload(add(#NEXT_SHIFT#, 32)))
    let c, d := combineNext(query)
    c, d := quotientAt(c, d, add(#REDUCED#, 64), x, #ZETA_NEXT#, mulmod(all, m, p))
    a := addmod(a, c, p)
    b := addmod(b, d, p)
}

// Follows the query's value through the folds and compares it with the final polynomial.
function checkFolds(query, index) {
    let x := domainPoint(index)
    let a, b, inverted := combined(query, x)
    let at := add(query, #QUERY_FOLDS#)
    #FOLD_CALLS#
    let c, d := finalValue(x)
    if or(xor(a, c), xor(b, d)) { fail(#FINAL_VALUE#) }
}

// Checks one fold of 2^bits values and returns the value folded with beta. The own value a + b x, at position
// `own`, is not in the proof. Evaluations are 16 bytes each, in bit-reversed order of the coset.
function fold(a, b, at, own, bits, inverted, beta) -> c, d {
    let before := mul(16, own)
    calldatacopy(#BUFFER#, at, before)
    mstore(add(#BUFFER#, before), or(shl(192, a), shl(128, b)))
    let size := shl(add(bits, 4), 1)
    calldatacopy(add(add(#BUFFER#, 16), before), add(at, before), sub(sub(size, 16), before))
    mstore(#LEAF#, keccak256(#BUFFER#, size))
    let excessive := 0
    for { let i := 0 } lt(i, size) { i := add(i, 32) } {
        excessive := or(excessive, excess(mload(add(#BUFFER#, i))))
    }
    if excessive { fail(#NOT_CANONICAL#) }

    // beta over the coset's first point; the inverses of the other points are this times constants.
    let first := mulmod(inverted, mload(add(#COSET#, mul(32, own))), 0xffffffff00000001)
    c := mulmod(mload(beta), first, 0xffffffff00000001)
    d := mulmod(mload(add(beta, 32)), first, 0xffffffff00000001)
    for { let pairs := shr(5, size) } pairs { pairs := shr(1, pairs) } {
        for { let j := 0 } lt(j, pairs) { j := add(j, 1) } { foldPair(j, c, d) }
        c, d := mulx(c, d, c, d)
    }
    let scale := mload(add(#HALVES#, mul(32, bits)))
    let v := mload(#BUFFER#)
    c := mulmod(shr(192, v), scale, 0xffffffff00000001)
    d := mulmod(and(shr(128, v), 0xffffffffffffffff), scale, 0xffffffff00000001)
}

// Replaces values 2j and 2j + 1, at points y and -y, by value j of the next level, at y^2 and times 2:
// (u + v) + (beta / y) (u - v).
function foldPair(j, beta0, beta1) {
    let p := 0xffffffff00000001
    let v := mload(add(#BUFFER#, mul(32, j)))
    let k := mload(add(#INVERSES#, mul(32, j)))
    let u0 := shr(192, v)
    let u1 := and(shr(128, v), 0xffffffffffffffff)
    let v0 := and(shr(64, v), 0xffffffffffffffff)
    v := and(v, 0xffffffffffffffff)
    let d0 := mulmod(sub(add(u0, p), v0), k, p)
    let d1 := mulmod(sub(add(u1, p), v), k, p)
    u0 := mod(add(add(u0, v0), add(mul(d0, beta0), mul(7, mul(d1, beta1)))), p)
    u1 := mod(add(add(u1, v), add(mul(d0, beta1), mul(d1, beta0))), p)
    mstore(add(#BUFFER#, mul(16, j)), or(shl(192, u0), shl(128, u1)))
}

// The leaf of the last fold is in its tree.
function checkFold(at, index, count, cap) {
    let root := climb(mload(#LEAF#), at, index, count)
    if shr(56, xor(root, calldataload(add(cap, mul(25, shr(count, index)))))) { fail(#MERKLE_PATH#) }
}

// The final polynomial at x, by Horner's rule in steps of four coefficients.
function finalValue(x) -> a, b {
    let p := 0xffffffff00000001
    let x2 := mulmod(x, x, p)
    let x3 := mulmod(x2, x, p)
    let x4 := mulmod(x2, x2, p)
    for { let at := #FINAL_POLYNOMIAL_END# } gt(at, #FINAL_POLYNOMIAL#) {} {
        at := sub(at, 64)
        let u := calldataload(at)
        let v := calldataload(add(at, 32))
        a := mod(add(
            add(mul(a, x4), mul(and(shr(64, v), 0xffffffffffffffff), x3)),
            add(add(mul(shr(192, v), x2), mul(and(shr(64, u), 0xffffffffffffffff), x)), shr(192, u))
        ), p)
        b := mod(add(
            add(mul(b, x4), mul(and(v, 0xffffffffffffffff), x3)),
            add(
                add(mul(and(shr(128, v), 0xffffffffffffffff), x2), mul(and(u, 0xffffffffffffffff), x)),
                and(shr(128, u), 0xffffffffffffffff)
            )
        ), p)
    }
}

function squareTimes(x, count) -> y {
    y := x
    for {} count { count := sub(count, 1) } { y := mulmod(y, y, 0xffffffff00000001) }
}
