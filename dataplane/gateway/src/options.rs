//! Local connection options: what stays in force, and what only this command orders.

use mgcp::options::{LocalOption, LocalOptions, Network, Reservation, Span};
use mgcp::sdp::{CryptoAttribute, parse_key_params};
use mgcp::{ReturnCode, ValueError};

use crate::config::{SrtpConfig, TransmitKey};
use crate::packages::Kind;

/// Packetization periods a relay can announce, in milliseconds.
pub(crate) const PACKETIZATION: Span = Span { low: 10, high: 220 };

/// Options that stay in force until they are replaced.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Wishes {
    pub(crate) codecs: Option<Vec<Box<str>>>,
    pub(crate) packetization: Option<Span>,
    pub(crate) bandwidth: Option<Span>,
    pub(crate) type_of_service: Option<u8>,
}

/// What a command orders for itself alone.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    /// `x-net:`
    pub(crate) network: Option<Box<str>>,
    /// `x-srtp:`
    pub(crate) srtp: Option<SrtpWish>,
    /// `x+srtptx:`
    pub(crate) transmit: Option<CryptoAttribute>,
    /// Options of known packages that were passed over.
    pub(crate) ignored: u64,
    /// Crypto attributes of the remote description that were passed over.
    pub(crate) crypto_skipped: u32,
}

/// `x-srtp:`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SrtpWish {
    On,
    Off,
    Optional,
}

impl Wishes {
    /// Takes the options of a command.
    pub(crate) fn apply(
        &mut self,
        options: &LocalOptions,
        kind: Kind,
        srtp: &SrtpConfig,
    ) -> Result<Orders, ValueError> {
        let mut orders = Orders::default();
        for option in &options.0 {
            match option {
                LocalOption::Packetization(span) => {
                    if span.high < PACKETIZATION.low || span.low > PACKETIZATION.high {
                        return Err(ReturnCode::PACKETIZATION.into_fault());
                    }
                    self.packetization = Some(*span);
                }
                LocalOption::Codecs(codecs) => self.codecs = Some(codecs.clone()),
                LocalOption::Bandwidth(span) => self.bandwidth = Some(*span),
                LocalOption::TypeOfService(octet) => self.type_of_service = Some(*octet),
                LocalOption::Extension(name, value) => {
                    let value = value.as_ref().map_or("", |value| value.expose());
                    orders.extension(name, value, kind, srtp)?;
                }
                // Media pass unchanged, and an emulated telephone has no echo.
                LocalOption::PacketizationList(_)
                | LocalOption::EchoCancellation(_)
                | LocalOption::SilenceSuppression(_)
                | LocalOption::Fmtp(_)
                | LocalOption::Gain(None | Some(0))
                | LocalOption::Reservation(Reservation::BestEffort)
                | LocalOption::Network(Network::Internet) => {}
                LocalOption::Gain(_) => return Err(value_error("the gain cannot be changed")),
                LocalOption::Reservation(_) => {
                    return Err(value_error("resources cannot be reserved"));
                }
                LocalOption::Network(_) => return Err(value_error("network type is not IN")),
                LocalOption::EncryptionKey(_) => {
                    return Err(value_error("keys of this kind are not used"));
                }
            }
        }
        Ok(orders)
    }

    /// The options in force, for audits.
    pub(crate) fn to_options(&self) -> LocalOptions {
        let list = [
            self.packetization.map(LocalOption::Packetization),
            self.codecs.clone().map(LocalOption::Codecs),
            self.bandwidth.map(LocalOption::Bandwidth),
            self.type_of_service.map(LocalOption::TypeOfService),
        ];
        LocalOptions(list.into_iter().flatten().collect())
    }
}

impl Orders {
    fn extension(
        &mut self,
        name: &str,
        value: &str,
        kind: Kind,
        srtp: &SrtpConfig,
    ) -> Result<(), ValueError> {
        match name.to_ascii_lowercase().as_str() {
            "x-net" => self.network = Some(value.into()),
            "x-srtp" => {
                self.srtp = Some(match value.to_ascii_lowercase().as_str() {
                    "on" => SrtpWish::On,
                    "off" => SrtpWish::Off,
                    "optional" => SrtpWish::Optional,
                    _ => return Err(value_error("x-srtp is on, off or optional")),
                });
            }
            "x+srtptx" if srtp.enabled && srtp.transmit_key == TransmitKey::CallAgent => {
                self.transmit = Some(parse_transmit(value)?);
            }
            name if name.starts_with("x-") && !name.contains('/') => {}
            name if name.starts_with("x+") => {
                return Err(ReturnCode::UNKNOWN_OPTION_EXTENSION.into_fault());
            }
            name => match name.split_once('/') {
                Some(("srtp", _)) if srtp.enabled => self.ignored += 1,
                Some((package, _)) if kind.has_package(package) => {
                    return Err(ReturnCode::INVALID_OPTION.into_fault());
                }
                _ => return Err(ReturnCode::UNKNOWN_PACKAGE.into_fault()),
            },
        }
        Ok(())
    }
}

/// `<suite> inline:<key and salt>`
fn parse_transmit(value: &str) -> Result<CryptoAttribute, ValueError> {
    let illegal = value_error("illegal key to send with");
    let mut words = value.split_ascii_whitespace();
    let (Some(suite), Some(key), None) = (words.next(), words.next(), words.next()) else {
        return Err(illegal);
    };
    parse_key_params(suite, key).map_err(|_| illegal)
}

fn value_error(what: &'static str) -> ValueError {
    ValueError::new(ReturnCode::OPTION_VALUE, what)
}

/// A code as a fault, in its own words.
pub(crate) trait IntoFault {
    fn into_fault(self) -> ValueError;
}

impl IntoFault for ReturnCode {
    fn into_fault(self) -> ValueError {
        ValueError::new(self, self.text())
    }
}
