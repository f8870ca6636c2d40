//! `ringfence ctl wizard`: the guide's steps, asked one by one.

use cluster::list::ListFault;
use lang::{Say, Text};
use store::SecurityMode;

use super::edit;
use super::session::Session;
use super::sign::Signing;
use crate::failure::{Failure, Result};
use crate::token_home::TokenHome;
use crate::{Outcome, ask};

pub fn run(session: &Session<'_>, home: &TokenHome) -> Result {
    let language = session.style.language;
    loop {
        println!("\n{}", MENU.say(language));
        let signing = Signing::default();
        let ended = match ask::line(&CHOICE.say(language), "a command instead", language)?.as_str()
        {
            "1" => edit::create(session, home, SecurityMode::Mixed, &signing),
            "2" => edit::create(session, home, SecurityMode::NonSecure, &signing),
            "3" => update(session, home, &signing),
            "4" => edit::set_mode(session, home, SecurityMode::Mixed, &signing),
            "5" => edit::set_mode(session, home, SecurityMode::NonSecure, &signing),
            "6" => super::status::run(session),
            "" | "0" => return Ok(Outcome::Done),
            _ => continue,
        };
        // Here a mistake is no end: what was entered is kept.
        if let Err(failure) = ended {
            eprintln!("ringfence: {failure}");
        }
    }
}

/// Adds and deletes until there is nothing more to do, then signs.
fn update(session: &Session<'_>, home: &TokenHome, signing: &Signing) -> Result {
    let language = session.style.language;
    edit::change(session, home, signing, |editor| {
        loop {
            println!("\n{}", UPDATE_MENU.say(language));
            let choice = ask::line(&CHOICE.say(language), "a command instead", language)?;
            let done = match choice.as_str() {
                "1" => {
                    let typed = ask::line(&TOKEN.say(language), "a command instead", language)?;
                    pki::token::Location::parse(&typed)
                        .map_err(Failure::usage)
                        .and_then(|location| editor.add_token(home, &location))
                }
                "2" => {
                    let entry = ask::line(&ENTRY.say(language), "a command instead", language)?;
                    if entry.is_empty() {
                        Err(Failure::explained(&ListFault::NothingSelected, language))
                    } else if editor.may_delete(&entry)? {
                        editor.delete(&entry)
                    } else {
                        Ok(())
                    }
                }
                "" | "0" => return Ok(()),
                _ => continue,
            };
            if let Err(failure) = done {
                eprintln!("ringfence: {failure}");
            }
        }
    })
}

const MENU: Text = Text::new(
    "1  Set the cluster to Mixed mode: create the CTL file\n\
     2  Create the CTL file for Non-Secure mode\n\
     3  Update the CTL file\n\
     4  Change to Mixed mode\n\
     5  Change to Non-Secure mode\n\
     6  Show how things stand\n\
     0  End",
    "1  クラスタを混合モードにする: CTL ファイルを作成する\n\
     2  ノンセキュアモードの CTL ファイルを作成する\n\
     3  CTL ファイルを更新する\n\
     4  混合モードに変更する\n\
     5  ノンセキュアモードに変更する\n\
     6  現在の状態を表示する\n\
     0  終了",
);
const UPDATE_MENU: Text = Text::new(
    "1  Add a security token\n2  Delete an entry\n0  Sign and write",
    "1  セキュリティトークンを追加する\n2  項目を削除する\n0  署名して書き込む",
);
const CHOICE: Text = Text::new("Choice", "選択");
const TOKEN: Text = Text::new(
    "The new token, a file or PKCS#11 URI",
    "新しいトークン (ファイルまたは PKCS#11 URI)",
);
const ENTRY: Text = Text::new(
    "The entry: its number, server or serial number",
    "項目 (番号、サーバ、またはシリアル番号)",
);
