//! Handshakes by OpenSSL's own programs, with the same keys and the same suite.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::site::Site;

/// At security level 0 OpenSSL does what phones do.
const SUITE: &str = "AES128-SHA:@SECLEVEL=0";
const SECONDS: u64 = 4;
const PATIENCE: Duration = Duration::from_secs(10);

/// How many there are in a second, while client and server share all processors.
pub(super) fn per_second(site: &Site) -> Result<f64> {
    let _server = Server::start(site)?;
    let output = Command::new("openssl")
        .args(["s_time", "-new", "-tls1", "-cipher", SUITE, "-time", &SECONDS.to_string()])
        .arg("-connect")
        .arg(address(site)?)
        .arg("-cert")
        .arg(site.file("phone.pem"))
        .stdin(Stdio::null())
        .output()
        .context("cannot run openssl s_time")?;
    let said = String::from_utf8_lossy(&output.stdout);
    // "1234 connections in 5 real seconds, 0 bytes read per connection", after the same by the
    // processor time of the client alone.
    let line = said.lines().find(|line| line.contains("real seconds"));
    let words: Vec<_> = line.unwrap_or_default().split(' ').collect();
    let number = |place: usize| words.get(place)?.parse::<f64>().ok();
    let (made, seconds) = number(0).zip(number(3)).with_context(|| {
        format!("openssl s_time says {said:?} {:?}", String::from_utf8_lossy(&output.stderr))
    })?;
    ensure!(made > 0.0, "openssl made no handshake: {said}");
    Ok(made / seconds)
}

/// Beside the server's own ports.
fn address(site: &Site) -> Result<String> {
    let port = site.secure().port().checked_add(1).context("no port is free")?;
    Ok(format!("{}:{port}", site.secure().ip()))
}

struct Server(Child);

impl Server {
    fn start(site: &Site) -> Result<Self> {
        let address = address(site)?;
        let mut command = Command::new("openssl");
        command.args(["s_server", "-quiet", "-tls1", "-cipher", SUITE, "-Verify", "2"]);
        command.args(["-accept", &address, "-CAfile"]).arg(site.file("authority.pem"));
        let of_node = |file| site.file("keys").join(file);
        command.arg("-cert").arg(of_node(pki::node::CERTIFICATE_FILE));
        command.arg("-key").arg(of_node(pki::node::KEY_FILE));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let server = Self(command.spawn().context("cannot run openssl s_server")?);
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(&address).is_err() {
            ensure!(Instant::now() < deadline, "openssl s_server does not listen on {address}");
            thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
