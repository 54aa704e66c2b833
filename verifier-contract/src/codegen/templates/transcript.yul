// Fiat-Shamir transcript: see the documentation of the wrap's hasher for the bytes.

// Absorbs `size` bytes of 8-byte words at `at` in blocks of 256 bytes. Overwrites the word before `at`.
function absorb(chain, at, size) -> next {
    next := chain
    for {} size {} {
        let block := size
        if gt(block, 256) { block := 256 }
        mstore(sub(at, 32), next)
        next := keccak256(sub(at, 32), add(block, 32))
        at := add(at, block)
        size := sub(size, block)
    }
}

// Writes `count` challenges, rounded up to even, to words at `to`.
function draw(chain, to, count) -> next {
    next := chain
    for {} 1 {} {
        mstore(0, next)
        mstore8(32, 1)
        let h := keccak256(0, 33)
        mstore(to, mod(shr(128, h), 0xffffffff00000001))
        mstore(add(to, 32), mod(and(h, 0xffffffffffffffffffffffffffffffff), 0xffffffff00000001))
        if lt(count, 3) { break }
        count := sub(count, 2)
        to := add(to, 64)
        mstore(0, next)
        next := keccak256(0, 32)
    }
}

// Writes the digests of a cap as limbs of 7, 7, 7 and 4 bytes, a word each.
function writeCap(to, from) {
    for { let end := add(to, #CAP_WORDS#) } lt(to, end) { to := add(to, 32) } {
        let d := calldataload(from)
        mstore(to, or(
            or(shl(192, shr(200, d)), shl(128, and(shr(144, d), 0xffffffffffffff))),
            or(shl(64, and(shr(88, d), 0xffffffffffffff)), and(shr(56, d), 0xffffffff))
        ))
        from := add(from, 25)
    }
}

function absorbCap(chain, from) -> next {
    writeCap(#BUFFER#, from)
    next := absorb(chain, #BUFFER#, #CAP_WORDS#)
}

// Copies `size` bytes of elements from the calldata, checks that they are below p, and absorbs them.
function absorbElements(chain, from, size) -> next {
    calldatacopy(#BUFFER#, from, size)
    mstore(add(#BUFFER#, size), 0)
    let bits := 0
    for { let i := 0 } lt(i, size) { i := add(i, 32) } {
        bits := or(bits, excess(mload(add(#BUFFER#, i))))
    }
    if bits { fail(#NOT_CANONICAL#) }
    next := absorb(chain, #BUFFER#, size)
}

function transcript(gates) {
    // The hash of the public inputs, from the gates contract.
    calldatacopy(0, 36, 128)
    if iszero(staticcall(gas(), gates, 0, 128, 0, 32)) { fail(#GATES_FAILED#) }
    if iszero(eq(returndatasize(), 32)) { fail(#GATES_FAILED#) }
    let hash := mload(0)
    for { let i := 0 } lt(i, 4) { i := add(i, 1) } {
        mstore(add(#GATES_INPUT_HASH#, mul(32, i)), and(shr(sub(192, mul(64, i)), hash), 0xffffffffffffffff))
    }

    // Parameters and circuit digest are constants of the circuit.
    datacopy(#BUFFER#, dataoffset("prefix"), #PREFIX_BYTES#)
    mstore(#AFTER_PREFIX#, hash)
    writeCap(add(#AFTER_PREFIX#, 32), #WIRES_CAP#)
    let chain := absorb(0, #BUFFER#, #FIRST_BYTES#)
    chain := draw(chain, #BETAS#, #BETAS_AND_GAMMAS#)
    chain := draw(absorbCap(chain, #ZS_CAP#), #ALPHAS#, #CHALLENGES#)
    chain := draw(absorbCap(chain, #QUOTIENT_CAP#), #ZETA#, 2)
    mstore(#ZETA_NEXT#, mulmod(mload(#ZETA#), #GENERATOR#, 0xffffffff00000001))
    mstore(add(#ZETA_NEXT#, 32), mulmod(mload(add(#ZETA#, 32)), #GENERATOR#, 0xffffffff00000001))
    chain := draw(absorbElements(chain, #OPENINGS#, #OPENINGS_BYTES#), #FRI_ALPHA#, 2)
    for { let i := 0 } lt(i, #FOLDS#) { i := add(i, 1) } {
        chain := absorbCap(chain, add(#FOLD_CAPS#, mul(#CAP_BYTES#, i)))
        chain := draw(chain, add(#FRI_BETAS#, mul(64, i)), 2)
    }
    // The final polynomial and the proof-of-work witness are adjacent.
    chain := absorbElements(chain, #FINAL_POLYNOMIAL#, #FINAL_BYTES#)
    chain := draw(chain, #GRINDING#, #GRINDING_AND_QUERIES#)
    if shr(#GRINDING_SHIFT#, mload(#GRINDING#)) { fail(#PROOF_OF_WORK#) }
}
