//! A hook's panic becomes a value, and thread cancellation passes: `src/preload/contain.rs` by itself, without a hook.
//! (The library's own test target is off: a test binary that links the hooks is hooked.)

#[path = "../src/preload/contain.rs"]
mod contain;

use std::cell::Cell;
use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, Ordering};

use contain::contained;

#[test]
fn a_value_passes() {
    assert_eq!(contained(|| 5), Some(5));
    let text = String::from("moved in and out");
    assert_eq!(contained(move || text).as_deref(), Some("moved in and out"));
}

#[test]
fn a_panic_is_none_and_leaves_nothing_behind() {
    std::panic::set_hook(Box::new(|_| {}));
    struct Counted<'a>(&'a Cell<u32>);
    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let dropped = Cell::new(0);
    for i in 0..1000u32 {
        let result = contained(|| {
            let _guard = Counted(&dropped);
            assert!(i > 5000, "number {i}");
            i
        });
        assert_eq!(result, None);
        assert!(!std::thread::panicking());
    }
    assert_eq!(dropped.get(), 1000);
    // A panic inside is not the outer call's.
    assert_eq!(contained(|| contained(|| -> u32 { panic!("inner") }).is_none()), Some(true));
    let _ = std::panic::take_hook();
}

static GUARDS: AtomicU32 = AtomicU32::new(0);

struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        GUARDS.fetch_add(1, Ordering::Relaxed);
    }
}

unsafe extern "C-unwind" {
    fn pause() -> i32;
}

extern "C-unwind" fn body(_: *mut c_void) -> *mut c_void {
    let waited = contained(|| {
        let _guard = Guard;
        // SAFETY: no arguments; a cancellation point.
        unsafe { pause() }
    });
    // Not reached: the thread is cancelled in the call.
    waited.map_or(std::ptr::null_mut(), |_| std::ptr::dangling_mut())
}

#[test]
fn cancellation_passes_and_runs_guards() {
    // SAFETY: the start routine is entered as a C function; "C-unwind" only lets the forced unwind through.
    unsafe {
        let start = std::mem::transmute::<
            extern "C-unwind" fn(*mut c_void) -> *mut c_void,
            extern "C" fn(*mut c_void) -> *mut c_void,
        >(body);
        let mut thread: libc::pthread_t = 0;
        assert_eq!(libc::pthread_create(&raw mut thread, std::ptr::null(), start, std::ptr::null_mut()), 0);
        libc::usleep(50_000);
        assert_eq!(libc::pthread_cancel(thread), 0);
        let mut result = std::ptr::null_mut();
        assert_eq!(libc::pthread_join(thread, &raw mut result), 0);
        assert_eq!(result as isize, -1, "PTHREAD_CANCELED");
    }
    assert_eq!(GUARDS.load(Ordering::Relaxed), 1);
}
