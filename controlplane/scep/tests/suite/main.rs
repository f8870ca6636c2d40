//! The client against a certificate authority that OpenSSL's command makes: see [`authority`].

mod authority;
mod clock;
mod enrolments;
mod hostile;
mod http;
mod messages;
mod refusals;
mod support;
