// Poseidon over width 12. The state is four words of three lanes of 85 bits: element e sits in word e mod 4,
// lane e mod 3. By the Chinese remainder theorem the circulant matrix becomes a cyclic product of words, and
// a product modulo 2^255 - 1 is a cyclic product of lanes. A multiplication by the matrix adds 8.05 bits to a
// lane, so two in a row need no reduction between them.

function mix(w0, w1, w2, w3) -> r0, r1, r2, r3 {
    let m := 0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
    r0 := add(add(mulmod(w0, #K0#, m), mulmod(w1, #K1#, m)), add(mulmod(w2, #K2#, m), mulmod(w3, #K3#, m)))
    r1 := add(add(mulmod(w0, #K3#, m), mulmod(w1, #K0#, m)), add(mulmod(w2, #K1#, m), mulmod(w3, #K2#, m)))
    r2 := add(add(mulmod(w0, #K2#, m), mulmod(w1, #K3#, m)), add(mulmod(w2, #K0#, m), mulmod(w3, #K1#, m)))
    r3 := add(add(mulmod(w0, #K1#, m), mulmod(w1, #K2#, m)), add(mulmod(w2, #K3#, m), mulmod(w3, #K0#, m)))
    r0 := add(r0, mul(#DIAGONAL#, and(w0, #LANE#)))
}

// Takes the multiple of p above bit 64 out of each lane.
function reduceLanes(w) -> r {
    r := sub(w, mul(and(shr(64, w), #LANE_TOPS#), 0xffffffff00000001))
}

// x^7 for x below 2^86.
function power7(x) -> y {
    let x2 := mulmod(x, x, 0xffffffff00000001)
    y := mulmod(mul(x, x2), mul(x2, x2), 0xffffffff00000001)
}

function power7Lanes(w) -> r {
    r := power7(and(w, #LANE#))
    r := or(r, shl(85, power7(and(shr(85, w), #LANE#))))
    r := or(r, shl(170, power7(shr(170, w))))
}

// Four full rounds with the constants at `table`.
function fullRounds(table, w0, w1, w2, w3) -> r0, r1, r2, r3 {
    let end := add(table, 512)
    for {} lt(table, end) { table := add(table, 128) } {
        w0 := power7Lanes(add(w0, mload(table)))
        w1 := power7Lanes(add(w1, mload(add(table, 32))))
        w2 := power7Lanes(add(w2, mload(add(table, 64))))
        w3 := power7Lanes(add(w3, mload(add(table, 96))))
        w0, w1, w2, w3 := mix(w0, w1, w2, w3)
    }
    r0 := w0
    r1 := w1
    r2 := w2
    r3 := w3
}

// The permutation. `table` holds the constants of the full rounds, four words each, then of the partial
// rounds, one word each (those of the other lanes are moved past the partial rounds).
function permute(table, w0, w1, w2, w3) -> r0, r1, r2, r3 {
    w0, w1, w2, w3 := fullRounds(table, w0, w1, w2, w3)
    let end := add(table, 1728)
    for { let at := add(table, 1024) } lt(at, end) { at := add(at, 64) } {
        w0 := or(and(w0, #OTHER_LANES#), power7(add(and(w0, #LANE#), mload(at))))
        w0, w1, w2, w3 := mix(w0, w1, w2, w3)
        w0 := reduceLanes(w0)
        w1 := reduceLanes(w1)
        w2 := reduceLanes(w2)
        w3 := reduceLanes(w3)
        w0 := or(and(w0, #OTHER_LANES#), power7(add(and(w0, #LANE#), mload(add(at, 32)))))
        w0, w1, w2, w3 := mix(w0, w1, w2, w3)
    }
    r0, r1, r2, r3 := fullRounds(add(table, 512), w0, w1, w2, w3)
}

// The first four elements of a state, below p.
function firstFour(w0, w1, w2, w3) -> e0, e1, e2, e3 {
    e0 := mod(and(w0, #LANE#), 0xffffffff00000001)
    e1 := mod(and(shr(85, w1), #LANE#), 0xffffffff00000001)
    e2 := mod(shr(170, w2), 0xffffffff00000001)
    e3 := mod(and(w3, #LANE#), 0xffffffff00000001)
}
