#!/usr/bin/env python3
"""Measure what many rules cost, and what broad rules do: rules of `pattern`, on the corpus of `replay.py`.

    python3 host/benches/many.py --generator make_bench_corpus.py --data DIR

Ten and a thousand rules that ask for events which hardly or never occur are replayed in turns, then one, ten and a hundred rules that all ask for the
same event, then rules that ask for every failed call, and for everything. Findings are counted and held against what the generator counted. Rules are
prepared before anything is measured, which takes some minutes for a thousand; with --cache that is kept. The last line is what a start with all
thousand rules takes, with nothing to read. Needs Python 3.9, cargo and 1.5 GB of disk for the rules.
"""
import pathlib
import re
import statistics
import sys
import tempfile

from measure import HOST, ROOT, Failed, build, ran
from replay import corpus_parser, generate

PATTERN = ROOT / "rules/generic/dist/pattern.wasm"
# An event that is not rare and not frequent.
COMMON = "GetCallerIdentity"
SAID = re.compile(r"judged ([\d,]+) of them in ([\d,]+) evaluations; ([\d,]+) findings?\b.*, 0 gaps")


def rule(name, patterns):
    """The configuration of a rule that reports what the patterns choose."""
    return f"""
[rule."team.{name}"]
use = "pattern"
[rule."team.{name}".settings]
title = "{{eventName}} by {{/userIdentity/arn}}"
patterns = {patterns}
key = ["/eventID"]
details = ["/userIdentity/arn", "/sourceIPAddress"]
"""


def others(count):
    """Rules that ask for events of the right kind which nobody makes."""
    return [rule(f"other-{n}", f'[{{ eventSource = ["organizations.amazonaws.com"], eventName = ["Other{n}"] }}]') for n in range(count)]


def same(count):
    return [rule(f"same-{n}", f'[{{ eventName = ["{COMMON}"] }}]') for n in range(count)]


class Setup:
    """Rules to replay a corpus with."""

    def __init__(self, name, rules, folder, cache, input):
        self.name = name
        self.configuration = folder / f"{name.replace(' ', '-')}.toml"
        self.configuration.write_text("".join(rules))
        self.command = [HOST, "--config", self.configuration, "--rules", PATTERN, "--cache-dir", cache, input]
        self.runs = []

    def run(self, count=True):
        with ran(self.command) as (took, output, said):
            lines = sum(1 for _ in output)
        found = SAID.search(said)
        if not found:
            sys.exit(f"{self.name}: {said[-600:]}")
        self.asked, self.evaluations, self.findings = (int(number.replace(",", "")) for number in found.groups())
        if lines != self.findings:
            sys.exit(f"{self.name}: {lines} lines and {self.findings} findings")
        if count:
            self.runs.append(took)
        return took

    @property
    def seconds(self):
        return statistics.median(took.seconds for took in self.runs)


def take_turns(setups, runs):
    for setup in setups:
        setup.run(count=False)
    for _ in range(runs):
        for setup in setups:
            setup.run()


def row(setup, records, beside):
    memory = max(took.memory for took in setup.runs) / 1_000_000
    print(
        f"| {setup.name} | {setup.asked:,} | {setup.evaluations:,} | {setup.findings:,} | {setup.seconds:.2f} | {records / setup.seconds:,.0f} "
        f"| {setup.seconds / beside.seconds:.2f} | {memory:.0f} MB |"
    )


def main():
    parser = corpus_parser(__doc__, runs=5)
    parser.add_argument("--cache", type=pathlib.Path, help="keep the prepared rules here")
    arguments = parser.parse_args()
    build()
    arguments.work.mkdir(parents=True, exist_ok=True)
    corpus, manifest = generate(arguments, "background", arguments.data)
    files, records = corpus / "AWSLogs", manifest["events"]
    counts = (line.split("\t") for line in (corpus / "counts.tsv").read_text().splitlines())
    common = sum(int(count) for count, _, name in counts if name == COMMON)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        cache = arguments.cache or folder / "cache"
        empty = folder / "empty.json"
        empty.write_text('{"Records":[]}')
        setups = {
            name: Setup(name, rules, folder, cache, files)
            for name, rules in {
                "10 rules for other events": others(10),
                "1000 rules for other events": others(1000),
                "1 rule for one event": same(1),
                "10 rules for the same event": same(10),
                "100 rules for the same event": same(100),
                "every failed call": [rule("failed", "[{ errorCode = [{ exists = true }] }]")],
                # A rule of `pattern` refuses a pattern without a field; this one leaves no record out either.
                "everything": [rule("everything", "[{ eventVersion = [{ exists = true }] }]")],
            }.items()
        }
        names = list(setups)
        print("| rules | records asked for | evaluations | findings | seconds | records/s | times | peak memory |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- |")
        for group, runs in ((names[:2], arguments.runs), (names[2:5], arguments.runs), (names[5:], 1)):
            group = [setups[name] for name in group]
            take_turns(group, runs)
            for setup in group:
                row(setup, records, group[0])
        wanted = {name: 0 for name in names[:2]} | {name: count * common for name, count in zip(names[2:5], (1, 10, 100))} | {"everything": records}
        for name, count in wanted.items():
            if setups[name].findings != count:
                sys.exit(f"{name}: {setups[name].findings:,} findings, and {count:,} records were counted")
        start = Setup("1000 rules, nothing to read", others(1000), folder, cache, empty)
        for _ in range(arguments.runs + 1):
            start.run()
        print(f"a start with 1,000 rules from the cache: {start.seconds:.2f} s, {max(took.memory for took in start.runs) / 1e6:.0f} MB")


if __name__ == "__main__":
    try:
        main()
    except Failed as failed:
        sys.exit(str(failed))
