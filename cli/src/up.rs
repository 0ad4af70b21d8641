//! `matnet up`: a TAP device that stays, for a user or group, with the host's address and maybe a way out.
//!
//! Idempotent: what is as asked for is left alone, what is not given is not changed. What was before the first `up` is kept
//! for `down` (see `state`).

use std::net::Ipv4Addr;
use std::os::unix::fs::MetadataExt as _;

use matnet_host::Errno;
use matnet_host::config::Settings;
use matnet_host::link::netdev::{Change, Device, NetDev, Tun};
use matnet_host::link::offload::agree;
use matnet_host::link::{OpenError, TunFile, open};
use matnet_stack::Ipv4Cidr;
use nix::unistd::{Group, User};

use crate::state::{State, Store};
use crate::{Failure, nat, options};

/// Arguments of `matnet up`.
#[derive(clap::Args)]
pub struct Args {
    /// The user who may use the device (name or number); without it only root may.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// The group that may use the device (name or number).
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Let programs out: masquerade their network (nftables) and turn IPv4 forwarding on.
    #[arg(long)]
    nat: bool,
    #[command(flatten)]
    options: options::Device,
}

/// Runs the command.
pub fn main(args: &Args) -> Result<(), Failure> {
    let settings = settings(&args.options.0)?;
    let host = settings.host_address().ok_or_else(|| {
        Failure::with_code(format!("{}: a network of one address has no room for the host", settings.addr), 2)
    })?;
    let uid = args.user.as_deref().map(user_id).transpose()?;
    let gid = args.group.as_deref().map(group_id).transpose()?;
    require_root("up")?;
    let store = Store::open()?;
    let name = settings.tap.as_str();
    let mut state = store.load(name)?;
    let mut netdev = NetDev::open().map_err(netlink)?;
    let before = netdev.device(name).map_err(netlink)?;
    if state.number("device.index") != before.as_ref().map(|d| d.index) {
        // Removed by somebody else since, and maybe made anew.
        state.forget("device.");
    }
    match &before {
        None => create(&mut netdev, &settings, host, uid, gid, &mut state)?,
        Some(device) => {
            let result = adjust(&mut netdev, device, &settings, host, uid, gid, &mut state);
            // What was changed before a failure must be undone as well.
            store.save(name, &state)?;
            result?;
        }
    }
    store.save(name, &state)?;
    if args.nat {
        way_out(&store, &settings, &mut state)?;
    }
    report(&settings, host, args, &state);
    Ok(())
}

/// The settings, with `--gateway ADDR/PREFIX` as a short way to name host address and network at once.
fn settings(options: &options::Options) -> Result<Settings, Failure> {
    let mut options = options.clone();
    if let Some((gateway, prefix)) =
        options.value("MATNET_GATEWAY").as_deref().and_then(|g| g.split_once('/'))
    {
        let wrong = || {
            let line = "expected the host's address, with or without prefix, such as 10.88.45.1/24";
            Failure::with_code(format!("--gateway: \"{gateway}/{prefix}\": {line}"), 2)
        };
        let addr: Ipv4Addr = gateway.parse().map_err(|_| wrong())?;
        let prefix: u8 = prefix.parse().ok().filter(|p| (1..=31).contains(p)).ok_or_else(wrong)?;
        options.set("MATNET_GATEWAY", addr.to_string());
        if options.value("MATNET_ADDR").is_none() {
            // Any other host of the network will do: the device does not depend on it.
            let network = Settings { addr: Ipv4Cidr { addr, prefix }, ..Settings::default() };
            let other = network.resolved_gateway().ok_or_else(wrong)?;
            options.set("MATNET_ADDR", format!("{other}/{prefix}"));
        }
        let settings = options.settings()?;
        return if settings.addr.prefix == prefix { Ok(settings) } else { Err(wrong()) };
    }
    options.settings()
}

/// Only root may do this.
pub fn require_root(command: &str) -> Result<(), Failure> {
    if nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "`matnet {command}` changes network devices: run it as root (sudo matnet {command} ...)"
    )))
}

