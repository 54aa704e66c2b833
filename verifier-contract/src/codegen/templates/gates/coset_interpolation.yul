// Value at a point of the polynomial through `points` values on a coset, by barycentric steps
//   eval <- eval (z - x_i) + w_i value_i prod,  prod <- prod (z - x_i)
// with eval and prod kept in wires every degree - 1 steps. Wires: shift, values, point, value,
// intermediate evals, intermediate prods, shifted point. `table` holds x_i and w_i.
function cosetInterpolation(points, degree, table) {
    let value := add(#WIRES#, 16)
    let point := add(value, mul(32, points))
    let evals := add(point, 64)
    let count := div(sub(points, 2), sub(degree, 1))
    let prods := add(evals, mul(32, count))
    let z := calldataload(add(prods, mul(32, count)))
    let at := #SUMS#
    pushAlgebra(at, calldataload(point), multiplyAdd(z, scalar(#WIRES#), 0))
    at := add(at, 128)
    let eval := 0
    let prod := shl(192, 1)
    let left := degree
    for {} points { points := sub(points, 1) } {
        if iszero(left) {
            let next := calldataload(evals)
            pushAlgebra(at, next, eval)
            eval := next
            next := calldataload(prods)
            pushAlgebra(add(at, 128), next, prod)
            prod := next
            at := add(at, 256)
            evals := add(evals, 32)
            prods := add(prods, 32)
            left := sub(degree, 1)
        }
        eval, prod := interpolationStep(eval, prod, z, value, table)
        table := add(table, 64)
        value := add(value, 32)
        left := sub(left, 1)
    }
    pushAlgebra(at, calldataload(add(point, 32)), eval)
}

function interpolationStep(eval, prod, z, value, table) -> nextEval, nextProd {
    let p := 0xffffffff00000001
    let term := or(
        and(z, 0x0000000000000000ffffffffffffffffffffffffffffffffffffffffffffffff),
        shl(192, addmod(shr(192, z), sub(p, mload(table)), p))
    )
    let weighted := multiplyAdd(calldataload(value), shl(192, mload(add(table, 32))), 0)
    nextEval := multiplyAdd(eval, term, multiplyAdd(weighted, prod, 0))
    nextProd := multiplyAdd(prod, term, 0)
}
