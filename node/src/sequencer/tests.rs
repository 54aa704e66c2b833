use std::time::Duration;

use super::*;

mod behaviour;
mod clock;
mod rerun;
mod restart;
mod traces;
mod views;
mod world;
