//! Backups: made, broken, refused, restored, interrupted, kept.

mod crash;
mod object_store;
mod refused;
mod restored;
mod site;
