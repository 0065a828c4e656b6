//! Where libtorch may lie, as paths that follow the folder of the program: the program's rpath, and where its launcher looks.

/// The file that is looked for.
pub const LIBRARY: &str = "libtorch_cpu.so";

/// Beside the program: as it is, as libtorch's own archive unpacks, and as `pip install --target` or `make install` lay it.
pub const BESIDE: [&str; 3] = ["", "/lib", "/torch/lib"];

/// In the environment that the program was installed into: the `site-packages` of the wheel, and `lib` of conda.
pub const ENVIRONMENT: [&str; 2] = ["/../../torch/lib", "/.."];

/// In the checkout that the program was built in.
pub const CHECKOUT: &str = "/../../.deps/torch/lib";
