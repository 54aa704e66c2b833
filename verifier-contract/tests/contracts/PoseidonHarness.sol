// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Poseidon} from "../../src/generated/Poseidon.sol";

/// @title PoseidonHarness
/// @notice Gives tests the internal library {Poseidon}.
contract PoseidonHarness {
    /// @notice See {Poseidon.hash}.
    function hash(uint256 tag, uint256[] memory elements) external pure returns (uint256[4] memory) {
        return Poseidon.hash(tag, elements);
    }
}
