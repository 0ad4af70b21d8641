//! getaddrinfo_a(3): glibc asks from threads of its own, which no hook reaches. Here the lookups are made one after the other before the
//! call returns, in both modes; gai_suspend, gai_error and gai_cancel, which look at the requests' results, then find them done.
//! Limit: GAI_NOWAIT does not return before.

use libc::{addrinfo, c_char, c_int, c_void, pthread_attr_t, pthread_t};
use matnet_host::Errno;
use matnet_host::runtime::sys;

use crate::preload::table::real;

/// struct gaicb (<netdb.h>)
#[repr(C)]
pub(in crate::preload) struct Request {
    name: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    result: *mut addrinfo,
    value: c_int,
    unused: [c_int; 5],
}

/// struct sigevent (<bits/types/sigevent_t.h>), with the members that SIGEV_THREAD uses.
#[repr(C)]
pub(in crate::preload) struct Event {
    value: usize,
    signal: c_int,
    notify: c_int,
    function: Option<unsafe extern "C" fn(*mut c_void) -> *mut c_void>,
    attributes: *const pthread_attr_t,
}

const GAI_WAIT: c_int = 0;
const GAI_NOWAIT: c_int = 1;
/// <bits/siginfo-consts.h>: a name lookup is done.
const SI_ASYNCNL: c_int = -60;

/// getaddrinfo_a(3)
pub(in crate::preload) unsafe fn getaddrinfo_a(
    mode: c_int,
    list: *mut *mut Request,
    count: c_int,
    event: *mut Event,
) -> c_int {
    if !super::are_ours() {
        // SAFETY: the caller's own arguments.
        return unsafe { real::getaddrinfo_a(mode, list, count, event) };
    }
    if mode != GAI_WAIT && mode != GAI_NOWAIT {
        Errno::EINVAL.set();
        return libc::EAI_SYSTEM;
    }
    for i in 0..usize::try_from(count).unwrap_or(0) {
        // SAFETY: the list has that many entries, each null or a request that is the library's until it is done.
        unsafe {
            if let Some(r) = (*list.add(i)).as_mut() {
                r.value = super::getaddrinfo(r.name, r.service, r.hints, &raw mut r.result);
            }
        }
    }
    // SAFETY: null or valid.
    if let Some(event) = unsafe { event.as_ref() }.filter(|_| mode == GAI_NOWAIT) {
        // SAFETY: as above.
        unsafe { tell(event) };
    }
    0
}

/// Tells the program as it has asked for (sigevent(7)).
///
/// # Safety
/// `event` must be as the program has filled it.
unsafe fn tell(event: &Event) {
    match (event.notify, event.function) {
        (libc::SIGEV_SIGNAL, _) => {
            // siginfo_t: number, error, code, padding, then process, user and value.
            let mut info = [0_i32; 32];
            let low = event.value as u32 as i32;
            let high = (event.value >> 32) as u32 as i32;
            // SAFETY: no arguments.
            let user = unsafe { libc::getuid() } as i32;
            let fields = [event.signal, 0, SI_ASYNCNL, 0, sys::getpid(), user, low, high];
            info.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
            let args = [sys::getpid() as usize, event.signal as usize, info.as_ptr() as usize, 0, 0, 0];
            // SAFETY: the structure is as large as the kernel's.
            let _ = unsafe { sys::raw(libc::SYS_rt_sigqueueinfo, args) };
        }
        (libc::SIGEV_THREAD, Some(function)) => {
            let mut thread: pthread_t = 0;
            // SAFETY: the program's own function and attributes. It returns nothing, which a thread's start may.
            unsafe {
                let start = std::mem::transmute::<
                    unsafe extern "C" fn(*mut c_void) -> *mut c_void,
                    extern "C" fn(*mut c_void) -> *mut c_void,
                >(function);
                let made = libc::pthread_create(
                    &raw mut thread,
                    event.attributes,
                    start,
                    event.value as *mut c_void,
                );
                // With attributes of its own it is the program's business whether somebody joins it.
                if made == 0 && event.attributes.is_null() {
                    libc::pthread_detach(thread);
                }
            }
        }
        _ => {}
    }
}
