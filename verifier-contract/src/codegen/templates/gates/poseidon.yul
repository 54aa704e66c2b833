// A permutation whose S-box inputs are wires: inputs 12, outputs 12, swap, deltas 4, then the S-box inputs.
function poseidonGate() {
    let at := poseidonInputs()
    let wire := add(#WIRES#, 464)
    at := poseidonFullRounds(#TABLE#, wire, at, 1)
    wire := add(wire, 576)
    at := poseidonPartialRounds(wire, at)
    wire := add(wire, 352)
    at := poseidonFullRounds(add(#TABLE#, 512), wire, at, 0)
    for { let e := 0 } lt(e, 12) { e := add(e, 1) } {
        let a, b := getLane(e)
        let c, d := load(add(add(#WIRES#, 192), mul(16, e)))
        pushDifference(at, a, b, c, d)
        at := add(at, 64)
    }
}

// swap is boolean, delta_i = swap (input_{i+4} - input_i); the states are the inputs, swapped by the deltas.
function poseidonInputs() -> at {
    at := #SUMS#
    let s0, s1 := load(add(#WIRES#, 384))
    let a, b := mulx(s0, s1, add(s0, 0xffffffff00000000), s1)
    push(at, a, b)
    clearStates()
    for { let e := 0 } lt(e, 4) { e := add(e, 1) } {
        at := add(at, 64)
        let l0, l1 := load(add(#WIRES#, mul(16, e)))
        let r0, r1 := load(add(add(#WIRES#, 64), mul(16, e)))
        let d0, d1 := load(add(add(#WIRES#, 400), mul(16, e)))
        a, b := mulx(s0, s1, sub(add(r0, 0xffffffff00000001), l0), sub(add(r1, 0xffffffff00000001), l1))
        pushDifference(at, a, b, d0, d1)
        putLane(e, add(l0, d0), add(l1, d1))
        putLane(add(e, 4), sub(add(r0, 0xffffffff00000001), d0), sub(add(r1, 0xffffffff00000001), d1))
        a, b := load(add(add(#WIRES#, 128), mul(16, e)))
        putLane(add(e, 8), a, b)
    }
    at := add(at, 64)
    for { let i := 0 } lt(i, 256) { i := add(i, 32) } { mstore(add(#STATES#, i), mload(add(#NEXT#, i))) }
}

function extensionPower7(a, b) -> c, d {
    let e, f := mulx(a, b, a, b)
    c, d := mulx(a, b, e, f)
    e, f := mulx(e, f, e, f)
    c, d := mulx(c, d, e, f)
}

// Four full rounds. In the first half (`open` = 1) the inputs of the first S-box layer are no wires.
function poseidonFullRounds(table, wire, at, open) -> next {
    for { let end := add(table, 512) } lt(table, end) { table := add(table, 128) } {
        for { let i := 0 } lt(i, 128) { i := add(i, 32) } {
            mstore(add(#STATES#, i), add(mload(add(#STATES#, i)), mload(add(table, i))))
        }
        clearStates()
        for { let e := 0 } lt(e, 12) { e := add(e, 1) } {
            let a, b := getLane(e)
            if iszero(open) {
                let c, d := load(wire)
                pushDifference(at, a, b, c, d)
                a := c
                b := d
                wire := add(wire, 16)
                at := add(at, 64)
            }
            a, b := extensionPower7(a, b)
            putLane(e, a, b)
        }
        open := 0
        mixStates(#NEXT#)
    }
    next := at
}

function poseidonPartialRounds(wire, at) -> next {
    for { let k := add(#TABLE#, 1024) } lt(k, add(#TABLE#, 1728)) { k := add(k, 32) } {
        let w0 := mload(#STATES#)
        let w4 := mload(add(#STATES#, 128))
        let c, d := load(wire)
        pushDifference(at, add(and(w0, #LANE#), mload(k)), and(w4, #LANE#), c, d)
        c, d := extensionPower7(c, d)
        mstore(#STATES#, or(and(w0, #OTHER_LANES#), c))
        mstore(add(#STATES#, 128), or(and(w4, #OTHER_LANES#), d))
        mixStates(#STATES#)
        for { let i := 0 } lt(i, 256) { i := add(i, 32) } {
            mstore(add(#STATES#, i), reduceLanes(mload(add(#STATES#, i))))
        }
        wire := add(wire, 16)
        at := add(at, 64)
    }
    next := at
}
