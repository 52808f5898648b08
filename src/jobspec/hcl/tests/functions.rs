//! Functions.

use super::{check, run};
use crate::jobspec::hcl::function_names;

#[test]
fn numeric() {
    check(&[
        ("abs(-3)", "3"),
        ("abs(-3.5)", "3.5"),
        ("ceil(1.1)", "2"),
        ("floor(-1.1)", "-2"),
        ("log(8, 2)", "3"),
        ("max(1, \"7\", 3)", "7"),
        ("max(var.list...)", "error: max(): expected a number, found \"a\""),
        ("min([3, 2]...)", "2"),
        ("parseint(\"ff\", 16)", "255"),
        ("parseint(\"9\", 8)", "error: parseint(): \"9\" is not a number in base 8"),
        ("pow(2, 10)", "1024"),
        ("pow(4, 0.5)", "2"),
        ("pow(10, 999)", "error: pow(): the result is not a number"),
        ("signum(-2)", "-1"),
        ("signum(0)", "0"),
    ]);
}

#[test]
fn string() {
    check(&[
        ("chomp(\"x\\n\\r\\n\")", "\"x\""),
        ("indent(2, \"a\\nb\")", "\"a\\n  b\""),
        ("join(\"-\", [\"a\", 1], [true])", "\"a-1-true\""),
        ("lower(\"ÄB\")", "\"äb\""),
        ("upper(\"äb\")", "\"ÄB\""),
        ("regex_replace(\"a1b22\", \"[0-9]+\", \"<$0>\")", "\"a<1>b<22>\""),
        ("regex_replace(\"x\", \"(\", \"\")", "error: regex_replace(): bad regular expression: unclosed group"),
        ("replace(\"1 + 2 + 3\", \"+\", \"-\")", "\"1 - 2 - 3\""),
        ("split(\",\", \"a,,b\")", "[\"a\",\"\",\"b\"]"),
        ("strlen(\"größe\")", "5"),
        ("strrev(\"abc\")", "\"cba\""),
        ("substr(\"hello\", 1, 3)", "\"ell\""),
        ("substr(\"hello\", -3, -1)", "\"llo\""),
        ("title(\"hello brave world\")", "\"Hello Brave World\""),
        ("trim(\"?!hi?!\", \"!?\")", "\"hi\""),
        ("trimprefix(\"helloworld\", \"hello\")", "\"world\""),
        ("trimsuffix(\"helloworld\", \"world\")", "\"hello\""),
        ("trimspace(\"  x\\n\")", "\"x\""),
        ("lower(\"a\", \"b\")", "error: lower(): takes 1 argument, not 2"),
        ("uper(\"a\")", "error: uper(): there is no such function"),
        ("file(\"/etc/passwd\")", "error: file(): a server does not look at files"),
    ]);
}

#[test]
fn format() {
    check(&[
        ("format(\"%s is %d\", \"x\", 3)", "\"x is 3\""),
        ("format(\"%05.1f|%-4s|%4s|%+d\", 3.14159, \"a\", \"b\", 5)", "\"003.1|a   |   b|+5\""),
        ("format(\"%[2]s %[1]s %%\", \"a\", \"b\")", "\"b a %\""),
        ("format(\"%v %v %#v\", [1], true, \"x\")", "\"[1] true \\\"x\\\"\""),
        ("format(\"%x %X %o %b %q %t\", 255, 255, 8, 5, \"a\\\"b\", true)", "\"ff FF 10 101 \\\"a\\\\\\\"b\\\" true\""),
        ("format(\"%e\", 1234.5)", "\"1.234500e+03\""),
        ("format(\"%s\")", "error: format(): there is no argument for `%s`"),
        ("format(\"x\", 1)", "error: format(): the format has no verb for this argument"),
        ("format(\"%d\", \"x\")", "error: format(): `%d` takes a number, not \"x\""),
        ("format(\"%99999999d\", 1)", "error: format(): widths end at 1024"),
        ("formatlist(\"%s-%s\", [\"a\", \"b\"], \"x\")", "[\"a-x\",\"b-x\"]"),
    ]);
}

