//! Gives the shared library its soname; rustc sets none by itself.
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libmatnet.so.0");
    // Signal handlers of the program go through a trampoline here: dlclose must not unmap it.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
