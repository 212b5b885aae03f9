#!/usr/bin/env bash
# Two organizations and a registry between them: Acme publishes a pack of rules, Globex looks at it, trusts it within bounds, locks it, runs it and
# takes an upgrade. What has to be refused on the way is tried, and the script fails where it is not.
#
# share.sh [HOST [FOLDER [CA]]]: HOST is the registry, localhost:5000 unless told. On this machine it needs no TLS. FOLDER is what both work in, and
# stays; without it, a temporary one that is removed. CA is a file with the certificates of a registry that the system does not know. Who may write
# to the registry is taken from Docker's configuration, as `docker login` leaves it. orgwatch-host has to be on the PATH, with cargo to build the
# packs. docs/sharing-packs.md goes through all of this.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
registry=${1:-localhost:5000}
pack=oci://$registry/acme/key-watch
if [ -n "${2:-}" ]; then
    mkdir -p "$2"
    work=$(cd "$2" && pwd)
else
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi
ca=()

say() { printf '\n# %s\n' "$*"; }

fail() {
    printf 'share.sh: %s\n' "$*" >&2
    exit 1
}

# Each organization is a folder, and what orgwatch-host keeps of packs lies in it, so that neither finds anything that is the other's.
in_folder() {
    printf "%s\$ orgwatch-host %s\n" "$1" "${*:2}" >&2
    (cd "$work/$1" && ORGWATCH_STATE_DIR=$work/$1/state orgwatch-host "${@:2}")
}
acme() { in_folder acme "$@"; }
globex() { in_folder globex "$@"; }

# refused CODE WORDS COMMAND...: the command has to end with this exit code, and say these words.
refused() {
    local code=0
    "${@:3}" >"$work/said" 2>&1 || code=$?
    cat "$work/said"
    [ "$code" -eq "$1" ] || fail "exit code $code in place of $1"
    # Messages are broken into lines; the words may be too.
    tr -s '[:space:]' ' ' <"$work/said" | grep -qF -- "$2" || fail "it was not refused with the words: $2"
    echo "refused, as it has to be: exit code $code"
}

# expect FILE ID...: the findings in the file are of these rules.
expect() {
    local found
    found=$(sed -n 's/.*"rule":{"id":"\([^"]*\)".*/\1/p' "$work/globex/$1" | sort | tr '\n' ' ')
    [ "$found" = "${*:2} " ] || fail "findings of $found in place of ${*:2}"
    echo "found by: $found"
}

mkdir -p "$work/acme" "$work/globex/keys"
cp -R "$here/consumer/events" "$work/globex"
sed "s|localhost:5000|$registry|" "$here/consumer/orgwatch.toml" >"$work/globex/orgwatch.toml"
if [ -n "${3:-}" ]; then
    cp "$3" "$work/globex/keys/registry.crt"
    sed -i 's|^#ca = |ca = |' "$work/globex/orgwatch.toml"
    ca=(--ca "$(realpath "$3")")
fi
sed '/^# Whose packs/,$d' "$work/globex/orgwatch.toml" >"$work/globex/without-trust.toml"
sed 's|"high"|"medium"|' "$work/globex/orgwatch.toml" >"$work/globex/stricter.toml"
sed 's|:1"|:1.0.0"|' "$work/globex/orgwatch.toml" >"$work/globex/back.toml"

say 'Acme packs its rules into one file'
acme pack build "$here/publisher/key-watch-1.0" --out key-watch-1.0.0.tar

say 'Whoever packs the same source again gets the same bytes'
acme pack build "$here/publisher/key-watch-1.0" --out again.tar
cmp "$work/acme/key-watch-1.0.0.tar" "$work/acme/again.tar"
echo 'equal, byte for byte'

say 'Acme makes a pair of keys, the private one with a password'
(umask 077 && head -c 24 /dev/urandom | base64 >"$work/acme/password")
acme pack keygen acme --password-file password

say 'Acme signs the file; the signature lies beside it'
acme pack sign key-watch-1.0.0.tar --key acme.key --password-file password
acme pack verify key-watch-1.0.0.tar --key acme.pub

say 'Acme pushes the pack, and signs what the registry has'
acme pack push key-watch-1.0.0.tar "$pack" "${ca[@]}"
acme pack sign "$pack:1.0.0" --key acme.key --password-file password "${ca[@]}"
acme pack tags "$pack" "${ca[@]}"

say "Globex has Acme's public key from a person it knows, not from the registry"
cp "$work/acme/acme.pub" "$work/globex/keys/acme.pub"

