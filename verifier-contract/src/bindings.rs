//! Types and calls of the contracts, from their Solidity interfaces.

#![expect(clippy::too_many_arguments, reason = "the generated calls take what the contracts' functions take")]

alloy::sol!(
    #[sol(rpc, all_derives)]
    "src/interfaces/IRollup.sol"
);

alloy::sol! {
    /// The part of ERC-20 that the rollup's users need, and the test token's `mint`.
    #[sol(rpc, all_derives)]
    interface ITestToken {
        /// Creates `amount` for `to`.
        function mint(address to, uint256 amount) external;
        /// Lets `spender` take up to `amount`.
        function approve(address spender, uint256 amount) external returns (bool);
        /// What `account` owns.
        function balanceOf(address account) external view returns (uint256);
    }

    /// The arguments of the rollup's constructor, in order.
    #[derive(Debug, PartialEq, Eq)]
    struct RollupParameters {
        address verifier;
        bytes32 genesisRoot;
        bytes32 genesisSalt;
        address operator;
        address lister;
    }
}
