//! Lets the program run on systems with an older C library than the one that it is built on.
//!
//! Of all that the program calls, only `hypot` and `hypotf` have a newer version than glibc 2.34: those of 2.35 differ from those of
//! 2.2.5 in that they do not set `errno`. build.rs has the linker send every call to `__wrap_hypot` and `__wrap_hypotf`, which take
//! the older.

use std::arch::global_asm;

global_asm!(".symver hypot_of_every_glibc, hypot@GLIBC_2.2.5");
global_asm!(".symver hypotf_of_every_glibc, hypotf@GLIBC_2.2.5");

unsafe extern "C" {
    fn hypot_of_every_glibc(x: f64, y: f64) -> f64;
    fn hypotf_of_every_glibc(x: f32, y: f32) -> f32;
}

#[unsafe(no_mangle)]
extern "C" fn __wrap_hypot(x: f64, y: f64) -> f64 {
    // SAFETY: the C library's function takes any two numbers.
    unsafe { hypot_of_every_glibc(x, y) }
}

#[unsafe(no_mangle)]
extern "C" fn __wrap_hypotf(x: f32, y: f32) -> f32 {
    // SAFETY: the C library's function takes any two numbers.
    unsafe { hypotf_of_every_glibc(x, y) }
}
