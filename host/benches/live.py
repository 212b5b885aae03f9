#!/usr/bin/env python3
"""Run the service against servers on this machine, and print what it reached beside what those servers can do at all.

    python3 host/benches/live.py --servers VENV [--only throughput|distant|folder|latency|ledger|memory]

VENV is a virtual environment with tests/python/servers.txt. Makes its own records, so it needs nothing else: management events as every account
has them, with a change to AWS Organizations now and then. Needs a release build and Python 3.9.
"""
import argparse
import concurrent.futures
import gzip
import http.client
import http.server
import json
import os
import pathlib
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOST = ROOT / "target/release/orgwatch-host"
ACCOUNT = "111122223333"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "example", "AWS_REGION": "us-east-1", "PATH": "/usr/bin:/bin"}


def record(number, name="DescribeInstances", source="ec2.amazonaws.com"):
    """A management event of the usual size, about 1.3 kB."""
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole", "principalId": "AROACKCEVSQ6C2EXAMPLE:anaya",
            "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/OrgAdmin/anaya", "accountId": ACCOUNT, "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
            "sessionContext": {
                "sessionIssuer": {"type": "Role", "principalId": "AROACKCEVSQ6C2EXAMPLE",
                                  "arn": f"arn:aws:iam::{ACCOUNT}:role/OrgAdmin", "accountId": ACCOUNT, "userName": "OrgAdmin"},
                "attributes": {"creationDate": "2026-10-05T09:58:01Z", "mfaAuthenticated": "true"}},
        },
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "eventSource": source, "eventName": name,
        "awsRegion": "us-east-1", "sourceIPAddress": "192.0.2.44", "userAgent": "aws-cli/2.31.9 md/command#organizations",
        "requestParameters": {"policyId": f"p-{number:08x}", "targetId": "r-ex1a", "filterSet": {"items": [{"name": "x" * 200}]}},
        "responseElements": None, "requestID": f"7d5f6071-8293-44a5-8617-{number:012x}",
        "eventID": f"4e5f6071-8293-44a5-8617-{number:012x}", "readOnly": False, "eventType": "AwsApiCall",
        "managementEvent": True, "recipientAccountId": ACCOUNT, "eventCategory": "Management",
    }


def log_file(first, count, every):
    """A file of a trail, with a change to AWS Organizations in every so many records. Returns its bytes and the number of changes."""
    records, changes = [], 0
    for number in range(first, first + count):
        if number % every == 0:
            records.append(record(number, "DetachPolicy", "organizations.amazonaws.com"))
            changes += 1
        else:
            records.append(record(number))
    return gzip.compress(json.dumps({"Records": records}).encode(), 5), changes


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Ministack:
    """A server that stands for SQS and S3."""

    def __init__(self, environment):
        port = free_port()
        self.host = f"127.0.0.1:{port}"
        self.url = f"http://{self.host}"
        self.process = subprocess.Popen([environment / "bin/ministack"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), **CREDENTIALS})
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{self.url}/_ministack/health").read()
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("ministack does not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def call(self, connection, method, path, body=b"", headers=None):
        service = "sqs" if headers else "s3"
        authorization = f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20261105/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
        connection.request(method, path, body, {"Authorization": authorization, **(headers or {})})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {content[:300]!r}")
        return content

    def sqs(self, connection, operation, **parameters):
        headers = {"X-Amz-Target": f"AmazonSQS.{operation}", "Content-Type": "application/x-amz-json-1.0"}
        return json.loads(self.call(connection, "POST", "/", json.dumps(parameters).encode(), headers) or b"{}")

    def connect(self):
        return http.client.HTTPConnection(self.host)


def key(number):
    return (f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/11/05/"
            f"{ACCOUNT}_CloudTrail_us-east-1_20261105T0955Z_{number:016}.json.gz")


def notification(number):
    return json.dumps({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
                                    "s3": {"bucket": {"name": "trail"}, "object": {"key": key(number)}}}]})


class Service:
    """The program, live."""

    def __init__(self, folder, configuration):
        config = folder / "orgwatch.toml"
        config.write_text(configuration + '\n[telemetry]\nlisten = "127.0.0.1:0"\n')
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [HOST, "--rules", ROOT / "rules", "--config", config, "--state-dir", folder / "state"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=CREDENTIALS | {"HOME": str(folder)}, cwd=folder)
        for line in self.process.stderr:
            if found := re.search(r"address=(\S+)", line):
                self.address = found[1]
                break
        else:
            raise SystemExit("the service does not start")
        threading.Thread(target=lambda: [None for _ in self.process.stderr], daemon=True).start()
        self.started = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def metric(self, name):
        text = urllib.request.urlopen(f"http://{self.address}/metrics").read().decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if re.match(rf"orgwatch_{name}[{{ ]", line))

    def wait(self, name, value, pause=0.02):
        while self.metric(name) < value:
            if self.process.poll() is not None:
                raise SystemExit("the service ended")
            time.sleep(pause)
        return time.monotonic() - self.started

    def memory(self, which="VmRSS"):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{which}:\s+(\d+)", status)[1]) / 1024


