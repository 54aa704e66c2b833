// sum = sum of base^i limb_i, every limb in 0..base.
function baseSum(limbs, base) {
    let first := add(#WIRES#, 16)
    let at := add(#SUMS#, 64)
    let a := 0
    let b := 0
    for { let wire := add(first, mul(16, limbs)) } gt(wire, first) {} {
        wire := sub(wire, 16)
        let v0, v1 := load(wire)
        a := mod(add(mul(a, base), v0), 0xffffffff00000001)
        b := mod(add(mul(b, base), v1), 0xffffffff00000001)
    }
    let s0, s1 := load(#WIRES#)
    pushDifference(#SUMS#, a, b, s0, s1)
    for { let i := 0 } lt(i, limbs) { i := add(i, 1) } {
        let v0, v1 := load(add(first, mul(16, i)))
        let x0 := v0
        let x1 := v1
        for { let j := 1 } lt(j, base) { j := add(j, 1) } {
            x0, x1 := mulx(x0, x1, sub(add(v0, 0xffffffff00000001), j), v1)
        }
        push(at, x0, x1)
        at := add(at, 64)
    }
}
