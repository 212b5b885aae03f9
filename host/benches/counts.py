#!/usr/bin/env python3
"""Count what the main paths of orgwatch do, rather than time it, and compare with what was recorded: a regression shows on a busy machine, too.

    python3 host/benches/counts.py [--record] [CASE …]

Instructions are counted by valgrind (callgrind), which sees the program and no kernel; system calls by strace and page faults by the kernel are counted
beside them. The records come from the project's own events, put together in the same way each time. What was recorded stands in counts.json,
and --record writes it anew: do so with every change that is meant to change it, so that the file's history says what each change cost.

Needs a release build's requirements, valgrind, strace and Python 3.9. The first run after a build takes some minutes more: valgrind shows programs
an older processor, for which the rules have to be compiled, under valgrind.
"""
import argparse
import gzip
import hashlib
import json
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import typing

from measure import HOST, ROOT, Failed, build, ran
from replay import RULES

RECORDED = pathlib.Path(__file__).with_suffix(".json")
EVENTS = ROOT / "rules"
# Records of other services that few rules ask for, and changes to AWS Organizations that the mission rules find something in. The names are
# listed, so that a new event beside them does not change what is counted.
QUIET = """
cloudtrail_changes/quiet_trails_described config_changes/quiet_recorders_described console_signin_without_mfa/quiet_user_with_mfa
iam_policy_changes/quiet_policy_read iam_policy_changes/quiet_user_added_to_group network_acl_changes/quiet_acls_described
network_gateway_changes/quiet_gateways_described network_gateway_changes/quiet_nat_gateway_created kms_key_disabled/quiet_key_enabled
""".split()
CHANGES = "account_moved_in_console handshake_accepted_by_root policy_detached".split()
# How much more than recorded is a regression. Three runs of one build differ by far less: see docs/performance.md.
TOLERANCE = {"instructions": 0.02, "system calls": 0.05, "page faults": 0.10}
# System calls that wait: how often a thread finds something done already is a matter of time, not of work.
WAITING = {"futex", "clock_nanosleep", "nanosleep", "sched_yield", "restart_syscall", "wait4", "poll", "epoll_wait"}
# Compiling under valgrind takes longer than a rule is given, and valgrind needs memory itself.
CONFIGURATION = "[limits]\ncompile_seconds = 3600\ncompile_memory_mib = 16_384\n"


class Case(typing.NamedTuple):
    """A path through the program."""

    name: str
    does: str
    rules: list
    # The name of its input, which `inputs` makes, and how many findings it gives.
    reads: str
    findings: typing.Optional[int]


MISSION = [ROOT / "rules" / rule for rule in RULES]
PACK = [ROOT / "rules/aws-organizations"]
CASES = [
    Case("start", "start with the whole pack from the cache, read nothing", PACK, "nothing.json", 0),
    Case("mission", "20,000 records in 1,000 files, 3 rules, 20 findings", MISSION, "files", 20),
    Case("pack", "the same with the whole pack", PACK, "files", None),
    Case("lines", "20,000 records, one a line, 3 rules, 20 findings", MISSION, "lines.ndjson", 20),
    Case("evaluations", "2,000 records, each judged, each with a finding", MISSION, "changes.ndjson", 2_000),
]


def event(name):
    return json.loads((EVENTS / f"{name}.json").read_text())


def text(event, number):
    """A record of its own: two may not have one id."""
    return json.dumps({**event, "eventID": f"4e5f6071-8293-44a5-8617-{number:012x}"}, separators=(",", ":"))


