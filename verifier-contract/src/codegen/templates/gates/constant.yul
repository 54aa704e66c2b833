// The first `count` wires are the row's constants.
function constant(count) {
    let at := #SUMS#
    for { let i := 0 } lt(i, count) { i := add(i, 1) } {
        let c0, c1 := load(add(#CONSTANT#, mul(16, i)))
        let w0, w1 := load(add(#WIRES#, mul(16, i)))
        pushDifference(at, c0, c1, w0, w1)
        at := add(at, 64)
    }
}
