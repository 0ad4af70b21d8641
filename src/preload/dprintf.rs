//! dprintf and kin: they write past the hooks, so on a socket of ours the text is made by vasprintf and sent here.
//!
//! The variadic forms are a few instructions of assembly that lay out a va_list as a C compiler would (System V ABI 3.5.7, AAPCS64
//! appendix B) and call the v-form; Rust has no stable way to write them. A va_list is passed by address on both.

use std::arch::naked_asm;
use std::ffi::c_void;

use libc::{c_char, c_int};
use matnet_host::Errno;
use matnet_host::runtime::fdtable::is_special;

use super::table::real;

/// A va_list, as a function gets it.
pub(super) type VaList = *mut c_void;

unsafe extern "C-unwind" {
    fn vasprintf(text: *mut *mut c_char, format: *const c_char, args: VaList) -> c_int;
    fn __vasprintf_chk(text: *mut *mut c_char, flag: c_int, format: *const c_char, args: VaList) -> c_int;
}

/// A text of libc's, freed when the thread is cancelled in the write too.
struct Text(*mut c_char);

impl Drop for Text {
    fn drop(&mut self) {
        // SAFETY: from vasprintf, or null.
        unsafe { libc::free(self.0.cast()) };
    }
}

/// Sends what `format` makes: its length, or -1 and errno when not everything went.
fn send(fd: c_int, format: impl FnOnce(*mut *mut c_char) -> c_int) -> c_int {
    let mut text = Text(std::ptr::null_mut());
    let before = Errno::last();
    let len = format(&raw mut text.0);
    let Ok(total) = usize::try_from(len) else {
        // What it points to is undefined then (asprintf(3)).
        text.0 = std::ptr::null_mut();
        return -1;
    };
    let mut sent = 0;
    while sent < total {
        // SAFETY: vasprintf made `total` bytes.
        let n = unsafe {
            let (at, left) = (text.0.add(sent).cast::<c_void>(), total - sent);
            if is_special(fd) { super::data::write(fd, at, left) } else { real::write(fd, at, left) }
        };
        let Ok(n) = usize::try_from(n) else {
            let e = Errno::last();
            drop(text);
            e.set();
            return -1;
        };
        sent += n;
    }
    drop(text);
    before.set();
    len
}

/// vdprintf(3)
pub(super) unsafe fn vdprintf(fd: c_int, format: *const c_char, args: VaList) -> c_int {
    if !is_special(fd) {
        // SAFETY: the caller's own arguments.
        return unsafe { real::vdprintf(fd, format, args) };
    }
    // SAFETY: as above.
    send(fd, |text| unsafe { vasprintf(text, format, args) })
}

/// vdprintf(3), fortified.
pub(super) unsafe fn vdprintf_chk(fd: c_int, flag: c_int, format: *const c_char, args: VaList) -> c_int {
    if !is_special(fd) {
        // SAFETY: the caller's own arguments.
        return unsafe { real::__vdprintf_chk(fd, flag, format, args) };
    }
    // SAFETY: as above.
    send(fd, |text| unsafe { __vasprintf_chk(text, flag, format, args) })
}

unsafe extern "C-unwind" fn dprintf_row(fd: c_int, format: *const c_char, args: VaList) -> c_int {
    // SAFETY: dprintf's own arguments.
    unsafe { vdprintf(fd, format, args) }
}

unsafe extern "C-unwind" fn dprintf_chk_row(
    fd: c_int,
    flag: c_int,
    format: *const c_char,
    args: VaList,
) -> c_int {
    // SAFETY: __dprintf_chk's own arguments.
    unsafe { vdprintf_chk(fd, flag, format, args) }
}

/// Exports `$name`, whose arguments after the first `$gp / 8` are a va_list for `$row`, in the register after those.
macro_rules! variadic {
    ($($name:ident $row:ident $gp:literal $x86:literal $left:literal $arm:literal)*) => { $(
        /// The registers are saved as va_arg looks for them: six of 8 bytes, eight of 16; al says whether the latter are used.
        #[cfg(target_arch = "x86_64")]
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $name() {
            naked_asm!(
                ".cfi_startproc",
                "sub rsp, 216",
                ".cfi_def_cfa_offset 224",
                "mov [rsp + 32], rdi",
                "mov [rsp + 40], rsi",
                "mov [rsp + 48], rdx",
                "mov [rsp + 56], rcx",
                "mov [rsp + 64], r8",
                "mov [rsp + 72], r9",
                "test al, al",
                "je 2f",
                "movaps [rsp + 80], xmm0",
                "movaps [rsp + 96], xmm1",
                "movaps [rsp + 112], xmm2",
                "movaps [rsp + 128], xmm3",
                "movaps [rsp + 144], xmm4",
                "movaps [rsp + 160], xmm5",
                "movaps [rsp + 176], xmm6",
                "movaps [rsp + 192], xmm7",
                "2:",
                concat!("mov dword ptr [rsp], ", $gp),
                "mov dword ptr [rsp + 4], 48",
                "lea rax, [rsp + 224]",
                "mov [rsp + 8], rax",
                "lea rax, [rsp + 32]",
                "mov [rsp + 16], rax",
                concat!("mov ", $x86, ", rsp"),
                "call {row}",
                "add rsp, 216",
                ".cfi_def_cfa_offset 8",
                "ret",
                ".cfi_endproc",
                row = sym $row,
            )
        }

        /// The registers are saved below the tops that va_arg counts from.
        #[cfg(target_arch = "aarch64")]
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $name() {
            naked_asm!(
                ".cfi_startproc",
                "sub sp, sp, #240",
                ".cfi_def_cfa_offset 240",
                "stp x29, x30, [sp]",
                ".cfi_offset x29, -240",
                ".cfi_offset x30, -232",
                "mov x29, sp",
                "stp x0, x1, [sp, #48]",
                "stp x2, x3, [sp, #64]",
                "stp x4, x5, [sp, #80]",
                "stp x6, x7, [sp, #96]",
                "stp q0, q1, [sp, #112]",
                "stp q2, q3, [sp, #144]",
                "stp q4, q5, [sp, #176]",
                "stp q6, q7, [sp, #208]",
                "add x9, sp, #240",
                "str x9, [sp, #16]",
                "add x10, sp, #112",
                "str x10, [sp, #24]",
                "str x9, [sp, #32]",
                concat!("mov w9, #", $left),
                "str w9, [sp, #40]",
                "mov w9, #-128",
                "str w9, [sp, #44]",
                concat!("add ", $arm, ", sp, #16"),
                "bl {row}",
                "ldp x29, x30, [sp]",
                "add sp, sp, #240",
                ".cfi_def_cfa_offset 0",
                "ret",
                ".cfi_endproc",
                row = sym $row,
            )
        }
    )* };
}

variadic! {
    dprintf dprintf_row "16" "rdx" "-48" "x2"
    __dprintf_chk dprintf_chk_row "24" "rcx" "-40" "x3"
}
