// The first four wires are the hash of the public inputs.
function publicInput() {
    let at := #SUMS#
    for { let i := 0 } lt(i, 4) { i := add(i, 1) } {
        let w0, w1 := load(add(#WIRES#, mul(16, i)))
        pushDifference(at, w0, w1, calldataload(add(#INPUTS_HASH#, mul(32, i))), 0)
        at := add(at, 64)
    }
}
