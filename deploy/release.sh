#!/usr/bin/env bash
# Builds what a release consists of: a static binary for each target, the rule packs, an SBOM for each binary, and the digests of all.
# Run it with --help for the arguments.

set -euo pipefail

readonly targets_known=(x86_64-unknown-linux-musl aarch64-unknown-linux-musl)
readonly wasm_target=wasm32-unknown-unknown
readonly cyclonedx_version=0.5.9
readonly auditable_version=0.7.7

usage() {
  cat <<HELP
Usage: deploy/release.sh [--target TARGET]... [--install-tools] [--no-sbom] [--no-rules] [--check]

Writes to target/release-artifacts/VERSION/:
  orgwatch-host-VERSION-TARGET            the binary, static and stripped
  orgwatch-host-VERSION-TARGET.cdx.json   its SBOM (CycloneDX 1.5)
  orgwatch-rules-VERSION.tar.gz           the rule packs, built
  SHA256SUMS                              the digests of all these

  --target TARGET   ${targets_known[*]}
                    repeatable; without it: each that can be built here, and a word on the others
  --install-tools   install cargo-cyclonedx ${cyclonedx_version} and cargo-auditable ${auditable_version} where they are missing
  --no-sbom         go without SBOMs
  --no-rules        go without the rule packs
  --check           only tell what can be built here

Exit codes: 0 done; 1 a target that was asked for cannot be built here, or building failed; 3 wrong usage.
HELP
}

