"""A peer of `compare.py`: a loop in Python over every record of a folder, on one core. Prints how many records of each asked name there are, as JSON.

    python3 peer_loop.py FOLDER NAMES
"""
import collections
import gzip
import json
import os
import sys


def asked(record, names):
    """A rule as one writes it in Python: does this record concern it?"""
    return record.get("eventSource") == "organizations.amazonaws.com" and record.get("eventName") in names


def main():
    folder, names = sys.argv[1], frozenset(sys.argv[2].split(","))
    counts = collections.Counter()
    for path, _, files in os.walk(folder):
        for name in files:
            if name.endswith(".gz"):
                with open(os.path.join(path, name), "rb") as file:
                    text = gzip.decompress(file.read())
                for record in json.loads(text)["Records"]:
                    if asked(record, names):
                        counts[record["eventName"]] += 1
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
