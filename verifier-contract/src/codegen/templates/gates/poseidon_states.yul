// Two states side by side, one for each coefficient of the extension, as words of lanes at STATES.

function clearStates() {
    for { let i := 0 } lt(i, 256) { i := add(i, 32) } { mstore(add(#NEXT#, i), 0) }
}

// Adds a + b x to element e of the next states.
function putLane(e, a, b) {
    let at := add(#NEXT#, mul(32, and(e, 3)))
    let shift := mul(85, mod(e, 3))
    mstore(at, add(mload(at), shl(shift, a)))
    at := add(at, 128)
    mstore(at, add(mload(at), shl(shift, b)))
}

// Element e of the states.
function getLane(e) -> a, b {
    let at := add(#STATES#, mul(32, and(e, 3)))
    let shift := mul(85, mod(e, 3))
    a := and(shr(shift, mload(at)), #LANE#)
    b := and(shr(shift, mload(add(at, 128))), #LANE#)
}

// STATES <- matrix * FROM for both states.
function mixStates(from) {
    for { let i := 0 } lt(i, 256) { i := add(i, 128) } {
        let at := add(from, i)
        let w0, w1, w2, w3 := mix(mload(at), mload(add(at, 32)), mload(add(at, 64)), mload(add(at, 96)))
        at := add(#STATES#, i)
        mstore(at, w0)
        mstore(add(at, 32), w1)
        mstore(add(at, 64), w2)
        mstore(add(at, 96), w3)
    }
}
