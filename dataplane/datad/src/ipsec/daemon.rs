//! The IKE daemon's line: its plugin comes to our Unix socket and orders associations.

use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use keying::feed::{FrameReader, Notice, Order, Word};
use mio::event::Source;
use mio::net::{UnixListener, UnixStream};
use mio::{Interest, Registry, Token};
use rustix::net::sockopt::socket_peercred;
use rustix::process::geteuid;
use tracing::{info, warn};
use zeroize::Zeroize;

/// Words that wait for a daemon that does not read.
const MOST_WAITING: usize = 64 << 10;

/// Where a daemon comes, and the one that is there.
pub struct DaemonLine {
    listener: UnixListener,
    token: Token,
    there: Option<There>,
}

struct There {
    stream: UnixStream,
    reader: FrameReader,
    /// What could not be written yet.
    waiting: Vec<u8>,
}

/// What reading came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Nothing more now.
    Quiet,
    /// There was a daemon, and it is gone.
    Broken,
}

impl DaemonLine {
    /// Listens, for us and root only.
    pub fn listen(path: &Path) -> io::Result<Self> {
        let listener = status::socket::listen(path)?;
        listener.set_nonblocking(true)?;
        let listener = UnixListener::from_std(listener);
        Ok(Self { listener, token: Token(0), there: None })
    }

    /// Has events of both the listener and the daemon come under this token.
    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.token = token;
        self.listener.register(registry, token, Interest::READABLE)
    }

    /// Whether a daemon is there.
    pub fn is_there(&self) -> bool {
        self.there.is_some()
    }

    /// Lets a daemon in, if one has come.
    pub fn accept(&mut self, registry: &Registry) -> io::Result<()> {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => self.let_in(registry, stream)?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn let_in(&mut self, registry: &Registry, mut stream: UnixStream) -> io::Result<()> {
        let peer = socket_peercred(&stream)?;
        if !peer.uid.is_root() && peer.uid != geteuid() {
            warn!(
                uid = peer.uid.as_raw(),
                "somebody else than the IKE daemon wanted to bring keys"
            );
        } else if self.there.is_some() {
            warn!("a second IKE daemon came while one is there: it is sent away");
        } else {
            stream.register(registry, self.token, Interest::READABLE | Interest::WRITABLE)?;
            let reader = FrameReader::default();
            self.there = Some(There { stream, reader, waiting: Vec::new() });
            info!("an IKE daemon has come");
        }
        Ok(())
    }

    /// Reads what a daemon orders, and answers with what `serve` says.
    pub fn serve(&mut self, mut serve: impl FnMut(Order) -> keying::feed::Answer) -> Line {
        let Some(there) = &mut self.there else { return Line::Quiet };
        match there.work(&mut serve) {
            Ok(()) => Line::Quiet,
            Err(error) => {
                warn!(%error, "the IKE daemon is gone: its associations end");
                self.there = None;
                Line::Broken
            }
        }
    }

    /// Tells a daemon what happens. Without one nobody hears.
    pub fn tell(&mut self, notice: Notice) {
        if let Some(there) = &mut self.there {
            there.say(Word::Notice(notice));
        }
    }
}

impl There {
    fn work(&mut self, serve: &mut impl FnMut(Order) -> keying::feed::Answer) -> io::Result<()> {
        self.write()?;
        let mut buffer = [0; 4096];
        loop {
            while let Some(order) = self.reader.next_order().map_err(io::Error::other)? {
                let answer = serve(order);
                self.say(Word::Answer(answer));
                self.write()?;
            }
            if self.waiting.len() > MOST_WAITING {
                return Err(io::Error::other("it does not read"));
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(io::Error::other("it has closed the line")),
                Ok(len) => {
                    self.reader.push(&buffer[..len]);
                    // There were keys in it.
                    buffer[..len].zeroize();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn say(&mut self, word: Word) {
        self.waiting.extend_from_slice(&word.to_frame());
        // Whether it is broken shows when it is read.
        let _ = self.write();
    }

    fn write(&mut self) -> io::Result<()> {
        while !self.waiting.is_empty() {
            match self.stream.write(&self.waiting) {
                Ok(len) => drop(self.waiting.drain(..len)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
