#!/usr/bin/env python3
"""Replay generated corpora with the mission rules, check the findings against the corpus's own counts, and print what it took.

    python3 host/benches/replay.py --generator make_bench_corpus.py --data DIR

The generator writes gzipped CloudTrail files in the layout of an S3 bucket, from a folder of real records (one a line, NAME.ndjson with
NAME.meta.ndjson beside it), and counts every event name in a manifest. Two corpora are replayed: one with the generator's own share of
AWS Organizations events (one record in 2,000), and one where every twentieth record is one, accounts that join and depart among them;
the latter come from the rules' own events. Needs Python 3.9, cargo, and about 1 GB of disk for 1,000,000 records each.
"""
import argparse
import collections
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

from measure import HOST, ROOT, Failed, build, ran

RULES = [
    "aws-organizations/dist/account_departed.wasm",
    "aws-organizations/dist/unexpected_join.wasm",
    "cis-aws-foundations/dist/organizations_changes.wasm",
]
CIS = set("""AcceptHandshake AttachPolicy CreateAccount CreateOrganizationalUnit CreatePolicy DeclineHandshake DeleteOrganization
DeleteOrganizationalUnit DeletePolicy DetachPolicy DisablePolicyType EnablePolicyType InviteAccountToOrganization LeaveOrganization
MoveAccount RemoveAccountFromOrganization UpdatePolicy UpdateOrganizationalUnit""".split())
# What the three rules ask for: each record of one of these names gives one finding.
ASKED = CIS | {"AccountJoinedOrganization", "AccountDepartedOrganization"}


def membership_events(data, folder):
    """Make a folder of records: the given ones, and every event of ours that tells of a join or a departure and fires."""
    for path in data.glob("*.ndjson"):
        shutil.copy(path, folder)
    events = ROOT / "rules/aws-organizations/events"
    paths = [path for rule in ("account_departed", "unexpected_join") for path in sorted((events / rule).glob("fires_*.json"))]
    records = [json.loads(path.read_text()) for path in paths]
    with open(folder / "membership.ndjson", "w") as lines, open(folder / "membership.meta.ndjson", "w") as meta:
        for record in records:
            lines.write(json.dumps(record) + "\n")
            meta.write(json.dumps({"source": "membership", "quality": "test", "complete": True}) + "\n")


def generate(arguments, name, data, *options):
    """Make a corpus, or take the one that an earlier run made."""
    out = arguments.work / (name if arguments.records == 1_000_000 else f"{name}-{arguments.records}")
    if not (out / "manifest.json").exists():
        command = [sys.executable, arguments.generator, "--corpus", data, "--out", out, "--events", arguments.records, *options]
        subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    return out, json.loads((out / "manifest.json").read_text())


def expected(manifest):
    names = manifest["organizations"]
    counts = {
        "cis.organizations-changes": sum(count for name, count in names.items() if name in CIS),
        "org.unexpected-join": names.get("AccountJoinedOrganization", 0),
        "org.account-departed": names.get("AccountDepartedOrganization", 0),
    }
    return {rule: count for rule, count in counts.items() if count}


def replay(corpus, jobs):
    """Replay once: what it took, and findings by rule."""
    rules = [part for rule in RULES for part in ("--rules", ROOT / "rules" / rule)]
    with ran([HOST, *rules, "--jobs", jobs, corpus / "AWSLogs"]) as (took, output, _):
        return took, collections.Counter(json.loads(line)["rule"]["id"] for line in output)


def corpus_parser(description, runs):
    """The arguments of every script that replays a generated corpus."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--generator", type=pathlib.Path, required=True, help="the program that makes the corpus")
    parser.add_argument("--data", type=pathlib.Path, required=True, help="the records that it is made of")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "orgwatch-bench", help="where the corpus is kept")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=runs, help="of each program that is measured")
    return parser


def main():
    parser = corpus_parser(__doc__, runs=5)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    build()
    arguments.work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        membership_events(arguments.data, pathlib.Path(folder))
        corpora = [
            ("one in 2,000", generate(arguments, "background", arguments.data)),
            ("one in 20", generate(arguments, "organizations", folder, "--orgs-share", "0.05", "--orgs-write-fraction", "0.5")),
        ]
    print(f"{'organizations events':22} {'records':>10} {'files':>7} {'seconds':>8} {'records/s':>10} {'MiB':>5}  findings")
    for name, (corpus, manifest) in corpora:
        runs = [replay(corpus, arguments.jobs) for _ in range(arguments.runs)]
        seconds = statistics.median(took.seconds for took, _ in runs)
        memory = max(took.memory for took, _ in runs) / 2**20
        for _, counts in runs:
            if dict(counts) != expected(manifest):
                sys.exit(f"{name}: the findings are {dict(counts)}, and the manifest says {expected(manifest)}")
        records, files = manifest["events"], manifest["files"]
        found = sum(expected(manifest).values())
        print(f"{name:22} {records:10,} {files:7,} {seconds:8.2f} {records / seconds:10,.0f} {memory:5.0f}  {found:,}, as counted")


if __name__ == "__main__":
    try:
        main()
    except Failed as failed:
        sys.exit(str(failed))
