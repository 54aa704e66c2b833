// Field of order p = 2^64 - 2^32 + 1 and its extension by a root of x^2 = 7.
// A pair of values (a, b) stands for a + b x. In the calldata an element of the extension is 16 bytes.

function load(at) -> a, b {
    let v := calldataload(at)
    a := shr(192, v)
    b := and(shr(128, v), 0xffffffffffffffff)
}

// Product. Factors below 2^100 are enough; the result is below p.
function mulx(a, b, c, d) -> e, f {
    e := mod(add(mul(a, c), mul(7, mul(b, d))), 0xffffffff00000001)
    f := mod(add(mul(a, d), mul(b, c)), 0xffffffff00000001)
}

function square4(a) -> b {
    b := mulmod(a, a, 0xffffffff00000001)
    b := mulmod(b, b, 0xffffffff00000001)
    b := mulmod(b, b, 0xffffffff00000001)
    b := mulmod(b, b, 0xffffffff00000001)
}

// a^(p - 2), by p - 2 = (2^31 - 1) 2^33 + (2^32 - 1). The inverse of 0 is 0.
function inverse(a) -> b {
    let p := 0xffffffff00000001
    let x2 := mulmod(mulmod(a, a, p), a, p)
    let x4 := mulmod(x2, x2, p)
    x4 := mulmod(mulmod(x4, x4, p), x2, p)
    let x8 := mulmod(square4(x4), x4, p)
    let x16 := mulmod(square4(square4(x8)), x8, p)
    let x24 := mulmod(square4(square4(x16)), x8, p)
    let x28 := mulmod(square4(x24), x4, p)
    let x30 := mulmod(x28, x28, p)
    x30 := mulmod(mulmod(x30, x30, p), x2, p)
    let x31 := mulmod(mulmod(x30, x30, p), a, p)
    let x32 := mulmod(mulmod(x31, x31, p), a, p)
    b := square4(square4(square4(square4(x31))))
    b := square4(square4(square4(square4(b))))
    b := mulmod(mulmod(b, b, p), x32, p)
}

// Non-zero if one of the four 8-byte words of v is not below p: adding 2^32 - 1 then carries out of it.
function excess(v) -> bits {
    let even := and(v, 0xffffffffffffffff0000000000000000ffffffffffffffff)
    let odd := and(shr(64, v), 0xffffffffffffffff0000000000000000ffffffffffffffff)
    bits := and(
        or(
            add(even, 0xffffffff000000000000000000000000ffffffff),
            add(odd, 0xffffffff000000000000000000000000ffffffff)
        ),
        0x1000000000000000000000000000000010000000000000000
    )
}
