//! What is counted.

use std::sync::Arc;

use axum::extract::State;
use console::{ListMetrics, ListSamples, MetricView, SampleView, ShowTraffic, TrafficView};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Reply, reply};
use crate::site::{Site, Visitor};

pub fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(samples)).routes(routes!(metrics)).routes(routes!(traffic))
}

/// Phones and calls of this node over the last day, oldest first
#[utoipa::path(get, path = "/samples", tag = "monitoring", responses((status = 200, body = Vec<SampleView>)))]
async fn samples(State(site): State<Arc<Site>>, visitor: Visitor) -> Reply<Vec<SampleView>> {
    reply::<ListSamples>(site.ask(&visitor, ListSamples {}).await)
}

/// What Prometheus is told of this node
#[utoipa::path(get, path = "/metrics", tag = "monitoring", responses((status = 200, body = Vec<MetricView>)))]
async fn metrics(State(site): State<Arc<Site>>, visitor: Visitor) -> Reply<Vec<MetricView>> {
    reply::<ListMetrics>(site.ask(&visitor, ListMetrics {}).await)
}

/// Packets of the relay on this machine
#[utoipa::path(get, path = "/traffic", tag = "monitoring", responses((status = 200, body = TrafficView)))]
async fn traffic(State(site): State<Arc<Site>>, visitor: Visitor) -> Reply<TrafficView> {
    reply::<ShowTraffic>(site.ask(&visitor, ShowTraffic {}).await)
}
