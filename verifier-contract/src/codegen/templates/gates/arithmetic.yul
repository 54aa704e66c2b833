// `ops` times: output = c0 x y + c1 z, wires x, y, z, output.
function arithmetic(ops) {
    let k0, k1 := load(#CONSTANT#)
    let l0, l1 := load(add(#CONSTANT#, 16))
    let at := #SUMS#
    let wire := #WIRES#
    for { let end := add(wire, mul(64, ops)) } lt(wire, end) { wire := add(wire, 64) } {
        let x0, x1 := load(wire)
        let y0, y1 := load(add(wire, 16))
        x0, x1 := mulx(x0, x1, y0, y1)
        x0, x1 := mulx(x0, x1, k0, k1)
        y0, y1 := load(add(wire, 32))
        y0, y1 := mulx(y0, y1, l0, l1)
        x0 := add(x0, y0)
        x1 := add(x1, y1)
        y0, y1 := load(add(wire, 48))
        pushDifference(at, y0, y1, x0, x1)
        at := add(at, 64)
    }
}
