#!/usr/bin/env bash
# Installs the built program below a folder, so that it needs the checkout no more.
#
#   packaging/install.sh PREFIX [LIBTORCH]
#
# PREFIX/bin/attentionae-sc is a link to PREFIX/lib/attentionae-sc, which may be moved anywhere as a whole. LIBTORCH, where
# given, is copied into it: a folder with lib/libtorch_cpu.so, such as .deps/torch. DESTDIR is put before PREFIX.
set -euo pipefail
cd "$(dirname "$0")/.."
prefix=${1:?usage: packaging/install.sh PREFIX [LIBTORCH]}
libtorch=${2:-}
case $prefix in /*) ;; *) prefix=$OLDPWD/$prefix ;; esac
built=${CARGO_TARGET_DIR:-target}/release
root=${DESTDIR:-}$prefix
home=$root/lib/attentionae-sc

install -d "$root/bin" "$home"
install -s "$built/attentionae-sc" "$built/attentionae-sc-engine" "$home"
ln -sfn ../lib/attentionae-sc/attentionae-sc "$root/bin/attentionae-sc"

# What the program wants of libtorch; the rest is for Python, for compilers, and, without cuDNN beside it, for GPUs.
copy_libtorch() {
    local from=$1 file
    install -d "$home/torch/lib"
    for file in "$from"/lib/*.so*; do
        case ${file##*/} in
            libtorch_python.so | libshm.so) ;;
            *cuda* | *nvrtc* | libtorch_nvshmem.so) if [ -d "$from/../nvidia/cudnn" ]; then cp -p "$file" "$home/torch/lib"; fi ;;
            *) cp -p "$file" "$home/torch/lib" ;;
        esac
    done
    for file in "$from/version.py" "$from/build-version"; do
        if [ -f "$file" ]; then install -m 644 "$file" "$home/torch"; fi
    done
    for file in "$from"/../nvidia/*/lib; do
        if [ -d "$file" ]; then copy_nvidia "$file"; fi
    done
    for file in "$from"/LICENSE "$from"/../torch-*.dist-info/licenses/{LICENSE,NOTICE} "$from"/../nvidia_*.dist-info/licenses/*; do
        if [ -f "$file" ]; then install -D -m 644 "$file" "$home/licenses/$(basename "$(dirname "$(dirname "$file")")")/${file##*/}"; fi
    done
}

# The libraries of one of NVIDIA's wheels, where libtorch looks for them: ../../nvidia/NAME/lib.
copy_nvidia() {
    local to
    to=$home/nvidia/$(basename "$(dirname "$1")")/lib
    install -d "$to"
    find "$1" -maxdepth 1 -name '*.so*' -exec cp -p {} "$to" \;
}

if [ -n "$libtorch" ]; then copy_libtorch "$libtorch"; fi
install -D -m 644 LICENSE "$home/licenses/LICENSE"
python=${PYTHON:-python3}
"$python" packaging/licences.py >"$home/licenses/THIRD-PARTY.txt"

run() { LIBTORCH=${libtorch:-${LIBTORCH:-.deps/torch}} "$home/attentionae-sc" "$@"; }
place() { install -d "$root/$(dirname "$2")"; run completions "$1" >"$root/$2"; }
place bash share/bash-completion/completions/attentionae-sc
place zsh share/zsh/site-functions/_attentionae-sc
place fish share/fish/vendor_completions.d/attentionae-sc.fish
place man share/man/man1/attentionae-sc.1
