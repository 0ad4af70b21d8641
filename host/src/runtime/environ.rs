//! What the kernel told this process at its start.

/// True when the program runs with more rights than its user has (setuid, setgid, file capabilities; AT_SECURE in
/// getauxval(3)): then nothing that the user can set may steer it.
pub fn is_secure() -> bool {
    // SAFETY: getauxval takes no pointers and only reads what the loader kept.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// True when the environment may say whether the program's own socket calls are served (MATNET_HOOK, or a MATNET_CONFIG file).
pub fn mentions_hook() -> bool {
    [c"MATNET_HOOK", c"MATNET_CONFIG"].into_iter().any(|name| {
        // SAFETY: a NUL-terminated name; the result is only compared with null.
        !unsafe { libc::getenv(name.as_ptr()) }.is_null()
    })
}
