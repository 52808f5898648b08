//! A task's user, by name or number, as the numbers that the shim switches to.

use std::ffi::CString;

use nix::unistd::{Gid, Uid, User, geteuid, getgrouplist};

use crate::runtime::shim::plan::Credentials;

/// `None`: no switch is needed. Errors say which user is unknown, or that switching needs root.
pub(super) fn resolve(user: &str) -> Result<Option<Credentials>, String> {
    if user.is_empty() {
        return Ok(None);
    }
    let by_number = || user.parse().ok().map(Uid::from_raw);
    let found = match User::from_name(user) {
        Ok(Some(found)) => Some(found),
        Ok(None) => by_number().and_then(|uid| User::from_uid(uid).ok().flatten()),
        Err(errno) => return Err(format!("cannot look up user {user:?}: {}", errno.desc())),
    };
    let credentials = match (found, by_number()) {
        (Some(found), _) => Credentials { uid: found.uid.as_raw(), gid: found.gid.as_raw(), groups: groups(&found.name, found.gid) },
        // A number without an entry is a user as well; its group has the same number.
        (None, Some(uid)) => Credentials { uid: uid.as_raw(), gid: uid.as_raw(), groups: vec![uid.as_raw()] },
        (None, None) => return Err(format!("unknown user {user:?}")),
    };
    if geteuid().as_raw() == credentials.uid {
        return Ok(None);
    }
    if !geteuid().is_root() {
        return Err(format!("only an agent that runs as root can start a task as user {user:?}"));
    }
    Ok(Some(credentials))
}

fn groups(name: &str, gid: Gid) -> Vec<u32> {
    let listed = CString::new(name).ok().and_then(|name| getgrouplist(&name, gid).ok());
    listed.map_or_else(|| vec![gid.as_raw()], |groups| groups.into_iter().map(Gid::as_raw).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_known() {
        assert_eq!(resolve(""), Ok(None));
        assert!(resolve("no-such-user-here").unwrap_err().contains("no-such-user-here"));
        if !geteuid().is_root() {
            return println!("SKIPPED: not root");
        }
        assert_eq!(resolve("root"), Ok(None));
        let nobody = resolve("nobody").unwrap().unwrap();
        assert_eq!(resolve(&nobody.uid.to_string()), Ok(Some(nobody)));
        assert_eq!(resolve("54321").unwrap().unwrap().gid, 54321);
    }
}
