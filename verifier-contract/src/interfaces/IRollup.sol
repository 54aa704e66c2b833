// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice What the operator claims about a batch when it publishes the batch's data (PROTOCOL.md §10).
/// @param number Batch number; the first batch has number 1.
/// @param timestamp The batch's time, UNIX seconds.
/// @param rootBefore State root on which the batch builds. Digests are four 64-bit words, each below p.
/// @param rootAfter State root after the batch.
/// @param recordChain Poseidon chain C over the batch's records.
/// @param queueStart Index i of the first queue entry that the batch takes.
/// @param queueEnd Index j of the first queue entry that the batch leaves.
/// @param queueChainStart Queue chain before entry i.
/// @param queueChainEnd Queue chain before entry j.
struct Header {
    uint32 number;
    uint40 timestamp;
    bytes32 rootBefore;
    bytes32 rootAfter;
    bytes32 recordChain;
    uint64 queueStart;
    uint64 queueEnd;
    bytes32 queueChainStart;
    bytes32 queueChainEnd;
}

/// @notice What the contract has derived from a header and its data: all that `prove` needs. Its ABI encoding is hashed
/// to the commitment.
/// @param number Batch number.
/// @param timestamp The batch's time, UNIX seconds.
/// @param recordCount Number of records in the data.
/// @param queueStart Index of the first queue entry that the batch takes.
/// @param queueEnd Index of the first queue entry that the batch leaves.
/// @param context H(CONTEXT; domain, number, timestamp).
/// @param rootBefore State root before the batch.
/// @param rootAfter State root after the batch.
/// @param recordChain Poseidon chain over the records.
/// @param point The point z at which the data is evaluated: z_0 in the high, z_1 in the low 64 bits.
/// @param value The value V of the data at z, in the same layout.
/// @param withdrawalsRoot Root of the batch's withdrawals, 0 if there are none.
struct Commitment {
    uint32 number;
    uint40 timestamp;
    uint16 recordCount;
    uint64 queueStart;
    uint64 queueEnd;
    bytes32 context;
    bytes32 rootBefore;
    bytes32 rootAfter;
    bytes32 recordChain;
    uint128 point;
    uint128 value;
    bytes32 withdrawalsRoot;
}

/// @title The rollup on L1: holds the assets, the queue of deposits and the verified state root.
/// @notice The root moves only by `prove`, with a proof that the immutable verifier accepts. Deposits and claims are
/// open to everyone; `commit` and `prove` to the operator.
/// @dev Bytes and checks: PROTOCOL.md §5 (records) and §10 (L1).
interface IRollup {
    /// @notice An asset can be deposited from now on.
    event AssetListed(uint16 indexed id, address indexed token, uint96 scale);

    /// @notice A deposit was paid in and waits for a batch.
    /// @param entry Index of the queue entry.
    /// @param sender Who paid, and who is paid back if the deposit bounces.
    /// @param owner The owner that the records name.
    /// @param records The masked records: 21 bytes each, the first holds kind, lane, index, asset and amount.
    /// @param chain The queue chain after this entry.
    event DepositQueued(
        uint64 indexed entry, address indexed sender, address indexed owner, bytes records, bytes32 chain
    );

    /// @notice A batch's data was published and evaluated.
    event BatchCommitted(bytes32 indexed commitment, uint32 indexed number, Commitment content);

    /// @notice A batch was proven: the root moved and its withdrawals can be claimed.
    event BatchProven(uint32 indexed number, bytes32 indexed commitment, bytes32 root, bytes32 withdrawalsRoot);

    /// @notice A withdrawal was paid. `amount` is in units of the asset's scale.
    event WithdrawalClaimed(
        uint32 indexed number, uint32 position, address indexed owner, uint16 indexed asset, uint64 amount
    );

    /// @notice The caller is not the one who may do this.
    error Unauthorized(address caller, address expected);
    /// @notice A call came in from within another one.
    error Reentered();
    /// @notice No asset has this id.
    error UnlistedAsset(uint16 id);
    /// @notice The token already has an id.
    error AlreadyListed(address token, uint16 id);
    /// @notice A token must be a contract.
    error NotAContract(address account);
    /// @notice A scale of zero gives no amounts.
    error ZeroScale();
    /// @notice All 65,535 asset ids are used.
    error AssetIdsExhausted();
    /// @notice The chain id does not fit the domain.
    error ChainIdTooLarge(uint256 chainId);
    /// @notice An amount must be a positive multiple of the asset's scale.
    error DustAmount(uint256 amount, uint256 scale);
    /// @notice The value sent with the call is not what the deposit needs.
    error WrongValue(uint256 expected, uint256 sent);
    /// @notice The token handed over another amount than the deposit names.
    error TransferShortfall(uint256 expected, uint256 received);
    /// @notice The deposit would lift the asset's locked sum to 2^62 units or more.
    error LockedSumTooLarge(uint16 asset, uint256 locked, uint256 units);
    /// @notice An account needs an owner.
    error ZeroOwner();
    /// @notice A word of a digest is not below p.
    error NonCanonicalDigest(bytes32 digest);
    /// @notice The data is not a sequence of 0 to 4,096 records of 21 bytes.
    error WrongDataLength(uint256 length);
    /// @notice The record at this position must be followed by a continuation.
    error MissingContinuation(uint256 position);
    /// @notice The header's time is above now, or too far below it.
    error TimestampOutOfRange(uint256 timestamp, uint256 earliest, uint256 latest);
    /// @notice The queue range is not one of entries that exist.
    error QueueRangeOutOfBounds(uint64 start, uint64 end, uint64 length);
    /// @notice The header names another chain value than the queue has at this index.
    error WrongQueueChain(uint64 index, bytes32 expected, bytes32 given);
    /// @notice The data takes another number of queue entries than the header says.
    error WrongQueueEnd(uint64 expected, uint64 given);
    /// @notice The L1 operations in the data are not the queue's entries.
    error QueueMismatch(bytes32 expected, bytes32 computed);
    /// @notice Nothing was committed under this hash.
    error UnknownCommitment(bytes32 commitment);
    /// @notice The batch is not the next one.
    error WrongBatchNumber(uint32 expected, uint32 given);
    /// @notice The batch does not build on the current root.
    error WrongRoot(bytes32 expected, bytes32 given);
    /// @notice The batch does not start at the queue's head.
    error WrongQueueHead(uint64 expected, uint64 given);
    /// @notice The verifier refused the proof.
    error ProofRejected();
    /// @notice The position has more bits than the path has siblings.
    error PositionOutOfRange(uint32 position, uint256 pathLength);
    /// @notice The path does not lead from this withdrawal to the batch's withdrawals root.
    error WrongPath(bytes32 expected, bytes32 computed);
    /// @notice The withdrawal was paid before.
    error AlreadyClaimed(uint32 number, uint32 position);

