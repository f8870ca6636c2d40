//! Media between two commands: what a connection has of its own, and a share of what it has in
//! common with others. Telephones of one make describe themselves alike.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use mgcp::ConnectionMode;
use mgcp::sdp::{Codec, SessionDescription};

use crate::media::Media;
use crate::options::Wishes;
use crate::packages::Kind;
use crate::security::Security;
use crate::shelf::Shelf;

/// Media put away.
#[derive(Debug)]
pub(crate) struct Kept {
    kind: Kind,
    pub(crate) mode: ConnectionMode,
    pub(crate) security: Security,
    terms: Arc<Terms>,
    /// Of the remote description in `terms`.
    particulars: Option<Particulars>,
}

/// What connections have in common.
#[derive(Debug, PartialEq)]
pub(crate) struct Terms {
    wishes: Wishes,
    codecs: Vec<Codec>,
    ptime: u32,
    /// The remote description without its particulars.
    remote: Option<SessionDescription>,
}

/// What tells a description from others of the same make.
#[derive(Debug)]
struct Particulars {
    session_id: u64,
    version: u64,
    /// `c=` of the session and of the stream.
    address: Option<IpAddr>,
    stream_address: Option<IpAddr>,
    port: u16,
    /// Rarely said.
    rtcp: Option<Box<(u16, Option<IpAddr>)>>,
}

impl Kept {
    pub(crate) fn new(shelf: &mut Shelf<Terms>, media: Media) -> Self {
        let Media { kind, mode, wishes, remote, security, codecs, ptime } = media;
        let mut remote = remote.map(|remote| *remote);
        let particulars = remote.as_mut().map(Particulars::take_from);
        let terms = shelf.share(Terms { wishes, codecs, ptime, remote });
        Self { kind, mode, security, terms, particulars }
    }

    /// The media as they were.
    pub(crate) fn media(&self) -> Media {
        let Terms { wishes, codecs, ptime, remote } = &*self.terms;
        let mut remote = remote.clone().map(Box::new);
        if let (Some(remote), Some(particulars)) = (&mut remote, &self.particulars) {
            particulars.put_back(remote);
        }
        Media {
            kind: self.kind,
            mode: self.mode,
            wishes: wishes.clone(),
            remote,
            security: self.security.clone(),
            codecs: codecs.clone(),
            ptime: *ptime,
        }
    }

    /// Where RTP to the peer goes; see [`Media::remote_rtp`].
    pub(crate) fn remote_rtp(&self) -> Option<SocketAddr> {
        let particulars = self.particulars.as_ref()?;
        let address = particulars.stream_address.or(particulars.address)?;
        Some(SocketAddr::new(address, particulars.port)).filter(|_| !address.is_unspecified())
    }
}

impl Particulars {
    /// Leaves blanks behind.
    fn take_from(description: &mut SessionDescription) -> Self {
        let address = description.connection.take();
        let mut particulars =
            Self { session_id: 0, version: 0, address, stream_address: None, port: 0, rtcp: None };
        if let Some(origin) = &mut description.origin {
            particulars.session_id = std::mem::take(&mut origin.session_id);
            particulars.version = std::mem::take(&mut origin.version);
            // Nearly always that of `c=`; a name or another address is a difference that stays.
            if address.is_some_and(|address| address.to_string() == *origin.address) {
                origin.address = "".into();
            }
        }
        if let Some(stream) = description.media.first_mut() {
            particulars.stream_address = stream.connection.take();
            particulars.port = std::mem::take(&mut stream.port);
            particulars.rtcp = stream.rtcp.take().map(Box::new);
        }
        particulars
    }

    fn put_back(&self, description: &mut SessionDescription) {
        description.connection = self.address;
        if let Some(origin) = &mut description.origin {
            origin.session_id = self.session_id;
            origin.version = self.version;
            if let (true, Some(address)) = (origin.address.is_empty(), self.address) {
                origin.address = address.to_string().into();
            }
        }
        if let Some(stream) = description.media.first_mut() {
            stream.connection = self.stream_address;
            stream.port = self.port;
            stream.rtcp = self.rtcp.as_deref().copied();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_comes_back_as_it_was() {
        let telephone = |number: u8, lines: &str| {
            let text = format!(
                "v=0\r\no=- {number} 7 IN IP4 10.1.0.{number}\r\ns=-\r\nc=IN IP4 10.1.0.{number}\r\n\
                 t=0 0\r\nm=audio 40{number:02} RTP/AVP 0 101\r\n{lines}"
            );
            SessionDescription::parse(&text).unwrap()
        };
        for lines in ["", "c=IN IP4 10.2.0.1\r\na=rtcp:9 IN IP4 10.3.0.1\r\na=x-own:1\r\n"] {
            let mut blanks = [1, 2].map(|number| telephone(number, lines));
            let particulars = blanks.each_mut().map(Particulars::take_from);
            assert_eq!(blanks[0], blanks[1], "telephones of one make");
            for (number, (blank, particulars)) in blanks.iter_mut().zip(particulars).enumerate() {
                particulars.put_back(blank);
                assert_eq!(*blank, telephone(number as u8 + 1, lines));
            }
        }
    }
}
