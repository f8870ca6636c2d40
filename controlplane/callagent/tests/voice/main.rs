//! Telephones and gateways call each other: call processing, the agent, and the other end of MGCP.

mod bad_input;
mod calls;
mod messages;
mod office;
mod paths;
mod registration;
