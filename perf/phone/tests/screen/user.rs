//! A user in front of a telephone.

use lang::Language;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ringfence_phone::media::Statistics;
use ringfence_phone::network::Hardening;
use ringfence_phone::screen::{
    Act, Authority, Button, Screen, Settings, StatusMessage, TrustListSummary, View,
};
use ringfence_phone::{CapfMode, SecurityMode};
use tlv::Role;

use crate::site::Site;

pub struct User {
    pub screen: Screen,
    pub settings: Settings,
    pub messages: Vec<StatusMessage>,
    pub statistics: Option<Statistics>,
    pub phone: usize,
}

impl User {
    pub fn of(phone: usize) -> Self {
        Self::speaking(phone, Language::English)
    }

    pub fn speaking(phone: usize, language: Language) -> Self {
        let message = |at: &str, text: &str| StatusMessage { at: at.into(), text: text.into() };
        let authority = |role, name: &str| Authority { role, name: name.to_owned() };
        Self {
            screen: Screen::new(language),
            settings: Settings {
                mode: SecurityMode::Encrypted,
                tftp: vec!["10.0.0.1".to_owned()],
                call_managers: vec!["10.0.0.1:2000".to_owned()],
                ctl: Some(TrustListSummary {
                    md5: [0xab; 16],
                    authorities: vec![
                        authority(Role::Sast, "token 1"),
                        authority(Role::CcmTftp, "10.0.0.1"),
                        authority(Role::Capf, "10.0.0.1"),
                    ],
                }),
                lsc: Some(["cn=SEP001122334400".to_owned(), "cn=CAPF-1".to_owned()]),
                capf: vec!["10.0.0.1:3804".to_owned()],
                capf_mode: CapfMode::String,
                ..Settings::default()
            },
            messages: vec![
                message("10:00:01", "CTL installed"),
                message("10:00:02", "TFTP Not Authorized: 10.0.0.9"),
            ],
            statistics: None,
            phone,
        }
    }

    pub fn hardened(mut self, hardening: Hardening) -> Self {
        self.settings.hardening = hardening;
        self
    }

    /// What is on the screen.
    pub fn sees(&mut self, site: &Site) -> String {
        let (screen, view) = self.look(site);
        screen.refresh(&view);
        let text = screen.text(&view);
        // A terminal shows the same.
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        terminal.draw(|frame| screen.draw(&view, frame.area(), frame.buffer_mut())).unwrap();
        let cells = terminal.backend().buffer().content();
        let lock = |text: &str| text.contains("[LOCK]") || text.contains("[鍵]");
        let drawn: String = cells.iter().map(|cell| cell.symbol()).collect();
        assert_eq!(lock(&drawn.replace(' ', "")), lock(&text), "{text}");
        text
    }

    /// Draws it into any place.
    pub fn draw(&mut self, site: &Site, area: Rect, buffer: &mut Buffer) {
        let (screen, view) = self.look(site);
        screen.draw(&view, area, buffer);
    }

    #[track_caller]
    pub fn expect(&mut self, site: &Site, texts: &[&str]) {
        let seen = self.sees(site);
        for text in texts {
            assert!(seen.contains(text), "no {text:?} in\n{seen}");
        }
    }

    #[track_caller]
    pub fn expect_not(&mut self, site: &Site, texts: &[&str]) {
        let seen = self.sees(site);
        for text in texts {
            assert!(!seen.contains(text), "{text:?} in\n{seen}");
        }
    }

    /// Presses buttons, and lets the telephone do what follows; what it cannot do is shown. What
    /// is not for its server is given back.
    pub fn press(&mut self, site: &mut Site, words: &str) -> Vec<Act> {
        let mut others = Vec::new();
        for word in words.split_whitespace() {
            let buttons = Button::of_word(word).unwrap_or_else(|| panic!("no button {word:?}"));
            for button in buttons {
                let (screen, view) = self.look(site);
                let acts = screen.press(&view, button);
                others.extend(self.carry_out(site, acts));
                // The server has answered meanwhile.
                let (screen, view) = self.look(site);
                let due = screen.due(&view);
                others.extend(self.carry_out(site, due));
            }
        }
        others
    }

    fn carry_out(&mut self, site: &mut Site, acts: Vec<Act>) -> Vec<Act> {
        let mut others = Vec::new();
        for act in acts {
            let Act::Press(press) = act else {
                others.push(act);
                continue;
            };
            let done = site.with(self.phone, |station, now| station.press(now, press.clone()));
            if let Err(error) = done {
                let (screen, view) = self.look(site);
                screen.refused(&view, &error);
            }
        }
        others
    }

    fn look<'a>(&'a mut self, site: &'a Site) -> (&'a mut Screen, View<'a>) {
        let view = View {
            station: &site.phones[self.phone].station,
            settings: &self.settings,
            messages: &self.messages,
            statistics: self.statistics.as_ref(),
            now: site.now.instant,
        };
        (&mut self.screen, view)
    }
}
