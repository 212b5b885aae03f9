#!/usr/bin/env python3
"""Replay a generated corpus with all rules, and compare the number of findings of each rule with what the corpus's own counts say.

    python3 host/benches/background.py --data DIR --corpus DIR [--host PROGRAM]

The corpus is one of the generator that `replay.py` describes, made of the records in --data; it counts how often it wrote each event name. What
the rules find in one record of a name is taken from the records themselves, judged one by one; where all records of a name agree, the corpus has
to have so many times that. Where they do not agree, as for a call that succeeded here and was denied there, the sum lies between the least
and the most, and the rule is listed so. Rules that look back see several events together and are told apart: their findings are counted and
printed. Needs Python 3.9.
"""
import argparse
import collections
import json
import pathlib
import subprocess
import sys
import tempfile

from measure import HOST, ROOT

LOOK_BACK = {"org.denied-burst", "org.invitation-by-newcomer", "org.joined-then-unguarded", "org.mass-departure", "org.unexplained-departure"}


def findings(host, rules, *inputs):
    """Replay inputs. Return what came of each finding: rule, event source and event name."""
    command = [host, "--rules", rules, "--output", "json", *inputs]
    with subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        for line in child.stdout:
            finding = json.loads(line)
            yield finding["rule"]["id"], finding["event"]["source"], finding["event"]["name"], finding["event"]["digest"]


def records(data, manifest):
    """The records that the corpus was made of, by event source and name."""
    classes = set(manifest["arguments"]["classes"].split(","))
    by_name = collections.defaultdict(list)
    for path in sorted(data.glob("*.ndjson")):
        meta = path.with_name(path.name.replace(".ndjson", ".meta.ndjson"))
        if path.name.endswith(".meta.ndjson") or not meta.exists():
            continue
        with open(path) as lines, open(meta) as about:
            for line, note in zip(lines, about):
                record, note = json.loads(line), json.loads(note)
                organizations = record.get("eventSource") == "organizations.amazonaws.com"
                if organizations or note.get("quality", "real") in classes:
                    by_name[record.get("eventSource"), record.get("eventName")].append(record)
    return by_name


def bounds(host, rules, data, corpus):
    """How often each rule must find something in a corpus at least, and at most."""
    manifest = json.loads((corpus / "manifest.json").read_text())
    counts = {}
    for line in (corpus / "counts.tsv").read_text().splitlines():
        number, source, name = line.split("\t")
        counts[source, name] = int(number)
    by_name = {name: found for name, found in records(data, manifest).items() if name in counts}

    with tempfile.TemporaryDirectory() as folder:
        with open(pathlib.Path(folder) / "records.ndjson", "w") as lines:
            for found in by_name.values():
                for record in found:
                    lines.write(json.dumps(record) + "\n")
        judged = collections.defaultdict(lambda: collections.defaultdict(collections.Counter))
        for rule, source, name, digest in findings(host, rules, pathlib.Path(folder) / "records.ndjson"):
            judged[source, name][digest][rule] += 1

    low, high = collections.Counter(), collections.Counter()
    for name, found in by_name.items():
        verdicts = list(judged[name].values())
        # Copies of one record are one finding to the eye of a digest: a name all of whose records fire has as many verdicts as records.
        distinct = len({json.dumps(record, sort_keys=True) for record in found})
        verdicts += [collections.Counter()] * (distinct - len(verdicts))
        for rule in {rule for verdict in verdicts for rule in verdict}:
            each = [verdict[rule] for verdict in verdicts]
            low[rule] += counts[name] * min(each)
            high[rule] += counts[name] * max(each)
    return low, high


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--corpus", type=pathlib.Path, required=True)
    parser.add_argument("--host", type=pathlib.Path, default=HOST)
    arguments = parser.parse_args()
    low, high = bounds(arguments.host, ROOT / "rules", arguments.data, arguments.corpus)
    found = collections.Counter(rule for rule, *_ in findings(arguments.host, ROOT / "rules", arguments.corpus / "AWSLogs"))
    wrong = False
    print(f"{'rule':42} {'found':>8}  expected")
    for rule in sorted(set(found) | set(high)):
        if rule in LOOK_BACK:
            print(f"{rule:42} {found[rule]:8,}  looks back")
            continue
        exact = low[rule] == high[rule]
        fits = low[rule] <= found[rule] <= high[rule]
        wrong |= not fits
        expected = f"{low[rule]:,}" if exact else f"{low[rule]:,} to {high[rule]:,}: records of one name differ"
        print(f"{rule:42} {found[rule]:8,}  {expected}{'' if fits else '  WRONG'}")
    if wrong:
        sys.exit("the findings are not what the corpus's counts say")


if __name__ == "__main__":
    main()
