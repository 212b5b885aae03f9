#!/usr/bin/env python3
"""Measure orgwatch against the limit of the machine and against other programs, on the same files, in one run, and check that all find the same.

    python3 host/benches/compare.py --generator make_bench_corpus.py --data DIR

Makes the corpus that `replay.py` describes (one record in 2,000 is an event of AWS Organizations) where it is not there yet, builds the host, its
rules and `host/examples/limit.rs`, and has the programs take turns, so that a disturbance meets all of them. A program that finds anything else
than what the generator counted ends the whole with code 1. At the end stands what is wanted and whether it is reached; with --check, what is missed
ends it with code 1, too.

Everything is read from the page cache, so the machine needs some memory to spare. Nothing is fetched: where a peer is not installed, it says how to
do that, and a peer is left out only with --without. Needs Python 3.9, cargo, jq, and DuckDB (tests/python/peers.txt).
"""
import os
import pathlib
import statistics
import sys

from background import bounds
from measure import HOST, ROOT, Failed, build, ran
from programs import PACK, Corpus, Wrong, programs
from replay import corpus_parser, generate

MB = 1_000_000
# How much of the limit, how many times a peer, and how many megabytes: what the project holds itself to.
SHARE_OF_LIMIT = 0.60
SHARE_OF_INFLATE = 0.90
TIMES_JQ = 15
TIMES_LOOP = 7
MOST_MEMORY = 150


class Measured:
    """The runs of one program."""

    def __init__(self, program):
        self.program = program
        self.runs = []

    def run(self, corpus, times=1, count=True):
        """Run it once and check what it found. The first runs read what no cache holds yet, so they do not count."""
        with ran(self.program.command(corpus.files, times)) as (took, output, said):
            try:
                self.program.check(corpus, times, output, said)
            except Wrong as wrong:
                sys.exit(f"{self.program.name} is wrong: {wrong}")
        if count:
            self.runs.append(took)
        return took

    def median(self, what):
        return statistics.median(getattr(took, what) for took in self.runs)

    @property
    def seconds(self):
        return self.median("seconds")


def settled(arguments):
    """The programs to measure. Ends here where one is not installed and nobody asked to do without it."""
    every = programs(arguments.peers)
    chosen = {name: program for name, program in every.items() if name not in arguments.without}
    lacking = [f"{lack}\n    or leave it out: --without {name}" for name, program in chosen.items() if (lack := program.lacks())]
    if lacking:
        sys.exit("\n".join(lacking))
    return {name: Measured(program) for name, program in chosen.items()}


def take_turns(measured, corpus, runs, slow_runs):
    for one in measured.values():
        if not one.program.slow:
            one.run(corpus, count=False)
    for turn in range(runs):
        for one in measured.values():
            if turn < (slow_runs if one.program.slow else runs):
                took = one.run(corpus)
                print(f"turn {turn + 1} of {runs}: {one.program.name}: {took.seconds:.2f} s", file=sys.stderr)


def table(measured, corpus):
    records = corpus.manifest["events"]
    limit, mission = measured["limit"].seconds, measured["mission"].seconds
    print("| program | what it does | runs | seconds | CPU seconds | records/s | of the limit | orgwatch is | peak memory |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, one in measured.items():
        faster = f"{one.seconds / mission:.1f} ×" if one.program.slow else ""
        cells = [
            one.program.name, one.program.does, len(one.runs), f"{one.seconds:.2f}", f"{one.median('cpu'):.2f}",
            f"{records / one.seconds:,.0f}", f"{100 * limit / one.seconds:.0f} %", faster, f"{max(took.memory for took in one.runs) / MB:.0f} MB",
        ]
        print("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")


def verdicts(measured, memory):
    """What is wanted, what was reached, and whether that is enough."""
    limit, mission = measured["limit"].seconds, measured["mission"].seconds
    for name in ("mission", "pack"):
        share = limit / measured[name].seconds
        yield f"{measured[name].program.name}: at least {SHARE_OF_LIMIT:.0%} of the limit", f"{share:.1%}", share >= SHARE_OF_LIMIT
    share = measured["inflate"].seconds / limit
    yield f"the limit: at least {SHARE_OF_INFLATE:.0%} of libdeflate alone", f"{share:.1%}", share >= SHARE_OF_INFLATE
    for name, wanted in (("jq", TIMES_JQ), ("loop", TIMES_LOOP)):
        if name in measured:
            times = measured[name].seconds / mission
            yield f"orgwatch, 3 rules: at least {wanted} times {measured[name].program.name}", f"{times:.1f}", times >= wanted
    for (name, records), most in memory.items():
        yield f"{name}: less than {MOST_MEMORY} MB at {records:,} records", f"{most / MB:.0f} MB", most < MOST_MEMORY * MB


def read_often(measured, corpus, times):
    """Peak memory by program and number of records: of the runs before, and of one that reads the same files many times."""
    memory = {}
    for name in ("mission", "pack"):
        one, records = measured[name], corpus.manifest["events"]
        memory[one.program.name, records] = max(took.memory for took in one.runs)
        if times > 1:
            memory[one.program.name, records * times] = one.run(corpus, times, count=False).memory
    return memory


def parse():
    parser = corpus_parser(__doc__, runs=7)
    parser.add_argument("--slow-runs", type=int, default=3, help="of each peer")
    parser.add_argument("--times", type=int, default=10, help="how often the files are read for the peak memory over a long input")
    parser.add_argument("--peers", type=pathlib.Path, default=ROOT / "target/peers", help="a virtual environment with tests/python/peers.txt")
    parser.add_argument("--without", action="append", default=[], choices=["loop", "jq", "duckdb"], help="leaves a peer out; repeatable")
    parser.add_argument("--check", action="store_true", help="ends with code 1 where something wanted is not reached")
    return parser.parse_args()


def main():
    arguments = parse()
    measured = settled(arguments)
    build("--example", "limit")
    arguments.work.mkdir(parents=True, exist_ok=True)
    folder, manifest = generate(arguments, "background", arguments.data)
    corpus = Corpus(folder, manifest, *bounds(HOST, PACK, arguments.data, folder))
    take_turns(measured, corpus, arguments.runs, arguments.slow_runs)
    memory = read_often(measured, corpus, arguments.times)

    raw, packed = manifest["raw_bytes"] / MB, manifest["gz_bytes"] / MB
    print(f"{manifest['events']:,} records in {manifest['files']:,} files, {packed:,.0f} MB, {raw:,.0f} MB of JSON; {os.cpu_count()} cores; medians\n")
    table(measured, corpus)
    print("\nAll found what the generator wrote.\n")
    missed = False
    for wanted, reached, enough in verdicts(measured, memory):
        print(f"{'yes' if enough else 'NO':3}  {wanted}: {reached}")
        missed |= not enough
    if missed and arguments.check:
        sys.exit("not everything that is wanted is reached")


if __name__ == "__main__":
    try:
        main()
    except Failed as failed:
        sys.exit(str(failed))
