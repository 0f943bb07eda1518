//! Two servers on one file, and commands beside a server.

use std::process::{Child, Command, Stdio};

use usher::store::{OutboxState, Store};
use usher_sandbox::{Fault, Forge};

use super::harness::{Settings, key};
use super::server::{Server, free_addresses, until, usher};

/// A second server on the same store, with listeners of its own.
fn second(server: &Server) -> (Command, String) {
    let listen = free_addresses();
    let path = server.folder.path().join("second.toml");
    std::fs::write(&path, server.text(&Settings { listen, ..server.settings.clone() })).unwrap();
    let mut command = usher(&path);
    command.arg("serve").stdout(Stdio::null()).stderr(Stdio::piped());
    (command, format!("http://{}/healthz", listen[0]))
}

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_is_refused_before_it_takes_anything_over() {
    let server = Server::started(Settings::default()).await;
    server.sandbox.fail_next(
        Forge::Gitlab,
        "POST",
        "/notes",
        Fault::Delay(std::time::Duration::from_secs(15)),
        1,
    );
    let change = server.open(Forge::Gitlab, "sam");
    assert_eq!(server.deliver().await, [Some(202)]);
    let leased = async || {
        let rows = server.store().await.outbox_list(9).await.unwrap();
        rows.iter().any(|row| row.kind == "status" && matches!(row.state, OutboxState::Leased { .. }))
    };
    until("the comment is under way", leased).await;
    let (mut command, _) = second(&server);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("in use by process {}", server.id())), "{said}");
    server.at_rest().await;
    server.assert_one_status_comment(&change);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_started_while_the_other_one_stops_takes_over() {
    let mut server = Server::started(Settings::default()).await;
    let change = server.open(Forge::Gitlab, "sam");
    server.at_rest().await;
    let (mut command, alive) = second(&server);
    let _second = Running(command.stderr(Stdio::null()).spawn().unwrap());
    assert_eq!(server.stop().await, Some(0));
    until("the second one is alive", async || server.http.get(&alive).send().await.is_ok()).await;
    assert_eq!(server.store().await.load(&key(&change)).await.unwrap().unwrap().review.change, key(&change));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_beside_the_running_server_is_a_store_that_goes_on() {
    let server = Server::started(Settings::default()).await;
    let change = server.open(Forge::Gitlab, "sam");
    server.at_rest().await;
    let file = server.folder.path().join("copy.db");
    let name = file.display().to_string();
    let said = server.run(&["backup", &name]).await.good();
    assert!(said.starts_with(&name) && said.contains("KiB"), "{said}");
    let again = server.run(&["backup", &name]).await;
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.err.contains("there is a file of this name"), "{again:?}");
    let copy = Store::open(&format!("sqlite:{name}")).await.unwrap();
    assert!(copy.is_tracked(&key(&change), None).await.unwrap());
    assert_eq!(copy.counts().await.unwrap(), server.store().await.counts().await.unwrap());
}
