// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Digests of four Goldilocks elements in one word, element 0 in the high 64 bits (PROTOCOL.md §1).
library Digests {
    /// @notice The field's order p.
    uint256 internal constant P = 0xffffffff00000001;

    /// @notice Whether each of the four words is below p.
    function isCanonical(bytes32 digest) internal pure returns (bool) {
        uint256 bits = uint256(digest);
        return bits >> 192 < P && uint64(bits >> 128) < P && uint64(bits >> 64) < P && uint64(bits) < P;
    }

    /// @notice Writes the four elements of `digest` to `elements[position..position + 4]`.
    function write(bytes32 digest, uint256[] memory elements, uint256 position) internal pure {
        uint256 bits = uint256(digest);
        elements[position] = bits >> 192;
        elements[position + 1] = uint64(bits >> 128);
        elements[position + 2] = uint64(bits >> 64);
        elements[position + 3] = uint64(bits);
    }

    /// @notice The digest of four elements below p.
    function pack(uint256[4] memory elements) internal pure returns (bytes32) {
        return bytes32((elements[0] << 192) | (elements[1] << 128) | (elements[2] << 64) | elements[3]);
    }
}