def inputs(folder):
    """Make what is replayed. Returns its digest."""
    quiet = [event(f"cis-aws-foundations/events/{name}") for name in QUIET]
    changes = [event(f"cis-aws-foundations/events/organizations_changes/fires_{name}") for name in CHANGES]

    def record(number):
        # Each thousandth is a change; the steps are prime to the number of events, so that files differ.
        return text(changes[number // 1_000 % len(changes)] if number % 1_000 == 0 else quiet[number * 7 % len(quiet)], number)

    lines = [record(number) for number in range(20_000)]
    made = {"nothing.json": b'{"Records":[]}', "lines.ndjson": "\n".join(lines).encode()}
    made["changes.ndjson"] = "\n".join(text(changes[number % len(changes)], number) for number in range(2_000)).encode()
    for number in range(1_000):
        body = '{"Records":[' + ",".join(lines[number * 20:number * 20 + 20]) + "]}"
        made[f"files/{number:04}.json.gz"] = gzip.compress(body.encode(), 6, mtime=0)
    digest = hashlib.sha256()
    (folder / "files").mkdir(parents=True, exist_ok=True)
    for name, content in made.items():
        (folder / name).write_bytes(content)
        digest.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    return digest.hexdigest()


def command(case, folder, cache):
    rules = [part for rule in case.rules for part in ("--rules", rule)]
    options = ["--config", folder / "orgwatch.toml", "--cache-dir", folder / cache, "--jobs", 1, "--output", "json"]
    return [HOST, *rules, *options, folder / case.reads]


def check(case, output):
    found = sum(1 for _ in output)
    if case.findings is not None and found != case.findings:
        sys.exit(f"{case.does}: {found} findings, and {case.findings} are there")


def instructions(case, folder):
    """Count instructions. The profile stays where `callgrind_annotate` can show it."""
    profile = folder / f"callgrind.{case.name}.out"
    tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}"]
    with ran([*tool, *command(case, folder, "cache-valgrind")]) as (_, output, said):
        check(case, output)
        return int(re.search(r"Collected : (\d+)", said)[1])


def system_calls(case, folder):
    with ran(["strace", "-f", "-c", "-U", "calls,name", "-o", folder / "strace.out", *command(case, folder, "cache")]) as (_, output, _said):
        check(case, output)
    rows = (line.split() for line in (folder / "strace.out").read_text().splitlines())
    calls = {row[1]: int(row[0]) for row in rows if len(row) == 2 and row[0].isdigit() and row[1] != "total"}
    return sum(count for name, count in calls.items() if name not in WAITING)


def page_faults(case, folder):
    with ran(command(case, folder, "cache")) as (took, output, _):
        check(case, output)
        return took.faults


def count(case, folder):
    return {"instructions": instructions(case, folder), "system calls": system_calls(case, folder), "page faults": page_faults(case, folder)}


def compile_rules(cases, folder):
    """Fill both caches: the one for this processor, and the one for the processor that valgrind shows."""
    for rules in {tuple(case.rules): case for case in cases}.values():
        nothing = rules._replace(reads="nothing.json")
        for tool, cache in ([], "cache"), (["valgrind", "--tool=none", "--trace-children=yes"], "cache-valgrind"):
            with ran([*tool, *command(nothing, folder, cache)]):
                pass


def made_with():
    """What else than the program decides the figures."""
    def version(tool):
        return re.search(r"\d[\d.]*", subprocess.run([tool, "--version"], check=True, capture_output=True, text=True).stdout)[0]

    return {"rustc": version("rustc"), "valgrind": version("valgrind"), "glibc": platform.libc_ver()[1], "kernel": platform.release()}


def compare(name, counted, recorded):
    """Print a case. Returns whether it does more than was recorded."""
    worse = False
    for what, now in counted.items():
        before = recorded.get(name, {}).get(what)
        ratio = now / before if before else None
        more = ratio is not None and ratio > 1 + TOLERANCE[what]
        less = ratio is not None and ratio < 1 - TOLERANCE[what]
        worse |= more
        word = "MORE" if more else "less: record it" if less else ""
        print(f"{name:12} {what:13} {now:15,} {before or 0:15,} {f'{ratio:.3f}' if ratio else 'new':>7}  {word}", flush=True)
    return worse


def parse():
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"one of {', '.join(names)}; all where none is named")
    parser.add_argument("--record", action="store_true", help=f"writes {RECORDED.name} anew")
    arguments = parser.parse_args()
    if unknown := set(arguments.cases) - set(names):
        parser.error(f"no case is called {', '.join(sorted(unknown))}: there are {', '.join(names)}")
    if lacking := [tool for tool in ("valgrind", "strace") if not shutil.which(tool)]:
        sys.exit(f"{' and '.join(lacking)} not installed (Debian: apt-get install {' '.join(lacking)})")
    return arguments


def main():
    arguments = parse()
    build()
    folder = ROOT / "target/counts"
    recorded = json.loads(RECORDED.read_text()) if RECORDED.exists() else {"made with": {}, "cases": {}}
    around = {"records": inputs(folder), **made_with()}
    (folder / "orgwatch.toml").write_text(CONFIGURATION)
    for what, now in around.items():
        if recorded["made with"].get(what, now) != now:
            print(f"note: recorded with {what} {recorded['made with'][what]}, and here it is {now}", file=sys.stderr)

    chosen = [case for case in CASES if case.name in arguments.cases or not arguments.cases]
    compile_rules(chosen, folder)
    print(f"{'case':12} {'what':13} {'now':>15} {'recorded':>15} {'ratio':>7}")
    worse = False
    for case in chosen:
        counted = count(case, folder)
        worse |= compare(case.name, counted, recorded["cases"])
        if arguments.record:
            recorded["cases"][case.name] = counted
    if arguments.record:
        recorded["made with"] = around
        recorded["cases"] = {case.name: recorded["cases"][case.name] for case in CASES if case.name in recorded["cases"]}
        RECORDED.write_text(json.dumps(recorded, indent=1) + "\n")
    elif worse:
        sys.exit(f"more is done than was recorded; where that is meant, run this with --record and commit {RECORDED.name}")


if __name__ == "__main__":
    try:
        main()
    except Failed as failed:
        sys.exit(str(failed))
