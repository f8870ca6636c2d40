//! A phone's socket, whatever is between it and SCCP.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use rustls::ServerConnection;
use sccp::Pdu;

/// Bytes that may wait for a phone that does not read.
const BACKLOG: usize = 32 * 1024;

/// A phone's socket.
pub(crate) enum Wire {
    /// TCP.
    Plain(TcpStream, Backlog),
    /// TLS that is ended here.
    Modern(Box<ServerConnection>, TcpStream),
    /// TLS that is ended in the cell.
    Cell(UnixStream, Backlog),
}

/// Messages that could not be written yet.
#[derive(Default)]
pub(crate) struct Backlog {
    waiting: VecDeque<Pdu>,
    /// Bytes of the first one that were written.
    written: usize,
    /// Bytes of all that were not.
    length: usize,
}

impl Wire {
    pub(crate) fn plain(stream: TcpStream) -> Self {
        Self::Plain(stream, Backlog::default())
    }

    pub(crate) fn modern(mut tls: ServerConnection, stream: TcpStream) -> Self {
        tls.set_buffer_limit(Some(BACKLOG));
        Self::Modern(Box::new(tls), stream)
    }

    pub(crate) fn cell(stream: UnixStream) -> Self {
        Self::Cell(stream, Backlog::default())
    }

    /// Has it watched, for both directions: each change is told once.
    pub(crate) fn watch(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(self.source(), token, Interest::READABLE | Interest::WRITABLE)
    }

    /// Has it watched no more.
    pub(crate) fn unwatch(&mut self, registry: &Registry) {
        // One that was never watched is not, either.
        let _ = registry.deregister(self.source());
    }

    /// Our end of the phone's connection, unless the cell has it.
    pub(crate) fn local(&self) -> Option<SocketAddr> {
        match self {
            Self::Plain(stream, _) | Self::Modern(_, stream) => stream.local_addr().ok(),
            Self::Cell(..) => None,
        }
    }

    fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Plain(stream, _) | Self::Modern(_, stream) => stream,
            Self::Cell(stream, _) => stream,
        }
    }

    /// Reads what there is. The end of the connection is 0 bytes, nothing for now is
    /// [`io::ErrorKind::WouldBlock`].
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream, _) => stream.read(buffer),
            Self::Cell(stream, _) => stream.read(buffer),
            Self::Modern(tls, stream) => loop {
                match tls.reader().read(buffer) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    read => return read,
                }
                if tls.read_tls(stream)? == 0 {
                    return Ok(0);
                }
                let processed = tls.process_new_packets();
                // An alert, or the answer to a change of keys.
                write_tls(tls, stream)?;
                processed.map_err(io::Error::other)?;
            },
        }
    }

    /// Writes a message, now or when the phone reads again. An error is final: also when too much
    /// waits already.
    pub(crate) fn send(&mut self, pdu: Pdu) -> io::Result<()> {
        match self {
            Self::Plain(stream, backlog) => backlog.send(stream, pdu),
            Self::Cell(stream, backlog) => backlog.send(stream, pdu),
            Self::Modern(tls, _) => {
                let taken = tls.writer().write(&pdu)?;
                if taken < pdu.len() { Err(io::ErrorKind::WriteZero.into()) } else { Ok(()) }
            }
        }
    }

    /// Writes what waits, as far as the phone reads. Whether all was written.
    pub(crate) fn flush(&mut self) -> io::Result<bool> {
        match self {
            Self::Plain(stream, backlog) => backlog.flush(stream),
            Self::Cell(stream, backlog) => backlog.flush(stream),
            Self::Modern(tls, stream) => write_tls(tls, stream),
        }
    }

    /// Says farewell: once all is written, nothing more comes.
    pub(crate) fn farewell(&mut self) {
        if let Self::Modern(tls, _) = self {
            tls.send_close_notify();
        }
    }

    /// Ends what we send, so that the phone reads it to its end.
    pub(crate) fn end(&self) {
        // Whoever is gone already needs no farewell.
        let _ = match self {
            Self::Plain(stream, _) | Self::Modern(_, stream) => stream.shutdown(Shutdown::Write),
            Self::Cell(stream, _) => stream.shutdown(Shutdown::Write),
        };
    }
}

fn write_tls(tls: &mut ServerConnection, stream: &mut TcpStream) -> io::Result<bool> {
    while tls.wants_write() {
        match tls.write_tls(stream) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

impl Backlog {
    /// Each message by one write, where it fits: phones, and the cell, take it as a whole.
    fn send(&mut self, stream: &mut impl Write, pdu: Pdu) -> io::Result<()> {
        if self.length + pdu.len() > BACKLOG {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.length += pdu.len();
        self.waiting.push_back(pdu);
        // Else it would block again.
        if self.waiting.len() == 1 { self.flush(stream).map(|_| ()) } else { Ok(()) }
    }

    fn flush(&mut self, stream: &mut impl Write) -> io::Result<bool> {
        while let Some(first) = self.waiting.front() {
            match stream.write(&first[self.written..]) {
                Ok(written) => {
                    self.written += written;
                    self.length -= written;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if self.written == first.len() {
                self.waiting.pop_front();
                self.written = 0;
            }
        }
        Ok(true)
    }
}
