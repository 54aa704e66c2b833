// acc_i = acc_{i-1} alpha + c_i over the algebra, wires output, alpha, first acc, coefficients of `width`
// wires each, accs but the last, which is the output.
function reducing(count, width) {
    let at := #SUMS#
    let alpha := calldataload(add(#WIRES#, 32))
    let acc := calldataload(add(#WIRES#, 64))
    let coefficient := add(#WIRES#, 96)
    let next := add(coefficient, mul(count, mul(16, width)))
    for {} count { count := sub(count, 1) } {
        let c := calldataload(coefficient)
        if eq(width, 1) { c := scalar(coefficient) }
        let computed := multiplyAdd(acc, alpha, c)
        acc := calldataload(next)
        if eq(count, 1) { acc := calldataload(#WIRES#) }
        pushAlgebra(at, computed, acc)
        at := add(at, 128)
        coefficient := add(coefficient, mul(16, width))
        next := add(next, 32)
    }
}
