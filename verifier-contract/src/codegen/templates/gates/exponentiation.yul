// output = base^exponent by square and multiply, wires base, bits from the lowest, output, intermediates.
function exponentiation(bits) {
    let at := #SUMS#
    let base0, base1 := load(#WIRES#)
    let intermediate := add(#WIRES#, mul(16, add(2, bits)))
    let a := 1
    let b := 0
    for { let bit := add(#WIRES#, mul(16, bits)) } gt(bit, #WIRES#) { bit := sub(bit, 16) } {
        // bit base + 1 - bit = bit (base - 1) + 1
        let b0, b1 := load(bit)
        b0, b1 := mulx(b0, b1, add(base0, 0xffffffff00000000), base1)
        b0, b1 := mulx(a, b, add(b0, 1), b1)
        a, b := load(intermediate)
        pushDifference(at, b0, b1, a, b)
        b0 := a
        b1 := b
        a, b := mulx(b0, b1, b0, b1)
        at := add(at, 64)
        intermediate := add(intermediate, 16)
    }
    let o0, o1 := load(add(#WIRES#, mul(16, add(1, bits))))
    a, b := load(sub(intermediate, 16))
    pushDifference(at, o0, o1, a, b)
}
