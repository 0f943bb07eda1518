//! What Usher shows to the network: the hooks' front door and the health checks on the public
//! listener, dashboard, metrics and API on the admin listener. axum stays in here.

mod access;
mod answer;
mod api;
mod body;
mod clockface;
mod dashboard;
mod door;
mod dry_run;
mod forges;
mod health;
mod held;
mod history;
mod intake;
mod metrics;
mod names;
mod page;
mod people;
mod problem;
mod serve;
pub mod view;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use http::{HeaderName, HeaderValue, header};
use tower_http::set_header::SetResponseHeaderLayer;

pub use door::{Connections, Door, IntakePatience, Settings};
pub use serve::{ConnectionLimits, serve};

/// Nothing is loaded but the page's own style sheet and icon, nothing is framed, nothing is sent.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The public listener: hooks and health.
pub fn public(door: Arc<Door>) -> Router {
    let routes = Router::new()
        .route("/hooks/{forge}", post(intake::receive))
        // Whoever typed the address may have ended it so.
        .route("/hooks/{forge}/", post(intake::receive))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .fallback(intake::astray);
    guarded(routes.with_state(door))
}

/// The admin listener: dashboard, metrics and API. It shows everything to whoever reaches it by a name
/// of its own.
pub fn admin(door: Arc<Door>) -> Router {
    let routes = Router::new()
        .route("/", get(dashboard::overview))
        .route("/reviews/{id}", get(dashboard::review))
        .route("/people", get(people::people))
        .route("/access", get(access::page))
        .route("/held", get(held::page))
        .route("/dry-run", get(dry_run::page))
        .route("/style.css", get(dashboard::style))
        .route("/icon.svg", get(dashboard::icon))
        .route("/metrics", get(metrics::text))
        .route("/api/v1/reviews", get(api::reviews))
        .route("/api/v1/reviews/{id}", get(api::review))
        .route("/api/v1/held", get(held::json))
        .route("/api/v1/dry-run", get(dry_run::json))
        .route("/api/v1/people", get(api::people));
    let own_only = axum::middleware::from_fn_with_state(door.clone(), names::own_only);
    let routes = routes.fallback(|| async { problem::Problem::not_found("page") });
    guarded(routes.with_state(door)).layer(own_only)
}

/// The headers that every answer carries.
fn guarded(router: Router) -> Router {
    let fixed = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    router
        .layer(fixed(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(fixed(header::REFERRER_POLICY, "no-referrer"))
        .layer(fixed(header::CACHE_CONTROL, "no-store"))
}
