//! The address that answers: is it alive, is it ready, what has it counted.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::health::Condition;
use crate::intake::Intake;

/// How long the ledger may take to answer for the service to count as alive.
const LEDGER: Duration = Duration::from_secs(10);

/// What answers are made from.
#[derive(Clone)]
pub struct Answers {
    /// The intake, with everything that it knows.
    pub intake: Arc<Intake>,
}

/// Starts to answer. Returns the address, of which the port is the system's choice where 0 was asked for.
///
/// # Errors
///
/// Fails when the address cannot be listened on.
pub async fn listen(address: SocketAddr, answers: Answers) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let router = Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(answers);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(bound)
}

/// Alive: the ledger can be read. Whoever restarts what is not alive would only make worse what else is wrong.
async fn healthz(State(answers): State<Answers>) -> impl IntoResponse {
    match timeout(LEDGER, answers.intake.ledger().open_gaps()).await {
        Ok(Ok(_)) => (StatusCode::OK, "ok\n".to_owned()),
        Ok(Err(error)) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the ledger does not answer\n".to_owned()),
    }
}

/// Ready: nothing is wrong that keeps events from being judged and findings from being written down.
async fn readyz(State(answers): State<Answers>) -> impl IntoResponse {
    let wrong = answers.intake.health().wrong();
    let ready = !wrong.iter().any(|(condition, ..)| matches!(condition, Condition::DiskFull | Condition::SourceStuck));
    let mut text = if ready { "ready\n".to_owned() } else { "not ready\n".to_owned() };
    for (condition, subject, detail) in wrong {
        text += &crate::escape::terminal(&format!("{} {subject}: {detail}", condition.id()));
        text.push('\n');
    }
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, text)
}

async fn metrics(State(answers): State<Answers>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, kind)], answers.intake.metrics().text())
}
