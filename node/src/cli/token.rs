//! What commands ask of tokens on L1.

alloy::sol! {
    /// The part of ERC-20 that a deposit needs.
    #[sol(rpc)]
    interface IToken {
        function decimals() external view returns (uint8);
        function allowance(address owner, address spender) external view returns (uint256);
        function approve(address spender, uint256 amount) external returns (bool);
        function balanceOf(address account) external view returns (uint256);
    }
}