def fetch_only(server, queue, files):
    """What the server gives to a client that judges nothing: receive, get, delete. Returns seconds."""

    done = threading.Event()
    taken = [0]
    lock = threading.Lock()

    def work(_):
        connection = server.connect()
        while not done.is_set():
            got = server.sqs(connection, "ReceiveMessage", QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
            if not got:
                return
            for message in got:
                body = json.loads(message["Body"])["Records"][0]["s3"]["object"]["key"]
                server.call(connection, "GET", "/trail/" + body)
            entries = [{"Id": str(at), "ReceiptHandle": message["ReceiptHandle"]} for at, message in enumerate(got)]
            server.sqs(connection, "DeleteMessageBatch", QueueUrl=queue, Entries=entries)
            with lock:
                taken[0] += len(got)
                if taken[0] >= files:
                    done.set()

    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    return time.monotonic() - started


def source(server, queue):
    return f'''
[[source]]
kind = "sqs"
name = "trail"
queue_url = "{queue}"
aws = {{ region = "us-east-1", endpoint = "{server.url}" }}
buckets = [{{ bucket = "trail" }}]
'''


def throughput(arguments, folder):
    print("SQS, S3, evaluate, ledger\n")
    print("| records a file | records | the server alone, records/s | orgwatch, records/s | share |\n| --- | --- | --- | --- | --- |")
    for per_file, files in ((50, 2_000), (1_000, 400)):
        with Ministack(arguments.servers) as server:
            connection = server.connect()
            server.call(connection, "PUT", "/trail")
            changes = 0
            for number in range(files):
                body, found = log_file(number * per_file, per_file, 2_000)
                changes += found
                server.call(connection, "PUT", "/trail/" + key(number), body)

            def fill(name):
                queue = server.sqs(connection, "CreateQueue", QueueName=name)["QueueUrl"]
                for number in range(files):
                    server.sqs(connection, "SendMessage", QueueUrl=queue, MessageBody=notification(number))
                return queue

            alone = fetch_only(server, fill("alone"), files)
            queue = fill("orgwatch")
            state = folder / f"throughput-{per_file}"
            state.mkdir()
            sink = f'[[sink]]\nkind = "file"\nname = "log"\npath = "{state}/findings.ndjson"\n'
            with Service(state, source(server, queue) + sink) as service:
                took = service.wait("records_total", files * per_file)
                service.wait('deliveries_total', changes)
            records = files * per_file
            print(f"| {per_file} | {records:,} | {records / alone:,.0f} | {records / took:,.0f} | {alone / took:.2f} |", flush=True)


class Cloud:
    """A server that stands for S3 and SQS and answers each call after some milliseconds: `cloud.py`."""

    def __init__(self, folder, delay):
        command = [sys.executable, ROOT / "host/benches/cloud.py", folder, str(delay)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def ask(self, path):
        return urllib.request.urlopen(self.url + path).read().decode()


def processor(process):
    """The seconds of processor time that a process has used."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Use:
    """How busy the machine's processors are with the program and its server."""

    def __init__(self, cloud):
        self.cloud, self.before, self.started = cloud, processor(cloud.process), time.monotonic()

    def shares(self, program):
        available = (time.monotonic() - self.started) * os.cpu_count()
        return program / available, (processor(self.cloud.process) - self.before) / available


def replayed(cloud, inputs):
    """Replays with all rules. Returns the seconds, the shares of the processors, the peak of memory in MiB, the findings."""
    environment = CREDENTIALS | ({"AWS_ENDPOINT_URL": cloud.url} if cloud else {})
    use = Use(cloud) if cloud else None
    started = time.monotonic()
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen([HOST, "--rules", ROOT / "rules", inputs], stdout=output, stderr=subprocess.DEVNULL, env=environment)
        _, status, spent = os.wait4(child.pid, 0)
        took = time.monotonic() - started
        if status:
            raise SystemExit(f"the replay ended with {os.waitstatus_to_exitcode(status)}")
        output.seek(0)
        shares = use.shares(spent.ru_utime + spent.ru_stime) if use else (0, 0)
        return took, shares, spent.ru_maxrss / 1024, output.read()


def distant(_arguments, folder):
    """Many small files and few large ones, each call with a way of 30 ms."""
    print("\nfrom far away\n")
    print("| | records a file | way | seconds | records/s | files/s | processors: orgwatch, server | files at a time | peak |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for per_file, files in ((16, 20_000), (1_000, 400)):
        trail = folder / f"distant-{per_file}"
        for number in range(files):
            path = trail / key(number)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(log_file(number * per_file, per_file, 2_000)[0])
        records = files * per_file

        def row(what, way, took, shares=None, most="", peak=None):
            busy = f"{shares[0]:.0%}, {shares[1]:.0%}" if shares else ""
            memory_used = f"{peak:.0f} MiB" if peak else ""
            print(f"| {what} | {per_file:,} | {way} | {took:.2f} | {records / took:,.0f} | {files / took:,.0f} | {busy} | {most} | {memory_used} |", flush=True)

        # The first time the rules are compiled.
        replayed(None, trail)
        took, _, peak, expected = replayed(None, trail)
        row("replay of a folder", "", took, peak=peak)
        for delay in (0, 30):
            way = f"{delay} ms"
            with Cloud(trail, delay) as cloud:
                took, shares, peak, findings = replayed(cloud, "s3://trail/")
                if findings != expected:
                    raise SystemExit("the bucket gives other findings than the folder")
                row("replay of a bucket", way, took, shares, cloud.ask("/_most"), peak)
                cloud.ask("/_fill")
                for name, configuration in (("source `sqs`", source(cloud, f"{cloud.url}/{ACCOUNT}/trail")), ("source `s3`", bucket(cloud))):
                    state = folder / f"distant-{per_file}-{delay}-{name[8:-1]}"
                    state.mkdir()
                    sink = f'[[sink]]\nkind = "file"\nname = "log"\npath = "{state}/findings.ndjson"\n'
                    with Service(state, configuration + sink) as service:
                        use, spent = Use(cloud), processor(service.process)
                        took = service.wait("records_total", records, 0.05)
                        shares = use.shares(processor(service.process) - spent)
                        peak = service.memory("VmHWM")
                    row(name, way, took, shares, cloud.ask("/_most"), peak)


def bucket(cloud):
    return f'''
[[source]]
kind = "s3"
name = "trail"
bucket = "trail"
since = "2026-11-01T00:00:00Z"
aws = {{ region = "us-east-1", endpoint = "{cloud.url}" }}
'''


def folder_of_files(_arguments, folder):
    """A folder of many small files, as the source `directory` takes them."""
    state = folder / "folder"
    trail = state / "in"
    trail.mkdir(parents=True)
    files, per_file = 20_000, 16
    for number in range(files):
        (trail / f"{number:016}.json.gz").write_bytes(log_file(number * per_file, per_file, 2_000)[0])
    configuration = (f'[[source]]\nkind = "directory"\nname = "drop"\npath = "{trail}"\nevery = "100ms"\n'
                     f'[[sink]]\nkind = "file"\nname = "log"\npath = "{state}/findings.ndjson"\n')
    with Service(state, configuration) as service:
        spent = processor(service.process)
        took = service.wait("records_total", files * per_file, 0.05)
        share = (processor(service.process) - spent) / took / os.cpu_count()
    print(f"\nfolder of {files:,} files: {files / took:,.0f} files/s, {files * per_file / took:,.0f} records/s, {share:.0%} of the processors")


class Hook(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    arrived = {}

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        finding = body["finding"]
        if finding["event"]["id"]:
            Hook.arrived.setdefault(finding["event"]["id"], time.monotonic())
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def latency(arguments, folder):
    """Ten files a second of a hundred records each, one of them a change to AWS Organizations: from the message's sending to the webhook."""
    seconds = 60
    hook = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    (folder / "hook").write_text(f"http://127.0.0.1:{hook.server_address[1]}/")
    with Ministack(arguments.servers) as server:
        connection = server.connect()
        server.call(connection, "PUT", "/trail")
        queue = server.sqs(connection, "CreateQueue", QueueName="orgwatch")["QueueUrl"]
        for number in range(seconds * 10):
            server.call(connection, "PUT", "/trail/" + key(number), log_file(number * 100, 100, 100)[0])
        sink = f'[[sink]]\nkind = "webhook"\nname = "hook"\nurl = {{ file = "{folder}/hook" }}\n'
        state = folder / "latency"
        state.mkdir()
        sent = {}
        with Service(state, source(server, queue) + sink) as service:
            begin = time.monotonic()
            for number in range(seconds * 10):
                time.sleep(max(0, begin + number / 10 - time.monotonic()))
                sent[f"4e5f6071-8293-44a5-8617-{number * 100:012x}"] = time.monotonic()
                server.sqs(connection, "SendMessage", QueueUrl=queue, MessageBody=notification(number))
            service.wait("deliveries_total", len(sent))
            # What a message takes through the server alone.
            alone = []
            probe = server.sqs(connection, "CreateQueue", QueueName="probe")["QueueUrl"]
            for number in range(200):
                at = time.monotonic()
                server.sqs(connection, "SendMessage", QueueUrl=probe, MessageBody=notification(number))
                got = server.sqs(connection, "ReceiveMessage", QueueUrl=probe)["Messages"][0]
                server.call(connection, "GET", "/trail/" + key(number))
                server.sqs(connection, "DeleteMessage", QueueUrl=probe, ReceiptHandle=got["ReceiptHandle"])
                alone.append(time.monotonic() - at)
    waits = sorted(Hook.arrived[event] - at for event, at in sent.items())
    percent = lambda values, share: sorted(values)[min(len(values) - 1, int(len(values) * share))] * 1000
    print("\nlatency from the message's sending to the webhook, 1,000 records/s, one finding in 100\n")
    print("| | median | p99 | most |\n| --- | --- | --- | --- |")
    for name, values in (("orgwatch", waits), ("send, receive, get, delete at the server alone", alone)):
        print(f"| {name} | {statistics.median(values) * 1000:.0f} ms | {percent(values, 0.99):.0f} ms | {max(values) * 1000:.0f} ms |")


def ledger(_arguments, folder):
    """Every record is a finding."""
    state = folder / "ledger"
    (state / "in").mkdir(parents=True)
    files, per_file = 8, 10_000
    for number in range(files):
        (state / "in" / f"{number}.json.gz").write_bytes(log_file(number * per_file, per_file, 1)[0])
    configuration = (f'[[source]]\nkind = "directory"\nname = "drop"\npath = "{state}/in"\nevery = "100ms"\n'
                     f'[[sink]]\nkind = "file"\nname = "log"\npath = "{state}/findings.ndjson"\n')
    with Service(state, configuration) as service:
        service.wait("findings_total", 1)
        service.started = time.monotonic()
        took = service.wait("findings_total", files * per_file)
        delivered = service.wait("deliveries_total", files * per_file)
    probe = state / "probe"
    with open(probe, "wb", buffering=0) as file:
        at = time.monotonic()
        for _ in range(200):
            file.write(b"x" * 4096)
            __import__("os").fsync(file.fileno())
        fsync = (time.monotonic() - at) / 200
    print(f"\nledger: {files * per_file / took:,.0f} findings/s committed, {files * per_file / delivered:,.0f}/s delivered to a file; "
          f"one fsync of 4 KiB on this disk takes {fsync * 1000:.2f} ms")


def memory(_arguments, folder):
    state = folder / "memory"
    (state / "in").mkdir(parents=True)
    files, per_file = 100, 50_000
    body, _ = log_file(0, per_file, 2_000)
    (folder / "one").write_bytes(body)
    for number in range(files):
        (state / "in" / f"{number:04}.json.gz").hardlink_to(folder / "one")
    configuration = f'[[source]]\nkind = "directory"\nname = "drop"\npath = "{state}/in"\nevery = "100ms"\n[[sink]]\nkind = "stdout"\nname = "out"\n'
    print("\nmemory over 5,000,000 records of a folder\n\n| records | resident |\n| --- | --- |")
    with Service(state, configuration) as service:
        for million in range(1, 6):
            service.wait("records_total", million * 1_000_000, 0.1)
            print(f"| {million},000,000 | {service.memory():.0f} MiB |", flush=True)
        print(f"\n{5_000_000 / (time.monotonic() - service.started):,.0f} records/s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--servers", type=pathlib.Path, required=True)
    measures = {"throughput": throughput, "distant": distant, "folder": folder_of_files, "latency": latency, "ledger": ledger, "memory": memory}
    parser.add_argument("--only", choices=list(measures))
    arguments = parser.parse_args()
    random.seed(1)
    with tempfile.TemporaryDirectory(dir=ROOT / "target") as folder:
        # Rules are compiled once for all runs.
        CREDENTIALS["XDG_CACHE_HOME"] = f"{folder}/cache"
        for name, measure in measures.items():
            if arguments.only in (None, name):
                measure(arguments, pathlib.Path(folder))


if __name__ == "__main__":
    main()
