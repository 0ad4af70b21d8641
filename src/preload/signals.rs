//! The program's signal handlers, wrapped.
//!
//! The kernel is given one trampoline for every handler of the program, with the program's mask and flags. The trampoline
//! asks whether its thread is inside the library: then the handler has to wait, because it may call send or close while the thread
//! holds the lock. Nothing is queued here: the signal is sent to the thread again with the same siginfo, and everything is
//! blocked in the interrupted context, so the kernel keeps it pending until the thread leaves the library. Otherwise the wait
//! that may have been interrupted is told whether the handler has SA_RESTART, and the handler runs.
//!
//! The trampoline is always SA_SIGINFO (it needs the siginfo; a one-argument handler does not see the other two) and never
//! SA_RESETHAND (a deferred signal would meet the default action): both are emulated, and sigaction shows the program its own
//! handler and flags. SIG_DFL, SIG_IGN and the signals that glibc reserves (it refuses them itself) pass straight on.
//!
//! SIGSEGV and SIGBUS have the trampoline also where the program has no handler, from the first socket on (an internet or a netlink one), for a probe of a bad pointer
//! must come back as EFAULT (`runtime::probe`). Any other fault without a handler does what it would have done.
//!
//! Async-signal-safe: atomics and system calls. Limits: handlers installed past libc (a raw rt_sigaction, as Go
//! does) are not deferred; two threads that change the same signal's action at the same moment may mix one's handler
//! with the other's SA_RESTART. The order of real-time signals is kept by `held`.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, AtomicUsize, Ordering};

use libc::{c_int, c_void, sigaction as Action, sighandler_t, siginfo_t, ucontext_t};
use matnet_host::Errno;
use matnet_host::runtime::{inside, probe, sys, wait};

use super::contain::contained;
use super::held;
use super::table::real;

/// Highest signal number, plus one (_NSIG).
const SIGNALS: usize = 65;
/// The flags that the trampoline emulates.
const EMULATED: c_int = libc::SA_SIGINFO | libc::SA_RESETHAND;
const SIG_HOLD: sighandler_t = 2;

/// What the program wants done.
struct Entry {
    handler: AtomicUsize,
    flags: AtomicI32,
    /// The signals that it blocks, where the kernel was not told: the action of a fault that has no handler.
    mask: AtomicU64,
}

static ENTRIES: [Entry; SIGNALS] = [const {
    Entry { handler: AtomicUsize::new(libc::SIG_DFL), flags: AtomicI32::new(0), mask: AtomicU64::new(0) }
}; SIGNALS];

/// The trampoline is there for faults, whatever the program wants done.
static WATCHING: AtomicBool = AtomicBool::new(false);

/// Signals of a bad pointer.
const FAULTS: [c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

fn is_watched(sig: c_int) -> bool {
    FAULTS.contains(&sig) && WATCHING.load(Ordering::Acquire)
}

/// Takes over the faults, as the first stack of the process starts.
pub(super) fn watch_faults() {
    WATCHING.store(true, Ordering::Release);
    for sig in FAULTS {
        // SAFETY: all zero is a valid value of this structure.
        let mut now: Action = unsafe { std::mem::zeroed() };
        // SAFETY: a local. What there is, which may be a handler of the program already, is set once more, by way of the hook.
        unsafe {
            if real::sigaction(sig, std::ptr::null(), &raw mut now) == 0 && !is_trampoline(now.sa_sigaction) {
                sigaction(sig, &raw const now, std::ptr::null_mut());
            }
        }
    }
}

/// Signals for which siginterrupt(sig, 1) was called: bit n-1 is signal n.
static INTERRUPTING: AtomicU64 = AtomicU64::new(0);

fn entry(sig: c_int) -> Option<&'static Entry> {
    usize::try_from(sig).ok().filter(|&n| n > 0).and_then(|n| ENTRIES.get(n))
}

fn bit(sig: c_int) -> u64 {
    u32::try_from(sig - 1).ok().and_then(|n| 1u64.checked_shl(n)).unwrap_or(0)
}

fn is_trampoline(handler: sighandler_t) -> bool {
    handler == trampoline as *const () as usize
}

