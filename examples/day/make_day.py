#!/usr/bin/env python3
"""Writes one made-up day of an organization with 200 accounts, as CloudTrail records: records.ndjson.gz and tables/accounts.csv.

    make_day.py            writes both files beside this one
    make_day.py --check    exits with 1 where they are not what it would write

The same bytes of records each time, on every machine and with every version of Python: all that looks random comes from SHA-256. Nothing in
it is real: accounts, people and addresses are made up, and the shapes of the records are those that AWS documents.
"""

import gzip
import hashlib
import json
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
DAY = datetime(2026, 11, 3, tzinfo=timezone.utc)

MANAGEMENT, LOGS, SECURITY = "111122223333", "444455556666", "777788889999"
ROOT = "r-a1b2"
UNITS = {
    "Production": "ou-a1b2-prod0001",
    "Test": "ou-a1b2-test0002",
    "Sandbox": "ou-a1b2-sand0003",
    "Security": "ou-a1b2-secu0004",
}
DENY_LEAVE, REGIONS_ONLY, TAG_POLICY = "p-denyleave01", "p-regions0002", "p-tagging0003"
TEAMS = ["payments", "shop", "search", "data", "mobile", "billing", "research", "platform"]

LEAVER = "100000000042"
DELEGATE = "100000000177"
HANDED_OVER = "100000000150"
TAKEN_OVER = "100000000301"
VENDED = [("100000000201", "09:05:12"), ("100000000202", "10:21:40"), ("100000000203", "15:42:03")]

OFFICE, STOLEN = "198.51.100.23", "203.0.113.77"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"
CLI = "aws-cli/2.31.9 md/awscrt#0.28.1 ua/2.1 os/linux#6.8 lang/python#3.13.7 md/prompt#off"
TERRAFORM = "APN/1.0 HashiCorp/1.0 Terraform/1.13.3 aws-sdk-go-v2/1.39.2 os/linux lang/go#1.25.1"
BOTO = "Boto3/1.40.50 md/Botocore#1.40.50 ua/2.1 os/linux#6.8 lang/python#3.13.7"


class Chance:
    """Numbers that look random and are the same everywhere."""

    def __init__(self, seed):
        self.seed, self.drawn = seed, 0

    def hex(self):
        self.drawn += 1
        return hashlib.sha256(f"{self.seed} {self.drawn}".encode()).hexdigest()

    def below(self, limit):
        return int(self.hex()[:12], 16) % limit

    def pick(self, items):
        return items[self.below(len(items))]

    def uuid(self):
        text = self.hex()
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:32]}"


CHANCE = Chance("one day")


def at(clock):
    """The time of day that a clock shows."""
    hours, minutes, seconds = (int(part) for part in clock.split(":"))
    return DAY + timedelta(hours=hours, minutes=minutes, seconds=seconds)


def text_of(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def accounts():
    """The organization in the morning: id, name, owner, unit."""
    rows = [
        (MANAGEMENT, "Management", "platform", ROOT),
        (LOGS, "Log archive", "security", UNITS["Security"]),
        (SECURITY, "Security tooling", "security", UNITS["Security"]),
    ]
    for number in range(1, 198):
        team = TEAMS[number % len(TEAMS)]
        stage = ["Production", "Test", "Sandbox"][number % 3]
        rows.append((f"100000000{number:03}", f"{team.capitalize()} {stage.lower()} {number}", team, UNITS[stage]))
    return rows


def identifier(prefix, of):
    """An id of IAM, the same for the same thing."""
    letters = hashlib.sha256(of.encode()).hexdigest().upper()
    return (prefix + letters)[:12] + "EXAMPLE"


def role(account, path, session, since, mfa="false", **more):
    """The identity of a role's session."""
    name = path.rsplit("/", 1)[-1]
    principal = identifier("AROA", account + path)
    return {
        "type": "AssumedRole",
        "principalId": f"{principal}:{session}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session}",
        "accountId": account,
        "accessKeyId": identifier("ASIA", f"{account} {path} {session} {since.hour}"),
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": principal,
                "arn": f"arn:aws:iam::{account}:role/{path}",
                "accountId": account,
                "userName": name,
            },
            "attributes": {"creationDate": text_of(since), "mfaAuthenticated": mfa},
        },
        **more,
    }


