//! Types and calls of the contracts, from their Solidity interfaces.

#![expect(clippy::too_many_arguments, reason = "the generated calls take what the contracts' functions take")]

alloy::sol!(
    #[sol(rpc, all_derives)]
    "src/interfaces/IRollup.sol"
);