/// Runs in the kernel's signal frame.
unsafe extern "C-unwind" fn trampoline(sig: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // One that somebody sent (si_code <= 0) is no fault, wherever it came in.
    // SAFETY: the kernel's own siginfo and context.
    if FAULTS.contains(&sig) && unsafe { (*info).si_code > 0 && probe::recover(context.cast()) } {
        return;
    }
    // SAFETY: the kernel's own arguments.
    if inside::depth() > 0 && unsafe { postpone(sig, info, context.cast()) } {
        return;
    }
    // SAFETY: the kernel's own siginfo, in its frame.
    let info = unsafe { &mut *info };
    if sig >= FIRST_QUEUED && (held::any() || held::is_token(info)) && !in_order(sig, info) {
        return;
    }
    let Some(entry) = entry(sig) else { return };
    let handler = entry.handler.load(Ordering::Acquire);
    let flags = entry.flags.load(Ordering::Relaxed);
    if handler == libc::SIG_DFL || handler == libc::SIG_IGN {
        if FAULTS.contains(&sig) {
            without_handler(sig, info, handler);
        }
        return;
    }
    if flags & libc::SA_RESETHAND != 0 {
        reset(sig);
    }
    // SAFETY: the kernel's own context.
    let in_library = unsafe { is_ours(program_counter(context.cast())) };
    let interrupted = inside::note_handler(flags & libc::SA_RESTART != 0, in_library);
    let _ = contained(wait::step_aside);
    // SAFETY: the program gave this address as a handler; one that takes only the number ignores the rest.
    let handler = unsafe {
        std::mem::transmute::<usize, unsafe extern "C-unwind" fn(c_int, *mut siginfo_t, *mut c_void)>(handler)
    };
    // SAFETY: the kernel's own arguments.
    unsafe { handler(sig, info, context) }
    inside::handler_done(interrupted);
}

/// Where the handler came in.
///
/// # Safety
/// `context` must be what the kernel gave the signal frame.
unsafe fn program_counter(context: *const ucontext_t) -> usize {
    // SAFETY: the caller vouches for it.
    let machine = unsafe { &(*context).uc_mcontext };
    #[cfg(target_arch = "x86_64")]
    return machine.gregs.get(libc::REG_RIP as usize).map_or(0, |&r| r as usize);
    #[cfg(target_arch = "aarch64")]
    return machine.pc as usize;
}

/// True for an address in the code of this library.
fn is_ours(address: usize) -> bool {
    unsafe extern "C" {
        /// The library's own first bytes; the linker makes this symbol.
        static __ehdr_start: libc::Elf64_Ehdr;
    }
    let header = &raw const __ehdr_start;
    // SAFETY: the loader has mapped the header and the program headers that it names.
    let segments = unsafe {
        let first = header.cast::<u8>().add((*header).e_phoff as usize).cast::<libc::Elf64_Phdr>();
        std::slice::from_raw_parts(first, (*header).e_phnum.into())
    };
    let offset = address.wrapping_sub(header as usize) as u64;
    segments.iter().any(|s| {
        s.p_type == libc::PT_LOAD && s.p_flags & libc::PF_X != 0 && offset.wrapping_sub(s.p_vaddr) < s.p_memsz
    })
}

/// Everything that a program can block. glibc's own signals stay open: `setuid` waits for every thread to answer.
const ALL: u64 = !((1 << 31) | (1 << 32));
/// The kernel's SIGRTMIN: from here on signals queue, and their order counts.
const FIRST_QUEUED: c_int = 32;

/// Sends `sig` to this thread once more, to be delivered when it leaves the library; false when the handler runs now.
///
/// # Safety
/// `info` and `context` must be what the kernel gave the signal frame.
#[cold]
unsafe fn postpone(sig: c_int, info: *const siginfo_t, context: *mut ucontext_t) -> bool {
    // First block everything, or SA_NODEFER would let the second copy in right here.
    let Ok(mask) = sys::sigprocmask(libc::SIG_SETMASK, Some(ALL)) else { return false };
    // SAFETY: the frame's own mask; the kernel's part is the first 8 bytes.
    let interrupted = unsafe { &mut *(&raw mut (*context).uc_sigmask).cast::<sys::KernelSigset>() };
    if !inside::defer(sig, interrupted) {
        let _ = sys::sigprocmask(libc::SIG_SETMASK, Some(mask));
        return false;
    }
    // SAFETY: the kernel's own siginfo.
    let info = unsafe { &*info };
    if sig < FIRST_QUEUED || held::is_token(info) || !held::push(info) {
        send_again(sig, info);
    } else if !send_again(sig, &held::token(sig)) {
        held::unpush();
    }
    true
}

/// Sends this thread a signal; false when the kernel cannot queue it.
fn send_again(sig: c_int, info: &siginfo_t) -> bool {
    let info = std::ptr::from_ref(info) as usize;
    let args = [sys::getpid() as usize, sys::gettid() as usize, sig as usize, info, 0, 0];
    // SAFETY: rt_tgsigqueueinfo(pid, tid, sig, info) reads the siginfo.
    unsafe { sys::raw(libc::SYS_rt_tgsigqueueinfo, args) }.is_ok()
}

/// Makes `info` the signal whose turn it is; false when there is none.
#[cold]
fn in_order(sig: c_int, info: &mut siginfo_t) -> bool {
    let Ok(mask) = sys::sigprocmask(libc::SIG_SETMASK, Some(ALL)) else { return true };
    let token = held::is_token(info);
    let first = held::pop(sig);
    if let Some(first) = first {
        if !token {
            // There is room: one was just taken.
            held::push(info);
        }
        *info = first;
    }
    let _ = sys::sigprocmask(libc::SIG_SETMASK, Some(mask));
    first.is_some() || !token
}

