//! REST API of the node.
