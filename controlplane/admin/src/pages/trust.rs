//! The CTL file: what is in it, who signed it, what was before, and why it has to be updated.

pub mod sign;

use std::sync::Arc;

use axum::extract::State;
use console::{ShowTrustList, TrustFileView};
use lang::{Language, Text};
use maud::{Markup, html};
use store::SecurityMode;

use super::layout::page;
use super::table::list as table_of;
use super::{OrPage, Shown};
use crate::accounts::permission::Permission;
use crate::site::{Site, Visitor};

pub async fn show(State(site): State<Arc<Site>>, visitor: Visitor) -> Shown {
    let language = visitor.language;
    let list = site.ask(&visitor, ShowTrustList {}).await.or_page(&visitor)?;
    let mode = list.file.as_ref().and_then(|file| SecurityMode::from_number(file.security_mode));
    let content = html! {
        @for alarm in &list.alarms { div .notice .warn role="alert" { p { (alarm) } } }
        @match &list.file {
            Some(file) => (entries(file, language)),
            None => div .card { p { (NO_FILE.get(language)) } },
        }
        @if visitor.person.may(Permission::Operate) {
            (sign::wizard(list.file.is_some(), mode, &visitor))
        }
        section .card {
            h2 { (CHANGE.get(language)) }
            p { (CLIENT.get(language)) }
            pre tabindex="0" { code { "ringfence ctl wizard\nringfence ctl update --dry-run --token one.token" } }
        }
        (table_of(Some(VERSIONS), &[], &list.versions, |version| html! {
            tr {
                td { (version.number) }
                td .soft { (version.at) }
                td { (version.made_by) }
                td {
                    @if version.signer.is_empty() { (WITHDRAWN.get(language)) }
                    @else { (version.signer) }
                }
                td .mono { (version.sha256) }
            }
        }, language))
    };
    Ok(page(&site, &visitor, "/trust-list", TITLE, content))
}

fn entries(file: &TrustFileView, language: Language) -> Markup {
    html! {
        section .card {
            dl .facts {
                dt { (SIGNER.get(language)) } dd { (file.signer) " · " code { (file.signer_serial) } }
                dt { "MD5" } dd .mono { (file.md5) }
            }
        }
        (table_of(Some(ENTRIES), &COLUMNS, &file.entries, |entry| html! {
            tr {
                td { (entry.function) }
                td { (entry.name) }
                td { (entry.subject) }
                td { (entry.issuer) }
                td .mono { (entry.serial) }
            }
        }, language))
    }
}

const TITLE: Text = Text::new("CTL file", "CTL ファイル");
const NO_FILE: Text = Text::new("There is no CTL file yet.", "CTL ファイルはまだありません。");
const CHANGE: Text = Text::new("With hardware tokens", "ハードウェアトークンを使用する場合");
const CLIENT: Text = Text::new(
    "Security tokens sign it where they are: with the CTL client on your own computer. It asks step by step, and tells before it writes which phones would refuse the new file.",
    "CTL ファイルにはセキュリティトークンで署名します。トークンを接続したコンピュータで CTL クライアントを実行してください。手順を順に案内し、書き込み前に、新しいファイルを拒否する電話機を表示します。",
);
const SIGNER: Text = Text::new("Signed by", "署名者");
const ENTRIES: Text = Text::new("Entries", "エントリ");
const VERSIONS: Text = Text::new("Versions", "バージョン履歴");
const WITHDRAWN: Text = Text::new("withdrawn", "取り下げ");
const COLUMNS: [Text; 5] = [
    Text::new("Function", "機能"),
    Text::new("Server", "サーバ"),
    Text::new("Subject", "サブジェクト"),
    Text::new("Issuer", "発行者"),
    Text::new("Serial number", "シリアル番号"),
];
