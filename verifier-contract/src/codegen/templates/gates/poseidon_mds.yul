// Outputs = matrix * inputs over the algebra, 12 wire pairs each; the two coefficients of the algebra in turn.
function poseidonMds() {
    for { let half := 0 } lt(half, 2) { half := add(half, 1) } {
        let wire := add(#WIRES#, mul(16, half))
        clearStates()
        for { let e := 0 } lt(e, 12) { e := add(e, 1) } {
            let a, b := load(add(wire, mul(32, e)))
            putLane(e, a, b)
        }
        mixStates(#NEXT#)
        for { let e := 0 } lt(e, 12) { e := add(e, 1) } {
            let a, b := getLane(e)
            let c, d := load(add(add(wire, 384), mul(32, e)))
            pushDifference(add(#SUMS#, add(mul(128, e), mul(64, half))), c, d, a, b)
        }
    }
}
