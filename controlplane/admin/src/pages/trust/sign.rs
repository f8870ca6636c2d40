//! Creating and changing the CTL file with tokens that are files.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use base64ct::{Base64, Encoding};
use console::{MakeSecurityToken, Secret, SignTrustList, TrustListSigned};
use lang::{Language, Text};
use maud::{Markup, html};
use store::SecurityMode;

use super::super::form::Field;
use super::super::layout::csrf;
use super::super::notice::{Notice, action_words, back};
use super::super::{Submitted, told};
use crate::site::{Site, Visitor};

const PLACE: &str = "/trust-list";
/// Tokens that can be handed in at once.
const TOKENS: [&str; 2] = ["token-1", "token-2"];

/// The steps, each a form. `exists`: there is a CTL file.
pub fn wizard(exists: bool, mode: Option<SecurityMode>, visitor: &Visitor) -> Markup {
    let language = visitor.language;
    let secret = |name: &str, title: Text, autocomplete: &str| {
        html! {
            div {
                label for=(name) { (title.get(language)) }
                input id=(name) name=(name) type="password" required autocomplete=(autocomplete);
            }
        }
    };
    html! {
        form .card #tokens method="post" action="/trust-list/tokens" {
            (csrf(visitor))
            h2 { (MAKE.get(language)) }
            p { (MAKE_HELP.get(language)) }
            div .fields {
                (Field::new("label", LABEL, language).help(LABEL_HELP).text(""))
                (secret("new-password", TOKEN_PASSWORD, "new-password"))
            }
            button type="submit" { (DOWNLOAD.get(language)) }
        }
        form .card #sign method="post" action=(PLACE) data-confirm=(SURE.get(language)) {
            (csrf(visitor))
            h2 { (if exists { UPDATE } else { CREATE }.get(language)) }
            p { (if exists { UPDATE_HELP } else { CREATE_HELP }.get(language)) }
            div .fields {
                @for (number, name) in TOKENS.into_iter().enumerate() {
                    (token(name, number + 1, exists, language))
                }
                (secret("token-password", TOKEN_PASSWORD, "off"))
                (secret("password", OWN_PASSWORD, "current-password"))
                (modes(mode, language))
            }
            label .box {
                input type="checkbox" name="strand_phones";
                (STRAND.get(language))
            }
            label .box {
                input type="checkbox" name="dry_run";
                (DRY_RUN.get(language))
            }
            button type="submit" { (SIGN.get(language)) }
        }
    }
}

/// A token file: chosen, or its base 64 pasted where no script runs.
fn token(name: &str, number: usize, exists: bool, language: Language) -> Markup {
    let title = TOKEN.fill(language, &[("number", &number)]);
    // The last one signs; more than one is needed for a new file only.
    let required = !exists || number == TOKENS.len();
    html! {
        div {
            label for=(name) { (title) }
            input id={ (name) "-file" } type="file" data-into=(name) data-as="base64"
                aria-label=(title) accept=".token";
            input id=(name) name=(name) required[required] autocomplete="off" spellcheck="false"
                aria-describedby={ (name) "-help" };
            p .help id={ (name) "-help" } {
                (if number == TOKENS.len() { SIGNS } else { OTHER }.get(language))
            }
        }
    }
}

fn modes(mode: Option<SecurityMode>, language: Language) -> Markup {
    let choices = [("mixed", MIXED), ("non-secure", NON_SECURE)];
    let choices = choices.map(|(word, text)| (word.to_owned(), text.get(language).to_owned()));
    let chosen = match mode {
        Some(SecurityMode::NonSecure) => "non-secure",
        Some(SecurityMode::Mixed) | None => "mixed",
    };
    Field::new("mode", MODE, language).help(MODE_HELP).choice(chosen, &choices)
}

/// Makes a token and sends it as a file.
pub async fn make(State(site): State<Arc<Site>>, visitor: Visitor, form: Submitted) -> Response {
    let label = form.text("label").to_owned();
    let password = Secret::new(form.raw("new-password"));
    let asked = site.ask(&visitor, MakeSecurityToken { label: label.clone(), password }).await;
    let made = match asked {
        Ok(made) => made,
        Err(fault) => {
            return back(&site, &visitor, PLACE, Notice::failed(told(fault, visitor.language)));
        }
    };
    let content = Base64::decode_vec(made.file.expose()).expect("the desk encoded it");
    // A label has letters, digits, `-` and `_`.
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{label}.token\""));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (CONTENT_DISPOSITION, disposition.expect("the label is plain")),
    ];
    (headers, content).into_response()
}

