//! The line to datad.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::Duration;

use esp::Direction;
use keying::feed::{Answer, FrameReader, Order, PolicyRecord, VERSION, Word};
use keying::xfrm::StateKey;
use rustix::net::sockopt::socket_peercred;
use rustix::process::geteuid;

use crate::charon::Charon;

/// Between attempts to reach datad.
const PAUSE: Duration = Duration::from_millis(500);
/// For one answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Orders go one at a time, whichever of charon's threads they come from.
pub struct Line {
    /// Where orders go and answers come from; none while datad is away.
    exchange: Option<Exchange>,
    /// What charon wants; told again when datad comes back.
    policies: Vec<PolicyRecord>,
    /// From peers, and not over yet: those that want successors when datad comes back.
    associations: HashSet<StateKey>,
}

struct Exchange {
    stream: UnixStream,
    answers: Receiver<Answer>,
}

static LINE: Mutex<Option<Line>> = Mutex::new(None);

impl Line {
    /// Begins to look for datad, once.
    pub fn start() {
        static ONCE: Once = Once::new();
        let Some(charon) = Charon::find() else { return };
        ONCE.call_once(|| {
            let path = charon.socket();
            let work = move || keep_up(charon, &path);
            if let Err(error) = thread::Builder::new().name("ringfence".into()).spawn(work) {
                charon.log(&format!("ringfence: no thread: {error}"));
            }
        });
    }

    /// Has datad do something.
    pub fn order(order: Order) -> Answer {
        let mut line = lock();
        let line = line.get_or_insert_with(Self::new);
        line.note(&order);
        match &order {
            // They are told when datad comes.
            Order::AddPolicy(_) | Order::RemovePolicy(_) | Order::RemovePolicies
                if line.exchange.is_none() =>
            {
                return Answer::Done;
            }
            _ => {}
        }
        let Some(exchange) = &mut line.exchange else { return Answer::Refused };
        match exchange.ask(&order) {
            Ok(answer) => answer,
            Err(_) => {
                // The thread that reads has noticed too, and begins anew.
                line.exchange = None;
                Answer::Refused
            }
        }
    }

    fn new() -> Self {
        Self { exchange: None, policies: Vec::new(), associations: HashSet::new() }
    }

    fn note(&mut self, order: &Order) {
        match order {
            Order::AddSa(record) if record.direction == Direction::Inbound => {
                self.associations.insert(record.key);
            }
            Order::RemoveSa(key) => {
                self.associations.remove(key);
            }
            Order::RemoveSas => self.associations.clear(),
            Order::AddPolicy(record) => self.policies.push(*record),
            Order::RemovePolicy(record) => {
                if let Some(at) = self.policies.iter().position(|other| other == record) {
                    self.policies.remove(at);
                }
            }
            Order::RemovePolicies => self.policies.clear(),
            _ => {}
        }
    }
}

impl Exchange {
    fn ask(&mut self, order: &Order) -> io::Result<Answer> {
        self.stream.write_all(&order.to_frame())?;
        let answer = self.answers.recv_timeout(PATIENCE);
        if answer.is_err() {
            // An answer that comes later would be taken for the next one's.
            let _ = self.stream.shutdown(std::net::Shutdown::Both);
        }
        answer.map_err(io::Error::other)
    }
}

fn lock() -> MutexGuard<'static, Option<Line>> {
    LINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Finds datad, tells it what charon wants and hears it, again and again.
fn keep_up(charon: &Charon, path: &Path) {
    let mut complained = false;
    loop {
        let error = match UnixStream::connect(path).and_then(check_peer) {
            Ok(stream) => {
                complained = false;
                serve(charon, stream)
            }
            Err(error) => error,
        };
        if !complained {
            complained = true;
            charon.log(&format!("ringfence-datad at {}: {error}", path.display()));
        }
        thread::sleep(PAUSE);
    }
}

/// Keys go to root or to ourselves, whoever has made the socket.
fn check_peer(stream: UnixStream) -> io::Result<UnixStream> {
    let peer = socket_peercred(&stream)?.uid;
    if !peer.is_root() && peer != geteuid() {
        return Err(io::Error::other(format!("it is of user {}, who gets no keys", peer.as_raw())));
    }
    Ok(stream)
}

/// Until the line breaks.
fn serve(charon: &Charon, stream: UnixStream) -> io::Error {
    let (sender, answers) = channel();
    let talk = || -> io::Result<()> {
        let reading = stream.try_clone()?;
        let mut exchange = Exchange { stream, answers };
        let mut hearing = Hearing { stream: reading, reader: FrameReader::default() };
        let wanting = {
            // Whoever orders now waits until datad knows what was before.
            let mut line = lock();
            let line = line.get_or_insert_with(Line::new);
            let policies = line.policies.iter().map(|policy| Order::AddPolicy(*policy));
            for order in [Order::Hello(VERSION)].into_iter().chain(policies) {
                exchange.stream.write_all(&order.to_frame())?;
                if hearing.answer()? != Answer::Done {
                    return Err(io::Error::other("it refuses; its log says why"));
                }
            }
            line.exchange = Some(exchange);
            line.associations.clone()
        };
        charon.log("ringfence-datad has come: it does ESP");
        // Nobody has their keys any more.
        wanting.into_iter().for_each(|key| charon.expire(key, false));
        hearing.run(charon, &sender)
    };
    let error = talk().err().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into());
    if let Some(line) = &mut *lock() {
        line.exchange = None;
    }
    error
}

struct Hearing {
    stream: UnixStream,
    reader: FrameReader,
}

impl Hearing {
    fn run(&mut self, charon: &Charon, answers: &Sender<Answer>) -> io::Result<()> {
        loop {
            match self.word()? {
                // Who asked may have given up.
                Word::Answer(answer) => drop(answers.send(answer)),
                Word::Notice(notice) => charon.tell(notice),
            }
        }
    }

    /// The next answer, before there is anything to notice.
    fn answer(&mut self) -> io::Result<Answer> {
        self.stream.set_read_timeout(Some(PATIENCE))?;
        loop {
            if let Word::Answer(answer) = self.word()? {
                self.stream.set_read_timeout(None)?;
                return Ok(answer);
            }
        }
    }

    fn word(&mut self) -> io::Result<Word> {
        let mut buffer = [0; 1024];
        loop {
            if let Some(word) = self.reader.next_word().map_err(io::Error::other)? {
                return Ok(word);
            }
            match self.stream.read(&mut buffer)? {
                0 => return Err(io::Error::other("it has closed the line")),
                len => self.reader.push(&buffer[..len]),
            }
        }
    }
}
