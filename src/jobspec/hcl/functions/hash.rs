//! Digests and UUIDs.

use std::fmt::Write as _;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use uuid::{Builder, Uuid};

use super::{Args, Function, Problem, function};
use crate::jobspec::hcl::value::Value;
use crate::util::random::random_u128;

pub const FUNCTIONS: &[Function] = &[
    function("md5", 1, 1, digest::<Md5>),
    function("sha1", 1, 1, digest::<Sha1>),
    function("sha256", 1, 1, digest::<Sha256>),
    function("sha512", 1, 1, digest::<Sha512>),
    function("uuidv4", 0, 0, |_| Ok(Builder::from_random_bytes(random_u128().to_be_bytes()).into_uuid().to_string().into())),
    function("uuidv5", 2, 2, uuid_v5),
];

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
