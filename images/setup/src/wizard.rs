//! The questions at the console, in the language that the first one settles.

use std::io::{self, BufRead, Write};
use std::str::FromStr;

use lang::{Language, Text};

use crate::seed::{
    Address, Administrator, Hostname, Login, Name, Network, Password, Role, Seed, TimeZone, Wrong,
};

/// Asks until each answer can be used. Ends with an error if the console does.
pub fn ask(console: &mut (impl BufRead + Asks)) -> io::Result<Seed> {
    let language = choose_language(console)?;
    let mut ask = Asking { console, language };
    ask.tell(&WELCOME)?;
    let hostname = ask.question::<Hostname>(&HOSTNAME, "cm1")?;
    let address = ask.question::<Address>(&ADDRESS, "")?;
    let gateway = ask.optional::<Ipv4>(&GATEWAY)?.map(|Ipv4(ip)| ip);
    let name_servers = ask.optional::<Ipv4>(&NAME_SERVER)?.map(|Ipv4(ip)| ip.into());
    let time_zone = ask.question::<TimeZone>(&TIME_ZONE, "UTC")?;
    let time_servers = ask.optional::<Name>(&TIME_SERVER)?;
    let name = ask.question::<Login>(&ADMINISTRATOR, "admin")?;
    let password = ask.password()?;
    let role = ask.role()?;
    Ok(Seed {
        language,
        hostname,
        time_zone,
        time_servers: time_servers.into_iter().collect(),
        network: Network {
            interface: None,
            address,
            gateway,
            name_servers: name_servers.into_iter().collect(),
        },
        administrator: Administrator { name, password },
        role,
    })
}

/// A console that can write, and read without showing.
pub trait Asks {
    /// Writes words and shows them at once.
    fn say(&mut self, words: &str) -> io::Result<()>;

    /// Whether what is typed is shown from now on.
    fn echo(&mut self, shown: bool) -> io::Result<()>;
}

struct Asking<'c, C> {
    console: &'c mut C,
    language: Language,
}

fn choose_language(console: &mut (impl BufRead + Asks)) -> io::Result<Language> {
    loop {
        console.say("\nringfence\n\n  1 English\n  2 日本語\n\nLanguage / 言語 [1]: ")?;
        match line(console)?.as_str() {
            "" | "1" => return Ok(Language::English),
            "2" => return Ok(Language::Japanese),
            _ => console.say("1, 2\n")?,
        }
    }
}

impl<C: BufRead + Asks> Asking<'_, C> {
    fn tell(&mut self, text: &Text) -> io::Result<()> {
        let words = text.get(self.language);
        self.console.say(&format!("\n{words}\n"))
    }

    fn question<T: FromStr<Err = Wrong>>(&mut self, text: &Text, usual: &str) -> io::Result<T> {
        loop {
            let words = text.get(self.language);
            let shown = if usual.is_empty() { String::new() } else { format!(" [{usual}]") };
            self.console.say(&format!("{words}{shown}: "))?;
            let typed = line(self.console)?;
            let answer = if typed.is_empty() { usual } else { &typed };
            match answer.parse() {
                Ok(answer) => return Ok(answer),
                Err(Wrong(why)) => self.console.say(&format!("  {why}\n"))?,
            }
        }
    }

    fn optional<T: FromStr<Err = Wrong>>(&mut self, text: &Text) -> io::Result<Option<T>> {
        loop {
            let words = text.get(self.language);
            self.console.say(&format!("{words} [-]: "))?;
            let typed = line(self.console)?;
            if typed.is_empty() || typed == "-" {
                return Ok(None);
            }
            match typed.parse() {
                Ok(answer) => return Ok(Some(answer)),
                Err(Wrong(why)) => self.console.say(&format!("  {why}\n"))?,
            }
        }
    }

    /// Twice, unseen.
    fn password(&mut self) -> io::Result<Password> {
        loop {
            self.console.echo(false)?;
            let typed = self.question::<Password>(&PASSWORD, "");
            let again = self.console.say("\n").and_then(|()| self.question::<Password>(&AGAIN, ""));
            self.console.echo(true)?;
            self.console.say("\n")?;
            let (typed, again) = (typed?, again?);
            if *typed.0 == *again.0 {
                return Ok(typed);
            }
            self.tell(&DIFFERENT)?;
        }
    }

    fn role(&mut self) -> io::Result<Role> {
        loop {
            self.tell(&ROLES)?;
            self.console.say("[1]: ")?;
            match line(self.console)?.as_str() {
                "" | "1" => {
                    return Ok(Role::Publisher { cluster: self.question(&CLUSTER, "office")? });
                }
                "2" => {
                    let Ipv4(publisher) = self.question(&PUBLISHER, "")?;
                    return Ok(Role::Subscriber { publisher });
                }
                "3" => {
                    let Ipv4(centre) = self.question(&CENTRE, "")?;
                    return Ok(Role::Srst { centre: vec![centre] });
                }
                "4" => {
                    let Ipv4(agent) = self.question(&CALL_AGENT, "")?;
                    return Ok(Role::MediaGateway { call_agents: vec![agent] });
                }
                _ => self.console.say("1, 2, 3, 4\n")?,
            }
        }
    }
}

