// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";

import {Commitment, Header, IRollup} from "./interfaces/IRollup.sol";
import {IVerifier} from "./interfaces/IVerifier.sol";
import {Digests} from "./lib/Digests.sol";
import {PublicData} from "./lib/PublicData.sol";
import {Record, Records} from "./lib/Records.sol";
import {Withdrawals} from "./lib/Withdrawals.sol";
import {Poseidon} from "./generated/Poseidon.sol";

/// @title Rollup
/// @notice Holds the assets, the queue and the verified root; {IRollup} describes the functions.
contract Rollup is IRollup {
    /// @notice Constants and locked sum of an asset.
    struct Asset {
        address token;
        uint96 scale;
        uint64 locked;
    }

    /// @notice A queue entry: the chain after it, who paid and when.
    struct QueueEntry {
        bytes32 chainAfter;
        address sender;
        uint40 time;
    }

    /// @notice All that a proof moves, but the root, and the queue's length: one word.
    struct Progress {
        uint32 number;
        uint40 timestamp;
        uint64 queueHead;
        uint64 queueLength;
    }

    /// @notice Most records in a batch.
    uint256 public constant MAX_RECORDS = 4096;
    /// @notice A batch's time lies at most this far before its commitment, in seconds.
    uint256 public constant COMMIT_WINDOW = 24 hours;
    /// @notice A batch's time lies at most this far before its proof, in seconds; an older commitment is dead.
    uint256 public constant PROVE_WINDOW = 48 hours;
    /// @notice An asset's locked sum stays below this number of units.
    uint256 public constant LOCKED_LIMIT = 1 << 62;
    /// @notice Asset id of ETH.
    uint16 public constant ETH = 1;
    /// @notice Wei of one unit of ETH.
    uint96 public constant ETH_SCALE = 1e9;

    uint256 private constant TAG_DOMAIN = 10;
    uint256 private constant TAG_CONTEXT = 11;
    uint256 private constant TAG_STATEMENT = 12;

    bytes32 public immutable domain;
    IVerifier private immutable _verifier;
    address public immutable operator;
    address public immutable lister;

    bytes32 public root;
    Progress public progress;
    uint16 public assetCount;
    mapping(uint16 id => Asset) public assets;
    mapping(address token => uint16 id) private _assetIds;
    mapping(uint256 index => QueueEntry) private _queue;
    mapping(bytes32 commitment => uint40 time) public committedAt;
    mapping(uint32 number => bytes32 root) public withdrawalsRoot;
    mapping(uint32 number => mapping(uint256 word => uint256 bits)) private _claimed;
    bool private transient _entered;

    /// @dev Calls to tokens and owners give control away: nothing that moves money may be entered meanwhile.
    modifier nonReentrant() {
        require(!_entered, Reentered());
        _entered = true;
        _;
        _entered = false;
    }

    modifier only(address expected) {
        require(msg.sender == expected, Unauthorized(msg.sender, expected));
        _;
    }

    /// @param verifier_ Verifier of wrapped proofs.
    /// @param genesisRoot Root of the state in which the chain starts.
    /// @param genesisSalt Four words below p that enter the domain.
    /// @param operator_ Who may commit and prove.
    /// @param lister_ Who may list assets.
    constructor(
        IVerifier verifier_,
        bytes32 genesisRoot,
        bytes32 genesisSalt,
        address operator_,
        address lister_
    ) {
        require(address(verifier_).code.length != 0, NotAContract(address(verifier_)));
        require(block.chainid < 1 << 63, ChainIdTooLarge(block.chainid));
        _requireCanonical(genesisRoot);
        _requireCanonical(genesisSalt);
        _verifier = verifier_;
        operator = operator_;
        lister = lister_;
        root = genesisRoot;

        uint256[] memory elements = new uint256[](8);
        uint256 self = uint160(address(this));
        elements[0] = block.chainid;
        elements[1] = self >> 112;
        elements[2] = (self >> 56) & 0xffffffffffffff;
        elements[3] = self & 0xffffffffffffff;
        Digests.write(genesisSalt, elements, 4);
        domain = Digests.pack(Poseidon.hash(TAG_DOMAIN, elements));

        assetCount = ETH;
        assets[ETH].scale = ETH_SCALE;
        emit AssetListed(ETH, address(0), ETH_SCALE);
    }

    /// @inheritdoc IRollup
    function listAsset(address token, uint96 scale) external only(lister) returns (uint16 id) {
        require(scale != 0, ZeroScale());
        require(token.code.length != 0, NotAContract(token));
        require(_assetIds[token] == 0, AlreadyListed(token, _assetIds[token]));
        require(assetCount < type(uint16).max, AssetIdsExhausted());
        id = ++assetCount;
        assets[id] = Asset({token: token, scale: scale, locked: 0});
        _assetIds[token] = id;
        emit AssetListed(id, token, scale);
    }

    /// @inheritdoc IRollup
    function depositOpen(uint16 asset, uint256 amount, address owner, bytes32 keyDigest)
        external
        payable
        nonReentrant
        returns (uint64 entry)
    {
        _requireCanonical(keyDigest);
        uint256 units = _lock(asset, amount, owner);
        bytes memory records = abi.encodePacked(
            Record.unwrap(Records.openingDeposit(asset, units)),
            Record.unwrap(Records.addressRecord(owner)),
            Record.unwrap(Records.keyRecord(uint128(uint256(keyDigest) >> 128))),
            Record.unwrap(Records.keyRecord(uint128(uint256(keyDigest))))
        );
        return _enqueue(owner, records);
    }

    /// @inheritdoc IRollup
    function deposit(uint16 asset, uint256 amount, uint32 index, address owner)
        external
        payable
        nonReentrant
        returns (uint64 entry)
    {
        uint256 units = _lock(asset, amount, owner);
        uint256 lane = msg.sender == owner ? 1 : 0;
        bytes memory records = abi.encodePacked(
            Record.unwrap(Records.deposit(lane, index, asset, units)), Record.unwrap(Records.addressRecord(owner))
        );
        return _enqueue(owner, records);
    }

    /// @inheritdoc IRollup
    function commit(Header calldata header, bytes calldata data)
        external
        only(operator)
        returns (bytes32 commitment)
    {
        uint256 count = data.length / Records.BYTES;
        require(count * Records.BYTES == data.length && count <= MAX_RECORDS, WrongDataLength(data.length));
        _requireInWindow(header.timestamp, COMMIT_WINDOW);
        _requireCanonical(header.rootBefore);
        _requireCanonical(header.rootAfter);
        _requireCanonical(header.recordChain);

        Commitment memory content;
        content.number = header.number;
        content.timestamp = header.timestamp;
        content.recordCount = uint16(count);
        content.queueStart = header.queueStart;
        content.queueEnd = header.queueEnd;
        content.context = _context(header.number, header.timestamp);
        content.rootBefore = header.rootBefore;
        content.rootAfter = header.rootAfter;
        content.recordChain = header.recordChain;
        content.point = PublicData.challenge(content.context, data, header.recordChain);
        content.value = PublicData.evaluate(data, content.point);
        content.withdrawalsRoot = _walk(header, data);

        commitment = keccak256(abi.encode(content));
        committedAt[commitment] = uint40(block.timestamp);
        emit BatchCommitted(commitment, header.number, content);
    }

    /// @inheritdoc IRollup
    function prove(Commitment calldata content, bytes calldata proof) external only(operator) {
        bytes32 commitment = keccak256(abi.encode(content));
        require(committedAt[commitment] != 0, UnknownCommitment(commitment));
        Progress memory last = progress;
        require(content.number == last.number + 1, WrongBatchNumber(last.number + 1, content.number));
        require(content.rootBefore == root, WrongRoot(root, content.rootBefore));
        require(content.queueStart == last.queueHead, WrongQueueHead(last.queueHead, content.queueStart));
        require(
            content.timestamp > last.timestamp,
            TimestampOutOfRange(content.timestamp, uint256(last.timestamp) + 1, block.timestamp)
        );
        _requireInWindow(content.timestamp, PROVE_WINDOW);
        require(_verifier.verify(proof, _statementDigest(content)), ProofRejected());

        root = content.rootAfter;
        progress = Progress({
            number: content.number,
            timestamp: content.timestamp,
            queueHead: content.queueEnd,
            queueLength: last.queueLength
        });
        if (content.withdrawalsRoot != 0) withdrawalsRoot[content.number] = content.withdrawalsRoot;
        emit BatchProven(content.number, commitment, content.rootAfter, content.withdrawalsRoot);
    }

    /// @inheritdoc IRollup
    function claim(
        uint32 number,
        uint32 position,
        address owner,
        uint16 asset,
        uint64 amount,
        bytes32[] calldata path
    ) external nonReentrant {
        // A leaf has one position of as many bits as its path has siblings: no second name for it.
        require(path.length < 32 && position >> path.length == 0, PositionOutOfRange(position, path.length));
        bytes32 expected = withdrawalsRoot[number];
        bytes32 computed = Withdrawals.rootOf(Withdrawals.leaf(owner, asset, amount), position, path);
        require(computed == expected, WrongPath(expected, computed));

        uint256 bits = _claimed[number][position >> 8];
        uint256 bit = 1 << (position & 0xff);
        require(bits & bit == 0, AlreadyClaimed(number, position));
        _claimed[number][position >> 8] = bits | bit;

        Asset storage listed = assets[asset];
        listed.locked -= amount;
        emit WithdrawalClaimed(number, position, owner, asset, amount);
        uint256 paid = uint256(amount) * listed.scale;
        if (asset == ETH) SafeTransferLib.safeTransferETH(owner, paid);
        else SafeTransferLib.safeTransfer(listed.token, owner, paid);
    }

    /// @inheritdoc IRollup
    function verifier() external view returns (address) {
        return address(_verifier);
    }

    /// @inheritdoc IRollup
    function assetIdOf(address token) external view returns (uint16) {
        return token == address(0) ? ETH : _assetIds[token];
    }

    /// @inheritdoc IRollup
    function queueEntry(uint64 index) external view returns (address sender, uint40 time) {
        QueueEntry storage entry = _queue[index];
        return (entry.sender, entry.time);
    }

    /// @inheritdoc IRollup
    function isClaimed(uint32 number, uint32 position) external view returns (bool) {
        return (_claimed[number][position >> 8] >> (position & 0xff)) & 1 == 1;
    }

    /// @inheritdoc IRollup
    function chainAt(uint64 index) public view returns (bytes32) {
        return index == 0 ? bytes32(0) : _queue[index - 1].chainAfter;
    }

    /// @dev Takes the amount in and adds it to the asset's locked sum. Returns it in units of the asset's scale.
    function _lock(uint16 asset, uint256 amount, address owner) private returns (uint256 units) {
        Asset storage listed = assets[asset];
        uint256 scale = listed.scale;
        require(scale != 0, UnlistedAsset(asset));
        require(owner != address(0), ZeroOwner());
        require(amount != 0 && amount % scale == 0, DustAmount(amount, scale));
        units = amount / scale;
        uint256 locked = listed.locked;
        require(units < LOCKED_LIMIT - locked, LockedSumTooLarge(asset, locked, units));

        uint256 expected = asset == ETH ? amount : 0;
        require(msg.value == expected, WrongValue(expected, msg.value));
        listed.locked = uint64(locked + units);
        if (asset != ETH) _pull(listed.token, amount);
    }

    /// @dev Takes tokens from the caller and refuses tokens that hand over less (or more) than they are told.
    function _pull(address token, uint256 amount) private {
        uint256 balanceBefore = SafeTransferLib.balanceOf(token, address(this));
        SafeTransferLib.safeTransferFrom(token, msg.sender, address(this), amount);
        uint256 received = SafeTransferLib.balanceOf(token, address(this)) - balanceBefore;
        require(received == amount, TransferShortfall(amount, received));
    }

    /// @dev Appends masked records to the queue, in the caller's name.
    function _enqueue(address owner, bytes memory records) private returns (uint64 entry) {
        entry = progress.queueLength;
        bytes32 chain = keccak256(abi.encodePacked(chainAt(entry), records, msg.sender));
        _queue[entry] = QueueEntry({chainAfter: chain, sender: msg.sender, time: uint40(block.timestamp)});
        progress.queueLength = entry + 1;
        emit DepositQueued(entry, msg.sender, owner, records, chain);
    }

    /// @dev Walks the records in order: takes the L1 operations from the queue and collects the withdrawals.
    /// Returns the withdrawals root.
    function _walk(Header calldata header, bytes calldata data) private view returns (bytes32) {
        uint64 entry = header.queueStart;
        bytes32 chain = _requireQueueRange(header);
        // Each withdrawal takes a record and at least one continuation.
        bytes32[] memory leaves = new bytes32[](Withdrawals.widthFor(data.length / (2 * Records.BYTES)));
        uint256 leafCount = 0;

        for (uint256 offset = Records.seek(data, 0); offset < data.length; offset = Records.seek(data, offset)) {
            Record record = Records.read(data, offset);
            uint256 end = _endOfContinuations(data, offset);
            bool pays = true;
            address payee;
            if (record.class() == Records.PAYS_OUT) {
                payee = Records.read(data, offset + Records.BYTES).target();
            } else {
                payee = _queue[entry].sender;
                chain = _chainOperation(chain, record.masked(), data[offset + Records.BYTES:end], payee);
                ++entry;
                pays = record.outcome() == Records.BOUNCED;
            }
            if (pays) leaves[leafCount++] = Withdrawals.leaf(payee, record.asset(), record.amount());
            offset = end;
        }
        require(entry == header.queueEnd, WrongQueueEnd(header.queueEnd, entry));
        require(chain == header.queueChainEnd, QueueMismatch(header.queueChainEnd, chain));
        return Withdrawals.root(leaves, leafCount);
    }

    /// @dev The chain value at the start of the header's queue range, which exists and has the named values.
    function _requireQueueRange(Header calldata header) private view returns (bytes32 chain) {
        uint64 length = progress.queueLength;
        (uint64 start, uint64 end) = (header.queueStart, header.queueEnd);
        require(start <= end && end <= length, QueueRangeOutOfBounds(start, end, length));
        chain = chainAt(start);
        require(chain == header.queueChainStart, WrongQueueChain(start, chain, header.queueChainStart));
        bytes32 last = chainAt(end);
        require(last == header.queueChainEnd, WrongQueueChain(end, last, header.queueChainEnd));
    }

    /// @dev Offset after the continuations, of which there is at least one, of the record at `offset`.
    function _endOfContinuations(bytes calldata data, uint256 offset) private pure returns (uint256 end) {
        end = offset + Records.BYTES;
        while (end < data.length && Records.read(data, end).class() == Records.CONTINUATION) end += Records.BYTES;
        require(end != offset + Records.BYTES, MissingContinuation(offset / Records.BYTES));
    }

    /// @dev keccak(chain ‖ first record, masked ‖ continuations ‖ sender), hashed above the free memory pointer.
    function _chainOperation(bytes32 chain, Record first, bytes calldata continuations, address sender)
        private
        pure
        returns (bytes32 next)
    {
        assembly ("memory-safe") {
            let start := mload(0x40)
            mstore(start, chain)
            mstore(add(start, 32), shl(88, first))
            let end := add(start, 53) // 32 bytes of the chain, 21 of the first record
            calldatacopy(end, continuations.offset, continuations.length)
            end := add(end, continuations.length)
            mstore(end, shl(96, sender))
            next := keccak256(start, sub(add(end, 20), start))
        }
    }

    function _context(uint32 number, uint40 timestamp) private view returns (bytes32) {
        uint256[] memory elements = new uint256[](6);
        Digests.write(domain, elements, 0);
        elements[4] = number;
        elements[5] = timestamp;
        return Digests.pack(Poseidon.hash(TAG_CONTEXT, elements));
    }

    /// @dev The proof's public inputs: the digest of the statement of 21 elements (PROTOCOL.md §9).
    function _statementDigest(Commitment calldata content) private pure returns (uint256[4] memory) {
        uint256[] memory elements = new uint256[](21);
        Digests.write(content.context, elements, 0);
        Digests.write(content.rootBefore, elements, 4);
        Digests.write(content.rootAfter, elements, 8);
        Digests.write(content.recordChain, elements, 12);
        elements[16] = content.recordCount;
        elements[17] = content.point >> 64;
        elements[18] = uint64(content.point);
        elements[19] = content.value >> 64;
        elements[20] = uint64(content.value);
        return Poseidon.hash(TAG_STATEMENT, elements);
    }

    function _requireInWindow(uint256 timestamp, uint256 window) private view {
        uint256 earliest = block.timestamp - window;
        require(
            timestamp >= earliest && timestamp <= block.timestamp,
            TimestampOutOfRange(timestamp, earliest, block.timestamp)
        );
    }

    function _requireCanonical(bytes32 digest) private pure {
        require(Digests.isCanonical(digest), NonCanonicalDigest(digest));
    }
}
