// Constraints of the gates at the opening point. Every gate adds filter * constraint to the sums at ACC, two
// words each, unreduced: a constraint is below 2^130, a filter below 2^64 and gates are few.

// Adds filter * (a + b x) to the sum at `at`.
function push(at, a, b) {
    let f := mload(#FILTER#)
    let g := mload(add(#FILTER#, 32))
    mstore(at, add(mload(at), add(mul(a, f), mul(7, mul(b, g)))))
    at := add(at, 32)
    mstore(at, add(mload(at), add(mul(a, g), mul(b, f))))
}

// Adds filter * (left - right) for `right` below 2^100.
function pushDifference(at, left0, left1, right0, right1) {
    push(at, sub(add(left0, #MULTIPLE#), right0), sub(add(left1, #MULTIPLE#), right1))
}

// Algebra over the extension (y^2 = 7): four coefficients of 8 bytes in a word, as in the calldata.

function unpack(v) -> a, b, c, d {
    a := shr(192, v)
    b := and(shr(128, v), 0xffffffffffffffff)
    c := and(shr(64, v), 0xffffffffffffffff)
    d := and(v, 0xffffffffffffffff)
}

// u v + w.
function multiplyAdd(u, v, w) -> r {
    let a, b, c, d := unpack(u)
    let e, f, g, h := unpack(v)
    let p := 0xffffffff00000001
    let x0 := add(shr(192, w), add(mul(a, e), mul(7, add(add(mul(b, f), mul(c, g)), mul(7, mul(d, h))))))
    let x1 := add(and(shr(128, w), 0xffffffffffffffff), add(add(mul(a, f), mul(b, e)), mul(7, add(mul(c, h), mul(d, g)))))
    let x2 := add(and(shr(64, w), 0xffffffffffffffff), add(add(mul(a, g), mul(c, e)), mul(7, add(mul(b, h), mul(d, f)))))
    let x3 := add(and(w, 0xffffffffffffffff), add(add(mul(a, h), mul(b, g)), add(mul(c, f), mul(d, e))))
    r := or(or(shl(192, mod(x0, p)), shl(128, mod(x1, p))), or(shl(64, mod(x2, p)), mod(x3, p)))
}

// Adds filter * (left - right), two constraints.
function pushAlgebra(at, left, right) {
    let a, b, c, d := unpack(left)
    let e, f, g, h := unpack(right)
    pushDifference(at, a, b, e, f)
    pushDifference(add(at, 64), c, d, g, h)
}

// Element of the extension at `at` as an element of the algebra.
function scalar(at) -> r {
    r := and(calldataload(at), 0xffffffffffffffffffffffffffffffff00000000000000000000000000000000)
}

// The filter of the gate with number `row` among start..end of its selector; `last` is a further factor's
// root, or 0 if there is none.
function setFilter(selector, row, start, end, last) {
    let s0, s1 := load(selector)
    let n1 := sub(0xffffffff00000001, s1)
    let f := 1
    let g := 0
    for { let i := start } lt(i, end) { i := add(i, 1) } {
        if iszero(eq(i, row)) { f, g := mulx(f, g, sub(add(i, 0xffffffff00000001), s0), n1) }
    }
    if last { f, g := mulx(f, g, sub(add(last, 0xffffffff00000001), s0), n1) }
    mstore(#FILTER#, f)
    mstore(add(#FILTER#, 32), g)
}
