//! Telephones against the server's own call processing, in one process and on a virtual clock.

mod calls;
mod links;
mod media;
mod registration;
mod site;