def person(account, name, permissions, time):
    path = f"aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_{permissions}_0123456789abcdef"
    return role(account, path, f"{name}@example.com", time - timedelta(minutes=25))


def pipeline(account, time):
    """The team's own pipeline, with a role of the same name in every account."""
    return role(account, "deployment-pipeline", f"run-{time.hour:02}{time.minute:02}", time - timedelta(minutes=3))


def control_tower(time):
    session = "AWSControlTower"
    return role(MANAGEMENT, "service-role/AWSControlTowerAdmin", session, time, invokedBy="controltower.amazonaws.com")


def control_tower_in(account, time, through):
    return role(account, "AWSControlTowerExecution", "aws-controltower", time, invokedBy=through)


def service(name):
    return {"type": "AWSService", "invokedBy": name}


def record(time, source, name, identity, account, *, region="us-east-1", address=OFFICE, agent=CLI, request=None, response=None, **more):
    """A record of an API call."""
    through = identity.get("invokedBy")
    if through:
        address, agent = through, through
    made = {
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventTime": text_of(time),
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": address,
        "userAgent": agent,
        "requestParameters": request,
        "responseElements": response,
        "requestID": CHANCE.uuid(),
        "eventID": CHANCE.uuid(),
        "readOnly": name.startswith(("Describe", "List", "Get", "Lookup", "Decrypt", "AssumeRole", "BatchGet")),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
    }
    if not through:
        host = f"{source}.{region}.amazonaws.com"
        made["tlsDetails"] = {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader": host}
    if agent == FIREFOX:
        made["sessionCredentialFromConsole"] = "true"
    made.update(more)
    return made


def organizations(time, name, identity, request=None, response=None, **more):
    """A call of AWS Organizations in the management account."""
    return record(time, "organizations", name, identity, MANAGEMENT, request=request, response=response, **more)


def service_event(time, source, name, account, invoked_by, details):
    """An event that a service of AWS sends by itself."""
    made = record(time, source, name, {"accountId": account, "invokedBy": invoked_by}, account)
    del made["requestID"]
    made.update({"readOnly": False, "eventType": "AwsServiceEvent", "serviceEventDetails": details})
    return made


def denied(identity, action, why="because no identity-based policy allows the {} action"):
    reason = why.format(action)
    return {"errorCode": "AccessDenied", "errorMessage": f"User: {identity['arn']} is not authorized to perform: {action} on resource: * {reason}"}


def stamp(time):
    """How AWS Organizations writes times in its own details."""
    return f"{time:%b} {time.day}, {time.year}, {(time.hour - 1) % 12 + 1}:{time:%M:%S} {time:%p}"


def inventory():
    """A tool of the security team that reads the whole organization every two hours."""
    for hour in range(0, 24, 2):
        time = DAY + timedelta(hours=hour, minutes=17)
        identity = role(MANAGEMENT, "inventory-reader", "inventory", time)
        names = ["DescribeOrganization", "ListRoots"] + ["ListAccounts"] * 10 + ["ListOrganizationalUnitsForParent"] * 4
        names += ["ListDelegatedAdministrators", "ListAWSServiceAccessForOrganization"] + ["ListPoliciesForTarget"] * 5
        for number, name in enumerate(names):
            request = {"parentId": ROOT} if name.endswith("ForParent") else None
            yield organizations(time + timedelta(seconds=number), name, identity, request, agent=BOTO, address="198.51.100.201")


def members():
    """What goes on in the member accounts all day long."""
    rows = accounts()[1:]
    for _ in range(1150):
        account = CHANCE.pick(rows)[0]
        time = DAY + timedelta(seconds=CHANCE.below(86_400))
        region = CHANCE.pick(["eu-west-1", "eu-west-1", "eu-central-1", "us-east-1"])
        kind = CHANCE.below(10)
        if kind < 4:
            host = CHANCE.pick(["lambda", "ecs-tasks", "ec2", "config", "cloudtrail"])
            name = {"lambda": "worker", "ecs-tasks": "web-task", "ec2": "web-instance"}.get(host, f"AWSServiceRoleFor{host.capitalize()}")
            request = {"roleArn": f"arn:aws:iam::{account}:role/{name}", "roleSessionName": f"{name}-{CHANCE.below(1000)}"}
            yield record(time, "sts", "AssumeRole", service(f"{host}.amazonaws.com"), account, region=region, request=request)
        elif kind < 7:
            source, name = CHANCE.pick([
                ("ec2", "DescribeInstances"), ("ec2", "DescribeSecurityGroups"), ("s3", "GetBucketLocation"), ("rds", "DescribeDBInstances"),
                ("logs", "DescribeLogGroups"), ("ssm", "GetParameters"), ("iam", "ListRoles"), ("sts", "GetCallerIdentity"),
                ("organizations", "DescribeOrganization"), ("cloudformation", "DescribeStacks"),
            ])
            where = "us-east-1" if source in ("iam", "organizations") else region
            identity = pipeline(account, time)
            yield record(time, source, name, identity, account, region=where, agent=TERRAFORM, address="198.51.100.202")
        elif kind < 9:
            source, name = CHANCE.pick([("kms", "Decrypt"), ("logs", "CreateLogStream"), ("ec2", "CreateTags"), ("secretsmanager", "GetSecretValue")])
            identity = role(account, "web-task", f"task-{CHANCE.below(1000)}", time)
            yield record(time, source, name, identity, account, region=region, address=f"192.0.2.{CHANCE.below(250)}", agent=BOTO)
        else:
            yield from by_hand(account, time, region)


def by_hand(account, time, region):
    """A person who signs in through IAM Identity Center and looks around in the console."""
    name = CHANCE.pick(["lena", "tariq", "june", "piotr", "amara"])
    identity = person(account, name, "Developer", time)
    more = {"MobileVersion": "No", "MFAUsed": "No"}
    yield record(
        time, "signin", "ConsoleLogin", identity, account, agent=FIREFOX, response={"ConsoleLogin": "Success"},
        eventType="AwsConsoleSignIn", readOnly=False, additionalEventData=more,
    )
    for number in range(CHANCE.below(4)):
        source, call = CHANCE.pick([("ec2", "DescribeInstances"), ("s3", "ListBuckets"), ("cloudwatch", "DescribeAlarms"), ("logs", "DescribeLogGroups")])
        source = "monitoring" if source == "cloudwatch" else source
        yield record(time + timedelta(seconds=20 + number), source, call, identity, account, region=region, agent=FIREFOX)
    if CHANCE.below(9) == 0:
        more = denied(identity, "ce:GetCostAndUsage")
        yield record(time + timedelta(seconds=31), "ce", "GetCostAndUsage", identity, account, agent=FIREFOX, **more)


def deployments():
    """The teams' pipelines, which change what the CIS controls ask to watch."""
    rows = accounts()[3:]
    for _ in range(24):
        account = CHANCE.pick(rows)[0]
        time = DAY + timedelta(hours=7, seconds=CHANCE.below(36_000))
        identity = pipeline(account, time)
        for number, (source, name, request) in enumerate([
            ("iam", "PutRolePolicy", {"roleName": "web-task", "policyName": "parameters"}),
            ("ec2", "AuthorizeSecurityGroupIngress", {
                "groupId": f"sg-0{CHANCE.hex()[:16]}",
                "ipPermissions": {"items": [{"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "ipRanges": {"items": [{"cidrIp": "10.0.0.0/8"}]}}]},
            }),
            ("s3", "PutBucketPolicy", {"bucketName": f"artifacts-{account}"}),
        ]):
            where = "us-east-1" if source == "iam" else "eu-west-1"
            yield record(
                time + timedelta(seconds=number * 4), source, name, identity, account, region=where, agent=TERRAFORM,
                address="198.51.100.202", request=request, readOnly=False,
            )


def scanner():
    """The posture scanner looks at everything and lacks some rights."""
    time = at("07:30:00")
    identity = role(MANAGEMENT, "posture-scanner", "scan", time)
    names = ["DescribeEffectivePolicy", "ListHandshakesForOrganization", "DescribeResourcePolicy", "ListCreateAccountStatus"]
    for number in range(14):
        name = names[number % len(names)]
        more = denied(identity, f"organizations:{name}")
        yield organizations(time + timedelta(seconds=7 * number), name, identity, agent=BOTO, address="198.51.100.203", **more)
    for number, account in enumerate(["100000000011", "100000000064", "100000000120"]):
        identity = role(account, "posture-scanner", "scan", time)
        more = denied(identity, "kms:GetKeyPolicy")
        yield record(time + timedelta(minutes=4, seconds=number), "kms", "GetKeyPolicy", identity, account, region="eu-west-1", agent=BOTO, address="198.51.100.203", **more)


def tagging():
    """The organization's pipeline keeps the tags of accounts up to date."""
    for clock in ["06:00:10", "18:00:09"]:
        time = at(clock)
        identity = role(MANAGEMENT, "pipelines/organization-pipeline", f"run-{time.hour}", time)
        for number in range(8):
            account = accounts()[10 + 7 * number + time.hour][0]
            tags = [{"key": "cost-center", "value": f"{1000 + CHANCE.below(90)}"}]
            request = {"resourceId": account, "tags": tags}
            yield organizations(time + timedelta(seconds=2 * number), "TagResource", identity, request, agent=TERRAFORM, address="198.51.100.202")


def vending(account, clock, number):
    """Control Tower makes an account."""
    start = at(clock)

    def after(seconds):
        return start + timedelta(seconds=seconds)

    requester = person(MANAGEMENT, "mateo", "AccountFactory", start)
    request = {"productId": "prod-accountfactory1", "provisionedProductName": f"account-{number}"}
    yield record(start, "servicecatalog", "ProvisionProduct", requester, MANAGEMENT, region="eu-west-1", agent=FIREFOX, request=request, readOnly=False)

    tower, car = control_tower(start), f"car-exampledayvended{number:013}"
    status = {"id": car, "state": "IN_PROGRESS", "accountName": "****", "requestedTimestamp": stamp(after(9))}
    yield organizations(after(9), "CreateAccount", tower, {"email": "****", "accountName": "****"}, {"createAccountStatus": status})
    for poll in range(5):
        yield organizations(after(15 + 6 * poll), "DescribeCreateAccountStatus", tower, {"createAccountRequestId": car})
    done = {**status, "state": "SUCCEEDED", "accountId": account, "completedTimestamp": stamp(after(41))}
    yield service_event(after(41), "organizations", "CreateAccountResult", MANAGEMENT, "AWS Internal", {"createAccountStatus": done})
    joined = {"accountId": account, "joinedMethod": "Created", "joinedTime": stamp(after(41))}
    yield service_event(after(42), "organizations", "AccountJoinedOrganization", MANAGEMENT, "organizations.amazonaws.com", joined)

    moved = {"accountId": account, "sourceParentId": ROOT, "destinationParentId": UNITS["Production"]}
    yield organizations(after(66), "MoveAccount", tower, moved)
    yield organizations(after(68), "AttachPolicy", tower, {"policyId": TAG_POLICY, "targetId": account})
    yield organizations(after(70), "TagResource", tower, {"resourceId": account, "tags": [{"key": "cost-center", "value": "1042"}]})
    if number == 1:
        for second, principal in enumerate(["config-multiaccountsetup.amazonaws.com", "member.org.stacksets.cloudformation.amazonaws.com"]):
            yield organizations(after(72 + second), "EnableAWSServiceAccess", tower, {"servicePrincipal": principal})

    for second, name in enumerate(["organizations", "sso", "config", "cloudtrail"]):
        linked = {"aWSServiceName": f"{name}.amazonaws.com"}
        yield record(after(75 + second), "iam", "CreateServiceLinkedRole", service(f"{name}.amazonaws.com"), account, request=linked, readOnly=False)
    assumed = {"roleArn": f"arn:aws:iam::{account}:role/AWSControlTowerExecution", "roleSessionName": "aws-controltower"}
    yield record(after(80), "sts", "AssumeRole", tower, MANAGEMENT, request=assumed, sharedEventID=CHANCE.uuid())
    stack = {"stackSetName": "AWSControlTowerBP-BASELINE-CONFIG", "accounts": [account], "regions": ["eu-west-1", "us-east-1"]}
    yield record(after(84), "cloudformation", "CreateStackInstances", tower, MANAGEMENT, region="eu-west-1", request=stack, readOnly=False)

    stacks = control_tower_in(account, after(90), "cloudformation.amazonaws.com")
    for second, name in enumerate(["aws-controltower-ConfigRecorderRole", "aws-controltower-ForwardSnsNotificationRole", "aws-controltower-AdministratorExecutionRole"]):
        yield record(after(95 + 3 * second), "iam", "CreateRole", stacks, account, request={"roleName": name}, readOnly=False)
        policy = "AdministratorAccess" if "Administrator" in name else "service-role/AWS_ConfigRole"
        attached = {"roleName": name, "policyArn": f"arn:aws:iam::aws:policy/{policy}"}
        yield record(after(96 + 3 * second), "iam", "AttachRolePolicy", stacks, account, request=attached, readOnly=False)
    for second, region in enumerate(["eu-west-1", "us-east-1"]):
        for offset, name in enumerate(["PutConfigurationRecorder", "PutDeliveryChannel", "StartConfigurationRecorder"]):
            yield record(after(120 + 10 * second + offset), "config", name, stacks, account, region=region, request={}, readOnly=False)
    direct = control_tower_in(account, after(150), "controltower.amazonaws.com")
    for second, region in enumerate(["eu-west-1", "us-east-1"]):
        vpc, gateway = f"vpc-0{CHANCE.hex()[:16]}", f"igw-0{CHANCE.hex()[:16]}"
        for offset, (name, request) in enumerate([
            ("DetachInternetGateway", {"internetGatewayId": gateway, "vpcId": vpc}),
            ("DeleteInternetGateway", {"internetGatewayId": gateway}),
            ("DeleteSubnet", {"subnetId": f"subnet-0{CHANCE.hex()[:16]}"}),
            ("DeleteVpc", {"vpcId": vpc}),
        ]):
            yield record(after(160 + 10 * second + offset), "ec2", name, direct, account, region=region, request=request, response={"_return": True}, readOnly=False)
    assignment = {"targetId": account, "targetType": "AWS_ACCOUNT", "principalType": "GROUP"}
    yield record(after(220), "sso", "CreateAccountAssignment", tower, MANAGEMENT, region="eu-west-1", request=assignment, readOnly=False)
    managed = {"createManagedAccountStatus": {"account": {"accountId": account, "accountName": "****"}, "state": "SUCCEEDED"}}
    yield service_event(after(240), "controltower", "CreateManagedAccount", MANAGEMENT, "AWS Internal", managed)


def planned():
    """What people did to the organization by hand, each with a ticket."""
    time = at("08:41:30")
    mateo, anaya = person(MANAGEMENT, "mateo", "OrgAdmin", time), person(MANAGEMENT, "anaya", "OrgAdmin", at("10:50:00"))
    unit = {"id": UNITS["Test"], "name": "Pre-production", "arn": f"arn:aws:organizations::{MANAGEMENT}:ou/o-exampleorg1/{UNITS['Test']}"}
    yield organizations(time, "UpdateOrganizationalUnit", mateo, {"organizationalUnitId": UNITS["Test"], "name": "Pre-production"}, {"organizationalUnit": unit}, agent=FIREFOX)

    text = {"Version": "2012-10-17", "Statement": [{
        "Sid": "OnlyOurRegions", "Effect": "Deny", "NotAction": ["iam:*", "organizations:*", "sts:*", "support:*"], "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1", "us-east-1"]}},
    }]}
    summary = {"id": REGIONS_ONLY, "name": "OnlyOurRegions", "type": "SERVICE_CONTROL_POLICY", "awsManaged": False}
    summary["arn"] = f"arn:aws:organizations::{MANAGEMENT}:policy/o-exampleorg1/service_control_policy/{REGIONS_ONLY}"
    written = json.dumps(text)
    yield organizations(
        at("08:55:02"), "UpdatePolicy", mateo, {"policyId": REGIONS_ONLY, "content": written},
        {"policy": {"policySummary": summary, "content": written}}, agent=FIREFOX,
    )

    sent = at("11:02:18")
    handshake = {
        "id": "h-exampledayinvite01", "arn": f"arn:aws:organizations::{MANAGEMENT}:handshake/o-exampleorg1/invite/h-exampledayinvite01",
        "action": "invite", "state": "OPEN", "parties": [{"type": "ORGANIZATION", "id": "exampleorg1"}, {"type": "ACCOUNT", "id": TAKEN_OVER}],
        "requestedTimestamp": stamp(sent), "expirationTimestamp": stamp(sent + timedelta(days=15)),
    }
    yield organizations(sent, "InviteAccountToOrganization", anaya, {"target": {"type": "ACCOUNT", "id": TAKEN_OVER}}, {"handshake": handshake}, agent=FIREFOX)
    joined = {"accountId": TAKEN_OVER, "joinedMethod": "INVITED", "joinedTime": stamp(at("11:26:40"))}
    yield service_event(at("11:26:41"), "organizations", "AccountJoinedOrganization", MANAGEMENT, "organizations.amazonaws.com", joined)
    moved = {"accountId": TAKEN_OVER, "sourceParentId": ROOT, "destinationParentId": UNITS["Sandbox"]}
    yield organizations(at("11:40:05"), "MoveAccount", anaya, moved, agent=FIREFOX)

    anaya = person(MANAGEMENT, "anaya", "OrgAdmin", at("16:30:00"))
    yield organizations(at("16:31:12"), "RemoveAccountFromOrganization", anaya, {"accountId": HANDED_OVER}, agent=FIREFOX)
    departed = {"accountId": HANDED_OVER, "departureMethod": "REMOVED", "departureTime": stamp(at("16:31:12"))}
    yield service_event(at("16:31:13"), "organizations", "AccountDepartedOrganization", MANAGEMENT, "organizations.amazonaws.com", departed)


def incident():
    """Somebody with the keys of an old role opens the way out for one account and takes it."""
    start = at("13:02:11")
    # The session is called like Control Tower's, which deceives whoever goes by the name of a session.
    thief = role(MANAGEMENT, "deploy-legacy", "AWSControlTower", start)
    inside = role(LEAVER, "deploy-legacy", "AWSControlTower", start)

    def call(clock, name, identity=thief, **more):
        return organizations(at(clock), name, identity, address=STOLEN, **more)

    for clock, name in [("13:02:11", "DescribeOrganization"), ("13:02:14", "ListRoots"), ("13:02:40", "ListPolicies"), ("13:03:05", "ListTargetsForPolicy")]:
        yield call(clock, name)
    why = "with an explicit deny in a service control policy"
    more = denied(inside, "organizations:LeaveOrganization", why)
    yield record(at("13:04:31"), "organizations", "LeaveOrganization", inside, LEAVER, address=STOLEN, **more)
    yield call("13:06:02", "DetachPolicy", request={"policyId": DENY_LEAVE, "targetId": UNITS["Production"]})
    stacksets = {"accountId": DELEGATE, "servicePrincipal": "member.org.stacksets.cloudformation.amazonaws.com"}
    yield call("13:09:48", "RegisterDelegatedAdministrator", request=stacksets)
    yield record(at("13:14:17"), "organizations", "LeaveOrganization", inside, LEAVER, address=STOLEN)
    departed = {"accountId": LEAVER, "departureMethod": "LEFT", "departureTime": stamp(at("13:14:17"))}
    yield service_event(at("13:14:18"), "organizations", "AccountDepartedOrganization", MANAGEMENT, "organizations.amazonaws.com", departed)


def day():
    made = [*inventory(), *members(), *deployments(), *scanner(), *tagging(), *planned(), *incident()]
    for number, (account, clock) in enumerate(VENDED, 1):
        made += vending(account, clock, number)
    made.sort(key=arrival)
    return "".join(json.dumps(one, separators=(",", ":")) + "\n" for one in made)


def arrival(one):
    """When a record arrives: CloudTrail delivers within some minutes, and in no order."""
    happened = datetime.strptime(one["eventTime"], "%Y-%m-%dT%H:%M:%SZ")
    return happened + timedelta(seconds=int(one["eventID"][:6], 16) % 300), one["eventID"]


def table():
    lines = ["account,name,owner,ou"] + [",".join(row) for row in accounts()]
    return "\n".join(lines) + "\n"


def main():
    records, names = HERE / "records.ndjson.gz", HERE / "tables/accounts.csv"
    if sys.argv[1:] == ["--check"]:
        fresh = gzip.decompress(records.read_bytes()).decode() == day() and names.read_text() == table()
        sys.exit(None if fresh else "records.ndjson.gz or tables/accounts.csv is not what make_day.py writes: run it")
    if sys.argv[1:]:
        sys.exit(__doc__)
    records.write_bytes(gzip.compress(day().encode(), compresslevel=9, mtime=0))
    names.write_text(table())


if __name__ == "__main__":
    main()