/// A fault that the program has no handler for, or such a signal that somebody sent. A fault ends the process even when it is ignored
/// (force_sig_info): with the default action back, the instruction faults once more when this returns.
#[cold]
fn without_handler(sig: c_int, info: &siginfo_t, handler: sighandler_t) {
    let sent = info.si_code <= 0;
    if sent && handler == libc::SIG_IGN {
        return;
    }
    kernel_default(sig);
    if sent {
        send_again(sig, info);
    }
}

/// SA_RESETHAND: the action becomes the default before the handler runs; mask and flags stay, as in the kernel.
fn reset(sig: c_int) {
    if is_watched(sig) {
        if let Some(entry) = entry(sig) {
            entry.handler.store(libc::SIG_DFL, Ordering::Release);
        }
        return;
    }
    kernel_default(sig);
}

/// Gives the kernel the default action.
fn kernel_default(sig: c_int) {
    // struct kernel_sigaction: handler, flags, restorer, mask.
    let mut action = [0usize; 4];
    let get = [sig as usize, 0, (&raw mut action) as usize, 8, 0, 0];
    // SAFETY: `action` has the size of the kernel's structure on 64-bit machines.
    if unsafe { sys::raw(libc::SYS_rt_sigaction, get) }.is_ok() {
        if let Some(handler) = action.first_mut() {
            *handler = libc::SIG_DFL;
        }
        let set = [sig as usize, (&raw const action) as usize, 0, 8, 0, 0];
        // SAFETY: as above.
        let _ = unsafe { sys::raw(libc::SYS_rt_sigaction, set) };
    }
}

/// longjmp(3) and kin, out of a handler perhaps: the wait that it interrupted ends here.
pub(super) unsafe fn longjmp(env: *mut c_void, value: c_int) -> ! {
    let _ = contained(wait::abandon);
    // SAFETY: the caller's own arguments; no frame in between has anything to drop.
    unsafe { real::longjmp(env, value) }
}

/// longjmp(3), fortified: it checks where it goes.
pub(super) unsafe fn longjmp_chk(env: *mut c_void, value: c_int) -> ! {
    let _ = contained(wait::abandon);
    // SAFETY: as above.
    unsafe { real::__longjmp_chk(env, value) }
}

/// sigaction(2)
pub(super) unsafe fn sigaction(sig: c_int, new: *const Action, old: *mut Action) -> c_int {
    // SAFETY: `new` is null or valid, as sigaction requires; `old` may be the same object, so it is copied.
    let wanted = unsafe { new.as_ref() }.copied();
    let Some(entry) = entry(sig) else {
        // SAFETY: the caller's own arguments.
        return unsafe { real::sigaction(sig, new, old) };
    };
    let before = (entry.handler.load(Ordering::Acquire), entry.flags.load(Ordering::Relaxed));
    let mask_before = entry.mask.load(Ordering::Relaxed);
    let watched = is_watched(sig);
    let none = |handler| handler == libc::SIG_DFL || handler == libc::SIG_IGN;
    let wrapped = wanted.filter(|w| watched || !none(w.sa_sigaction));
    let given = wrapped.map_or(wanted, |mut w| {
        if none(w.sa_sigaction) {
            // SAFETY: the first 8 bytes of a sigset_t are the kernel's set.
            entry.mask.store(unsafe { (&raw const w.sa_mask).cast::<u64>().read() }, Ordering::Relaxed);
            entry.flags.store(w.sa_flags, Ordering::Relaxed);
            entry.handler.store(w.sa_sigaction, Ordering::Release);
            // SAFETY: all zero is a valid value of this structure.
            w = unsafe { std::mem::zeroed() };
            // Others may come in meanwhile, and on a stack of signals there is room where a stack has run over.
            w.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER | libc::SA_RESTART;
            w.sa_sigaction = trampoline as *const () as usize;
            return Some(w);
        }
        // The entry comes first: the trampoline may run before the call below has returned.
        entry.flags.store(w.sa_flags, Ordering::Relaxed);
        entry.handler.store(w.sa_sigaction, Ordering::Release);
        w.sa_flags = (w.sa_flags | libc::SA_SIGINFO) & !libc::SA_RESETHAND;
        w.sa_sigaction = trampoline as *const () as usize;
        Some(w)
    });
    let given = given.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: all zero is a valid value of this structure.
    let mut was: Action = unsafe { std::mem::zeroed() };
    // SAFETY: `given` is null or a local, `was` a local.
    let result = unsafe { real::sigaction(sig, given, &raw mut was) };
    if result != 0 {
        if wrapped.is_some() {
            entry.handler.store(before.0, Ordering::Release);
            entry.flags.store(before.1, Ordering::Relaxed);
        }
        return result;
    }
    if is_trampoline(was.sa_sigaction) {
        was.sa_sigaction = before.0;
        was.sa_flags = (was.sa_flags & !EMULATED) | (before.1 & EMULATED);
        if watched && none(before.0) {
            was.sa_flags = before.1;
            // SAFETY: the first 8 bytes of a sigset_t are the kernel's set.
            unsafe { (&raw mut was.sa_mask).cast::<u64>().write(mask_before) };
        }
    }
    if !old.is_null() {
        // SAFETY: the caller gave room for one.
        unsafe { *old = was };
    }
    0
}

