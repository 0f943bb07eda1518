//! A forge that cannot be reached does not keep Usher from starting, nor from taking deliveries.

use usher_sandbox::Forge;

use super::harness::{Settings, name};
use super::server::{Server, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreachable_forge_at_start_stops_nobody_and_heals_by_itself() {
    tokio::join!(without(Forge::Gitlab), without(Forge::Github));
}

async fn without(forge: Forge) {
    let mut server = Server::planned(Settings::default()).await;
    server.sandbox.stop_listening(forge).await;
    server.start().await;
    let other = if forge == Forge::Gitlab { Forge::Github } else { Forge::Gitlab };
    let health = async |forge: Forge| {
        let ready = server.ready().await;
        let forges = ready["forges"].as_array().unwrap().clone();
        forges.into_iter().find(|one| one["name"] == name(forge)).unwrap()
    };
    until("the fault is seen", async || health(forge).await["fault"].is_string()).await;
    until("the other forge is well", async || health(other).await["sweep_age_seconds"].is_number()).await;
    assert_eq!(health(other).await["fault"], serde_json::Value::Null);
    for page in ["/healthz", "/readyz"] {
        assert_eq!(server.http.get(server.public(page)).send().await.unwrap().status(), 200, "{page}");
    }
    assert!(server.log().contains("reading the roster failed"), "the log says so");

    let change = server.open(forge, "sam");
    assert_eq!(server.deliver().await, [Some(202)], "deliveries are taken meanwhile");
    let stranger = server.open(forge, "dora");
    assert_eq!(server.deliver().await, [Some(202)], "who is who is not known, so it may be relevant");
    let there = server.open(other, "sam");
    server.flowing_until("the other forge is served", async || !server.reviewers(&there).is_empty()).await;

    server.sandbox.resume(forge).await.unwrap();
    server.flowing_until("the change has its reviewer", async || !server.reviewers(&change).is_empty()).await;
    server.at_rest().await;
    server.assert_one_status_comment(&change);
    assert_eq!(health(forge).await["fault"], serde_json::Value::Null);
    assert!(server.reviewers(&stranger).is_empty() && server.comments(&stranger).is_empty());
    assert_eq!(server.stop().await, Some(0), "it ends in order");
}
