//! A new certificate authority in three steps, each of which everybody must have heard of before the next: it is trusted, it issues, the
//! old one is trusted no longer. Members ask for the list twice a minute and renew their certificates when it changed.

use std::time::Duration;

use crate::model::security::{Authority, ClusterSecurity, Digest, SecurityChange};
use crate::tls::seal::SealKey;
use crate::tls::{CLOCK_SKEW, CertificateAuthority, TlsError, fingerprint, valid_from};
use crate::util::clock::Timestamp;

/// Time for every member that can be reached to hear of a step, a few times over.
const SETTLE: Duration = Duration::from_secs(120);

/// What a rotation does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Trust,
    Issue(Digest),
    Drop,
}

/// The next step as a change, and what to tell the operator. `force`: whoever has not heard of the last one needs a join token.
pub fn next(security: &ClusterSecurity, seal_key: &SealKey, now: Timestamp, force: bool) -> Result<(SecurityChange, &'static str), String> {
    let failed = |error: TlsError| error.to_string();
    // A certificate is good from a little before it was made.
    let dated = |authority: &Authority| {
        let made = valid_from(&authority.certificate).map_err(failed)? + CLOCK_SKEW;
        Ok((fingerprint(&authority.certificate), made))
    };
    let authorities: Vec<(Digest, Timestamp)> = security.authorities.iter().map(dated).collect::<Result<_, String>>()?;
    let step = step(&authorities, now, force)
        .map_err(|wait| format!("members are still being told of the last step: go on in {} s, or force it", wait.as_secs().max(1)))?;
    Ok(match step {
        Step::Trust => {
            let authority = CertificateAuthority::create(now).map_err(failed)?;
            let sealed_key = seal_key.seal(&authority.key()).map_err(failed)?;
            (SecurityChange::TrustAuthority(Authority { certificate: authority.certificate().to_vec(), sealed_key }), "trusted")
        }
        Step::Issue(authority) => (SecurityChange::IssueWith(authority), "issuing"),
        Step::Drop => (SecurityChange::DropOldAuthorities, "finished"),
    })
}

/// `authorities` with the times of their making, the issuing one first; `Err`: how long to wait.
fn step(authorities: &[(Digest, Timestamp)], now: Timestamp, force: bool) -> Result<Step, Duration> {
    let [issuing, .., newest] = authorities else { return Ok(Step::Trust) };
    let is_trusted_only = newest.1 > issuing.1;
    let (next, since, settled) =
        if is_trusted_only { (Step::Issue(newest.0), newest.1, SETTLE) } else { (Step::Drop, issuing.1, 2 * SETTLE) };
    let passed = now.since(since);
    if force || passed >= settled { Ok(next) } else { Err(settled - passed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_waits_until_everybody_had_the_time_to_hear_of_the_one_before() {
        let at = |seconds: i64| Timestamp(seconds * 1_000_000_000);
        let (old, new) = (([1; 32], at(0)), ([2; 32], at(1_000)));
        assert_eq!(step(&[old], at(9), false), Ok(Step::Trust));
        assert_eq!(step(&[old, new], at(1_010), false), Err(Duration::from_secs(110)));
        assert_eq!(step(&[old, new], at(1_010), true), Ok(Step::Issue([2; 32])));
        assert_eq!(step(&[old, new], at(1_120), false), Ok(Step::Issue([2; 32])));
        assert_eq!(step(&[new, old], at(1_130), false), Err(Duration::from_secs(110)));
        assert_eq!(step(&[new, old], at(1_240), false), Ok(Step::Drop));
    }
}
