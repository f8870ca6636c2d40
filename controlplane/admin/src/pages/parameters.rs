//! Enterprise and service parameters, each with its help.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use console::{ListNodes, ListParameters, ParameterView, SetParameter};
use lang::Text;
use maud::{Markup, html};
use serde::Deserialize;

use super::form::{Search, has, words};
use super::layout::{csrf, page};
use super::notice::{action_words, make};
use super::words::SAVE;
use super::{OrPage, Shown, Submitted, escaped};
use crate::accounts::permission::Permission;
use crate::site::{Site, Visitor};

/// Whose, and which.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    node: String,
    find: String,
}

pub async fn list(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Query(wanted): Query<Wanted>,
) -> Shown {
    let language = visitor.language;
    let node = Some(wanted.node.clone()).filter(|node| !node.is_empty());
    let nodes = site.ask(&visitor, ListNodes {}).await.or_page(&visitor)?;
    let names: Vec<_> = nodes.into_iter().map(|node| node.name).collect();
    let asked = site.ask(&visitor, ListParameters { node: node.clone() }).await;
    let parameters = asked.or_page(&visitor)?;
    let mut groups: BTreeMap<String, Vec<&ParameterView>> = BTreeMap::new();
    for parameter in &parameters {
        if has([&*parameter.name, &parameter.title, &parameter.help], &wanted.find) {
            let group = parameter.name.split('.').next().unwrap_or_default();
            groups.entry(group.to_owned()).or_default().push(parameter);
        }
    }
    let search = Search::new("/parameters", FIND, &wanted.find)
        .by("node", WHOSE, &wanted.node, words(&names))
        .any(CLUSTER);
    let content = html! {
        (search.show(language))
        @for (group, parameters) in &groups {
            details open {
                summary { (group) }
                @for parameter in parameters { (one(parameter, &wanted, &visitor)) }
            }
        }
    };
    Ok(page(&site, &visitor, "/parameters", TITLE, content))
}

fn one(parameter: &ParameterView, wanted: &Wanted, visitor: &Visitor) -> Markup {
    let language = visitor.language;
    let needs: Vec<_> =
        parameter.needs.iter().map(|action| action_words(action, language)).collect();
    let choices: Vec<_> = parameter.range.split(" | ").collect();
    let id = parameter.name.replace('.', "-");
    html! {
        form .card method="post" action="/parameters" id={ "p-" (id) } {
            (csrf(visitor))
            input type="hidden" name="parameter" value=(parameter.name);
            input type="hidden" name="node" value=(wanted.node);
            label for=(id) { (parameter.title) " " code .soft { (parameter.name) } }
            @if choices.len() > 1 {
                select id=(id) name="value" aria-describedby={ (id) "-help" } {
                    @for choice in &choices {
                        option value=(choice) selected[*choice == parameter.value] { (choice) }
                    }
                }
            } @else {
                input id=(id) name="value" value=(parameter.value) aria-describedby={ (id) "-help" };
            }
            p .help id={ (id) "-help" } {
                (parameter.help) " "
                (RANGE.fill(language, &[("range", &parameter.range)])) " "
                (DEFAULT.fill(language, &[("default", &parameter.default)])) " "
                @if !needs.is_empty() { (NEEDS.fill(language, &[("needs", &needs.join(", "))])) }
            }
            @if visitor.person.may(Permission::Operate) {
                button .quiet type="submit" { (SAVE.get(language)) }
            }
        }
    }
}

pub async fn set(State(site): State<Arc<Site>>, visitor: Visitor, form: Submitted) -> Response {
    let node = form.filled("node");
    let name = form.text("parameter").to_owned();
    let whose = escaped(node.as_deref().unwrap_or_default());
    let place = format!("/parameters?node={whose}#p-{}", escaped(&name.replace('.', "-")));
    let request = SetParameter { node, name, value: Some(form.text("value").to_owned()) };
    make(&site, &visitor, &place, request).await
}

const TITLE: Text = Text::new("Parameters", "パラメータ");
const FIND: Text = Text::new("Name or help", "名前または説明");
const WHOSE: Text = Text::new("In force for", "適用対象");
const CLUSTER: Text = Text::new("the cluster", "クラスタ");
const RANGE: Text = Text::new("Range: {range}.", "範囲: {range}。");
const DEFAULT: Text = Text::new("Default: {default}.", "デフォルト: {default}。");
const NEEDS: Text = Text::new("After a change: {needs}.", "変更後: {needs}。");
