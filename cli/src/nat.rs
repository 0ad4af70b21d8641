//! The way out: an nftables table of its own that masquerades the device's network, and IPv4 forwarding.
//!
//! The table is called `matnet_<device>` and is replaced as a whole, so doing it twice changes nothing. Rules of other tables are
//! left alone: where one drops forwarded packets, it still does.

use std::io::Write as _;
use std::process::{Command, Stdio};

use matnet_stack::Ipv4Cidr;

use crate::Failure;

/// The switch that makes the kernel a router, in the caller's network namespace.
const FORWARD: &str = "/proc/sys/net/ipv4/ip_forward";

/// The table of a device. Names of tables hold letters, digits, `_` and `.`; other characters become their code.
pub fn table(device: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let name: String = device
        .chars()
        .map(|c| if plain(c) { c.to_string() } else { format!("_{:02x}", u32::from(c)) })
        .collect();
    format!("matnet_{name}")
}

/// Lets the network out of every device but its own.
pub fn enable(device: &str, network: Ipv4Cidr) -> Result<(), Failure> {
    let table = table(device);
    let net = format!("{}/{}", network.network(), network.prefix);
    // `add` makes sure that `delete` finds one; all of it is one transaction.
    nft(&format!(
        "add table ip {table}\ndelete table ip {table}\ntable ip {table} {{\n  chain postrouting {{\n    type nat hook \
         postrouting priority srcnat; policy accept;\n    ip saddr {net} oifname != \"{device}\" masquerade\n  }}\n}}\n"
    ))
}

/// Removes the table; no error when it is not there.
pub fn disable(device: &str) -> Result<(), Failure> {
    let table = table(device);
    nft(&format!("add table ip {table}\ndelete table ip {table}\n"))
}

fn nft(script: &str) -> Result<(), Failure> {
    let missing = || Failure::new("nft not found: NAT needs nftables (apt install nftables)");
    // The PATH of a plain `su` has no sbin.
    let mut started = None;
    for program in ["nft", "/usr/sbin/nft", "/sbin/nft"] {
        let mut command = Command::new(program);
        command.args(["-f", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        match command.spawn() {
            Ok(child) => {
                started = Some(child);
                break;
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(Failure::new(format!("{program}: cannot be started: {e}"))),
        }
    }
    let mut child = started.ok_or_else(missing)?;
    if let Some(mut input) = child.stdin.take() {
        // If nft ended early, its own message below says why.
        let _ = input.write_all(script.as_bytes());
    }
    let output = child.wait_with_output().map_err(|e| Failure::new(format!("nft: {e}")))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let first = text.lines().next().unwrap_or("no message");
    Err(Failure::new(format!("nft refused the table for NAT ({first}): check that the kernel has nf_tables")))
}

/// The forwarding switch: what it says.
pub fn forwarding() -> Result<String, Failure> {
    let text = std::fs::read_to_string(FORWARD);
    text.map(|t| t.trim().to_owned()).map_err(|e| Failure::new(format!("{FORWARD}: cannot be read: {e}")))
}

/// Sets the forwarding switch.
pub fn set_forwarding(value: &str) -> Result<(), Failure> {
    std::fs::write(FORWARD, value).map_err(|e| Failure::new(format!("{FORWARD}: cannot be written: {e}")))
}

#[cfg(test)]
mod tests {
    #[test]
    fn tables_have_valid_names() {
        assert_eq!(super::table("matnet0"), "matnet_matnet0");
        assert_eq!(super::table("tap-1.x"), "matnet_tap_2d1.x");
    }
}
