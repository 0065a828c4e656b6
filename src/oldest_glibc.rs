//! Lets the program run on systems with an older C library than the one that it is built on.
//!
//! Of all that the program calls, only `hypot` has a newer version than glibc 2.34: that of 2.35 differs from the one of 2.2.5 in that it
//! does not set `errno`. build.rs has the linker send every call to `__wrap_hypot`, which takes the older.

use std::arch::global_asm;

global_asm!(".symver hypot_of_every_glibc, hypot@GLIBC_2.2.5");

unsafe extern "C" {
    fn hypot_of_every_glibc(x: f64, y: f64) -> f64;
}

#[unsafe(no_mangle)]
extern "C" fn __wrap_hypot(x: f64, y: f64) -> f64 {
    // SAFETY: the C library's function takes any two numbers.
    unsafe { hypot_of_every_glibc(x, y) }
}
