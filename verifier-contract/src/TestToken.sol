// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "solady/src/tokens/ERC20.sol";

/// @title A token for development and demonstrations: anyone may mint it, so it has no value.
contract TestToken is ERC20 {
    /// @notice Creates `amount` for `to`.
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    /// @notice The token's name.
    function name() public pure override returns (string memory) {
        return "Weft Test Token";
    }

    /// @notice The token's symbol.
    function symbol() public pure override returns (string memory) {
        return "WTT";
    }
}
