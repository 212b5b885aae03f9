"""Run a program and say what it took: used by the scripts beside this one."""
import contextlib
import os
import pathlib
import subprocess
import tempfile
import time
import typing

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOST = ROOT / "target/release/orgwatch-host"


class Took(typing.NamedTuple):
    """What a run took. Everything but the seconds is the kernel's own account of the program and of the programs that it waited for."""

    seconds: float
    cpu: float
    # In bytes. It starts from what the Python that starts the program has itself, about 20 MB: the kernel counts from before the program is loaded.
    memory: int
    faults: int


class Failed(Exception):
    """A program ended with another code than 0."""


@contextlib.contextmanager
def ran(command):
    """Run a program to its end. Give what it took, its output as a file to be read, and what it said on standard error."""
    # Settings of whoever runs this are no part of what is measured, and neither is an orgwatch.toml in the current folder.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ORGWATCH_")}
    command = [str(part.absolute() if isinstance(part, pathlib.Path) else part) for part in command]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as said:
        started = time.monotonic()
        child = subprocess.Popen(command, stdout=output, stderr=said, env=environment, cwd=tempfile.gettempdir())
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        words = said.read().decode(errors="replace")
        if child.returncode:
            raise Failed(f"`{' '.join(command)[:500]}` ended with {child.returncode}:\n{words[-2000:]}")
        output.seek(0)
        took = Took(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, usage.ru_minflt + usage.ru_majflt)
        yield took, output, words


def build(*more):
    """Build the host in release, as a user builds it, then what else is named, then the rules."""
    cargo = ["cargo", "build", "--release", "--locked", "--quiet"]
    subprocess.run(cargo, check=True, cwd=ROOT)
    if more:
        subprocess.run([*cargo, *more], check=True, cwd=ROOT)
    subprocess.run([HOST, "build", ROOT / "rules"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
