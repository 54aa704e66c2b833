// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title IVerifier
/// @notice Verifier of wrapped proofs of one circuit. Its code is generated from the circuit.
interface IVerifier {
    /// @notice The selector is none of this interface.
    error UnknownFunction();
    /// @notice The calldata is not that of `verify` with a proof of this circuit's length.
    error ProofLength();
    /// @notice A public input or an element of the proof is not below p = 2^64 - 2^32 + 1.
    error NotCanonical();
    /// @notice The contract that evaluates the gates failed.
    error GatesFailed();
    /// @notice The proof-of-work witness does not give the required zeros.
    error ProofOfWork();
    /// @notice The openings do not satisfy the circuit's constraints.
    error Constraints();
    /// @notice An opened row or coset is not in its Merkle tree.
    error MerklePath();
    /// @notice A query's point meets an opening point.
    error Domain();
    /// @notice A query's value does not lie on the final polynomial.
    error FinalValue();

    /// @notice Verifies a proof. Never returns false: it reverts with the check that failed.
    /// @param proof Bytes of the proof, as README.md lays them out.
    /// @param publicInputs The circuit's public inputs, each below p.
    /// @return valid True.
    function verify(bytes calldata proof, uint256[4] calldata publicInputs) external view returns (bool valid);

    /// @notice Digest of the circuit, 25 bytes followed by zeros.
    function circuitDigest() external view returns (bytes32 digest);
}
