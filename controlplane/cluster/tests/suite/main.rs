//! The trust of a cluster, from the first list to the last token.

mod clients;
mod crash;
mod document;
mod lists;
mod messages;
mod pushes;
mod support;
mod tls;
