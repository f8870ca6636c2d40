//! Whole telephones, and scripts for them.

#[path = "../common/mod.rs"]
mod common;
#[path = "../office/house.rs"]
mod house;

mod program;
mod scripts;
mod whole;
