#!/usr/bin/env bash
# Verifies a pack in a registry without orgwatch-host: skopeo fetches what cosign's layout has, openssl checks the signature.
#
# verify.sh REGISTRY/REPOSITORY:TAG KEY [OPTION]: KEY is a public key (PEM). OPTION is handed to skopeo: --tls-verify=false for a registry without
# TLS, --cert-dir=FOLDER for one whose authority (FOLDER/ca.crt) the system does not know.
set -euo pipefail

pack=$1 key=$2 inspect=() copy=()
if [ $# -ge 3 ]; then
    inspect=("$3")
    copy=("--src-${3#--}")
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A pack is its manifest, which names everything else by digest.
digest=$(skopeo inspect --raw "${inspect[@]}" "docker://$pack" | sha256sum | cut -d ' ' -f 1)

# The signatures lie beside it, under a tag that is made of its digest. skopeo's own policy of what may be copied is not what is asked here.
skopeo --insecure-policy copy --quiet "${copy[@]}" "docker://${pack%:*}:sha256-$digest.sig" "dir:$work"

# What is signed is a payload that names the digest. The signatures are annotations of the manifest that the payloads are layers of.
grep -lF "\"docker-manifest-digest\":\"sha256:$digest\"" "$work"/* >"$work/payloads" || true
grep -o '"dev.cosignproject.cosign/signature": *"[^"]*"' "$work/manifest.json" | cut -d '"' -f 4 >"$work/signatures"
while read -r payload; do
    while read -r signature; do
        base64 -d <<<"$signature" >"$work/signature"
        if openssl dgst -sha256 -verify "$key" -signature "$work/signature" "$payload" >/dev/null 2>&1; then
            echo "sha256:$digest is signed with $key"
            exit 0
        fi
    done <"$work/signatures"
done <"$work/payloads"
echo "sha256:$digest is not signed with $key" >&2
exit 1
