// `ops` times over the algebra: output = c0 x y, wires x, y, output of two each.
function multiplicationExtension(ops) {
    let k := scalar(#CONSTANT#)
    let at := #SUMS#
    let wire := #WIRES#
    for { let end := add(wire, mul(96, ops)) } lt(wire, end) { wire := add(wire, 96) } {
        let product := multiplyAdd(calldataload(wire), calldataload(add(wire, 32)), 0)
        pushAlgebra(at, calldataload(add(wire, 64)), multiplyAdd(product, k, 0))
        at := add(at, 128)
    }
}