#[test]
fn collections() {
    check(&[
        ("chunklist([1, 2, 3], 2)", "[[1,2],[3]]"),
        ("coalesce(null, \"\", \"x\")", "\"x\""),
        ("coalescelist([], [1])", "[1]"),
        ("compact([\"a\", \"\", \"b\"])", "[\"a\",\"b\"]"),
        ("concat([1], [2, 3])", "[1,2,3]"),
        ("contains(var.list, \"b\")", "true"),
        ("distinct([1, 2, 1, \"1\"])", "[1,2,\"1\"]"),
        ("element(var.list, 4)", "\"b\""),
        ("flatten([[1, [2]], 3])", "[1,2,3]"),
        ("index(var.list, \"c\")", "2"),
        ("keys({ b = 1, a = 2 })", "[\"a\",\"b\"]"),
        ("values({ b = 1, a = 2 })", "[2,1]"),
        ("length(\"größe\") + length([1]) + length({})", "6"),
        ("lookup(var.map, \"x\", \"d\")", "\"d\""),
        ("merge({ a = 1, b = 1 }, { b = 2 })", "{\"a\":1,\"b\":2}"),
        ("range(3)", "[0,1,2]"),
        ("range(1, 4)", "[1,2,3]"),
        ("range(4, 1)", "[4,3,2]"),
        ("range(1, 8, 3)", "[1,4,7]"),
        ("range(0, 10, -1)", "error: range(): the step does not lead to the limit"),
        ("range(1e12)", "error: range(): the value is too large"),
        ("reverse([1, 2])", "[2,1]"),
        ("slice(var.list, 1, 2)", "[\"b\"]"),
        ("slice(var.list, 2, 9)", "error: slice(): the bounds must lie in 0..=3 and not cross"),
        ("sort([\"b\", \"a\"])", "[\"a\",\"b\"]"),
        ("zipmap([\"a\", \"b\"], [1, 2])", "{\"a\":1,\"b\":2}"),
        ("setintersection([1, 2], [2, 3])", "[2]"),
        ("setunion([1, 2], [2, 3])", "[1,2,3]"),
        ("setproduct([1, 2], [\"a\"])", "[[1,\"a\"],[2,\"a\"]]"),
        ("setproduct(range(999), range(999), range(999))", "error: setproduct(): the value is too large"),
    ]);
}

#[test]
fn encodings() {
    check(&[
        ("base64encode(\"hello\")", "\"aGVsbG8=\""),
        ("base64decode(\"aGVsbG8=\")", "\"hello\""),
        ("jsonencode({ a = [1, null, \"<x>\"] })", "\"{\\\"a\\\":[1,null,\\\"\\\\u003cx\\\\u003e\\\"]}\""),
        ("jsondecode(\"{\\\"a\\\": [1.5, true]}\").a[0]", "1.5"),
        ("urlencode(\"a b&c/ö\")", "\"a+b%26c%2F%C3%B6\""),
        ("csvdecode(\"a,b\\n1,\\\"x, \\\"\\\"y\\\"\\n\")", "[{\"a\":\"1\",\"b\":\"x, \\\"y\"}]"),
        ("csvdecode(\"a,b\\n1\\n\")", "error: csvdecode(): row 2 has 1 cells, the header has 2"),
        ("yamldecode(\"a: 1\\nb:\\n  - x\\n  - {c: true}\\n\")", "{\"a\":1,\"b\":[\"x\",{\"c\":true}]}"),
        ("yamldecode(yamlencode({ a = [1, { b = \"x: y\" }], c = {}, d = [] }))", "{\"a\":[1,{\"b\":\"x: y\"}],\"c\":{},\"d\":[]}"),
    ]);
}

#[test]
fn digests_and_ids() {
    check(&[
        ("md5(\"hello\")", "\"5d41402abc4b2a76b9719d911017c592\""),
        ("sha1(\"hello\")", "\"aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d\""),
        ("sha256(\"hello\")", "\"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\""),
        ("uuidv5(\"dns\", \"www.example.com\")", "\"2ed6657d-e927-568b-95e1-2665a8aea6a2\""),
    ]);
    assert!(run("bcrypt(\"x\", 4)").starts_with("\"$2b$04$"));
    assert_eq!(run("bcrypt(\"x\", 30)"), "error: bcrypt(): the cost must be in 4..=14, not 30");
    assert_eq!(run("sha512(\"\")").len(), 130);
    assert_ne!(run("uuidv4()"), run("uuidv4()"));
}

#[test]
fn networks() {
    check(&[
        ("cidrhost(\"10.12.127.0/20\", 16)", "\"10.12.112.16\""),
        ("cidrhost(\"10.12.127.0/20\", -1)", "\"10.12.127.255\""),
        ("cidrhost(\"fd00:fd12:3456:7890:00a2::/72\", 34)", "\"fd00:fd12:3456:7890::22\""),
        ("cidrhost(\"10.0.0.0/30\", 4)", "error: cidrhost(): the range has no such host"),
        ("cidrnetmask(\"172.16.0.0/12\")", "\"255.240.0.0\""),
        ("cidrsubnet(\"172.16.0.0/12\", 4, 2)", "\"172.18.0.0/16\""),
        ("cidrsubnet(\"10.1.2.0/24\", 4, 15)", "\"10.1.2.240/28\""),
        ("cidrsubnet(\"10.1.2.0/24\", 9, 0)", "error: cidrsubnet(): the range has only 8 bits left"),
        ("cidrsubnets(\"10.1.0.0/16\", 4, 4, 8, 4)", "[\"10.1.0.0/20\",\"10.1.16.0/20\",\"10.1.32.0/24\",\"10.1.48.0/20\"]"),
        ("cidrsubnets(\"10.1.0.0/16\", 1, 1, 1)", "error: cidrsubnets(): the range is used up"),
        ("cidrsubnet(\"0.0.0.0/0\", 0, 0)", "\"0.0.0.0/0\""),
    ]);
}

