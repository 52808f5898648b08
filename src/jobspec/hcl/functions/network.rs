//! Address ranges.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{ANY_NUMBER, Args, Function, Problem, function};
use crate::jobspec::hcl::value::Value;

pub const FUNCTIONS: &[Function] = &[
    function("cidrhost", 2, 2, host),
    function("cidrnetmask", 1, 1, netmask),
    function("cidrsubnet", 3, 3, subnet),
    function("cidrsubnets", 1, ANY_NUMBER, subnets),
];

/// An address range; addresses are numbers, the first bit on top of `width` bits.
#[derive(Clone, Copy)]
struct Range {
    width: u32,
    prefix: u32,
    base: u128,
}

impl Range {
    fn parse(args: &Args<'_>) -> Result<Self, Problem> {
        let text = args.text(0)?;
        let bad = || Problem::at(0, format!("{text:?} is not an address range such as 10.0.0.0/8"));
        let (address, prefix) = text.split_once('/').ok_or_else(bad)?;
        let (width, bits) = match address.parse().map_err(|_| bad())? {
            IpAddr::V4(v4) => (32, u128::from(u32::from(v4))),
            IpAddr::V6(v6) => (128, u128::from(v6)),
        };
        let prefix: u32 = prefix.parse().ok().filter(|prefix| *prefix <= width).ok_or_else(bad)?;
        let host_bits = width - prefix;
        Ok(Self { width, prefix, base: bits & !mask(host_bits) })
    }

    fn address(self, bits: u128) -> IpAddr {
        match u32::try_from(bits) {
            Ok(v4) if self.width == 32 => IpAddr::V4(Ipv4Addr::from(v4)),
            _ => IpAddr::V6(Ipv6Addr::from(bits)),
        }
    }

    fn size(self) -> u128 {
        mask(self.width - self.prefix)
    }

    fn text(self) -> String {
        format!("{}/{}", self.address(self.base), self.prefix)
    }

    fn longer(self, new_bits: i64, argument: usize) -> Result<u32, Problem> {
        let longer = u32::try_from(new_bits).ok().filter(|bits| *bits <= 128).map(|bits| self.prefix + bits);
        longer
            .filter(|prefix| *prefix <= self.width)
            .ok_or_else(|| Problem::at(argument, format!("the range has only {} bits left", self.width - self.prefix)))
    }
}

/// The lowest `bits` bits.
fn mask(bits: u32) -> u128 {
    1u128.checked_shl(bits).map_or(u128::MAX, |above| above - 1)
}

fn host(args: &Args<'_>) -> Result<Value, Problem> {
    let range = Range::parse(args)?;
    let number = args.int(1)?;
    let offset = u128::from(number.unsigned_abs());
    // Negative numbers count from the end.
    let bits = if number < 0 { (range.size() + 1).checked_sub(offset) } else { Some(offset) };
    let bits = bits.filter(|bits| *bits <= range.size()).ok_or_else(|| Problem::at(1, "the range has no such host"))?;
    Ok(range.address(range.base | bits).to_string().into())
}

fn netmask(args: &Args<'_>) -> Result<Value, Problem> {
    let range = Range::parse(args)?;
    if range.width != 32 {
        return Err(Problem::at(0, "only IPv4 ranges have a netmask"));
    }
    Ok(range.address(mask(32) & !mask(32 - range.prefix)).to_string().into())
}

fn subnet(args: &Args<'_>) -> Result<Value, Problem> {
    let range = Range::parse(args)?;
    let new_bits = args.int(1)?;
    let prefix = range.longer(new_bits, 1)?;
    let number = u128::try_from(args.int(2)?).ok().filter(|number| *number <= mask(prefix - range.prefix));
    let number = number.ok_or_else(|| Problem::at(2, format!("{new_bits} bits do not number so many subnets")))?;
    let base = range.base | number.checked_shl(range.width - prefix).unwrap_or(0);
    Ok(Range { prefix, base, ..range }.text().into())
}

/// Subnets one after the other, each of its own size.
fn subnets(args: &Args<'_>) -> Result<Value, Problem> {
    let range = Range::parse(args)?;
    let mut next = Some(range.base);
    let mut texts = Vec::new();
    for index in 1..args.len() {
        let prefix = range.longer(args.int(index)?, index)?;
        let host_mask = mask(range.width - prefix);
        // Up to the next multiple of the subnet's size.
        let base = next.and_then(|next| next.checked_add(host_mask)).map(|next| next & !host_mask);
        let base = base.filter(|base| *base >= range.base && base - range.base <= range.size() - host_mask);
        let base = base.ok_or_else(|| Problem::at(index, "the range is used up"))?;
        texts.push(Range { prefix, base, ..range }.text());
        next = base.checked_add(host_mask).and_then(|last| last.checked_add(1));
    }
    Ok(Value::strings(texts)?)
}
