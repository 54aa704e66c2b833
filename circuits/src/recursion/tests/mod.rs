mod claim;
mod merge;
