//! Ways out of the process image: exit, exec, and vfork.
//!
//! exec and exit replace or end the image that the stack lives in, so what was accepted must reach the peer first (see
//! `runtime::exit`). `exit` and return from main come by our destructor. fork needs no hook: pthread_atfork sees it, forkpty and
//! daemon too. A vfork child would close our descriptors in the parent's memory, so once a stack runs, vfork is fork; before, it
//! is itself. `_Fork` runs no atfork handlers, so once a stack runs it is fork too.
//!
//! execl, execlp and execle are variadic and vfork returns twice, which Rust cannot write: a few instructions of assembly put
//! the arguments in a row, which is an argv, and jump. Limit: quick_exit lingers before the at_quick_exit handlers run.

use std::arch::naked_asm;
use std::ffi::c_void;

use libc::{c_char, c_int, pid_t};
use matnet_host::runtime::{self, fdspace};

use super::contain::contained;
use super::table::real;

type Strings = *const *const c_char;

/// _exit(2)
pub(super) unsafe fn _exit(status: c_int) -> ! {
    let _ = contained(runtime::on_exit);
    // SAFETY: no pointers.
    unsafe { real::_exit(status) }
}

/// quick_exit(3)
pub(super) unsafe fn quick_exit(status: c_int) -> ! {
    let _ = contained(runtime::on_exit);
    // SAFETY: no pointers.
    unsafe { real::quick_exit(status) }
}

/// Gets ready for another image, tries, and undoes it if that failed.
fn exec(real: impl FnOnce() -> c_int) -> c_int {
    let _ = contained(runtime::before_exec);
    let result = real();
    let e = matnet_host::Errno::last();
    let _ = contained(runtime::after_exec_failed);
    e.set();
    result
}

/// execve(2)
pub(super) unsafe fn execve(path: *const c_char, argv: Strings, envp: Strings) -> c_int {
    // SAFETY: the caller's own arguments.
    exec(|| unsafe { real::execve(path, argv, envp) })
}

/// execv(3)
pub(super) unsafe fn execv(path: *const c_char, argv: Strings) -> c_int {
    // SAFETY: the caller's own arguments.
    exec(|| unsafe { real::execv(path, argv) })
}

/// execvp(3)
pub(super) unsafe fn execvp(file: *const c_char, argv: Strings) -> c_int {
    // SAFETY: the caller's own arguments.
    exec(|| unsafe { real::execvp(file, argv) })
}

/// execvpe(3)
pub(super) unsafe fn execvpe(file: *const c_char, argv: Strings, envp: Strings) -> c_int {
    // SAFETY: the caller's own arguments.
    exec(|| unsafe { real::execvpe(file, argv, envp) })
}

/// fexecve(3)
pub(super) unsafe fn fexecve(fd: c_int, argv: Strings, envp: Strings) -> c_int {
    // SAFETY: the caller's own arguments.
    exec(|| unsafe { real::fexecve(fd, argv, envp) })
}

/// execveat(2)
pub(super) unsafe fn execveat(
    dir: c_int,
    path: *const c_char,
    argv: Strings,
    envp: Strings,
    flags: c_int,
) -> c_int {
    // SAFETY: the caller's own arguments.
    exec(|| unsafe { real::execveat(dir, path, argv, envp, flags) })
}

/// _Fork(3)
pub(super) unsafe fn _fork() -> pid_t {
    // SAFETY: no arguments.
    if fdspace::program_soft_limit().is_some() { unsafe { libc::fork() } } else { unsafe { real::_Fork() } }
}

/// What vfork jumps to.
extern "C" fn vfork_target() -> *mut c_void {
    if fdspace::program_soft_limit().is_some() {
        libc::fork as *const () as *mut c_void
    } else {
        real::sym::vfork.get()
    }
}

/// execle: the environment follows the null that ends the arguments.
///
/// # Safety
/// `argv` must be the arguments of a call of execle, in a row.
unsafe extern "C-unwind" fn execle_row(path: *const c_char, argv: Strings) -> c_int {
    let mut end = argv;
    // SAFETY: execle's arguments end with a null, and the environment comes after it.
    let envp = unsafe {
        while !(*end).is_null() {
            end = end.add(1);
        }
        (*end.add(1)).cast::<*const c_char>()
    };
    // SAFETY: as above.
    unsafe { execve(path, argv, envp) }
}

unsafe extern "C-unwind" fn execl_row(path: *const c_char, argv: Strings) -> c_int {
    // SAFETY: execl's arguments in a row are an argv.
    unsafe { execv(path, argv) }
}

unsafe extern "C-unwind" fn execlp_row(file: *const c_char, argv: Strings) -> c_int {
    // SAFETY: as in `execl_row`.
    unsafe { execvp(file, argv) }
}

/// Exports `$name(path, arg0, ...)`, which calls `$row(path, argv)`.
macro_rules! variadic {
    ($($name:ident $row:ident)*) => { $(
        /// The register arguments go right below those on the stack. On x86-64 the return address lies between them: it
        /// is set aside, and its place takes the last register. (System V ABI 3.2.3; CET sees the same return.)
        #[cfg(target_arch = "x86_64")]
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $name() {
            naked_asm!(
                "mov rax, [rsp]",
                "mov [rsp], r9",
                "push r8",
                "push rcx",
                "push rdx",
                "push rsi",
                "mov rsi, rsp",
                "push rax",
                "call {row}",
                "pop rcx",
                "add rsp, 32",
                "mov [rsp], rcx",
                "ret",
                row = sym $row,
            )
        }

        /// The register arguments go right below those on the stack (AAPCS64 6.8.2).
        #[cfg(target_arch = "aarch64")]
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $name() {
            naked_asm!(
                "sub sp, sp, #80",
                "stp x29, x30, [sp]",
                "mov x29, sp",
                "stp x1, x2, [sp, #24]",
                "stp x3, x4, [sp, #40]",
                "stp x5, x6, [sp, #56]",
                "str x7, [sp, #72]",
                "add x1, sp, #24",
                "bl {row}",
                "ldp x29, x30, [sp]",
                "add sp, sp, #80",
                "ret",
                row = sym $row,
            )
        }
    )* };
}

variadic! {
    execl execl_row
    execlp execlp_row
    execle execle_row
}

macro_rules! vfork {
    ($($name:ident)*) => { $(
        /// A jump, not a call: the child of the real vfork must not return through a frame of ours.
        #[cfg(target_arch = "x86_64")]
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $name() -> pid_t {
            naked_asm!("sub rsp, 8", "call {target}", "add rsp, 8", "jmp rax", target = sym vfork_target)
        }

        /// A jump, not a call: the child of the real vfork must not return through a frame of ours.
        #[cfg(target_arch = "aarch64")]
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $name() -> pid_t {
            naked_asm!(
                "stp x29, x30, [sp, #-16]!",
                "bl {target}",
                "ldp x29, x30, [sp], #16",
                "mov x16, x0",
                "br x16",
                target = sym vfork_target,
            )
        }
    )* };
}

vfork! { vfork __vfork }
