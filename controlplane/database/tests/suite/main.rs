//! Nodes with databases of their own on loopback addresses, lost and brought back.

mod cluster;
mod site;