fn user_id(name: &str) -> Result<u32, Failure> {
    if let Ok(uid) = name.parse() {
        return Ok(uid);
    }
    let found = User::from_name(name).ok().flatten();
    found.map(|u| u.uid.as_raw()).ok_or_else(|| {
        Failure::with_code(format!("--user: \"{name}\": expected the name or number of a user"), 2)
    })
}

fn group_id(name: &str) -> Result<u32, Failure> {
    if let Ok(gid) = name.parse() {
        return Ok(gid);
    }
    let found = Group::from_name(name).ok().flatten();
    found.map(|g| g.gid.as_raw()).ok_or_else(|| {
        Failure::with_code(format!("--group: \"{name}\": expected the name or number of a group"), 2)
    })
}

/// The kernel does not answer.
pub fn netlink(e: Errno) -> Failure {
    Failure::new(format!("cannot ask the kernel about network devices: {e}"))
}

fn refused(e: OpenError) -> Failure {
    Failure::new(e.line)
}

fn step(name: &str, what: &str) -> impl FnOnce(Errno) -> Failure {
    let text = format!("{name}: {what}");
    move |e| Failure::new(format!("{text} ({e}): needs root in the namespace of the device"))
}

/// Opens the device node and attaches to the device, which is created if it does not exist.
pub fn attach(name: &str, before: Option<&Device>) -> Result<TunFile, Failure> {
    let mut file = TunFile::open(name).map_err(|e| refused(open::node_error(e, name)))?;
    agree(&mut file).map_err(|e| refused(open::attach_error(e, name, before)))?;
    Ok(file)
}

fn create(
    netdev: &mut NetDev,
    settings: &Settings,
    host: Ipv4Cidr,
    uid: Option<u32>,
    gid: Option<u32>,
    state: &mut State,
) -> Result<(), Failure> {
    let name = settings.tap.as_str();
    open::check_overlap(netdev, settings, None).map_err(refused)?;
    // Until it is persistent, dropping the file removes the device: a failure leaves nothing behind.
    let mut file = attach(name, None)?;
    let device = netdev.device(name).map_err(netlink)?;
    let device = device
        .ok_or_else(|| Failure::new(format!("{name}: was removed at once by somebody else: try again")))?;
    open::create(netdev, &device, settings).map_err(refused)?;
    if let Some(uid) = uid {
        file.set_owner(uid).map_err(step(name, "the owner cannot be set"))?;
    }
    if let Some(gid) = gid {
        file.set_group(gid).map_err(step(name, "the group cannot be set"))?;
    }
    file.set_persistent(true).map_err(step(name, "the device cannot be made persistent"))?;
    state.set("device.index", device.index);
    state.set("device.created", "yes");
    state.set("device.address", host);
    Ok(())
}

/// Makes an existing device what is asked for.
fn adjust(
    netdev: &mut NetDev,
    device: &Device,
    settings: &Settings,
    host: Ipv4Cidr,
    uid: Option<u32>,
    gid: Option<u32>,
    state: &mut State,
) -> Result<(), Failure> {
    let name = settings.tap.as_str();
    open::check_kind(device).map_err(refused)?;
    let tun = device.tun.unwrap_or(Tun { persistent: true, tap: true, ..Tun::default() });
    if !tun.persistent {
        return Err(Failure::new(format!(
            "{name}: a running program made this device for itself, it goes when the program ends: wait for that, or name \
             another device with --tap"
        )));
    }
    state.set("device.index", device.index);
    set_owners(device, tun, uid, gid, state)?;
    if let Some(mtu) = settings.mtu.map(u32::from).filter(|m| *m != device.mtu) {
        state.remember("device.mtu_before", device.mtu);
        let change = Change { mtu: Some(mtu), ..Change::default() };
        netdev.change(device.index, change).map_err(step(name, "the MTU cannot be set"))?;
    }
    // A device that belongs to a bridge has no addresses of its own.
    if device.master.is_none() {
        set_address(netdev, device, settings, host, state)?;
    }
    if !device.is_up() {
        state.remember("device.up_before", "no");
        let change = Change { up: Some(true), ..Change::default() };
        netdev.change(device.index, change).map_err(step(name, "the device cannot be brought up"))?;
    }
    Ok(())
}

