//! Gateways that CallManager commands by MGCP.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use store::{Dialect, Direction, Gateway, GatewayPort, KeyPolicy, PathKind};

use crate::request::{CheckItem, Done, Request, requests};

requests! {
    /// All gateways.
    ListGateways = "list-gateways" -> Vec<GatewayView> {}

    /// One gateway.
    ShowGateway = "show-gateway" -> GatewayView {
        /// Which one.
        name: String,
    }

    /// Adds a gateway.
    AddGateway = "add-gateway" -> Done {
        /// Its name.
        name: String,
        /// Where it listens for MGCP, in order of preference.
        addresses: Vec<SocketAddr>,
        /// What is not at its default.
        changes: GatewayChanges,
    }

    /// Changes a gateway.
    SetGateway = "set-gateway" -> Done {
        /// Which one.
        name: String,
        /// What changes.
        changes: GatewayChanges,
    }

    /// Removes a gateway with its ports.
    RemoveGateway = "remove-gateway" -> Done {
        /// Which one.
        name: String,
    }

    /// Adds a port to a gateway, or changes it.
    SetGatewayPort = "set-gateway-port" -> Done {
        /// The gateway.
        gateway: String,
        /// What stands before the `@`.
        port: String,
        /// What changes.
        changes: PortChanges,
    }

    /// Removes a port.
    RemoveGatewayPort = "remove-gateway-port" -> Done {
        /// The gateway.
        gateway: String,
        /// What stands before the `@`.
        port: String,
    }

    /// Asks a gateway anew what its ports are like.
    ResetGateway = "reset-gateway" -> GatewayStatus {
        /// Which one.
        name: String,
    }

    /// The steps from a gateway in clear to one that is given keys.
    CheckGateway = "check-gateway" -> Vec<CheckItem> {
        /// Which one.
        name: String,
    }
}

/// A gateway, as it is set and as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GatewayView {
    /// As it is set.
    #[serde(flatten)]
    pub gateway: Gateway,
    /// As it is; absent where this node does not command gateways.
    pub status: Option<GatewayStatus>,
}

/// A gateway as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GatewayStatus {
    /// `registered`, `unknown`, `leaving` or `lost`.
    pub state: String,
    /// What the way to it is: `covered`, `trusted`, `in-clear` or `refused`; absent before anybody
    /// has looked.
    pub path: Option<String>,
    /// The association that covers it, or why nothing does.
    pub detail: String,
    /// Its ports.
    pub ports: Vec<PortStatus>,
}

/// A port as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PortStatus {
    /// What stands before the `@`.
    pub name: String,
    /// Whether it can be called.
    pub in_service: bool,
    /// The MGCP code that the gateway has refused with, if it has.
    pub refusal: Option<u16>,
    /// Whether the gateway says that it does SRTP.
    pub srtp: bool,
    /// Whether it is given keys at present.
    pub secure: bool,
    /// Whether what is said about its calls is written to the trace.
    pub capture: bool,
    /// Calls that it is in.
    pub calls: usize,
}

/// Settings of a gateway to change; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GatewayChanges {
    /// For people
    #[cfg_attr(feature = "clap", arg(long))]
    pub description: Option<String>,
    /// Where it listens instead, with the port, in order of preference, with commas
    #[cfg_attr(feature = "clap", arg(long, value_name = "ADDRESSES", value_delimiter = ','))]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<String>>))]
    pub at: Option<Vec<SocketAddr>>,
    /// What it speaks: mgcp-0.1 or mgcp-1.0
    #[cfg_attr(feature = "clap", arg(long))]
    pub dialect: Option<Dialect>,
    /// When keys go to it: require (only while IPsec covers the way), prefer or trusted-path
    #[cfg_attr(feature = "clap", arg(long, value_name = "POLICY"))]
    pub key_policy: Option<KeyPolicy>,
    /// Where IPsec ends on this side: here or elsewhere
    #[cfg_attr(feature = "clap", arg(long, value_name = "PLACE"))]
    pub path: Option<PathKind>,
    /// Who it must have proven to be to the IKE daemon; empty is anybody whom that trusts
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME"))]
    pub identity: Option<String>,
    /// The pool it belongs to
    #[cfg_attr(feature = "clap", arg(long))]
    pub pool: Option<String>,
    /// How it collects digits, such as (1XXX|9.T); empty: it tells of each
    #[cfg_attr(feature = "clap", arg(long, value_name = "MAP"))]
    pub digit_map: Option<String>,
    /// Whether its encrypted calls end when IPsec no longer covers the way, with policy require
    #[cfg_attr(feature = "clap", arg(long, value_name = "BOOL"))]
    pub drop_secure_calls: Option<bool>,
}

/// Settings of a port to change; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PortChanges {
    /// The number of the telephone on it; empty makes it a trunk
    #[cfg_attr(feature = "clap", arg(long))]
    pub number: Option<String>,
    /// Which calls it takes: both, in or out
    #[cfg_attr(feature = "clap", arg(long))]
    pub direction: Option<Direction>,
    /// Where calls go that come in by a trunk; empty: their digits are waited for
    #[cfg_attr(feature = "clap", arg(long, value_name = "NUMBER"))]
    pub attendant: Option<String>,
    /// Whether what is said about its calls is written to the trace, without keys
    #[cfg_attr(feature = "clap", arg(long, value_name = "BOOL"))]
    pub capture: Option<bool>,
}

fn set<T>(field: &mut T, change: Option<T>) {
    if let Some(value) = change {
        *field = value;
    }
}

impl GatewayChanges {
    /// The gateway with the changes in it.
    pub fn apply(self, gateway: &mut Gateway) {
        set(&mut gateway.description, self.description);
        set(&mut gateway.addresses, self.at);
        set(&mut gateway.dialect, self.dialect);
        set(&mut gateway.key_policy, self.key_policy);
        set(&mut gateway.path, self.path);
        set(&mut gateway.identity, self.identity);
        set(&mut gateway.pool, self.pool);
        set(&mut gateway.digit_map, self.digit_map);
        set(&mut gateway.drop_secure_calls, self.drop_secure_calls);
    }
}

impl PortChanges {
    /// The port with the changes in it. Fails if a number is none.
    pub fn apply(self, port: &mut GatewayPort) -> store::Result<()> {
        for (number, change) in
            [(&mut port.number, self.number), (&mut port.attendant, self.attendant)]
        {
            match change.as_deref() {
                None => {}
                Some("") => *number = None,
                Some(given) => *number = Some(given.parse()?),
            }
        }
        set(&mut port.direction, self.direction);
        set(&mut port.capture, self.capture);
        Ok(())
    }
}
