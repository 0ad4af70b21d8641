//! Panics end here, cancellation passes through.
//!
//! A Rust panic must not leave a hook: nobody above catches it, and the process would be aborted. `catch_unwind` around the
//! call would stop it, but it also stops pthread_cancel and pthread_exit, which glibc implements as a forced unwind:
//! std aborts on such a foreign exception ("Rust cannot catch foreign exceptions"). And the forced unwind has to pass,
//! since a call that waits is a cancellation point.
//!
//! So the call goes through a few instructions of assembly whose frame has a personality routine of its own (Itanium
//! C++ ABI, "Exception Handling", 1.6). In the search phase it claims Rust's exceptions and lets every other go on; a forced unwind has no
//! handler to look for and passes, running the destructors below it. A claimed exception arrives at `landing`, is
//! thrown again inside a real `catch_unwind` and dies there, so that std's count of panics stays right.
//!
//! Limits: one more indirect call on the path of our own descriptors (2 ns). A panic message goes to stderr as usual.

use std::arch::global_asm;
use std::ffi::c_void;

use libc::c_int;
use matnet_host::runtime::inside;

/// The class of Rust's exceptions (library/panic_unwind); older versions of std have it the other way round.
const RUST: [u64; 2] = [u64::from_ne_bytes(*b"MOZ\0RUST"), u64::from_be_bytes(*b"MOZ\0RUST")];
const SEARCH_PHASE: c_int = 1;
const HANDLER_FRAME: c_int = 4;
const FORCE_UNWIND: c_int = 8;
const HANDLER_FOUND: c_int = 6;
const INSTALL_CONTEXT: c_int = 7;
const CONTINUE_UNWIND: c_int = 8;

unsafe extern "C" {
    fn _Unwind_SetGR(context: *mut c_void, register: c_int, value: usize);
    fn _Unwind_SetIP(context: *mut c_void, address: usize);
    /// A label of the assembly below; never called.
    fn matnet_contain_landing();
}

unsafe extern "C-unwind" {
    fn _Unwind_RaiseException(exception: *mut c_void) -> c_int;
    /// Calls `f(data)`; the exception if it panicked, null otherwise.
    fn matnet_contain(f: unsafe extern "C-unwind" fn(*mut c_void), data: *mut c_void) -> *mut c_void;
}

// 0x1b: a pc-relative signed 32-bit address (DW_EH_PE_pcrel | DW_EH_PE_sdata4).
#[cfg(target_arch = "x86_64")]
global_asm!(
    ".pushsection .text.matnet_contain,\"ax\",@progbits",
    ".p2align 4",
    ".globl matnet_contain",
    ".hidden matnet_contain",
    ".type matnet_contain,@function",
    "matnet_contain:",
    ".cfi_startproc",
    ".cfi_personality 0x1b, {personality}",
    "push rbp",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset rbp, -16",
    "mov rbp, rsp",
    ".cfi_def_cfa_register rbp",
    "mov rax, rdi",
    "mov rdi, rsi",
    "call rax",
    "xor eax, eax",
    ".globl matnet_contain_landing",
    ".hidden matnet_contain_landing",
    "matnet_contain_landing:",
    "pop rbp",
    ".cfi_def_cfa rsp, 8",
    "ret",
    ".cfi_endproc",
    ".size matnet_contain, . - matnet_contain",
    ".popsection",
    personality = sym personality,
);

#[cfg(target_arch = "aarch64")]
global_asm!(
    ".pushsection .text.matnet_contain,\"ax\",@progbits",
    ".p2align 4",
    ".globl matnet_contain",
    ".hidden matnet_contain",
    ".type matnet_contain,@function",
    "matnet_contain:",
    ".cfi_startproc",
    ".cfi_personality 0x1b, {personality}",
    "stp x29, x30, [sp, #-16]!",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset x29, -16",
    ".cfi_offset x30, -8",
    "mov x29, sp",
    "mov x2, x0",
    "mov x0, x1",
    "blr x2",
    "mov x0, xzr",
    ".globl matnet_contain_landing",
    ".hidden matnet_contain_landing",
    "matnet_contain_landing:",
    "ldp x29, x30, [sp], #16",
    ".cfi_restore x29",
    ".cfi_restore x30",
    ".cfi_def_cfa_offset 0",
    "ret",
    ".cfi_endproc",
    ".size matnet_contain, . - matnet_contain",
    ".popsection",
    personality = sym personality,
);

/// Called by the unwinder for the frame of `matnet_contain`.
unsafe extern "C" fn personality(
    _version: c_int,
    actions: c_int,
    class: u64,
    exception: *mut c_void,
    context: *mut c_void,
) -> c_int {
    if !RUST.contains(&class) || actions & FORCE_UNWIND != 0 {
        return CONTINUE_UNWIND;
    }
    if actions & SEARCH_PHASE != 0 {
        return HANDLER_FOUND;
    }
    if actions & HANDLER_FRAME == 0 {
        return CONTINUE_UNWIND;
    }
    // SAFETY: the context is the unwinder's. DWARF register 0 is rax on x86-64 and x0 on AArch64, where both ABIs return a
    // value; the label restores the frame that the unwinder has found by the directives above.
    unsafe {
        _Unwind_SetGR(context, 0, exception as usize);
        _Unwind_SetIP(context, matnet_contain_landing as *const () as usize);
    }
    INSTALL_CONTEXT
}

struct Call<F, T> {
    f: Option<F>,
    result: Option<T>,
}

unsafe extern "C-unwind" fn run<F: FnOnce() -> T, T>(data: *mut c_void) {
    // SAFETY: `contained` passes its own `Call` of these types, which it does not touch meanwhile.
    let call = unsafe { &mut *data.cast::<Call<F, T>>() };
    if let Some(f) = call.f.take() {
        call.result = Some(f());
    }
}

/// Runs `f`; None when it panicked. A forced unwind (pthread_cancel, pthread_exit) passes.
#[inline]
pub(super) fn contained<F: FnOnce() -> T, T>(f: F) -> Option<T> {
    let mut call = Call { f: Some(f), result: None };
    let outer = inside::begin_call();
    // SAFETY: `call` outlives the call, and `run` is instantiated for its types.
    let exception = unsafe { matnet_contain(run::<F, T>, (&raw mut call).cast()) };
    inside::end_call(outer);
    if !exception.is_null() {
        swallow(exception);
    }
    call.result
}

/// Ends a Rust exception as std would have.
#[cold]
fn swallow(exception: *mut c_void) {
    // SAFETY: the exception was caught, so it may be thrown again; std recognises it as its own.
    let _ = std::panic::catch_unwind(|| unsafe { _Unwind_RaiseException(exception) });
}
