//! Who runs a node's database and looks at the others.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use store::{Server, ServerPlace};

use crate::judge::{self, Heard, Verdict};
use crate::{Fault, Instance, Member, Running};

/// What a database is at present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The original: it takes changes.
    Publisher,
    /// The original, but it takes no changes before these nodes have been heard.
    Waiting(Vec<String>),
    /// It was the original. This node is, now.
    Yielded(String),
    /// A copy of that of this node.
    Subscriber(String),
}

/// Runs a database, and does with it what the others demand.
pub struct Keeper {
    instance: Instance,
    work: Mutex<Work>,
    standing: Mutex<Standing>,
}

struct Work {
    running: Running,
    /// Whether it takes no changes, whatever it is.
    held: bool,
    /// Nodes that were heard since it started, and those that an administrator gave up.
    heard: BTreeSet<String>,
}

/// How long a changed setting may take to be in force.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked whether it is.
const GLANCE: Duration = Duration::from_millis(10);

impl Keeper {
    /// Starts what there is, and looks around once. It ends with the calling thread.
    pub fn start(instance: Instance) -> Result<Self, Fault> {
        let running = instance.start(true)?;
        let heard = instance.lost()?.into_iter().collect();
        let standing = Mutex::new(Standing::Waiting(Vec::new()));
        let keeper =
            Self { instance, work: Mutex::new(Work { running, held: true, heard }), standing };
        keeper.look()?;
        Ok(keeper)
    }

    /// The database.
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    /// What it is, as of the last look.
    pub fn standing(&self) -> Standing {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// These are the nodes from now on. Whether that is news.
    pub fn set_members(&self, members: &[Member]) -> Result<bool, Fault> {
        let work = self.work();
        let news = self.instance.set_members(members)?;
        if news {
            self.instance.server()?.reload()?;
        }
        drop(work);
        Ok(news)
    }

    /// Starts it again if it has ended, looks at the others, and does what follows from that.
    /// To be called every few seconds, by a thread that lives as long as the process.
    pub fn look(&self) -> Result<(), Fault> {
        let mut work = self.work();
        if work.running.ended().is_some() {
            work.held = true;
            work.running = self.instance.start(true)?;
        }
        let mut server = self.instance.server()?;
        let own = server.place()?;
        let others = self.others()?;
        work.heard.extend(heard(&others));
        let standing = match own.follows {
            true => self.follow(&mut work, &mut server, own, &others)?,
            false => self.lead(&mut work, &mut server, own, &others)?,
        };
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner) = standing;
        Ok(())
    }

    fn follow(
        &self,
        work: &mut Work,
        server: &mut Server,
        own: ServerPlace,
        others: &[Heard],
    ) -> Result<Standing, Fault> {
        let followed = self.instance.followed()?.map(|member| member.name);
        let latest =
            judge::followed(own, others).filter(|latest| followed.as_ref() != Some(latest));
        let members = self.instance.members()?;
        let latest = latest.and_then(|latest| members.into_iter().find(|it| it.name == latest));
        if let Some(latest) = &latest {
            self.instance.set_followed(latest)?;
        }
        if latest.is_some() || work.held {
            // A copy takes no changes in any case; what it becomes later shall take them.
            self.set_held(work, server, false)?;
        }
        let of = latest.map(|latest| latest.name).or(followed);
        Ok(Standing::Subscriber(of.unwrap_or_default()))
    }

    fn lead(
        &self,
        work: &mut Work,
        server: &mut Server,
        own: ServerPlace,
        others: &[Heard],
    ) -> Result<Standing, Fault> {
        if let Some(node) = self.instance.yielded()? {
            return Ok(Standing::Yielded(node));
        }
        match judge::original(own, others, &work.heard) {
            Verdict::Wait(unheard) if work.held => Ok(Standing::Waiting(unheard)),
            // A node that joins while this one takes changes has never been the original.
            Verdict::Serve | Verdict::Wait(_) => {
                if work.held {
                    self.set_held(work, server, false)?;
                    self.until_it_takes_changes()?;
                }
                let me = self.instance.node();
                let members = self.instance.members()?;
                let copies = members.iter().filter(|member| member.name != me);
                server.keep_for(&copies.map(Member::slot).collect::<Vec<_>>())?;
                Ok(Standing::Publisher)
            }
            Verdict::Yield(node) => {
                self.instance.set_yielded(Some(&node))?;
                self.set_held(work, server, true)?;
                Ok(Standing::Yielded(node))
            }
        }
    }

    /// Makes this copy the original. The nodes `lost` are not waited for any more; one that comes
    /// back as the original it was yields. An original that waits for nodes takes changes if all of
    /// them are lost.
    pub fn promote(&self, lost: &[String]) -> Result<(), Fault> {
        let mut work = self.work();
        let mut server = self.instance.server()?;
        let own = server.place()?;
        let others = self.others()?;
        let waits = matches!(self.standing(), Standing::Waiting(_)) && !own.follows;
        match waits {
            true => {
                let mut gone = work.heard.clone();
                gone.extend(lost.iter().cloned());
                match judge::original(own, &others, &gone) {
                    Verdict::Serve => {}
                    Verdict::Wait(unheard) => return Err(Fault::Unheard(unheard)),
                    Verdict::Yield(node) => return Err(Fault::PublisherThere(node)),
                }
            }
            false => judge::promotion(own, &others, lost)?,
        }
        let unheard = others.iter().filter(|(_, place)| place.is_none());
        let unheard: Vec<String> = unheard.map(|(name, _)| name.clone()).collect();
        self.instance.set_lost(&unheard)?;
        work.heard.extend(unheard);
        if own.follows {
            server.promote()?;
        }
        drop(work);
        self.look()
    }

    /// What the other nodes say, all asked at the same time.
    fn others(&self) -> Result<Vec<Heard>, Fault> {
        let mut members = self.instance.members()?;
        members.retain(|member| member.name != self.instance.node());
        let ask = |member: &Member| {
            let url = self.instance.url_of([member], true);
            let place = Server::connect(&url).and_then(|mut server| server.place());
            (member.name.clone(), place.ok())
        };
        Ok(thread::scope(|scope| {
            let asked: Vec<_> = members.iter().map(|member| scope.spawn(|| ask(member))).collect();
            asked.into_iter().map(|asked| asked.join().expect("asking does not panic")).collect()
        }))
    }

    fn set_held(&self, work: &mut Work, server: &mut Server, held: bool) -> Result<(), Fault> {
        self.instance.configure(held)?;
        server.reload()?;
        work.held = held;
        Ok(())
    }

    fn until_it_takes_changes(&self) -> Result<(), Fault> {
        let deadline = Instant::now() + PATIENCE;
        while !self.instance.server()?.takes_changes()? {
            if Instant::now() >= deadline {
                return Err(Fault::Database("it does not take changes".into()));
            }
            thread::sleep(GLANCE);
        }
        Ok(())
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        // Whatever was interrupted, the next look goes on with.
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn heard(others: &[Heard]) -> impl Iterator<Item = String> {
    others.iter().filter(|(_, place)| place.is_some()).map(|(name, _)| name.clone())
}
