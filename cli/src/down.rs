//! `matnet down`: puts back what `up` changed, and nothing else.

use matnet_host::link::netdev::{Change, Device, NetDev};

use crate::state::{State, Store};
use crate::up::{attach, netlink, parse_cidr, require_root};
use crate::{Failure, nat, options};

/// Arguments of `matnet down`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    options: options::Name,
}

/// Runs the command.
pub fn main(args: &Args) -> Result<(), Failure> {
    let settings = args.options.0.settings()?;
    let name = settings.tap.as_str();
    require_root("down")?;
    let store = Store::open()?;
    let mut state = store.load(name)?;
    if state.is_empty() {
        println!("{name}: nothing to undo");
        return Ok(());
    }
    close_way_out(&store, name, &mut state)?;
    store.save(name, &state)?;
    let mut netdev = NetDev::open().map_err(netlink)?;
    let device = netdev.device(name).map_err(netlink)?;
    if let Some(device) = device.filter(|d| state.number("device.index") == Some(d.index)) {
        if state.is("device.created") {
            netdev
                .delete(device.index)
                .map_err(|e| Failure::new(format!("{name}: cannot be removed: {e}")))?;
        } else {
            restore(&mut netdev, &device, &state)?;
        }
    }
    store.save(name, &State::default())?;
    println!("{name}: down");
    Ok(())
}

/// Removes the table and puts forwarding back, unless another device of ours still needs it.
fn close_way_out(store: &Store, name: &str, state: &mut State) -> Result<(), Failure> {
    if state.get("nat.table").is_none() {
        return Ok(());
    }
    nat::disable(name)?;
    let before = state.get("nat.forward_before").unwrap_or("1").to_owned();
    if before != "1" {
        let mut heir = None;
        for other in store.others(name) {
            let theirs = store.load(&other)?;
            if theirs.get("nat.table").is_some() {
                heir = Some((other, theirs));
            }
        }
        match heir {
            // It found forwarding on, by our doing; now it is the one to turn it off.
            Some((other, mut theirs)) => {
                theirs.set("nat.forward_before", &before);
                store.save(&other, &theirs)?;
            }
            // Somebody who changed it since knows better.
            None if nat::forwarding()? == "1" => nat::set_forwarding(&before)?,
            None => {}
        }
    }
    state.forget("nat.");
    Ok(())
}

/// A device that was there before `up` gets back what it had.
fn restore(netdev: &mut NetDev, device: &Device, state: &State) -> Result<(), Failure> {
    let name = device.name.as_str();
    let fail = |what: &'static str| move |e| Failure::new(format!("{name}: {what} cannot be put back: {e}"));
    let (owner, group) = (state.get("device.owner_before"), state.get("device.group_before"));
    if owner.is_some() || group.is_some() {
        let mut file = attach(name, Some(device))?;
        if let Some(owner) = owner {
            let uid = owner.parse().unwrap_or(u32::MAX);
            // Older kernels cannot take an owner away; root's device is nobody else's.
            file.set_owner(uid).or_else(|_| file.set_owner(0)).map_err(fail("the owner"))?;
        }
        if let Some(group) = group {
            let gid = group.parse().unwrap_or(u32::MAX);
            file.set_group(gid).or_else(|_| file.set_group(0)).map_err(fail("the group"))?;
        }
    }
    if let Some(address) = state.get("device.address").and_then(parse_cidr) {
        match netdev.remove_address(device.index, address) {
            Err(e) if e.0 != ADDRESS_GONE => return Err(fail("the address")(e)),
            _ => {}
        }
    }
    let change = Change {
        up: (state.get("device.up_before") == Some("no")).then_some(false),
        mtu: state.number("device.mtu_before"),
        tx_queue_len: None,
    };
    netdev.change(device.index, change).map_err(fail("MTU and state"))
}

/// EADDRNOTAVAIL: the address was taken away already.
const ADDRESS_GONE: i32 = nix::errno::Errno::EADDRNOTAVAIL as i32;
