"""Pulls an artifact with oras, and says what it got: the digest of the manifest, then of each file."""

import hashlib
import sys

import oras.client

target, authority, folder = sys.argv[1:]
client = oras.client.OrasClient(tls_verify=authority, auth_backend="basic")
container = client.get_container(target)
accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
answer = client.do_request(f"https://{container.manifest_url()}", "GET", headers=accept)
print("manifest", hashlib.sha256(answer.content).hexdigest())
for path in client.pull(target=target, outdir=folder):
    with open(path, "rb") as file:
        print("file", hashlib.sha256(file.read()).hexdigest())