fn line(console: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    // Nobody types more than that; a broken serial line may.
    if io::Read::take(console, 1024).read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim().to_owned())
}

struct Ipv4(std::net::Ipv4Addr);

impl FromStr for Ipv4 {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        text.parse().map(Self).map_err(|_| Wrong("an IPv4 address is expected"))
    }
}

/// The console itself.
pub struct Terminal(pub io::StdinLock<'static>);

impl io::Read for Terminal {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl BufRead for Terminal {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.0.consume(amount);
    }
}

impl Asks for Terminal {
    fn say(&mut self, words: &str) -> io::Result<()> {
        let mut output = io::stdout().lock();
        output.write_all(words.as_bytes())?;
        output.flush()
    }

    fn echo(&mut self, shown: bool) -> io::Result<()> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let mut settings = tcgetattr(io::stdin())?;
        settings.local_modes.set(LocalModes::ECHO, shown);
        Ok(tcsetattr(io::stdin(), OptionalActions::Now, &settings)?)
    }
}

const WELCOME: Text = Text::new(
    "This appliance is new. Press Enter for what stands in brackets.",
    "この装置は未設定です。角括弧の値でよければ Enter を押してください。",
);
const HOSTNAME: Text = Text::new("Name of this machine", "この装置の名前");
const ADDRESS: Text =
    Text::new("Its address, such as 192.0.2.10/24", "アドレス (例 192.0.2.10/24)");
const GATEWAY: Text = Text::new("Default gateway", "デフォルト ゲートウェイ");
const NAME_SERVER: Text = Text::new("Name server", "ネーム サーバ");
const TIME_ZONE: Text = Text::new("Time zone, such as Asia/Tokyo", "タイム ゾーン (例 Asia/Tokyo)");
const TIME_SERVER: Text = Text::new("Time server", "タイム サーバ");
const ADMINISTRATOR: Text = Text::new("Name of the administrator", "管理者の名前");
const PASSWORD: Text = Text::new("Password", "パスワード");
const AGAIN: Text = Text::new("Password again", "パスワード (再入力)");
const DIFFERENT: Text = Text::new("The two are not the same.", "二つが一致しません。");
const ROLES: Text = Text::new(
    "What is it to be?\n  1 publisher: the first node of a cluster\n  2 subscriber: another node\n  \
     3 SRST gateway: takes over for a branch when the centre is away\n  4 media gateway: relays media only",
    "役割を選んでください。\n  1 パブリッシャ: クラスタの最初のノード\n  2 サブスクライバ: 追加のノード\n  \
     3 SRST ゲートウェイ: センターとの接続が切れた拠点を引き継ぐ\n  4 メディア ゲートウェイ: メディアの中継のみ",
);
const CLUSTER: Text = Text::new("Name of the cluster", "クラスタの名前");
const PUBLISHER: Text = Text::new("Address of the publisher", "パブリッシャのアドレス");
const CENTRE: Text = Text::new("Address of the centre", "センターのアドレス");
const CALL_AGENT: Text = Text::new("Address of the call agent", "コール エージェントのアドレス");
