//! Media resources as telephones hear them.

mod conference;
mod hall;
mod music;
