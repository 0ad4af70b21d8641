//! Leaving: bytes that were accepted reach the peer before the process is gone.
//!
//! The kernel would go on sending after the process ended; here the stack ends with it. So exit closes every socket as the
//! kernel does and stays until the peer has acknowledged everything, FINs included, or MATNET_LINGER is over; what is
//! still unacknowledged then is reset, so that the peer does not wait for ever. TIME_WAIT is not waited for.
//! Limits: SIGKILL, abort and crashes come past this.

use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use libc::pollfd;
use matnet_stack::Instant;

use super::control::Control;
use super::file::FileId;
use super::{Runtime, fdspace, inside, late, start, sys};

/// The thread that came first; 0: none yet.
static BY: AtomicI32 = AtomicI32::new(0);

/// `exit` and return from main. Where stdio may have something for a socket yet, the end waits for it (see `late`).
pub fn on_orderly_exit() {
    if !late::arm() {
        on_exit();
    }
}

/// Closes every socket and lingers. Called on every way out of the process; the first thread closes, all deliver.
pub fn on_exit() {
    let Some(runtime) = start::get() else { return };
    if inside::depth() > 0 {
        // A handler for SIGSEGV ends the process whose bad pointer faulted in here: this thread has the lock already.
        return;
    }
    let me = sys::gettid();
    // One time for all that follows.
    let end = sys::now() + start::settings().linger;
    match BY.compare_exchange(0, me, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => {}
        // A handler that ends the process while this thread delivers is in a hurry.
        Err(first) if first == me => return,
        // Another thread delivers: ending the process now would cut it short.
        Err(_) => {
            drain(runtime, end);
            return;
        }
    }
    if runtime.lock().spills.any() {
        // What was written past the hooks goes before the end.
        drain(runtime, end);
    }
    {
        let mut shared = runtime.lock();
        let now = sys::now();
        let sockets: Vec<_> = shared.files.iter().map(|(_, f)| f.socket).collect();
        for socket in sockets {
            shared.stack.close(now, socket);
        }
    }
    let done = drain(runtime, end);
    let mut shared = runtime.lock();
    if !done {
        shared.stack.abort_all(sys::now());
        shared.transmit();
        // What is on the way arrives although its sender is gone.
        shared.link.flush();
    }
    if let Some(line) = shared.link.summary() {
        crate::log_info!("{line}");
    }
}

/// The child of a fork has its own end to come.
pub(super) fn forget() {
    BY.store(0, Ordering::Release);
    late::forget();
}

/// Before the process becomes another program: what was accepted is delivered, connections stay as they are (exec may
/// still fail). The program's own descriptor limit comes back.
pub fn before_exec() {
    if let Some(runtime) = start::get().filter(|_| inside::depth() == 0) {
        if !drain(runtime, sys::now() + start::settings().linger) {
            runtime.lock().link.flush();
        }
    }
    fdspace::restore_for_exec();
}

/// exec did not happen after all.
pub fn after_exec_failed() {
    fdspace::resume_after_exec();
}

/// Runs the stack here until nothing waits for an acknowledgement; false when the time was not enough.
fn drain(runtime: &Runtime, end: Instant) -> bool {
    let mut alone = false;
    let done = loop {
        let deadline = {
            let mut shared = runtime.lock();
            shared.transmit();
            // More than a budget's worth ends the sleep below at once: a flood must not keep the lock.
            shared.attend();
            let through = !shared.spills.any() || shared.drained_spills();
            shared.transmit();
            if shared.device_gone || (through && !shared.stack.pending_output() && !shared.link.has_output())
            {
                break true;
            }
            shared.deadline()
        };
        let now = sys::now();
        if now >= end {
            break false;
        }
        if !alone {
            // From here on every acknowledgement is waited for in this thread: two on one device would only be in each other's way.
            alone = true;
            runtime.tell(Control::StandAside);
        }
        // Another thread may drive, so a short slice bounds how late its work is noticed here.
        let slice = deadline.map_or(end, |d| d.min(end)).since(now).min(Duration::from_millis(5));
        let mut fds = [pollfd { fd: runtime.device_fd, events: libc::POLLIN, revents: 0 }];
        let _ = sys::poll(&mut fds, Some(slice.max(Duration::from_micros(50))));
    };
    if alone {
        runtime.tell(Control::Resume);
    }
    done
}

/// Waits until everything sent on `id` is acknowledged or `limit` is over (close with SO_LINGER); true when done.
pub fn linger_on(runtime: &Runtime, id: FileId, limit: Duration) -> bool {
    let end = sys::now() + limit;
    loop {
        {
            let mut shared = runtime.lock();
            let Some(socket) = shared.files.get(id).map(|f| f.socket) else { return true };
            shared.drain_device();
            if shared.device_gone || shared.stack.send_queued(socket) == 0 {
                return true;
            }
        }
        let now = sys::now();
        if now >= end {
            return false;
        }
        let mut fds = [pollfd { fd: runtime.device_fd, events: libc::POLLIN, revents: 0 }];
        let _ = sys::poll(&mut fds, Some(end.since(now).min(Duration::from_millis(5))));
    }
}
