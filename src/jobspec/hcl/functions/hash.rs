//! Digests and UUIDs.

use std::fmt::Write as _;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use uuid::{Builder, Uuid};

use super::{Args, Function, Problem, function};
use crate::jobspec::hcl::value::Value;
use crate::util::random::random_u128;

/// What more rounds would cost is nothing that a jobspec should take its time for.
const MOST_ROUNDS: u32 = 14;

pub const FUNCTIONS: &[Function] = &[
    function("bcrypt", 1, 2, bcrypt),
    function("md5", 1, 1, digest::<Md5>),
    function("sha1", 1, 1, digest::<Sha1>),
    function("sha256", 1, 1, digest::<Sha256>),
    function("sha512", 1, 1, digest::<Sha512>),
    function("uuidv4", 0, 0, |_| Ok(Builder::from_random_bytes(random_u128().to_be_bytes()).into_uuid().to_string().into())),
    function("uuidv5", 2, 2, uuid_v5),
];

/// A salted hash: another one every time, so that a job with it is never unchanged.
fn bcrypt(args: &Args<'_>) -> Result<Value, Problem> {
    let rounds = rounds(args)?;
    let hashed = bcrypt::non_truncating_hash(args.text(0)?.as_bytes(), rounds).map_err(|error| Problem::at(0, error.to_string()))?;
    Ok(hashed.into())
}

fn rounds(args: &Args<'_>) -> Result<u32, Problem> {
    let rounds = if args.len() > 1 { args.int(1)? } else { i64::from(bcrypt::DEFAULT_COST.min(10)) };
    u32::try_from(rounds)
        .ok()
        .filter(|rounds| (4..=MOST_ROUNDS).contains(rounds))
        .ok_or_else(|| Problem::at(1, format!("the cost must be in 4..={MOST_ROUNDS}, not {rounds}")))
}

/// Work of a call of `bcrypt`, see `Meter`: it doubles with each step of the cost.
pub fn bcrypt_work(args: &Args<'_>) -> usize {
    rounds(args).map_or(0, |rounds| 400 << rounds)
}

fn digest<D: Digest>(args: &Args<'_>) -> Result<Value, Problem> {
    let mut hex = String::new();
    for byte in D::digest(args.text(0)?.as_bytes()) {
        let _ = write!(hex, "{byte:02x}");
    }
    Ok(hex.into())
}

/// RFC 4122, 4.3: the name of `args[1]` in the namespace `args[0]`.
fn uuid_v5(args: &Args<'_>) -> Result<Value, Problem> {
    let namespace = match &*args.text(0)? {
        "dns" => Uuid::NAMESPACE_DNS,
        "url" => Uuid::NAMESPACE_URL,
        "oid" => Uuid::NAMESPACE_OID,
        "x500" => Uuid::NAMESPACE_X500,
        other => Uuid::try_parse(other).map_err(|_| Problem::at(0, "must be a UUID, or one of dns, url, oid, x500"))?,
    };
    let hash = Sha1::new().chain_update(namespace.as_bytes()).chain_update(args.text(1)?.as_bytes()).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Ok(Builder::from_sha1_bytes(bytes).into_uuid().to_string().into())
}
