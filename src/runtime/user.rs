//! A task's user, by name or number, as the numbers that the shim switches to.

use std::ffi::CString;

use nix::errno::Errno;
use nix::unistd::{Gid, Uid, User, geteuid, getgrouplist};

use super::driver::StartError;
use super::shim::plan::Credentials;

/// Why a task cannot run as a user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    #[error("unknown user {0:?}")]
    Unknown(String),
    #[error("only an agent that runs as root can start a task as user {0:?}")]
    NeedsRoot(String),
    #[error("cannot look up user {user:?}: {}", errno.desc())]
    LookUp { user: String, errno: Errno },
}

impl UserError {
    /// Whether another try would fail alike.
    pub fn is_permanent(&self) -> bool {
        !matches!(self, Self::LookUp { .. })
    }
}

impl From<UserError> for StartError {
    fn from(error: UserError) -> Self {
        if error.is_permanent() { Self::Permanent(error.to_string()) } else { Self::Transient(error.to_string()) }
    }
}

/// The user that the name or number means. `None`: no switch is needed.
pub fn resolve(user: &str) -> Result<Option<Credentials>, UserError> {
    if user.is_empty() {
        return Ok(None);
    }
    let by_number = || user.parse().ok().map(Uid::from_raw);
    let found = match User::from_name(user) {
        Ok(Some(found)) => Some(found),
        Ok(None) => by_number().and_then(|uid| User::from_uid(uid).ok().flatten()),
        Err(errno) => return Err(UserError::LookUp { user: user.to_owned(), errno }),
    };
    let credentials = match (found, by_number()) {
        (Some(found), _) => Credentials { uid: found.uid.as_raw(), gid: found.gid.as_raw(), groups: groups(&found.name, found.gid) },
        // A number without an entry is a user as well; its group has the same number.
        (None, Some(uid)) => Credentials { uid: uid.as_raw(), gid: uid.as_raw(), groups: vec![uid.as_raw()] },
        (None, None) => return Err(UserError::Unknown(user.to_owned())),
    };
    if geteuid().as_raw() == credentials.uid {
        return Ok(None);
    }
    if !geteuid().is_root() {
        return Err(UserError::NeedsRoot(user.to_owned()));
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
        let unknown = resolve("no-such-user-here").unwrap_err();
        assert!(unknown.is_permanent() && unknown.to_string().contains("no-such-user-here"), "{unknown}");
        if !geteuid().is_root() {
            return println!("SKIPPED: not root");
        }
        assert_eq!(resolve("root"), Ok(None));
        let nobody = resolve("nobody").unwrap().unwrap();
        assert_eq!(resolve(&nobody.uid.to_string()), Ok(Some(nobody)));
        assert_eq!(resolve("54321").unwrap().unwrap().gid, 54321);
    }
}
