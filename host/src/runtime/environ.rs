//! What the kernel told this process at its start.

/// True when the program runs with more rights than its user has (setuid, setgid, file capabilities; AT_SECURE in
/// getauxval(3)): then nothing that the user can set may steer it.
pub fn is_secure() -> bool {
    // SAFETY: getauxval takes no pointers and only reads what the loader kept.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}
