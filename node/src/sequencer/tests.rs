use std::time::Duration;

use super::*;

mod behaviour;
mod restart;
mod traces;
mod views;
mod world;
