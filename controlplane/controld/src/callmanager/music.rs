//! Media resources, and the music they play.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use callmanager::switchboard::MediaOrder;
use callprocessing::service::{Answers, Fault, Resources};
use crossbeam_channel::{Sender, unbounded};
use mediaresources::music::{Music, MusicError};
use mediaresources::resources::Limits;
use mediaresources::service::MediaResources;
use messages::{Explain, Message, signalling};
use store::{CallSettings, Node};

use crate::config::Config;

/// Music on hold and conference bridges.
pub(super) struct Playing {
    resources: Arc<MediaResources>,
    /// Files to be read, in a thread of their own.
    files: Sender<Option<PathBuf>>,
}

/// A file of which no music can be made.
struct Unusable(MusicError);

impl Playing {
    pub(super) fn start(
        config: &Config,
        settings: &CallSettings,
        me: &Node,
        answers: Answers,
    ) -> Result<Self, Fault> {
        let told = |error: &dyn std::fmt::Display| error.to_string();
        let (first, last) = config.media_ports;
        let resources = mediaresources::service::Config {
            address: config.media.unwrap_or(me.address),
            ports: first..=last,
            music: music(settings.music.as_deref()).map_err(|error| told(&error))?,
            limits: Limits::default(),
        };
        let answered = answers.clone();
        let tell = move |stream, result| answered.opened(stream, result);
        let started = MediaResources::start(resources, tell).map_err(|error| told(&error))?;
        let resources = Arc::new(started);
        let (files, wanted) = unbounded::<Option<PathBuf>>();
        let players = Arc::downgrade(&resources);
        let read = move || {
            for file in wanted {
                match (music(file.as_deref()), players.upgrade()) {
                    (Ok(music), Some(resources)) => resources.play(music),
                    (Err(error), Some(_)) => answers.alarm(&Unusable(error)),
                    (_, None) => return,
                }
            }
        };
        let thread = thread::Builder::new().name("music".into()).spawn(read);
        thread.map_err(|error| told(&error))?;
        Ok(Self { resources, files })
    }
}

fn music(file: Option<&Path>) -> Result<Music, MusicError> {
    file.map_or_else(|| Ok(Music::melody()), Music::read)
}

impl Resources for Playing {
    fn order(&mut self, order: MediaOrder) {
        self.resources.order(order);
    }

    fn play(&mut self, file: Option<&Path>) {
        // The thread ends after us.
        let _ = self.files.send(file.map(Path::to_owned));
    }
}

impl Explain for Unusable {
    fn message(&self) -> &'static Message {
        &signalling::MUSIC_UNUSABLE
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        vec![("why", self.0.to_string())]
    }
}
