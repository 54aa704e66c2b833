// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice One record of public data: 168 bits, in three limbs of 56 (PROTOCOL.md §5).
type Record is uint168;

using Records for Record global;

/// @title Reading and building of records.
/// @notice L1 knows of a record its class and, where money moves, asset, amount and outcome; nothing else of its kind.
library Records {
    /// @notice Bytes of a record.
    uint256 internal constant BYTES = 21;

    /// @notice Class of records that pay to the address in the continuation.
    uint256 internal constant PAYS_OUT = 1;
    /// @notice Class of records that a queue entry began.
    uint256 internal constant L1_OPERATION = 2;
    /// @notice Class of records that continue the one before.
    uint256 internal constant CONTINUATION = 3;

    /// @notice Outcome of an L1 operation that is paid back to its sender.
    uint256 internal constant BOUNCED = 1;

    uint256 private constant DEPOSIT = 16;
    uint256 private constant OPENING_DEPOSIT = 17;
    uint256 private constant ADDRESS = 24;
    uint256 private constant KEY = 25;

    uint256 private constant CLASS_SHIFT = 166;
    uint256 private constant KIND_SHIFT = 163;
    uint256 private constant LANE_SHIFT = 160;
    uint256 private constant INDEX_SHIFT = 128;
    uint256 private constant ASSET_SHIFT = 112;
    uint256 private constant AMOUNT_SHIFT = 2;
    uint256 private constant AMOUNT_MASK = (1 << 62) - 1;
    uint256 private constant OUTCOME_MASK = 3;

    /// @notice The record at byte `offset` of `data`; bytes after the end count as zero.
    function read(bytes calldata data, uint256 offset) internal pure returns (Record record) {
        assembly ("memory-safe") {
            record := shr(88, calldataload(add(data.offset, offset)))
        }
    }

    /// @notice Offset of the first record from `offset` on that begins something that L1 cares for: of class pays out
    /// or L1 operation. The length of `data` if there is none.
    /// @dev The loop runs for each record of a batch, so it is written out: `while (offset < data.length) { class =
    /// read(data, offset).class(); if (class == PAYS_OUT || class == L1_OPERATION) break; offset += BYTES; }`. Of the
    /// class's two bits exactly one is set in these two classes.
    function seek(bytes calldata data, uint256 offset) internal pure returns (uint256 found) {
        assembly ("memory-safe") {
            let at := add(data.offset, offset)
            let end := add(data.offset, data.length)
            for {} lt(at, end) { at := add(at, 21) } {
                let bits := calldataload(at)
                if shr(255, xor(bits, shl(1, bits))) { break }
            }
            found := sub(at, data.offset)
        }
    }

    /// @notice The record's class: the two high bits of its kind.
    function class(Record record) internal pure returns (uint256) {
        return Record.unwrap(record) >> CLASS_SHIFT;
    }

    /// @notice The record's asset id.
    function asset(Record record) internal pure returns (uint16) {
        return uint16(Record.unwrap(record) >> ASSET_SHIFT);
    }

    /// @notice The record's amount, below 2^62.
    function amount(Record record) internal pure returns (uint64) {
        return uint64((Record.unwrap(record) >> AMOUNT_SHIFT) & AMOUNT_MASK);
    }

    /// @notice The record's outcome.
    function outcome(Record record) internal pure returns (uint256) {
        return Record.unwrap(record) & OUTCOME_MASK;
    }

    /// @notice An L1 operation's first record as the queue holds it: without the outcome, and without A if the
    /// kind's low bit says that the operator fills it in.
    function masked(Record record) internal pure returns (Record) {
        uint256 bits = Record.unwrap(record) & ~OUTCOME_MASK;
        if ((bits >> KIND_SHIFT) & 1 == 1) bits &= ~(uint256(type(uint32).max) << INDEX_SHIFT);
        return Record.wrap(uint168(bits));
    }

    /// @notice The L1 address in an address record.
    function target(Record record) internal pure returns (address) {
        return address(uint160(Record.unwrap(record)));
    }

    /// @notice First record of a deposit to the account `index`; `lane` is 1 if its owner pays in, else 0.
    function deposit(uint256 lane, uint32 index, uint16 asset_, uint256 units) internal pure returns (Record) {
        return Record.wrap(uint168(
            (DEPOSIT << KIND_SHIFT) | (lane << LANE_SHIFT) | (uint256(index) << INDEX_SHIFT)
                | (uint256(asset_) << ASSET_SHIFT) | (units << AMOUNT_SHIFT)
        ));
    }

    /// @notice First record of an opening deposit; the operator fills in the index.
    function openingDeposit(uint16 asset_, uint256 units) internal pure returns (Record) {
        return Record.wrap(uint168(
            (OPENING_DEPOSIT << KIND_SHIFT) | (uint256(asset_) << ASSET_SHIFT) | (units << AMOUNT_SHIFT)
        ));
    }

    /// @notice A continuation with an L1 address.
    function addressRecord(address target_) internal pure returns (Record) {
        return Record.wrap(uint168((ADDRESS << KIND_SHIFT) | uint160(target_)));
    }

    /// @notice A continuation with two words of a key digest.
    function keyRecord(uint128 words) internal pure returns (Record) {
        return Record.wrap(uint168((KEY << KIND_SHIFT) | words));
    }
}
