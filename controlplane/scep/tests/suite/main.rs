//! The client against a certification authority that OpenSSL's command makes: `perf/authority`.

mod clock;
mod enrolments;
mod hostile;
mod http;
mod messages;
mod refusals;
mod support;
