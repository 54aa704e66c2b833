// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The Keccak tree of a batch's withdrawals (PROTOCOL.md §10).
/// @notice A leaf's preimage has 30 bytes and a node's 64, so that no node passes for a leaf.
library Withdrawals {
    /// @notice The leaf of one withdrawal: keccak(owner ‖ asset ‖ amount).
    function leaf(address owner, uint16 asset, uint64 amount) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            // 160 + 16 + 64 bits, moved to the front of the scratch word; only 30 bytes are hashed.
            mstore(0, or(or(shl(96, owner), shl(80, and(asset, 0xffff))), shl(16, and(amount, 0xffffffffffffffff))))
            hash := keccak256(0, 30)
        }
    }

    /// @notice The smallest power of two that is at least `count`; 1 for 0.
    function widthFor(uint256 count) internal pure returns (uint256 width) {
        width = 1;
        while (width < count) width <<= 1;
    }

    /// @notice Root over the first `count` leaves, filled with zero words to a power of two; 0 if there are none.
    /// @dev Works in place. `leaves` must be zero after `count` and hold at least `widthFor(count)` words.
    function root(bytes32[] memory leaves, uint256 count) internal pure returns (bytes32) {
        if (count == 0) return 0;
        for (uint256 width = widthFor(count); width > 1; width >>= 1) {
            for (uint256 i = 0; i < width; i += 2) {
                leaves[i >> 1] = node(leaves[i], leaves[i + 1]);
            }
        }
        return leaves[0];
    }

    /// @notice Root that `path` leads to from `hash` at `position`.
    function rootOf(bytes32 hash, uint256 position, bytes32[] calldata path) internal pure returns (bytes32) {
        for (uint256 level = 0; level < path.length; ++level) {
            hash = (position >> level) & 1 == 0 ? node(hash, path[level]) : node(path[level], hash);
        }
        return hash;
    }

    /// @notice keccak(left ‖ right).
    function node(bytes32 left, bytes32 right) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            mstore(0, left)
            mstore(32, right)
            hash := keccak256(0, 64)
        }
    }
}
