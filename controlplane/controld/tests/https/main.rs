//! Administration over HTTPS, as browsers, programs and attackers meet it.

mod api;
mod attackers;
mod certificate;
mod pages;
mod site;
