// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Evaluation of public data: V = Σ limb_k · z^k in GF(p)[X]/(X² − 7) (PROTOCOL.md §9, §10).
/// @notice Elements of the extension are packed: coordinate 0 in the high, coordinate 1 in the low 64 bits of 128.
library PublicData {
    /// @notice The point at which a batch's data is evaluated, drawn after data and record chain are fixed.
    function challenge(bytes32 context, bytes calldata data, bytes32 recordChain) internal pure returns (uint128) {
        bytes32 h = keccak256(abi.encode(bytes32("weft data v1"), context, keccak256(data), recordChain));
        uint256 p = 0xffffffff00000001;
        return uint128(((uint256(h) >> 128) % p) << 64 | (uint128(uint256(h)) % p));
    }

    /// @notice The value of the limbs of `data` at `point`; the length of `data` must be a multiple of 21.
    /// @dev Limbs are taken in blocks of 42 records = 126 limbs. A table holds the powers z^0..z^125, both
    /// coordinates in one word, 128 bits apart: a limb of 56 bits times a coordinate of 64 bits, summed over 126
    /// limbs, stays below 2^127, so one MUL serves both coordinates and a block needs one reduction. The table lies
    /// above the free memory pointer and is not kept.
    function evaluate(bytes calldata data, uint128 point) internal pure returns (uint128 value) {
        assembly ("memory-safe") {
            let p := 0xffffffff00000001
            let word := 0xffffffffffffffff
            let limb := 0xffffffffffffff
            let table := mload(0x40)
            let end := add(data.offset, data.length)
            let blockBytes := 882 // 42 records
            if lt(data.length, blockBytes) { blockBytes := data.length }

            // stepHigh, stepLow: coordinates 0 and 1 of z^(limbs in a block) after the loop.
            let stepHigh := 1
            let stepLow := 0
            {
                let zHigh := shr(64, point)
                let zLow := and(point, word)
                // A record is 21 bytes and 3 powers of 32 bytes.
                let tableEnd := add(table, mul(div(blockBytes, 21), 96))
                for { let slot := table } lt(slot, tableEnd) { slot := add(slot, 32) } {
                    mstore(slot, or(stepHigh, shl(128, stepLow)))
                    let high := mod(add(mul(stepHigh, zHigh), mul(7, mul(stepLow, zLow))), p)
                    stepLow := mod(add(mul(stepHigh, zLow), mul(stepLow, zHigh)), p)
                    stepHigh := high
                }
            }

            // scaleHigh, scaleLow: z^(limbs before the block).
            let scaleHigh := 1
            let scaleLow := 0
            let valueHigh := 0
            let valueLow := 0
            for { let offset := data.offset } lt(offset, end) {} {
                let blockEnd := add(offset, blockBytes)
                if gt(blockEnd, end) { blockEnd := end }
                let sum := 0
                for { let slot := table } lt(offset, blockEnd) { slot := add(slot, 96) } {
                    let record := shr(88, calldataload(offset))
                    sum := add(sum, mul(shr(112, record), mload(slot)))
                    sum := add(sum, mul(and(shr(56, record), limb), mload(add(slot, 32))))
                    sum := add(sum, mul(and(record, limb), mload(add(slot, 64))))
                    offset := add(offset, 21)
                }
                let sumHigh := mod(and(sum, 0xffffffffffffffffffffffffffffffff), p)
                let sumLow := mod(shr(128, sum), p)
                valueHigh :=
                    mod(add(valueHigh, add(mul(sumHigh, scaleHigh), mul(7, mul(sumLow, scaleLow)))), p)
                valueLow := mod(add(valueLow, add(mul(sumHigh, scaleLow), mul(sumLow, scaleHigh))), p)
                let high := mod(add(mul(scaleHigh, stepHigh), mul(7, mul(scaleLow, stepLow))), p)
                scaleLow := mod(add(mul(scaleHigh, stepLow), mul(scaleLow, stepHigh)), p)
                scaleHigh := high
            }
            value := or(shl(64, valueHigh), valueLow)
        }
    }
}
