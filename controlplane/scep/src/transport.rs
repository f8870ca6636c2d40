//! One HTTP request, one answer.

use std::time::Duration;

use ureq::Agent;

use crate::server::{Operation, Server};

/// Longest answer that is taken, in bytes.
pub const MAX_ANSWER: u64 = 1024 * 1024;

const CONNECT: Duration = Duration::from_secs(10);
/// A registration authority may ask its authority before it answers.
const ANSWER: Duration = Duration::from_secs(60);

/// An HTTP answer. Its content type is not looked at: servers get it wrong, or leave it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// At most [`MAX_ANSWER`] bytes.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransportFault {
    /// No connection, or it broke, or it was not HTTP: what happened.
    Unreachable(String),
    /// More than [`MAX_ANSWER`] bytes.
    TooLarge,
}

/// A way to SCEP servers.
pub trait Transport: Send + Sync {
    /// Asks and waits for the answer.
    fn exchange(&self, server: &Server, operation: &Operation) -> Result<Answer, TransportFault>;
}

/// HTTP/1.1 in the clear, a connection for each request.
#[derive(Debug)]
pub struct Http {
    agent: Agent,
}

impl Http {
    /// Connects within 10 seconds, waits for answers up to 60.
    pub fn new() -> Self {
        Self::within(CONNECT, ANSWER)
    }

    /// Connects within one time; sending, waiting and receiving may each take another.
    pub fn within(connect: Duration, answer: Duration) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(0)
            .proxy(None)
            .timeout_resolve(Some(connect))
            .timeout_connect(Some(connect))
            .timeout_send_request(Some(answer))
            .timeout_send_body(Some(answer))
            .timeout_recv_response(Some(answer))
            .timeout_recv_body(Some(answer))
            .build();
        Self { agent: config.into() }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self::new()
    }
}

impl Transport for Http {
    fn exchange(&self, server: &Server, operation: &Operation) -> Result<Answer, TransportFault> {
        let url = server.url(operation);
        let answer = match operation {
            Operation::Post(message) => self
                .agent
                .post(&url)
                .header("Content-Type", "application/x-pki-message")
                .header("Connection", "close")
                .send(&message[..]),
            Operation::GetCaCaps | Operation::GetCaCert | Operation::Get(_) => {
                self.agent.get(&url).header("Connection", "close").call()
            }
        };
        let mut answer = answer.map_err(fault)?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_vec();
        Ok(Answer { status, body: body.map_err(fault)? })
    }
}

fn fault(error: ureq::Error) -> TransportFault {
    match error {
        ureq::Error::BodyExceedsLimit(_) => TransportFault::TooLarge,
        other => TransportFault::Unreachable(other.to_string()),
    }
}
