//! Carries TCP connections from a listener in some namespace to the AWS endpoint in the machine's own.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// Pause after a failed accept (no file descriptors left).
const BREATH: Duration = Duration::from_millis(100);

/// Carries connections until the future is dropped.
pub(crate) async fn forward(listener: TcpListener, target: SocketAddr) {
    let mut carried = tokio::task::JoinSet::new();
    loop {
        while carried.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((client, _)) => carried.spawn(carry(client, target)),
            Err(_) => {
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
    }
}

/// Copies both ways. A side that goes away is its partner's affair.
async fn carry(mut client: TcpStream, target: SocketAddr) {
    match TcpStream::connect(target).await {
        Ok(mut server) => {
            let ended = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            if let Err(problem) = ended {
                tracing::debug!("forwarding to {target}: {problem}");
            }
        }
        Err(problem) => tracing::debug!("forwarding to {target}: {problem}"),
    }
}
