//! Pointers of the program that lead nowhere: EFAULT, as the kernel says, instead of a fault under the library's lock.
//!
//! Before the library copies from or to memory that the program named, it *probes* it: one access to the first and the last byte,
//! and to one in each page between. That is what the copy touches anyway. An instruction that probes may fault; its address and where
//! to go on are in a table of the library (the idea of the kernel's own __ex_table), and [`recover`], asked first by the handler of
//! SIGSEGV and SIGBUS that the hooks install, sends the thread there. So a good pointer costs two instructions of access and no system
//! call, and a bad one costs a signal.
//!
//! To probe for writing is to write what is there; so only bytes that are about to be overwritten are probed so, or those that the
//! kernel would have overwritten. That finds read-only pages as well, and a file's page behind its end (SIGBUS).
//!
//! Limits: memory that another thread unmaps between probe and copy faults as any access would. In a thread that blocks SIGSEGV, and in a
//! handler whose mask does, the kernel ends the process instead of asking the handler (force_sig_info_to_task: a blocked fault gets the default
//! action); to know of the mask beforehand would be a system call a transfer. So it does where a handler was installed past libc (a raw
//! rt_sigaction). Without the hooks (libmatnet.a) nobody asks [`recover`]: there a null
//! pointer is EFAULT and any other bad one a fault.

// Any address may be asked about: that is what a probe is for.
#![allow(clippy::not_unsafe_ptr_arg_deref)]

use std::arch::asm;
use std::sync::atomic::{AtomicUsize, Ordering};

use libc::ucontext_t;

use crate::errno::Errno;

/// The smallest page that Linux has on the machines that this runs on.
const PAGE: usize = 4096;

/// Distances from an entry's own words to an instruction that may fault and to where it then goes on.
#[repr(C)]
struct Entry {
    fault: i32,
    resume: i32,
}

/// The table: its first byte and the byte behind its last. The linker makes the two symbols of the section's name; hidden, so that nobody
/// else is given them and each library that holds this code finds its own.
fn table() -> (usize, usize) {
    let (first, end): (usize, usize);
    // SAFETY: computes two addresses.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        asm!(
            ".hidden __start_matnet_faults", ".hidden __stop_matnet_faults",
            "lea {first}, [rip + __start_matnet_faults]", "lea {end}, [rip + __stop_matnet_faults]",
            first = out(reg) first, end = out(reg) end, options(pure, nomem, nostack, preserves_flags)
        );
        #[cfg(target_arch = "aarch64")]
        asm!(
            ".hidden __start_matnet_faults", ".hidden __stop_matnet_faults",
            "adrp {first}, __start_matnet_faults", "add {first}, {first}, :lo12:__start_matnet_faults",
            "adrp {end}, __stop_matnet_faults", "add {end}, {end}, :lo12:__stop_matnet_faults",
            first = out(reg) first, end = out(reg) end, options(pure, nomem, nostack, preserves_flags)
        );
    }
    (first, end)
}

/// One entry of the table: the instruction at label 2, and the block that a fault goes to.
macro_rules! may_fault {
    ($label:literal) => {
        concat!(
            ".pushsection matnet_faults,\"aR\",@progbits\n.balign 4\n.long ",
            $label,
            "b - .\n.long {bad} - .\n.popsection"
        )
    };
}

/// Reads a byte; false where that faults.
///
/// # Safety
/// None for the reader: any address may be asked. The byte may be changing.
#[inline(always)]
unsafe fn touch(p: *const u8) -> bool {
    // SAFETY: reads one byte or goes to `bad`; changes nothing.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        asm!("2: cmp byte ptr [{p}], 0", may_fault!("2"), p = in(reg) p, bad = label { return false }, options(nostack, readonly));
        #[cfg(target_arch = "aarch64")]
        asm!("2: ldrb wzr, [{p}]", may_fault!("2"), p = in(reg) p, bad = label { return false }, options(nostack, readonly));
    }
    true
}

/// Writes a byte back as it is; false where that faults.
///
/// # Safety
/// If the byte can be written, nobody else may be writing it.
#[inline(always)]
unsafe fn press(p: *mut u8) -> bool {
    // SAFETY: the byte stays what it is, or the thread goes to `bad`.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        asm!("2: or byte ptr [{p}], 0", may_fault!("2"), p = in(reg) p, bad = label { return false }, options(nostack));
        #[cfg(target_arch = "aarch64")]
        asm!(
            "2: ldrb w17, [{p}]", "3: strb w17, [{p}]", may_fault!("2"), may_fault!("3"),
            p = in(reg) p, bad = label { return false }, clobber_abi("C"), options(nostack)
        );
    }
    true
}