#[test]
fn times() {
    check(&[
        ("timeadd(\"2017-11-22T00:00:00Z\", \"10m\")", "\"2017-11-22T00:10:00Z\""),
        ("timeadd(\"2017-11-22T00:00:00+02:00\", \"-1h\")", "\"2017-11-21T23:00:00+02:00\""),
        ("formatdate(\"DD MMM YYYY hh:mm ZZZ\", \"2018-01-02T23:12:01Z\")", "\"02 Jan 2018 23:12 UTC\""),
        ("formatdate(\"EEEE, DD-MMM-YY H:mm:ss AA\", \"2018-01-02T23:12:01Z\")", "\"Tuesday, 02-Jan-18 11:12:01 PM\""),
        ("formatdate(\"YYYY'-week''s '\", \"2018-01-02T23:12:01-05:00\")", "\"2018-week's \""),
        ("formatdate(\"ZZZZZ Z\", \"2018-01-02T23:12:01-05:00\")", "\"-05:00 -05:00\""),
        ("timeadd(\"yesterday\", \"1h\")", "error: timeadd(): \"yesterday\" is not a time such as 2026-01-31T10:00:00Z"),
    ]);
}

/// Made by OpenSSL for the keys beside this file, which are used nowhere else.
const ENCRYPTED: &str = "pcFfWTtaq3+P/8fcj6Zf4owKAMeHN1oIC9yPFN/6Iz5+t5H7jVH78dpr5mKht5B/kdI6tfEqJufs96whPT6gGoT0SUtmE9cEDAai8fZY5urUkMFNtijCjPwHZV1R1jtG8kIzgGy1tYn8Mc44qBAprwsBxSlwACEwInZfNWUHCSY=";

#[test]
fn decryption() {
    for key in [include_str!("keys/rsa-pkcs1.pem"), include_str!("keys/rsa-pkcs8.pem")] {
        assert_eq!(run(&format!("rsadecrypt(\"{ENCRYPTED}\", <<EOF\n{key}EOF\n)")), "\"hello, wörld\"");
        let other = ENCRYPTED.replace("A", "B");
        assert_eq!(run(&format!("rsadecrypt(\"{other}\", <<EOF\n{key}EOF\n)")), "error: rsadecrypt(): was not encrypted for this key");
    }
    check(&[
        ("rsadecrypt(\"%\", \"\")", "error: rsadecrypt(): not base64: Invalid symbol 37, offset 0."),
        (
            "rsadecrypt(\"aGk=\", \"secret\")",
            "error: rsadecrypt(): not an RSA private key: it is PEM, and begins with -----BEGIN RSA PRIVATE KEY-----",
        ),
    ]);
}

/// The list of the reference (Nomad 1.7 and later), file functions included.
const REFERENCE: &str = "abs base64decode base64encode bcrypt can ceil chomp chunklist cidrhost cidrnetmask cidrsubnet cidrsubnets coalesce \
    coalescelist compact concat contains convert csvdecode distinct element flatten floor format formatdate formatlist indent index join \
    jsondecode jsonencode keys length log lookup lower max md5 merge min parseint pow range regex_replace replace reverse rsadecrypt \
    setintersection setproduct setunion sha1 sha256 sha512 signum slice sort split strlen strrev substr timeadd title trim trimprefix \
    trimspace trimsuffix try upper urlencode uuidv4 uuidv5 values yamldecode yamlencode zipmap \
    abspath basename dirname file filebase64 fileexists fileset pathexpand";

#[test]
fn every_function_of_the_reference_is_there_and_is_tried_here() {
    let tests = [include_str!("functions.rs"), include_str!("expressions.rs"), include_str!("../functions/files.rs")].concat();
    for name in REFERENCE.split_whitespace() {
        assert!(function_names().any(|known| known == name), "{name} is missing");
        assert!(tests.contains(&format!("{name}(")), "{name} is tried by no table");
    }
    let others: Vec<&str> = function_names().filter(|name| !REFERENCE.split_whitespace().any(|known| known == *name)).collect();
    assert_eq!(others, Vec::<&str>::new(), "not in the reference");
}
