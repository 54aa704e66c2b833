use std::time::Duration;

use super::*;

mod behaviour;
mod restart;
mod views;
mod world;
