//! From what is recorded to what is wrong: one case for each row of the guide's table, and more.

mod cases;
mod messages;
mod support;
mod timeline;
