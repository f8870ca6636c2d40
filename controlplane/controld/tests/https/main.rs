//! Administration over HTTPS, as browsers, programs and attackers meet it.

mod api;
mod attackers;
mod browser;
mod capture;
mod certificate;
mod judges;
mod pages;
mod site;