/// sigaction with these parts; the old handler, or SIG_ERR.
fn install(sig: c_int, handler: sighandler_t, mask: u64, flags: c_int) -> sighandler_t {
    // SAFETY: all zero is a valid value of these structures.
    let (mut new, mut old): (Action, Action) = unsafe { std::mem::zeroed() };
    new.sa_sigaction = handler;
    new.sa_flags = flags;
    // SAFETY: the first 8 bytes of a sigset_t are the kernel's set.
    unsafe { *(&raw mut new.sa_mask).cast::<u64>() = mask };
    // SAFETY: both are locals.
    if unsafe { sigaction(sig, &raw const new, &raw mut old) } == 0 {
        old.sa_sigaction
    } else {
        libc::SIG_ERR
    }
}

fn is_valid(sig: c_int, handler: sighandler_t) -> bool {
    let valid = handler != libc::SIG_ERR && entry(sig).is_some();
    if !valid {
        Errno::EINVAL.set();
    }
    valid
}

/// signal(2), as BSD and glibc have it: the signal is blocked in its handler, calls restart unless siginterrupt says otherwise.
pub(super) unsafe fn signal(sig: c_int, handler: sighandler_t) -> sighandler_t {
    if !is_valid(sig, handler) {
        return libc::SIG_ERR;
    }
    let interrupting = INTERRUPTING.load(Ordering::Relaxed) & bit(sig) != 0;
    install(sig, handler, bit(sig), if interrupting { 0 } else { libc::SA_RESTART })
}

/// sysv_signal(3): one shot, not blocked, calls do not restart.
pub(super) unsafe fn sysv_signal(sig: c_int, handler: sighandler_t) -> sighandler_t {
    /// SA_INTERRUPT: no effect on Linux, but sigaction shows it.
    const SA_INTERRUPT: c_int = 0x2000_0000;
    if !is_valid(sig, handler) {
        return libc::SIG_ERR;
    }
    install(sig, handler, 0, libc::SA_RESETHAND | libc::SA_NODEFER | SA_INTERRUPT)
}

/// siginterrupt(3)
pub(super) unsafe fn siginterrupt(sig: c_int, interrupt: c_int) -> c_int {
    // SAFETY: all zero is a valid value of this structure.
    let mut action: Action = unsafe { std::mem::zeroed() };
    // SAFETY: a local.
    if unsafe { sigaction(sig, std::ptr::null(), &raw mut action) } != 0 {
        return -1;
    }
    if interrupt != 0 {
        INTERRUPTING.fetch_or(bit(sig), Ordering::Relaxed);
        action.sa_flags &= !libc::SA_RESTART;
    } else {
        INTERRUPTING.fetch_and(!bit(sig), Ordering::Relaxed);
        action.sa_flags |= libc::SA_RESTART;
    }
    // SAFETY: a local.
    unsafe { sigaction(sig, &raw const action, std::ptr::null_mut()) }
}

/// sigset(3)
pub(super) unsafe fn sigset(sig: c_int, handler: sighandler_t) -> sighandler_t {
    if !is_valid(sig, handler) || bit(sig) & (bit(32) | bit(33)) != 0 {
        Errno::EINVAL.set();
        return libc::SIG_ERR;
    }
    let old = if handler == SIG_HOLD {
        // SAFETY: all zero is a valid value of this structure.
        let mut action: Action = unsafe { std::mem::zeroed() };
        // SAFETY: a local.
        if unsafe { sigaction(sig, std::ptr::null(), &raw mut action) } != 0 {
            return libc::SIG_ERR;
        }
        action.sa_sigaction
    } else {
        install(sig, handler, 0, 0)
    };
    if old == libc::SIG_ERR {
        return old;
    }
    let how = if handler == SIG_HOLD { libc::SIG_BLOCK } else { libc::SIG_UNBLOCK };
    match sys::sigprocmask(how, Some(bit(sig))) {
        Ok(mask) if mask & bit(sig) != 0 => SIG_HOLD,
        Ok(_) => old,
        Err(e) => {
            e.set();
            libc::SIG_ERR
        }
    }
}