say() { printf 'release: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}
has() { command -v "$1" > /dev/null 2>&1; }

# What `how_to_build` found: the cargo command's first words, and the C compiler, empty where the command brings its own.
cargo_command=()
c_compiler=''

# Tells how a target can be built here, or says what is missing and fails. SQLite and ring are C, so each target needs a C compiler whose
# headers are musl's: code that is compiled with glibc's headers would ask for functions that the binary does not have.
how_to_build() {
  local target=$1 machine=${1%%-*}
  cargo_command=()
  c_compiler=''
  if [[ $(uname -sm) == "Linux $machine" ]] && has musl-gcc; then
    c_compiler=musl-gcc
  elif has "$machine-linux-musl-gcc"; then
    c_compiler=$machine-linux-musl-gcc
  elif has cargo-zigbuild && { has zig || python3 -m ziglang version > /dev/null 2>&1; }; then
    cargo_command=(zigbuild)
    return 0
  else
    say "$target cannot be built here: there is no C compiler for it"
    if [[ $(uname -sm) == "Linux $machine" ]]; then
      say "hint: install musl-gcc (the package musl-tools on Debian and Ubuntu)"
    else
      say "hint: install $machine-linux-musl-gcc (a musl cross toolchain), or cargo-zigbuild and ziglang (both with pip)"
    fi
    return 1
  fi
  cargo_command=(build)
}

# Installs a Rust target where it is missing and can be had.
have_target() {
  local target=$1 folder
  folder=$(rustc --print target-libdir --target "$target" 2> /dev/null || true)
  if [[ -n $folder && -d $folder ]]; then
    return 0
  fi
  if ! has rustup; then
    say "the Rust target $target is not installed, and there is no rustup to install it"
    return 1
  fi
  say "installing the Rust target $target"
  if ! rustup target add "$target"; then
    say "the Rust target $target could not be installed"
    return 1
  fi
}

# Tells whether a tool of cargo is there; installs it where that was asked for.
have_tool() {
  local tool=$1 version=$2
  if has "$tool"; then
    return 0
  fi
  if [[ $install_tools == no ]]; then
    return 1
  fi
  say "installing $tool $version"
  cargo install --locked "$tool@$version"
}

build() {
  local target=$1 arguments binary
  how_to_build "$target"
  have_target "$target"
  arguments=(--locked --release --package orgwatch-host --bin orgwatch-host --target "$target")
  if have_tool cargo-auditable "$auditable_version"; then
    # The list of dependencies goes into the binary too, where scanners of images look for it.
    cargo_command=(auditable "${cargo_command[@]}")
  else
    say "cargo-auditable is not installed: the binary will not carry the list of its dependencies"
  fi
  say "building for $target: cargo ${cargo_command[*]}"
  (
    name=${target//-/_}
    if [[ -n $c_compiler ]]; then
      export "CC_$name=$c_compiler"
    fi
    # For this machine the ordinary linker does: Rust brings musl's own libraries. (musl-gcc cannot link a static-pie.)
    if [[ -n $c_compiler && $c_compiler != musl-gcc ]]; then
      export "CARGO_TARGET_${name^^}_LINKER=$c_compiler"
    fi
    # Nothing of where it was built, or by whom, goes into the binary.
    flags="-Ctarget-feature=+crt-static --remap-path-prefix=$root=/orgwatch --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
    export "CARGO_TARGET_${name^^}_RUSTFLAGS=$flags"
    # Flags for every target would override these.
    unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
    cargo "${cargo_command[@]}" "${arguments[@]}"
  )
  binary=$out/orgwatch-host-$version-$target
  install -m 0755 "$target_dir/$target/release/orgwatch-host" "$binary"
  assert_static "$binary"
}

# The profile strips symbols and the target links statically; a release is no place to take either on trust.
assert_static() {
  local binary=$1
  if ! has readelf; then
    say "readelf is not installed (the package binutils): not checked whether the binary is static and stripped"
    return 0
  fi
  if readelf --program-headers --wide "$binary" | grep -q INTERP; then
    fail "$binary is not static: it asks for a dynamic linker"
  fi
  if readelf --dynamic --wide "$binary" 2> /dev/null | grep -q NEEDED; then
    fail "$binary is not static: it asks for libraries"
  fi
  if readelf --sections --wide "$binary" | grep -q '\.symtab'; then
    fail "$binary is not stripped"
  fi
}

# cargo-cyclonedx writes a file beside the manifest of every crate of the workspace; only the host's is of use. It names the crates of the
# workspace by where they lie, which is nobody's business.
sbom() {
  local target=$1
  say "writing the SBOM for $target"
  cargo cyclonedx --manifest-path host/Cargo.toml --format json --spec-version 1.5 --target "$target" \
    --override-filename "$sbom_name" --quiet
  sed "s|file://$root|file:///orgwatch|g" "host/$sbom_name.json" > "$out/orgwatch-host-$version-$target.cdx.json"
}

# Leaves nothing behind, however it ends.
readonly sbom_name=sbom-in-the-making
stage=''
clean_up() {
  find . -path ./target -prune -o -name "$sbom_name.json" -exec rm {} +
  [[ -z $stage ]] || rm -rf "$stage"
}

# The packs as `--rules` takes them: the manifest and the components. Components are the same for every machine.
rules() {
  local host=$1 pack
  say "building the rule packs"
  have_target "$wasm_target"
  "$host" build rules/
  stage=$(mktemp -d)
  for pack in rules/*/; do
    install -D -m 0644 -t "$stage/$pack" "$pack/pack.toml"
    install -D -m 0644 -t "$stage/$pack/dist" "$pack"/dist/*.wasm
  done
  # The same sources give the same archive: no names, no times but the last commit's.
  tar --create --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" --directory "$stage" rules \
    | gzip --no-name --best > "$out/orgwatch-rules-$version.tar.gz"
}

# The host's own binary runs where it is built for this machine; otherwise cargo makes one that does.
host_that_runs() {
  local mine
  mine=$out/orgwatch-host-$version-$(uname -m)-unknown-linux-musl
  if [[ -x $mine ]]; then
    printf '%s\n' "$mine"
  else
    cargo build --locked --release --package orgwatch-host
    printf '%s\n' "$target_dir/release/orgwatch-host"
  fi
}

wanted=()
install_tools=no
with_sbom=yes
with_rules=yes
only_check=no
while [[ $# -gt 0 ]]; do
  case $1 in
    --target)
      [[ $# -ge 2 ]] || { usage >&2; exit 3; }
      wanted+=("$2")
      shift
      ;;
    --target=*) wanted+=("${1#*=}") ;;
    --install-tools) install_tools=yes ;;
    --no-sbom) with_sbom=no ;;
    --no-rules) with_rules=no ;;
    --check) only_check=yes ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      say "unknown argument: $1"
      usage >&2
      exit 3
      ;;
  esac
  shift
done
for target in "${wanted[@]}"; do
  if [[ ! " ${targets_known[*]} " == *" $target "* ]]; then
    say "unknown target: $target (known: ${targets_known[*]})"
    exit 3
  fi
done

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
trap clean_up EXIT
has cargo || fail "cargo is not installed; install Rust with rustup"

# Everything that is missing is said before anything is built.
buildable=()
missing=0
if [[ ${#wanted[@]} -gt 0 ]]; then
  for target in "${wanted[@]}"; do
    if how_to_build "$target" && have_target "$target"; then buildable+=("$target"); else missing=1; fi
  done
else
  for target in "${targets_known[@]}"; do
    if how_to_build "$target" && have_target "$target"; then buildable+=("$target"); fi
  done
  [[ ${#buildable[@]} -gt 0 ]] || missing=1
fi
if [[ $with_sbom == yes ]] && ! have_tool cargo-cyclonedx "$cyclonedx_version"; then
  say "cargo-cyclonedx is not installed"
  say "hint: --install-tools installs it, --no-sbom goes without"
  missing=1
fi
[[ $missing -eq 0 ]] || fail "nothing was built"
say "can be built here: ${buildable[*]}"
if [[ $only_check == yes ]]; then
  exit 0
fi

version=$(cargo metadata --locked --format-version 1 --no-deps | python3 -c '
import json, sys
print(next(package["version"] for package in json.load(sys.stdin)["packages"] if package["name"] == "orgwatch-host"))')
target_dir=$(cargo metadata --locked --format-version 1 --no-deps | python3 -c '
import json, sys
print(json.load(sys.stdin)["target_directory"])')
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
out=$target_dir/release-artifacts/$version
rm -rf "$out"
mkdir -p "$out"

for target in "${buildable[@]}"; do
  build "$target"
  if [[ $with_sbom == yes ]]; then sbom "$target"; fi
done
if [[ $with_rules == yes ]]; then
  runs=$(host_that_runs)
  rules "$runs"
fi
(cd "$out" && sha256sum -- orgwatch-* > SHA256SUMS)
say "done: $out"
cat "$out/SHA256SUMS"
