"""Judges policies, as policies.py prints them, with parliament. Exits with 1 where something is wrong with one.

Three of parliament's findings are none. A key's policy is always about `*`, which is that key. A trust policy has no resource. And some
actions know no resource that they could be held to.
"""

import json
import sys

import parliament

# Actions that know no resource.
NO_RESOURCE = {"cloudtrail:LookupEvents", "cloudwatch:PutMetricData"}


def false_alarm(entry, finding):
    if finding.issue == "RESOURCE_STAR":
        return entry["name"] == "KeyPolicy" or set(finding.detail) <= NO_RESOURCE
    if finding.issue == "MALFORMED":
        return entry["name"] == "AssumeRolePolicyDocument" and "neither Resource nor NotResource" in str(finding.detail)
    return False


def main():
    judged = wrong = 0
    for line in sys.stdin:
        entry = json.loads(line)
        judged += 1
        for finding in parliament.analyze_policy_string(json.dumps(entry["policy"])).findings:
            if not false_alarm(entry, finding):
                wrong += 1
                print(f"{entry['resource']}, {entry['name']}: {finding.issue}: {finding.detail} {finding.location}")
    if judged == 0:
        print("there was no policy to judge")
    sys.exit(1 if wrong or not judged else 0)


if __name__ == "__main__":
    main()
