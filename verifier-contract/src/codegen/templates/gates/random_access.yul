// `copies` times: element = list[index], wires index, element, list of 2^bits; then `extra` constants; then
// the bits of the indices.
function randomAccess(bits, copies, extra) {
    let at := #SUMS#
    let wire := #WIRES#
    let bit := add(wire, mul(16, add(mul(add(2, shl(bits, 1)), copies), extra)))
    for {} copies { copies := sub(copies, 1) } {
        let i0 := 0
        let i1 := 0
        for { let digit := add(bit, mul(16, bits)) } gt(digit, bit) {} {
            digit := sub(digit, 16)
            let b0, b1 := load(digit)
            i0 := add(mul(2, i0), b0)
            i1 := add(mul(2, i1), b1)
        }
        for { let j := 0 } lt(j, bits) { j := add(j, 1) } {
            let b0, b1 := load(add(bit, mul(16, j)))
            let c0, c1 := mulx(b0, b1, add(b0, 0xffffffff00000000), b1)
            push(at, c0, c1)
            at := add(at, 64)
        }
        let c0, c1 := load(wire)
        pushDifference(at, i0, i1, c0, c1)
        at := add(at, 64)
        c0, c1 := selected(add(wire, 32), bit, bits)
        let e0, e1 := load(add(wire, 16))
        pushDifference(at, c0, c1, e0, e1)
        at := add(at, 64)
        wire := add(wire, mul(16, add(2, shl(bits, 1))))
        bit := add(bit, mul(16, bits))
    }
    for { let i := 0 } lt(i, extra) { i := add(i, 1) } {
        let c0, c1 := load(add(#CONSTANT#, mul(16, i)))
        let w0, w1 := load(add(wire, mul(16, i)))
        pushDifference(at, c0, c1, w0, w1)
        at := add(at, 64)
    }
}

// Halves the list at `list` once per bit, the lowest first: x + bit (y - x) for each pair.
function selected(list, bit, bits) -> a, b {
    let size := shl(bits, 1)
    for { let i := 0 } lt(i, size) { i := add(i, 1) } {
        a, b := load(add(list, mul(16, i)))
        mstore(add(#SCRATCH#, mul(64, i)), a)
        mstore(add(add(#SCRATCH#, 32), mul(64, i)), b)
    }
    for {} gt(size, 1) { bit := add(bit, 16) } {
        let b0, b1 := load(bit)
        size := shr(1, size)
        for { let i := 0 } lt(i, size) { i := add(i, 1) } {
            let from := add(#SCRATCH#, mul(128, i))
            let x0 := mload(from)
            let x1 := mload(add(from, 32))
            a, b := mulx(
                b0, b1,
                sub(add(mload(add(from, 64)), 0xffffffff00000001), x0),
                sub(add(mload(add(from, 96)), 0xffffffff00000001), x1)
            )
            from := add(#SCRATCH#, mul(64, i))
            mstore(from, addmod(a, x0, 0xffffffff00000001))
            mstore(add(from, 32), addmod(b, x1, 0xffffffff00000001))
        }
    }
    a := mload(#SCRATCH#)
    b := mload(add(#SCRATCH#, 32))
}