/// True when all `n` bytes from `p` on can be read.
#[inline(always)]
pub fn readable(p: *const u8, n: usize) -> bool {
    if n.wrapping_sub(1) >= PAGE {
        return n == 0 || readable_pages(p, n);
    }
    // SAFETY: to read is harmless.
    unsafe { touch(p) && touch(p.wrapping_add(n - 1)) }
}

#[inline(never)]
fn readable_pages(p: *const u8, n: usize) -> bool {
    readable_prefix(p, n) == n
}

/// How many of `n` bytes from `p` on can be read.
pub fn readable_prefix(p: *const u8, n: usize) -> usize {
    prefix(p as usize, n, |at| {
        // SAFETY: to read is harmless.
        unsafe { touch(at as *const u8) }
    })
}

/// True when all `n` bytes from `p` on can be written. Only for bytes that are about to be.
#[inline(always)]
pub fn writable(p: *mut u8, n: usize) -> bool {
    if n.wrapping_sub(1) >= PAGE {
        return n == 0 || writable_pages(p, n);
    }
    // SAFETY: the caller is about to write them.
    unsafe { press(p) && press(p.wrapping_add(n - 1)) }
}

#[inline(never)]
fn writable_pages(p: *mut u8, n: usize) -> bool {
    prefix(p as usize, n, |at| {
        // SAFETY: the caller is about to write all of them.
        unsafe { press(at as *mut u8) }
    }) == n
}

/// How many of `n` bytes from `at` on pass `test`, which is asked once a page and for the last byte.
fn prefix(at: usize, n: usize, test: impl Fn(usize) -> bool) -> usize {
    let Some(last) = n.checked_sub(1).map(|n| at.wrapping_add(n)) else { return 0 };
    if last < at {
        // Around the end of the address space.
        return 0;
    }
    let mut next = at;
    while test(next) {
        // The first byte of the page behind this one.
        next = match (next | (PAGE - 1)).checked_add(1) {
            Some(page) if page <= last => page,
            _ => return n,
        };
    }
    next - at
}

/// Copies a value out of the program's memory; EFAULT.
pub fn read<T: Copy>(p: *const T) -> Result<T, Errno> {
    if p.is_null() || !readable(p.cast(), size_of::<T>()) {
        return Err(Errno::EFAULT);
    }
    // SAFETY: it has just been read; any bytes will do, for the callers ask for plain structures of C.
    Ok(unsafe { p.read_unaligned() })
}

/// As [`read`]; null is none.
pub fn read_some<T: Copy>(p: *const T) -> Result<Option<T>, Errno> {
    if p.is_null() { Ok(None) } else { read(p).map(Some) }
}

/// Copies a value into the program's memory; EFAULT.
pub fn write<T: Copy>(p: *mut T, value: T) -> Result<(), Errno> {
    if p.is_null() || !writable(p.cast(), size_of::<T>()) {
        return Err(Errno::EFAULT);
    }
    // SAFETY: it has just been written.
    unsafe { p.write_unaligned(value) };
    Ok(())
}

/// Copies bytes into the program's memory; EFAULT.
pub fn write_bytes(p: *mut u8, bytes: &[u8]) -> Result<(), Errno> {
    if !writable(p, bytes.len()) {
        return Err(Errno::EFAULT);
    }
    // SAFETY: all of it has just been written.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), p, bytes.len()) };
    Ok(())
}

/// True when all of these can be read.
#[inline(always)]
pub fn all_readable(bufs: &[&[u8]]) -> bool {
    bufs.iter().all(|b| readable(b.as_ptr(), b.len()))
}

/// True when the `n` bytes that come into these, after the first `skip`, can be written.
#[inline(always)]
pub fn all_writable(bufs: &mut [&mut [u8]], mut skip: usize, mut n: usize) -> bool {
    for b in bufs {
        let Some(part) = b.get_mut(skip..) else {
            skip -= b.len();
            continue;
        };
        skip = 0;
        let now = part.len().min(n);
        if !writable(part.as_mut_ptr(), now) {
            return false;
        }
        n -= now;
        if n == 0 {
            break;
        }
    }
    true
}