say 'Globex fetches the pack and looks at it. Nothing of it has run in its service yet'
globex pack pull "$pack:1"
globex pack verify "$pack:1" --key keys/acme.pub
ORGWATCH_OUTPUT=text globex pack inspect "$pack:1"
ORGWATCH_OUTPUT=text globex pack test "$pack:1"

say 'Without [trust] nothing loads from a registry, whoever signed it'
refused 2 'is not trusted' globex --config without-trust.toml --rules "$pack:1" events

say 'A rule that wants more than its publisher may have does not load'
refused 2 'has the severity high' globex --config stricter.toml --rules "$pack:1" events

say 'With --locked nothing runs that nobody has locked'
refused 3 'orgwatch-host pack lock' globex --locked events

say "Globex builds its own rules, whose source it has, and checks its configuration"
globex build "$here/consumer/own-rules"
mkdir "$work/globex/own-rules"
cp -R "$here/consumer/own-rules/"{dist,pack.toml} "$work/globex/own-rules"
globex config check

say 'Globex locks everything, and runs it'
globex pack lock
cat "$work/globex/orgwatch.lock"
globex --locked events >"$work/globex/first.ndjson"
expect first.ndjson acme.key-deletion-scheduled globex.access-key-created

say 'Acme publishes 1.1.0, this time signed before it leaves, as the folder of an image layout'
acme pack build "$here/publisher/key-watch-1.1" --layout --out key-watch-1.1.0
acme pack sign key-watch-1.1.0 --key acme.key --password-file password
acme pack push key-watch-1.1.0 "$pack" "${ca[@]}"
acme pack tags "$pack" "${ca[@]}"

say 'The tag 1 has moved, and Globex goes on with what it locked'
globex --locked events >"$work/globex/second.ndjson"
cmp "$work/globex/first.ndjson" "$work/globex/second.ndjson"
echo 'the same findings, byte for byte'

say "Globex looks at what the upgrade changes, on Globex's own events too"
ORGWATCH_OUTPUT=text globex pack diff "$pack:1.0.0" "$pack:1.1.0" events

say 'Globex takes it: lock anew, and run'
globex pack lock
globex --locked events >"$work/globex/third.ndjson"
expect third.ndjson acme.key-deletion-scheduled acme.key-disabled globex.access-key-created

say 'An older version, well signed, is refused: it may lack a rule'
refused 2 'is a lower version than 1.1.0' globex --config back.toml events

say 'For a machine without network: the pack with its signatures in one file, the configuration and the lock'
globex pack save "$pack:1" --out key-watch.tar
mkdir "$work/away"
cp -R "$work/globex/"{own-rules,keys,events,key-watch.tar,orgwatch.toml,orgwatch.lock} "$work/away"
# No network has a host of this name, so what runs now runs without the registry.
sed -i "s|$registry|registry.invalid|" "$work/away/orgwatch.toml" "$work/away/orgwatch.lock"
in_folder away pack load key-watch.tar oci://registry.invalid/acme/key-watch:1
in_folder away --locked events >"$work/away/findings.ndjson"
cmp "$work/globex/third.ndjson" "$work/away/findings.ndjson"
echo 'the same findings, byte for byte'

say 'A version that is published does not change'
mkdir -p "$work/acme/changed"
cp -R "$here/publisher/key-watch-1.1/"{dist,events,pack.toml,CHANGELOG.md} "$work/acme/changed"
sed -i 's|^title = .*|title = "The same version once more"|' "$work/acme/changed/pack.toml"
acme pack build changed --out changed.tar
refused 1 'is there and is another pack' acme pack push changed.tar "$pack" "${ca[@]}"

say 'Where it is replaced all the same, Globex goes on with what it locked, and refuses to lock the other'
acme pack push --replace changed.tar "$pack" "${ca[@]}"
acme pack sign "$pack:1.1.0" --key acme.key --password-file password "${ca[@]}"
globex --locked events >"$work/globex/fourth.ndjson"
cmp "$work/globex/third.ndjson" "$work/globex/fourth.ndjson"
echo 'the same findings, byte for byte'
refused 2 'a version that is published does not change' globex pack lock

say 'A file with one byte changed is refused'
cp "$work/acme/key-watch-1.0.0.tar" "$work/globex/tampered.tar"
cp "$work/acme/key-watch-1.0.0.tar.sig" "$work/globex/tampered.tar.sig"
printf '~' | dd of="$work/globex/tampered.tar" bs=1 seek=100000 conv=notrunc status=none
refused 2 'is refused' globex pack verify tampered.tar --key keys/acme.pub
refused 2 'are not loaded' globex --rules tampered.tar events

say 'Everything that had to work worked, and everything that had to be refused was refused'
