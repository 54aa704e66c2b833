// `ops` times over the algebra: output = c0 x y + c1 z, wires x, y, z, output of two each.
function arithmeticExtension(ops) {
    let k := scalar(#CONSTANT#)
    let l := scalar(add(#CONSTANT#, 16))
    let at := #SUMS#
    let wire := #WIRES#
    for { let end := add(wire, mul(128, ops)) } lt(wire, end) { wire := add(wire, 128) } {
        let product := multiplyAdd(calldataload(wire), calldataload(add(wire, 32)), 0)
        let addend := multiplyAdd(l, calldataload(add(wire, 64)), 0)
        pushAlgebra(at, calldataload(add(wire, 96)), multiplyAdd(product, k, addend))
        at := add(at, 128)
    }
}