/// Asked by the handler of SIGSEGV and SIGBUS: if a probe faulted, the thread goes on where the probe has failed, and this is true.
///
/// # Safety
/// `context` must be what the kernel gave the signal frame.
pub unsafe fn recover(context: *mut ucontext_t) -> bool {
    // SAFETY: the caller vouches for it.
    let machine = unsafe { &mut (*context).uc_mcontext };
    #[cfg(target_arch = "x86_64")]
    let Some(pc) = machine.gregs.get_mut(libc::REG_RIP as usize) else { return false };
    #[cfg(target_arch = "aarch64")]
    let pc = &mut machine.pc;
    let (first, end) = table();
    let count = end.wrapping_sub(first) / size_of::<Entry>();
    // SAFETY: the table lies between the two symbols, and is never written.
    let table = unsafe { std::slice::from_raw_parts(first as *const Entry, count) };
    let from = |field: &i32| (field as *const i32 as usize).wrapping_add_signed(*field as isize);
    match table.iter().find(|e| from(&e.fault) == *pc as usize) {
        Some(entry) => {
            *pc = from(&entry.resume) as _;
            true
        }
        None => false,
    }
}

/// What the hooks want called when the first stack of the process starts: a `fn()`, or 0.
static WATCH: AtomicUsize = AtomicUsize::new(0);

/// The hooks' part: installs the handler that asks [`recover`].
pub fn on_start(install: fn()) {
    WATCH.store(install as usize, Ordering::Release);
}

/// True where a bad pointer's fault comes back: with the hooks.
pub fn is_watched() -> bool {
    WATCH.load(Ordering::Relaxed) != 0
}

/// The first stack of the process starts, or a netlink socket is looked after without one.
pub fn start() {
    let install = WATCH.load(Ordering::Acquire);
    if install != 0 {
        // SAFETY: only `on_start` stores here, and it stores a `fn()`.
        unsafe { std::mem::transmute::<usize, fn()>(install)() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    extern "C" fn handler(_: i32, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
        // SAFETY: the kernel's own context.
        if !unsafe { recover(context.cast()) } {
            std::process::abort();
        }
    }

    #[test]
    fn bad_pointers_are_found_and_good_ones_stay_as_they_are() {
        // SAFETY: a handler for this test program, and fresh mappings that nobody else knows.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_NODEFER;
            for sig in [libc::SIGSEGV, libc::SIGBUS] {
                assert_eq!(libc::sigaction(sig, &raw const action, std::ptr::null_mut()), 0);
            }
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let p =
                libc::mmap(std::ptr::null_mut(), 4 * PAGE, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
            let p = p.cast::<u8>();
            libc::mprotect(p.add(PAGE).cast(), PAGE, libc::PROT_READ);
            libc::mprotect(p.add(2 * PAGE).cast(), PAGE, libc::PROT_NONE);
            libc::munmap(p.add(3 * PAGE).cast(), PAGE);
            p.write_bytes(7, PAGE);
            assert!(readable(p, 2 * PAGE) && writable(p, PAGE) && readable(p.add(3 * PAGE), 0));
            assert!(!readable(p, 2 * PAGE + 1) && !writable(p, PAGE + 1) && !writable(p.add(PAGE), 1));
            assert!(!readable(p.add(2 * PAGE), 1) && !readable(p.add(3 * PAGE), 1));
            assert_eq!(readable_prefix(p.add(9), 4 * PAGE), 2 * PAGE - 9);
            for bad in [0, 1, usize::MAX, usize::MAX / 2, 0x4141_4141_4141_4141] {
                assert!(!readable(bad as *const u8, 10) && !writable(bad as *mut u8, 5000), "{bad:x}");
            }
            assert_eq!(read(p.cast::<u32>()), Ok(0x0707_0707));
            assert_eq!(read::<u64>(p.add(2 * PAGE - 4).cast()), Err(Errno::EFAULT));
            assert_eq!(write(p.add(PAGE - 2).cast(), 1u32), Err(Errno::EFAULT));
            assert_eq!(write_bytes(p.add(PAGE - 2), &[1, 2]), Ok(()));
            assert!(std::slice::from_raw_parts(p, PAGE - 2).iter().all(|b| *b == 7));
        }
    }
}
