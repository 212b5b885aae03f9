#!/usr/bin/env python3
"""A server that stands for S3 and SQS and is as far away as one likes: each answer comes after some milliseconds.

    python3 host/benches/cloud.py FOLDER MILLISECONDS

Serves the files of a folder as the objects of the bucket `trail`. POST /_fill fills a queue with a message for each of them. GET /_most tells how
many requests for objects it had at a time at most since it was asked before. It prints its address. It knows as much of both services as the
program asks for, and keeps everything in memory: it shares the machine with what is measured, and must cost little. `live.py` starts it.
"""
import asyncio
import bisect
import collections
import json
import pathlib
import sys
import urllib.parse

PAGE = 1000


class Cloud:
    def __init__(self, folder, delay):
        self.objects = {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
        self.keys = sorted(self.objects)
        self.delay = delay / 1000
        self.queue = collections.deque()
        self.reading = self.most = 0

    def list(self, query):
        """Answers ListObjectsV2."""
        asked = dict(urllib.parse.parse_qsl(query))
        prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter")
        after = asked.get("continuation-token") or asked.get("start-after") or ""
        at = max(bisect.bisect_left(self.keys, prefix), bisect.bisect_right(self.keys, after))
        listed, folders, last = [], [], ""
        while at < len(self.keys) and self.keys[at].startswith(prefix) and len(listed) < PAGE:
            name = self.keys[at]
            end = name.find("/", len(prefix)) if delimiter else -1
            if end < 0:
                listed.append(f"<Contents><Key>{name}</Key><Size>{len(self.objects[name])}</Size></Contents>")
                last, at = name, at + 1
            else:
                folders.append(f"<CommonPrefixes><Prefix>{name[:end + 1]}</Prefix></CommonPrefixes>")
                # The character after a slash: everything in the folder comes before it.
                at = bisect.bisect_left(self.keys, name[:end] + "0")
        more = at < len(self.keys) and self.keys[at].startswith(prefix)
        token = f"<NextContinuationToken>{last}</NextContinuationToken>" if more else ""
        return f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{''.join(listed + folders)}{token}</ListBucketResult>"

    def sqs(self, operation, asked):
        if operation == "GetQueueAttributes":
            return {"Attributes": {"ApproximateNumberOfMessages": str(len(self.queue)), "ApproximateNumberOfMessagesNotVisible": "0",
                                   "ApproximateNumberOfMessagesDelayed": "0"}}
        if operation == "ReceiveMessage":
            names = [self.queue.popleft() for _ in range(min(asked["MaxNumberOfMessages"], len(self.queue)))]
            return {"Messages": [{"MessageId": name[-24:], "ReceiptHandle": name, "Body": message(name)} for name in names]}
        if operation == "DeleteMessageBatch":
            return {"Successful": [{"Id": entry["Id"]} for entry in asked["Entries"]], "Failed": []}
        return {}


def message(name):
    return json.dumps({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
                                    "s3": {"bucket": {"name": "trail"}, "object": {"key": name}}}]})


class Connection(asyncio.Protocol):
    """One connection, with one request after the other."""

    def __init__(self, cloud):
        self.cloud, self.buffer = cloud, b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].decode()
            fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:])}
            stop = end + 4 + int(fields.get("content-length", 0))
            if len(self.buffer) < stop:
                return
            body, self.buffer = self.buffer[end + 4:stop], self.buffer[stop:]
            self.asked(head.split(" ", 2)[1], fields.get("x-amz-target", ""), body)

    def asked(self, target, operation, body):
        cloud = self.cloud
        path, _, query = target.partition("?")
        if path == "/_most":
            most, cloud.most = cloud.most, 0
            return self.answer(str(most).encode())
        if path == "/_fill":
            cloud.queue = collections.deque(cloud.keys)
            return self.answer(b"")
        if operation:
            # An empty queue keeps its caller waiting, as SQS does.
            work = lambda: json.dumps(cloud.sqs(operation.rsplit(".", 1)[1], json.loads(body))).encode()
            wait = 1 if operation.endswith("ReceiveMessage") and not cloud.queue else cloud.delay
        elif "list-type" in query:
            work, wait = (lambda: cloud.list(query).encode()), cloud.delay
        else:
            cloud.reading += 1
            cloud.most = max(cloud.most, cloud.reading)
            name = urllib.parse.unquote(path.split("/", 2)[2])
            work, wait = (lambda: self.get(name)), cloud.delay
        asyncio.get_running_loop().call_later(wait, lambda: self.answer(work()))

    def get(self, name):
        self.cloud.reading -= 1
        return self.cloud.objects[name]

    def answer(self, body):
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


async def main():
    cloud = Cloud(pathlib.Path(sys.argv[1]), float(sys.argv[2]))
    server = await asyncio.get_running_loop().create_server(lambda: Connection(cloud), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