fn set_owners(
    device: &Device,
    tun: Tun,
    uid: Option<u32>,
    gid: Option<u32>,
    state: &mut State,
) -> Result<(), Failure> {
    let name = device.name.as_str();
    let (uid, gid) = (uid.filter(|u| tun.owner != Some(*u)), gid.filter(|g| tun.group != Some(*g)));
    if uid.is_none() && gid.is_none() {
        return Ok(());
    }
    let mut file = attach(name, Some(device))?;
    let text = |id: Option<u32>| id.map_or_else(|| String::from("none"), |n| n.to_string());
    if let Some(uid) = uid {
        state.remember("device.owner_before", text(tun.owner));
        file.set_owner(uid).map_err(step(name, "the owner cannot be set"))?;
    }
    if let Some(gid) = gid {
        state.remember("device.group_before", text(tun.group));
        file.set_group(gid).map_err(step(name, "the group cannot be set"))?;
    }
    Ok(())
}

fn set_address(
    netdev: &mut NetDev,
    device: &Device,
    settings: &Settings,
    host: Ipv4Cidr,
    state: &mut State,
) -> Result<(), Failure> {
    let name = device.name.as_str();
    let present = netdev.addresses().map_err(netlink)?;
    let has = |a: Ipv4Cidr| present.iter().any(|p| p.index == device.index && p.local == a);
    if has(host) {
        return Ok(());
    }
    open::check_overlap(netdev, settings, Some(device.index)).map_err(refused)?;
    let own = state.get("device.address").and_then(parse_cidr);
    if let Some(old) = own.filter(|a| has(*a)) {
        netdev
            .remove_address(device.index, old)
            .map_err(step(name, "the old address cannot be taken away"))?;
    }
    netdev.add_address(device.index, host).map_err(step(name, "the address cannot be set"))?;
    state.set("device.address", host);
    Ok(())
}

/// Reads an address that a state holds.
pub fn parse_cidr(text: &str) -> Option<Ipv4Cidr> {
    let (addr, prefix) = text.split_once('/')?;
    Some(Ipv4Cidr { addr: addr.parse().ok()?, prefix: prefix.parse().ok()? })
}

/// Turns NAT on, remembering what forwarding was.
fn way_out(store: &Store, settings: &Settings, state: &mut State) -> Result<(), Failure> {
    let name = settings.tap.as_str();
    let forwarding = nat::forwarding()?;
    state.remember("nat.forward_before", &forwarding);
    state.set("nat.table", nat::table(name));
    // First what will be done, so that `down` can undo it even if this command is killed.
    store.save(name, state)?;
    nat::enable(name, settings.addr)?;
    if forwarding != "1" {
        nat::set_forwarding("1")?;
    }
    Ok(())
}

fn report(settings: &Settings, host: Ipv4Cidr, args: &Args, state: &State) {
    let name = &settings.tap;
    let mut text = format!("{name}: up, host {host}");
    if let Some(user) = &args.user {
        text.push_str(&format!(", user {user}"));
    }
    if let Some(group) = &args.group {
        text.push_str(&format!(", group {group}"));
    }
    if state.get("nat.table").is_some() {
        text.push_str(", NAT");
    }
    println!("{text}");
    // The kernel's own rule gives everybody the node, since the device's owner decides; some systems narrow it.
    const OTHERS: u32 = 0o006;
    let closed = std::fs::metadata("/dev/net/tun").is_ok_and(|m| m.mode() & OTHERS != OTHERS);
    if closed && (args.user.is_some() || args.group.is_some()) {
        eprintln!("matnet: /dev/net/tun is not open to other users: as root run `chmod 666 /dev/net/tun`");
    }
}
