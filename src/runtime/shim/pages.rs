//! The program's own memory. Starting a task takes megabytes of code that waiting for its end does not, and every fault maps the pages around it
//! too: a shim at rest gives them back, and takes what it needs again from the page cache.
#![allow(unsafe_code)] // nix has madvise behind a feature of its own, and as an unsafe function too.

use std::fs;
use std::ops::Range;

use nix::libc;

/// Unmaps the pages of the program's code. It is as it was afterwards, and so is everything when this fails.
pub fn release_code() {
    let Some(code) = fs::read_to_string("/proc/self/maps").ok().and_then(|maps| mapping_of(&maps, release_code as *const () as usize))
    else {
        return;
    };
    // SAFETY: the range is a file's, mapped as code and never written to: a page that is dropped is read again from the file when it is
    // executed next, this function's own included.
    unsafe { libc::madvise(code.start as *mut libc::c_void, code.len(), libc::MADV_DONTNEED) };
}

/// The mapping of code that holds an address.
fn mapping_of(maps: &str, address: usize) -> Option<Range<usize>> {
    maps.lines().find_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let range = usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?;
        (rest.starts_with("r-xp") && range.contains(&address)).then_some(range)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_is_given_back() {
        let maps = "00200000-008dc000 r--p 00000000 00:1f 9 /pannier\n008dc000-024e3000 r-xp 006db000 00:1f 9 /pannier\n024e3000-025b7000 r--p 0 0:1 9 /p\n";
        assert_eq!(mapping_of(maps, 0x008d_c001), Some(0x008d_c000..0x024e_3000));
        assert_eq!(mapping_of(maps, 0x0020_0001), None, "not code");
        assert_eq!(mapping_of(maps, 0x024e_3000), None);
        assert_eq!(mapping_of(maps, 1), None);
        assert_eq!(mapping_of("nonsense\n\n1-2", 1), None);
    }

    #[test]
    fn the_program_runs_on() {
        release_code();
        assert_eq!("1 2".split(' ').count(), 2);
    }
}
