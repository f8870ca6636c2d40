//! Nodes and their services.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use console::{ActivateService, AddNode, ListNodes};
use lang::Text;
use maud::{Markup, html};
use store::{NodeRole, Service};

use super::form::{Field, Press, card};
use super::layout::page;
use super::notice::{Notice, back, make};
use super::words::{ADDRESS, NO_ADDRESS};
use super::{OrPage, Shown, Submitted};
use crate::accounts::permission::Permission;
use crate::site::{Site, Visitor};

pub async fn list(State(site): State<Arc<Site>>, visitor: Visitor) -> Shown {
    let language = visitor.language;
    let nodes = site.ask(&visitor, ListNodes {}).await.or_page(&visitor)?;
    let content = html! {
        @for node in &nodes {
            section .card {
                h2 { (node.name) " " span .soft { (node.address) " · " (node.role) } }
                div .scroll tabindex="0" {
                    table {
                        tbody {
                            @for service in Service::ALL {
                                // CAPF is on the publisher only.
                                @if *service != Service::Capf || node.role == NodeRole::Publisher {
                                    @let active = node.services.contains(service);
                                    tr {
                                        td { (service) }
                                        td {
                                            @if active { span .mark .good { (ACTIVE.get(language)) } }
                                            @else { span .soft { (INACTIVE.get(language)) } }
                                        }
                                        td { (switch(&node.name, *service, active, &visitor)) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        @if visitor.person.may(Permission::Operate) {
            (card("/nodes", Some(ADD), html! {
                (Field::new("name", NAME, language).text(""))
                (Field::new("address", ADDRESS, language).text(""))
            }, ADD, &visitor))
        }
    };
    Ok(page(&site, &visitor, "/nodes", TITLE, content))
}

/// A button that turns a service on or off.
fn switch(node: &str, service: Service, active: bool, visitor: &Visitor) -> Markup {
    let title = if active { DEACTIVATE } else { ACTIVATE };
    Press::new(
        &format!("/nodes/{node}/services"),
        title.fill(visitor.language, &[("service", &service)]),
    )
    .with("service", service)
    .with("active", !active)
    .show(visitor)
}

pub async fn add(State(site): State<Arc<Site>>, visitor: Visitor, form: Submitted) -> Response {
    let Some(address) = form.word::<IpAddr>("address") else {
        return back(&site, &visitor, "/nodes", Notice::failed(NO_ADDRESS.get(visitor.language)));
    };
    let name = form.text("name").to_owned();
    make(&site, &visitor, "/nodes", AddNode { name, address }).await
}

pub async fn activate(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Path(node): Path<String>,
    form: Submitted,
) -> Response {
    let (Some(service), Some(active)) = (form.word("service"), form.word("active")) else {
        return back(&site, &visitor, "/nodes", Notice::failed(form.text("service")));
    };
    make(&site, &visitor, "/nodes", ActivateService { node, service, active }).await
}

const TITLE: Text = Text::new("Nodes and services", "ノードとサービス");
const ACTIVE: Text = Text::new("active", "有効");
const INACTIVE: Text = Text::new("not active", "無効");
const ACTIVATE: Text = Text::new("Activate {service}", "{service} を有効にする");
const DEACTIVATE: Text = Text::new("Deactivate {service}", "{service} を無効にする");
const ADD: Text = Text::new("Add a subscriber", "サブスクライバを追加");
const NAME: Text = Text::new("Host name", "ホスト名");