    /// @notice Lists an ERC-20 token under the next id. Only the lister.
    /// @param token The token. It must move exactly the amounts that it is told to.
    /// @param scale L1 units of one rollup unit, for example 10^10 for a token of 18 decimals.
    /// @return id The asset's id.
    function listAsset(address token, uint96 scale) external returns (uint16 id);

    /// @notice Deposits into a new account; the operator chooses its index.
    /// @param asset Asset id; with id 1 (ETH) the amount is sent along.
    /// @param amount L1 amount, a positive multiple of the asset's scale.
    /// @param owner L1 owner of the account.
    /// @param keyDigest Digest of the account's key, each word below p.
    /// @return entry Index of the queue entry.
    function depositOpen(uint16 asset, uint256 amount, address owner, bytes32 keyDigest)
        external
        payable
        returns (uint64 entry);

    /// @notice Deposits into an existing account. If that is not possible the amount bounces to the caller.
    /// @param asset Asset id; with id 1 (ETH) the amount is sent along.
    /// @param amount L1 amount, a positive multiple of the asset's scale.
    /// @param index Index of the account.
    /// @param owner The account's L1 owner: another owner makes the deposit bounce.
    /// @return entry Index of the queue entry.
    function deposit(uint16 asset, uint256 amount, uint32 index, address owner)
        external
        payable
        returns (uint64 entry);

    /// @notice Publishes a batch's data and stores the commitment to it. Changes nothing else. Only the operator.
    /// @param header The claim about the batch.
    /// @param data The records.
    /// @return commitment Hash of the `Commitment` that the event holds.
    function commit(Header calldata header, bytes calldata data) external returns (bytes32 commitment);

    /// @notice Proves a committed batch: the only way in which the root moves. Only the operator.
    /// @param content The batch as committed.
    /// @param proof The wrapped proof.
    function prove(Commitment calldata content, bytes calldata proof) external;

    /// @notice Pays a withdrawal of a proven batch to its owner. Anyone may call; it is paid once.
    /// @param number Batch number.
    /// @param position Position of the withdrawal in the batch.
    /// @param owner Who is paid.
    /// @param asset Asset id.
    /// @param amount Amount in units of the asset's scale.
    /// @param path Siblings from the leaf to the withdrawals root.
    function claim(
        uint32 number,
        uint32 position,
        address owner,
        uint16 asset,
        uint64 amount,
        bytes32[] calldata path
    ) external;

    /// @notice The domain of this deployment: H(DOMAIN; chain id, this contract, genesis salt).
    function domain() external view returns (bytes32);

    /// @notice The verifier of wrapped proofs.
    function verifier() external view returns (address);

    /// @notice Who may commit and prove.
    function operator() external view returns (address);

    /// @notice Who may list assets.
    function lister() external view returns (address);

    /// @notice The last verified state root.
    function root() external view returns (bytes32);

    /// @notice Where the chain stands.
    /// @return number Number of the last proven batch, 0 before the first.
    /// @return timestamp Time of the last proven batch, UNIX seconds.
    /// @return queueHead Index of the first queue entry that no proven batch has taken.
    /// @return queueLength Number of queue entries ever made.
    function progress()
        external
        view
        returns (uint32 number, uint40 timestamp, uint64 queueHead, uint64 queueLength);

    /// @notice An asset's constants and its locked sum in units of its scale. ETH's token is the zero address.
    function assets(uint16 id) external view returns (address token, uint96 scale, uint64 locked);

    /// @notice A token's asset id, 0 if it is not listed.
    function assetIdOf(address token) external view returns (uint16);

    /// @notice The number of listed assets, which is the highest id.
    function assetCount() external view returns (uint16);

    /// @notice The queue chain before entry `index`: 0 at index 0.
    function chainAt(uint64 index) external view returns (bytes32);

    /// @notice Who paid for a queue entry, and when (UNIX seconds).
    function queueEntry(uint64 index) external view returns (address sender, uint40 time);

    /// @notice The time at which a commitment was made (UNIX seconds), 0 if it was not.
    function committedAt(bytes32 commitment) external view returns (uint40);

    /// @notice The withdrawals root of a proven batch, 0 if there is none.
    function withdrawalsRoot(uint32 number) external view returns (bytes32);

    /// @notice Whether a withdrawal has been paid.
    function isClaimed(uint32 number, uint32 position) external view returns (bool);
}
