//! Messages as lines of a trace. What is secret is named and measured, not shown.

use std::fmt;

use super::{AuthRes, Body, CertificateEntry, KeyAnswer, Message, Password, RetryDelay};

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} session {}", self.body.command(), self.session)?;
        let mut line = Line { f, first: true };
        line.body(&self.body)?;
        self.others.iter().try_for_each(|other| line.item(format_args!("{other:?}")))
    }
}

struct Line<'a, 'f> {
    f: &'a mut fmt::Formatter<'f>,
    first: bool,
}

impl Line<'_, '_> {
    fn item(&mut self, item: fmt::Arguments<'_>) -> fmt::Result {
        let between = if std::mem::take(&mut self.first) { ": " } else { ", " };
        self.f.write_str(between)?;
        self.f.write_fmt(item)
    }

    fn item_if<T: fmt::Display>(&mut self, name: &str, value: Option<T>) -> fmt::Result {
        value.map_or(Ok(()), |value| self.item(format_args!("{name} {value}")))
    }

    fn measured(&mut self, name: &str, value: Option<&[u8]>) -> fmt::Result {
        value.map_or(Ok(()), |value| self.item(format_args!("{name} [{} bytes]", value.len())))
    }

    fn certificates(&mut self, entries: &[CertificateEntry]) -> fmt::Result {
        entries.iter().try_for_each(|entry| self.item(format_args!("CERTIFICATE {entry:?}")))
    }

    fn delay(&mut self, delay: &Option<RetryDelay>) -> fmt::Result {
        self.item_if("delay", delay.as_ref())
    }

    fn body(&mut self, body: &Body) -> fmt::Result {
        match body {
            Body::AuthReq { version, auth_type } => {
                self.item_if("VERSION", *version)?;
                self.item_if("AUTH_TYPE", *auth_type)
            }
            Body::AuthRes(answer) => self.auth_res(answer),
            Body::KeyGenReq { key, typed: true } => self.item(format_args!("{key}")),
            Body::KeyGenReq { key, typed: false } => {
                self.item(format_args!("{key}, without KEY_TYPE"))
            }
            Body::KeyGenRes(KeyAnswer::PublicKey(key)) => self.measured("PUBLIC_KEY", Some(key)),
            Body::KeyGenRes(KeyAnswer::Failed(reason)) => {
                self.item(format_args!("no PUBLIC_KEY"))?;
                self.item_if("REASON", *reason)
            }
            Body::StoreCertReq { kind, certificates } => {
                self.item(format_args!("CERTIFICATE_TYPE {kind}"))?;
                self.certificates(certificates)
            }
            Body::FetchCertRes { reason, certificates } => {
                self.item(format_args!("REASON {reason}"))?;
                self.certificates(certificates)
            }
            Body::StoreCertRes(reason) | Body::DeleteCertRes(reason) => {
                self.item(format_args!("REASON {reason}"))
            }
            Body::EndSession { reason, info } => {
                self.item(format_args!("REASON {reason}"))?;
                self.item_if("REASON_INFO", info.as_ref())
            }
            Body::RetryLater(delay) | Body::RequestInProgress(delay) => self.delay(delay),
            Body::FetchCertReq | Body::DeleteCertReq => Ok(()),
            Body::Opaque(_, body) => self.item(format_args!("[{} bytes]", body.len())),
        }
    }

    fn auth_res(&mut self, answer: &AuthRes) -> fmt::Result {
        self.item_if("DEVICE_NAME", answer.device_name.as_ref())?;
        self.item_if("REASON", answer.reason)?;
        self.item_if("VERSION", answer.version)?;
        let password = |it: &Password| if it.is_null() { "null" } else { "hidden" };
        self.item_if("PASSWORD", answer.password.as_ref().map(password))?;
        self.certificates(&answer.certificates)?;
        self.measured("SIGNED_DATA", answer.signed_data.as_deref())?;
        if let Some(signed) = &answer.sha2_signed_data {
            self.item(format_args!("SHA2_SIGNED_DATA {signed:?}"))?;
        }
        if let Some(sudi) = &answer.sudi {
            self.item(format_args!("SUDI_DATA {sudi:?}"))?;
        }
        Ok(())
    }
}
