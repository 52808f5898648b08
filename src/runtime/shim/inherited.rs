//! Descriptors that the agent had open without close-on-exec: a shim that kept them would hold other people's pipes and locks open for as
//! long as its task runs.
#![allow(unsafe_code)] // close_range has no safe wrapper in nix 0.31.

use nix::libc;

/// Closes everything but the standard three. Call it before any other descriptor is opened.
pub(super) fn close() {
    // SAFETY: called first thing in a process that has opened nothing yet, so no owner of a descriptor exists. Fails before Linux 5.9: they stay
    // open then.
    unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_int::MAX, 0) };
}
