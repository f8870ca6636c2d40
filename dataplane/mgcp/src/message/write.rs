//! Writing messages.

use std::fmt::{self, Display, Write};

use zeroize::Zeroizing;

use super::{Body, Command, Message, ParamCode, Params, Response};
use crate::options::Written;
use crate::text::join;
use crate::value::write_package_and_text;

impl Message {
    /// The octets to send; they may hold keys.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // Measured first: a buffer that grows leaves copies of keys behind.
        let mut length = Length(0);
        self.write(&mut length).expect("counting cannot fail");
        let mut text = String::with_capacity(length.0);
        self.write(&mut text).expect("writing to a string cannot fail");
        Zeroizing::new(text.into_bytes())
    }

    fn write(&self, out: &mut dyn Write) -> fmt::Result {
        match self {
            Self::Command(id, command) => {
                let Command { verb, endpoint, version, profile, params, body } = command;
                write!(out, "{verb} {id} {endpoint} MGCP {version}")?;
                if let Some(profile) = profile {
                    write!(out, " {profile}")?;
                }
                out.write_str("\r\n")?;
                params.write(out)?;
                write_bodies(out, body.as_slice())
            }
            Self::Response(id, response) => {
                let Response { code, package, text, params, bodies } = response;
                write!(out, "{code} {id}")?;
                write_package_and_text(out, package, text)?;
                out.write_str("\r\n")?;
                params.write(out)?;
                write_bodies(out, bodies)
            }
        }
    }
}

struct Length(usize);

impl Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

fn write_bodies(out: &mut dyn Write, bodies: &[Body]) -> fmt::Result {
    bodies.iter().try_for_each(|body| write!(out, "\r\n{}", body.expose()))
}

/// Items with a separator between.
struct List<'a, T>(&'a [T], &'a str);

impl<T: Display> Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        join(f, self.0, self.1)
    }
}

impl Params {
    fn write(&self, out: &mut dyn Write) -> fmt::Result {
        use ParamCode::*;
        let mut line = |code: ParamCode, value: &dyn Display| write!(out, "{code}: {value}\r\n");
        // Identification first, then what to do, then what is told.
        optional(&mut line, X, &self.request_id)?;
        optional(&mut line, C, &self.call)?;
        self.connections.iter().try_for_each(|id| line(I, id))?;
        optional(&mut line, I2, &self.second_connection)?;
        self.endpoints.iter().try_for_each(|name| line(Z, name))?;
        optional(&mut line, Z2, &self.second_endpoint)?;
        match &self.notified {
            Some(Some(entity)) => line(N, entity)?,
            Some(None) => line(N, &"")?,
            None => {}
        }
        if let Some(options) = &self.options {
            line(L, &Written(options))?;
        }
        optional(&mut line, M, &self.mode)?;
        list(&mut line, B, &self.bearer)?;
        list(&mut line, R, &self.requested)?;
        list(&mut line, S, &self.signals)?;
        optional(&mut line, D, &self.digit_map)?;
        list(&mut line, T, &self.detect)?;
        optional(&mut line, Q, &self.quarantine)?;
        list(&mut line, F, &self.requested_info)?;
        optional(&mut line, Rm, &self.restart_method)?;
        optional(&mut line, Rd, &self.restart_delay)?;
        optional(&mut line, E, &self.reason)?;
        list(&mut line, O, &self.observed)?;
        list(&mut line, Es, &self.event_states)?;
        optional(&mut line, P, &self.statistics)?;
        list(&mut line, Pl, &self.packages)?;
        optional(&mut line, Md, &self.max_datagram)?;
        for capabilities in &self.capabilities {
            line(if capabilities.as_options { L } else { A }, capabilities)?;
        }
        list(&mut line, K, &self.acknowledged)?;
        for extension in &self.extensions {
            write!(out, "{}: {}\r\n", extension.name, extension.value.expose())?;
        }
        Ok(())
    }
}

type Line<'a> = dyn FnMut(ParamCode, &dyn Display) -> fmt::Result + 'a;

fn optional<T: Display>(line: &mut Line<'_>, code: ParamCode, value: &Option<T>) -> fmt::Result {
    value.as_ref().map_or(Ok(()), |value| line(code, value))
}

fn list<T: Display>(line: &mut Line<'_>, code: ParamCode, items: &Option<Vec<T>>) -> fmt::Result {
    items.as_ref().map_or(Ok(()), |items| line(code, &List(items, ", ")))
}
