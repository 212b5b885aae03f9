"""The programs that `compare.py` measures against each other: how each is called, and how its answer is read.

All are asked one question about the same files: how often does each event name that the mission rules ask for occur in records of AWS Organizations?
The limit program cannot say that; what it counts is compared with what the generator wrote instead.
"""
import collections
import json
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import typing

from background import LOOK_BACK
from measure import HOST, ROOT
from replay import ASKED, RULES, expected

LIMIT = ROOT / "target/release/examples/limit"
PACK = ROOT / "rules/aws-organizations"
NAMES = ", ".join(f'"{name}"' for name in sorted(ASKED))
JQ = f'.Records[] | select(.eventSource == "organizations.amazonaws.com") | .eventName | select(IN({NAMES}))'


class Wrong(Exception):
    """A program did not find what is there."""


class Corpus(typing.NamedTuple):
    """Generated files, and the generator's own counts of what is in them."""

    folder: pathlib.Path
    manifest: dict
    # What each rule of the whole pack must find at least and at most; see background.py.
    least: collections.Counter
    most: collections.Counter

    @property
    def files(self):
        return self.folder / "AWSLogs"

    def asked(self):
        """How often each name that the mission rules ask for occurs."""
        return {name: count for name, count in self.manifest["organizations"].items() if name in ASKED}


class Program(typing.NamedTuple):
    """One program, asked in one way."""

    name: str
    does: str
    # Takes the folder of files and how many times it is to be read, and gives a command.
    command: typing.Callable
    # Takes the corpus, how many times it was read, the output and what was said. Raises `Wrong`.
    check: typing.Callable
    # A slow one is run less often.
    slow: bool = False
    # What has to be installed, where something has: gives words, or nothing where all is there.
    lacks: typing.Callable = lambda: None


def same(what, found, wanted):
    if found != wanted:
        raise Wrong(f"{what}: found {found}, and the files hold {wanted}")


def check_limit(corpus, times, output, _):
    told = json.load(output)
    same("files", told["files"], corpus.manifest["files"] * times)
    same("bytes", told["bytes"], corpus.manifest["raw_bytes"] * times)
    if told["hits"] is not None:
        same("records of AWS Organizations", told["hits"], corpus.manifest["organizations_events"] * times)


def check_counts(corpus, times, output, _):
    """The answer of a peer that prints a JSON object of counts by name."""
    same("records by event name", json.load(output), {name: count * times for name, count in corpus.asked().items()})


def check_names(corpus, times, output, _):
    """The answer of a peer that prints a name for each record."""
    found = collections.Counter(line.decode().strip() for line in output)
    same("records by event name", dict(found), {name: count * times for name, count in corpus.asked().items()})


def check_summary(corpus, times, said):
    """orgwatch counts every record, and leaves none unjudged."""
    told = re.search(r"read ([\d,]+) records in ([\d,]+) inputs?; .* ([\d,]+) gaps?", said)
    if not told:
        raise Wrong(f"no summary in what orgwatch says:\n{said[-500:]}")
    records, inputs, gaps = (int(number.replace(",", "")) for number in told.groups())
    same("records, files and gaps", (records, inputs, gaps), (corpus.manifest["events"] * times, corpus.manifest["files"] * times, 0))


def findings(output):
    """Findings by rule, and by event name for each."""
    found = collections.defaultdict(collections.Counter)
    for line in output:
        finding = json.loads(line)
        found[finding["rule"]["id"]][finding["event"]["name"]] += 1
    return found


def check_mission(corpus, times, output, said):
    check_summary(corpus, times, said)
    found = findings(output)
    by_rule = {rule: sum(names.values()) for rule, names in found.items()}
    same("findings by rule", by_rule, {rule: count * times for rule, count in expected(corpus.manifest).items()})
    by_name = dict(sum(found.values(), collections.Counter()))
    same("findings by event name", by_name, {name: count * times for name, count in corpus.asked().items()})


def check_pack(corpus, times, output, said):
    check_summary(corpus, times, said)
    found = {rule: sum(names.values()) for rule, names in findings(output).items()}
    for rule in sorted((set(found) | set(corpus.most)) - LOOK_BACK):
        least, most = corpus.least[rule] * times, corpus.most[rule] * times
        if not least <= found.get(rule, 0) <= most:
            raise Wrong(f"{rule}: {found.get(rule, 0)} findings, and the files hold {least} to {most}")


def orgwatch(*rules):
    named = [part for rule in rules for part in ("--rules", rule)]
    return lambda files, times: [HOST, *named, "--output", "json", *[files] * times]


def limit(*options):
    return lambda files, times: [LIMIT, *options, *[files] * times]


def jq(files, times):
    find = " ".join(["find", *[shlex.quote(str(files))] * times, "-name '*.gz' -print0"])
    return ["bash", "-o", "pipefail", "-c", f"{find} | xargs -0 zcat | jq --raw-output {shlex.quote(JQ)}"]


def script(python, name):
    return lambda files, times: [python, pathlib.Path(__file__).with_name(name), files, ",".join(sorted(ASKED))]


def lacks_jq():
    return None if shutil.which("jq") else "jq is not installed (Debian: apt-get install jq)"


def lacks_duckdb(python):
    if pathlib.Path(python).exists() and not subprocess.run([python, "-c", "import duckdb"], stderr=subprocess.DEVNULL).returncode:
        return None
    folder = pathlib.Path(python).parent.parent
    return f"DuckDB is not installed: python3 -m venv {folder} && {folder}/bin/pip install -r tests/python/peers.txt"


def programs(peers):
    """All programs, the fastest first. `peers` is the virtual environment of DuckDB."""
    python = peers / "bin/python"
    mission = [ROOT / "rules" / rule for rule in RULES]
    return {
        "inflate": Program("libdeflate alone", "inflates every file, all cores", limit("--inflate-only"), check_limit),
        "limit": Program("the limit", "inflates, searches for one literal, all cores", limit(), check_limit),
        "mission": Program("orgwatch, 3 rules", "judges every record, all cores", orgwatch(*mission), check_mission),
        "pack": Program("orgwatch, whole pack", "the same with all rules of aws-organizations", orgwatch(PACK), check_pack),
        "loop": Program("Python loop", "json and one function, one core", script(sys.executable, "peer_loop.py"), check_counts, True),
        "jq": Program("zcat | jq", "one question, two processes", jq, check_names, True, lacks_jq),
        "duckdb": Program(
            "DuckDB", "read_json and one question, all cores", script(python, "peer_duckdb.py"), check_counts, True,
            lambda: lacks_duckdb(python)),
    }
