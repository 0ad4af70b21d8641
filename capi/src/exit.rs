//! Leaving: bytes that were accepted reach the peer before the process is gone.
//!
//! The shared library has hooks on every way out. The static one has none, so it brings this entry
//! of the list of functions that `exit` (and return from main) runs after the program's own atexit
//! handlers. Where both exist the second finds nothing left to do. Limit: `_exit` and quick_exit
//! are not seen by the static library.

/// Runs at exit; see fini_array in elf(5).
#[used]
#[unsafe(link_section = ".fini_array")]
static LEAVE: extern "C" fn() = leave;

extern "C" fn leave() {
    matnet_host::runtime::on_orderly_exit();
}

/// A reference that makes the linker take [`LEAVE`] along with whoever calls this.
pub(crate) fn keep() {
    std::hint::black_box(&LEAVE);
}
