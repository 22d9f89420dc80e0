//! Keeps the linker from adapting WASI imports: the component has none.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "unknown") {
        println!("cargo:rustc-link-arg-cdylib=--wasi-adapter=none");
    }
}
