//! Media resources as telephones hear them.

mod any_order;
mod conference;
mod hall;
mod music;
mod service;
