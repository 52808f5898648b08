//! Link flags of the program.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Every task has a shim, which is this same program. A position-independent one is relocated anew in each process: more than a megabyte
    // of private memory and milliseconds before its first instruction, per task. Stack, heap and libraries stay randomised.
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
