//! Kernel, operating system and host name.

use super::{Facts, read};

/// Signals that tasks may be sent, as users name them.
const SIGNALS: &str = "SIGABRT,SIGALRM,SIGBUS,SIGCHLD,SIGCONT,SIGFPE,SIGHUP,SIGILL,SIGINT,SIGIO,SIGKILL,SIGPIPE,SIGPROF,SIGQUIT,SIGSEGV,\
SIGSTOP,SIGSYS,SIGTERM,SIGTRAP,SIGTSTP,SIGTTIN,SIGTTOU,SIGURG,SIGUSR1,SIGUSR2,SIGWINCH,SIGXCPU,SIGXFSZ";

pub fn add(facts: &mut Facts) {
    facts.set("kernel.name", "linux");
    facts.set("os.signals", SIGNALS);
    if let Some(release) = read("/proc/sys/kernel/osrelease") {
        facts.set("kernel.version", release.trim());
    }
    let release = read("/etc/os-release").or_else(|| read("/usr/lib/os-release")).unwrap_or_default();
    facts.set("os.name", os_release(&release, "ID").unwrap_or("linux"));
    if let Some(version) = os_release(&release, "VERSION_ID") {
        facts.set("os.version", version);
    }
    if let Some(name) = read("/proc/sys/kernel/hostname") {
        facts.set("unique.hostname", name.trim());
    }
}

fn os_release<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
    Some(value.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_os_release() {
        let text = "PRETTY_NAME=\"Debian 12\"\nVERSION_ID=\"12\"\nID=debian\n";
        assert_eq!(os_release(text, "ID"), Some("debian"));
        assert_eq!(os_release(text, "VERSION_ID"), Some("12"));
        assert_eq!(os_release(text, "BUILD_ID"), None);
    }
}
