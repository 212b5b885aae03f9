#!/bin/sh
# From nothing to a rule of one's own that fires, as somebody does it who has this program and a Rust toolchain: outside this checkout, with
# nothing at home, in cargo's folder or built before. Needs a registry of crates.
#
# tests/five_minutes.sh HOST: HOST is the orgwatch-host of this checkout.
set -eu

host=$(realpath "$1")
checkout=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
began=$(date +%s)

# The toolchain is there; what else belongs to whoever runs this is not.
export RUSTUP_HOME="${RUSTUP_HOME:-$HOME/.rustup}"
export HOME="$work/home" CARGO_HOME="$work/cargo"
unset XDG_CACHE_HOME XDG_STATE_HOME XDG_CONFIG_HOME RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
for name in $(env | sed -n -e 's/^\(ORGWATCH_[A-Z_]*\)=.*/\1/p' -e 's/^\(CARGO_[A-Z0-9_]*\)=.*/\1/p'); do
    case $name in
        CARGO_HOME | CARGO_HTTP_* | CARGO_NET_* | CARGO_REGISTR*) ;;
        *) unset "$name" ;;
    esac
done
mkdir "$HOME" "$work/elsewhere"
cd "$work/elsewhere"

"$host" new my-rules
"$host" build my-rules
"$host" check my-rules
"$host" test my-rules
(cd my-rules && cargo test)
"$host" --rules my-rules "$checkout/examples/events" >findings.ndjson

cat findings.ndjson
if [ "$(grep -c '"my-rules.policy-detached"' findings.ndjson)" -ne 1 ]; then
    echo 'the rule should find the policy that is detached in examples/events, once' >&2
    exit 1
fi
echo "from nothing to a finding in $(($(date +%s) - began)) s"
