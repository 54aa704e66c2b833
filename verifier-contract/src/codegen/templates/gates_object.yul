#HEADER#
object "Gates" {
    code {
        let size := datasize("Gates_deployed")
        datacopy(0, dataoffset("Gates_deployed"), size)
        return(0, size)
    }
    object "Gates_deployed" {
        code {
            // Called by the verifier with packed words, either
            //   four public inputs  -> their hash, four 8-byte words in one, or
            //   the alphas, the hash of the public inputs (four words), the openings of constants, sigmas and
            //   wires (16 bytes each)  -> per alpha: sum of alpha^j times constraint j, two words.
            pop(memoryguard(#MEMORY#))
            datacopy(#TABLE#, dataoffset("constants"), datasize("constants"))
            if eq(calldatasize(), 128) {
                mstore(0, hashInputs())
                return(0, 32)
            }
            if iszero(eq(calldatasize(), #CALLDATA#)) { revert(0, 0) }
            #EVALUATE#
            sumConstraints()
            return(#RESULT#, #RESULT_BYTES#)

            // plonky2's hash of four elements: one permutation of (inputs, 0, ..., 0).
            function hashInputs() -> packed {
                let w0, w1, w2, w3 := permute(
                    #TABLE#, calldataload(0), shl(85, calldataload(32)), shl(170, calldataload(64)), calldataload(96)
                )
                w0, w1, w2, w3 := firstFour(w0, w1, w2, w3)
                packed := or(or(shl(192, w0), shl(128, w1)), or(shl(64, w2), w3))
            }

            function sumConstraints() {
                #DECLARE_SUMS#
                for { let at := #SUMS_END# } gt(at, #SUMS#) {} {
                    at := sub(at, 64)
                    let a := mload(at)
                    let b := mload(add(at, 32))
                    #ADD_TERM#
                }
                #STORE_SUMS#
            }

            #FUNCTIONS#
        }
        data "constants" hex"#CONSTANTS#"
    }
}