/// Signs, and tells what came of it.
pub async fn sign(State(site): State<Arc<Site>>, visitor: Visitor, form: Submitted) -> Response {
    let language = visitor.language;
    let request = SignTrustList {
        user: visitor.person.name.clone(),
        password: Secret::new(form.raw("password")),
        mode: match form.text("mode") {
            "mixed" => Some(SecurityMode::Mixed),
            "non-secure" => Some(SecurityMode::NonSecure),
            _ => None,
        },
        tokens: TOKENS.iter().filter_map(|name| form.filled(name)).map(Secret::new).collect(),
        token_password: Secret::new(form.raw("token-password")),
        strand_phones: form.ticked("strand_phones"),
        dry_run: form.ticked("dry_run"),
    };
    let notice = match site.ask(&visitor, request).await {
        Ok(signed) => notice(signed, language),
        Err(fault) => Notice::failed(told(fault, language)),
    };
    back(&site, &visitor, PLACE, notice)
}

fn notice(signed: TrustListSigned, language: Language) -> Notice {
    let TrustListSigned { complete, servers, refusing, done } = signed;
    let servers = servers.into_iter().map(|it| {
        let state = it.problem.unwrap_or_else(|| "✓".to_owned());
        format!("{} {}: {state}", it.server, it.path.unwrap_or_default())
    });
    let actions = done.actions.iter().map(|action| action_words(action, language));
    let lines = done.notes.iter().cloned().chain(refusing).chain(servers).chain(actions).collect();
    Notice { ok: complete, lines, secret: None }
}

const MAKE: Text = Text::new("Make a security token", "セキュリティトークンの作成");
const MAKE_HELP: Text = Text::new(
    "A token of this kind is an encrypted file. Make at least two, keep them apart and off this server: whoever loses all of them has to erase every phone by hand. Hardware tokens are used with the CTL client on your own computer: ringfence ctl wizard.",
    "このトークンは暗号化されたファイルです。2 つ以上作成し、このサーバ以外の別々の場所に保管してください。すべて失うと、全電話機を手動で消去しなければなりません。ハードウェアトークンは、お使いのコンピュータの CTL クライアント (ringfence ctl wizard) で使用します。",
);
const LABEL: Text = Text::new("Name of the token", "トークンの名前");
const LABEL_HELP: Text = Text::new("Letters, digits, - and _.", "英数字、- 、_ のみ。");
const TOKEN_PASSWORD: Text = Text::new("Password of the token", "トークンのパスワード");
const DOWNLOAD: Text = Text::new("Make it and download it", "作成してダウンロード");
const CREATE: Text = Text::new("Create the CTL file", "CTL ファイルの作成");
const CREATE_HELP: Text = Text::new(
    "Two tokens are named in the file; the second one signs it. The files are read for this moment and not kept.",
    "2 つのトークンがファイルに登録され、2 つ目のトークンで署名されます。トークンのファイルはサーバに保存されません。",
);
const UPDATE: Text = Text::new("Update the CTL file", "CTL ファイルの更新");
const UPDATE_HELP: Text = Text::new(
    "A token that the file names signs it. Another one can be added. The files are read for this moment and not kept.",
    "登録済みのトークンで署名します。別のトークンを追加することもできます。トークンのファイルはサーバに保存されません。",
);
const TOKEN: Text = Text::new("Token {number}", "トークン {number}");
const SIGNS: Text = Text::new("This one signs.", "このトークンで署名します。");
const OTHER: Text = Text::new("This one is named in the file.", "ファイルに登録されます。");
const OWN_PASSWORD: Text = Text::new("Your own password", "あなたのパスワード");
const MODE: Text = Text::new("Cluster security mode", "クラスタセキュリティモード");
const MODE_HELP: Text = Text::new(
    "Mixed: secure and non-secure phones side by side. Afterwards restart CallManager and TFTP, and reset all phones.",
    "混合: セキュアな電話機とノンセキュアな電話機が共存します。変更後は CallManager と TFTP を再起動し、全電話機をリセットしてください。",
);
const MIXED: Text = Text::new("mixed", "混合");
const NON_SECURE: Text = Text::new("non-secure", "ノンセキュア");
const STRAND: Text = Text::new(
    "Go on though phones would refuse the new file: they will be erased by hand",
    "新しいファイルを拒否する電話機があっても続行する (手動で消去します)",
);
const DRY_RUN: Text = Text::new("Only tell what would come of it", "結果の予測のみ (変更しない)");
const SIGN: Text = Text::new("Sign and write", "署名して書き込む");
const SURE: Text = Text::new(
    "Sign the CTL file and write it to all servers?",
    "CTL ファイルに署名し、全サーバに書き込みますか?",
);
