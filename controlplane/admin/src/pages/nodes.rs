//! Nodes and their services.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use console::{ActivateService, AddNode, ListNodes};
use lang::Text;
use maud::html;
use store::{NodeRole, Service};

use super::layout::{csrf, page};
use super::notice::{Notice, after, back};
use super::{OrPage, Shown, Submitted};
use crate::accounts::permission::Permission;
use crate::site::{Site, Visitor};

pub async fn list(State(site): State<Arc<Site>>, visitor: Visitor) -> Shown {
    let language = visitor.language;
    let nodes = site.ask(&visitor, ListNodes {}).await.or_page(&visitor)?;
    let may = visitor.person.may(Permission::Operate);
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
                                        td {
                                            @if may {
                                                form method="post" action={ "/nodes/" (node.name) "/services" } {
                                                    (csrf(&visitor))
                                                    input type="hidden" name="service" value=(service);
                                                    input type="hidden" name="active" value=(!active);
                                                    button .quiet type="submit" {
                                                        @if active { (DEACTIVATE.get(language)) }
                                                        @else { (ACTIVATE.get(language)) }
                                                        " " (service)
                                                    }
                                                }
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        @if may {
            form .card method="post" action="/nodes" {
                (csrf(&visitor))
                h2 { (ADD.get(language)) }
                div .fields {
                    div {
                        label for="name" { (NAME.get(language)) }
                        input #name name="name" required;
                    }
                    div {
                        label for="address" { (ADDRESS.get(language)) }
                        input #address name="address" required;
                    }
                }
                button type="submit" { (ADD.get(language)) }
            }
        }
    };
    Ok(page(&site, &visitor, "/nodes", TITLE, content))
}

pub async fn add(State(site): State<Arc<Site>>, visitor: Visitor, form: Submitted) -> Response {
    let Some(address) = form.word::<IpAddr>("address") else {
        return back(&site, &visitor, "/nodes", Notice::failed(NO_ADDRESS.get(visitor.language)));
    };
    let name = form.text("name").to_owned();
    let asked = site.ask(&visitor, AddNode { name, address }).await;
    after::<AddNode>(&site, &visitor, "/nodes", asked, |done| done)
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
    let asked = site.ask(&visitor, ActivateService { node, service, active }).await;
    after::<ActivateService>(&site, &visitor, "/nodes", asked, |done| done)
}

const TITLE: Text = Text::new("Nodes and services", "ノードとサービス");
const ACTIVE: Text = Text::new("active", "有効");
const INACTIVE: Text = Text::new("not active", "無効");
const ACTIVATE: Text = Text::new("Activate", "有効にする:");
const DEACTIVATE: Text = Text::new("Deactivate", "無効にする:");
const ADD: Text = Text::new("Add a subscriber", "サブスクライバを追加");
const NAME: Text = Text::new("Host name", "ホスト名");
const ADDRESS: Text = Text::new("Address", "アドレス");
const NO_ADDRESS: Text = Text::new(
    "The address is none: 192.0.2.1, say.",
    "アドレスが正しくありません (例: 192.0.2.1)。",
);
