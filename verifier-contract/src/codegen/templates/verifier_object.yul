#HEADER#
object "Verifier" {
    code {
        // Constructor argument: the address of the contract that evaluates gates.
        let size := datasize("Verifier_deployed")
        codecopy(0, sub(codesize(), 32), 32)
        let gates := mload(0)
        if iszero(extcodesize(gates)) { revert(0, 0) }
        datacopy(0, dataoffset("Verifier_deployed"), size)
        setimmutable(0, "gates", gates)
        return(0, size)
    }
    object "Verifier_deployed" {
        code {
            pop(memoryguard(#MEMORY#))
            switch shr(224, calldataload(0))
            case #VERIFY_SELECTOR# {
                datacopy(#TABLES#, dataoffset("tables"), datasize("tables"))
                let gates := loadimmutable("gates")
                checkShape()
                transcript(gates)
                checkConstraints(gates)
                checkQueries()
                mstore(0, 1)
                return(0, 32)
            }
            case #DIGEST_SELECTOR# {
                mstore(0, #CIRCUIT_DIGEST#)
                return(0, 32)
            }
            default { fail(#UNKNOWN_FUNCTION#) }

            function fail(selector) {
                mstore(0, shl(224, selector))
                revert(0, 4)
            }

            // The calldata is that of verify(bytes,uint256[4]) with the proof at its canonical place.
            function checkShape() {
                if iszero(and(
                    and(eq(calldataload(4), 160), eq(calldataload(164), #PROOF_BYTES#)),
                    iszero(lt(calldatasize(), #PROOF_END#))
                )) { fail(#PROOF_LENGTH#) }
                for { let i := 36 } lt(i, 164) { i := add(i, 32) } {
                    if iszero(lt(calldataload(i), 0xffffffff00000001)) { fail(#NOT_CANONICAL#) }
                }
            }

            #FUNCTIONS#
        }
        data "tables" hex"#TABLES_DATA#"
        data "prefix" hex"#PREFIX_DATA#"
    }
}
