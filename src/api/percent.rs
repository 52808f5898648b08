//! Percent-decoding of paths and query strings.

use super::error::ApiError;

/// Decodes `%XX`; `+` stands for a space where `plus_is_space` (query strings).
pub fn decode(text: &str, plus_is_space: bool) -> Result<String, ApiError> {
    let malformed = || ApiError::bad_request(format!("malformed URL escape in {text:?}"));
    if !text.contains(['%', '+']) {
        return Ok(text.to_owned());
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let plain = match byte {
            b'%' => {
                let high = bytes.next().and_then(hex_digit).ok_or_else(malformed)?;
                let low = bytes.next().and_then(hex_digit).ok_or_else(malformed)?;
                high << 4 | low
            }
            b'+' if plus_is_space => b' ',
            other => other,
        };
        decoded.push(plain);
    }
    String::from_utf8(decoded).map_err(|_| malformed())
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_escapes_and_refuses_broken_ones() {
        assert_eq!(decode("batch%2Fnightly+x", false).unwrap(), "batch/nightly+x");
        assert_eq!(decode("a+b%20c", true).unwrap(), "a b c");
        assert_eq!(decode("%C3%A9", true).unwrap(), "é");
        for broken in ["%", "%4", "%zz", "%ff"] {
            assert!(decode(broken, true).is_err(), "{broken}");
        }
    }
}
