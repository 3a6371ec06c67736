//! Words between `systemctl` and the manager: one line of JSON each way, over a socket that only root can use.

use super::load::Places;
use super::manager::Manager;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

/// What the manager can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Start units.
    Start,
    /// Stop them.
    Stop,
    /// Stop and start them.
    Restart,
}

#[derive(Debug, Serialize, Deserialize)]
struct Request {
    verb: Verb,
    units: Vec<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Reply {
    /// Units that failed, and why.
    failed: Vec<(String, String)>,
}

/// Does what clients ask for, until dropped.
pub async fn serve(listener: UnixListener, manager: Arc<Manager>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(answer(stream, Arc::clone(&manager)));
            }
            Err(problem) => {
                tracing::warn!("the socket of the units: {problem}");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

async fn answer(stream: UnixStream, manager: Arc<Manager>) {
    let mut stream = tokio::io::BufReader::new(stream);
    let mut line = String::new();
    if stream.read_line(&mut line).await.is_err() {
        return;
    }
    let Ok(request) = serde_json::from_str::<Request>(&line) else {
        return;
    };
    if request.verb != Verb::Start {
        for unit in &request.units {
            manager.stop(unit).await;
        }
    }
    let failed = match request.verb {
        Verb::Stop => Vec::new(),
        Verb::Start | Verb::Restart => manager.start(&request.units).await,
    };
    if let Ok(text) = serde_json::to_string(&Reply { failed }) {
        // A client that is gone needs no answer.
        let _ = stream
            .get_mut()
            .write_all(format!("{text}\n").as_bytes())
            .await;
    }
}

/// Asks the manager, and waits until it is done. Gives the units that failed, and why.
///
/// # Errors
/// The manager does not run, or the caller is not root.
pub fn ask(
    places: &Places,
    verb: Verb,
    units: &[String],
) -> std::io::Result<Vec<(String, String)>> {
    let mut stream = std::os::unix::net::UnixStream::connect(places.socket())?;
    let request = serde_json::to_string(&Request {
        verb,
        units: units.to_vec(),
    })?;
    stream.write_all(format!("{request}\n").as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    let reply: Reply = serde_json::from_str(&line)?;
    Ok(reply.failed)
}
