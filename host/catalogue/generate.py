#!/usr/bin/env python3
"""Writes operations.json.zst: the operations of AWS's services as CloudTrail names them, and the shapes of their parameters.

The file is a row of zstd frames, one line of JSON each: first the index, then one line for each service whose shapes are reliable. The
index says where each of the others stands, so that a reader unpacks only what it needs. The same botocore gives the same bytes.

README.md beside this file says how to run it.
"""

import argparse
import datetime
import gzip
import json
import pathlib

import botocore
import zstandard

HERE = pathlib.Path(__file__).resolve().parent

# Longer lists of allowed values (instance types, languages) grow each month and nobody compares with all of them.
MOST_VALUES = 60

# A service's eventSource is its signing name, else its endpoint's prefix; both are taken, since services use either. Beside them, what
# AWS's documentation says. "Only" replaces the derived names, the others are additions.
#
# "The eventSource of service X" is in X's own guide, chapter "Logging … API calls with CloudTrail", and in the EventBridge reference,
# docs.aws.amazon.com/eventbridge/latest/ref/events-ref-X.html. The pages named here say where to look; not all were read for this table, and a
# source in doubt is in it: one too many hides a mistake, one too few is a false alarm.
ONLY = {
    # docs.aws.amazon.com/amazon-mq/latest/developer-guide/security-logging-monitoring-cloudtrail.html
    "mq": ["amazonmq"],
    # docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/logging-using-cloudtrail-data-api.html
    "rds-data": ["rdsdata"],
}
ALSO = {
    # docs.aws.amazon.com/autoscaling/application/userguide/logging-using-cloudtrail.html shows autoscaling.amazonaws.com.
    "application-autoscaling": ["autoscaling"],
    "autoscaling-plans": ["autoscaling"],
    # docs.aws.amazon.com/iot/latest/developerguide/iot-using-cloudtrail.html
    "iot": ["iot"],
    "iot-data": ["iot", "iotdata"],
    "iot-jobs-data": ["iot"],
    # docs.aws.amazon.com/singlesignon/latest/userguide/logging-using-cloudtrail.html: the identity store's API is logged under the
    # directory's name for calls from the console, and the access portal's under sso.amazonaws.com.
    "identitystore": ["sso-directory", "identitystore-scim"],
    "sso": ["sso"],
    "sso-oidc": ["sso", "sso-oidc"],
    # docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-one-zone-logging.html
    "s3": ["s3express"],
    "s3control": ["s3", "s3express"],
    # docs.aws.amazon.com/marketplace/latest/userguide/logging-aws-marketplace-api-calls-with-aws-cloudtrail.html
    "meteringmarketplace": ["metering-marketplace"],
    "marketplace-entitlement": ["entitlement-marketplace"],
    "marketplace-catalog": ["catalog-marketplace"],
    # docs.aws.amazon.com/lexv2/latest/dg/monitoring-cloudtrail.html
    "lexv2-models": ["lexv2"],
    "lexv2-runtime": ["lexv2"],
    # docs.aws.amazon.com/pinpoint/latest/developerguide/logging-using-cloudtrail.html
    "pinpoint": ["pinpoint"],
    # docs.aws.amazon.com/eventbridge/latest/userguide/eb-logging-monitoring.html; schemas and pipes have names of their own.
    "schemas": ["schemas", "eventbridge-schemas"],
    # docs.aws.amazon.com/apigateway/latest/developerguide/cloudtrail.html
    "apigatewayv2": ["apigateway"],
    # docs.aws.amazon.com/kinesisvideostreams/latest/dg/monitoring-cloudtrail.html
    "kinesis-video-webrtc-storage": ["kinesisvideo"],
    # docs.aws.amazon.com/awssupport/latest/user/cloudtrail-logging-for-trusted-advisor.html
    "trustedadvisor": ["trustedadvisor"],
}

# Services whose records have been held against their models: every member as in the model, its first letter in lower case
# (`DBInstanceIdentifier` is `dBInstanceIdentifier`). Here a difference in letter case is a mistake.
#
# The first rows by records of each service, the last by the examples in its guide's chapter on CloudTrail.
VERIFIED = {
    "acm", "appmesh", "athena", "autoscaling", "bedrock", "cloudfront", "cloudhsmv2", "cloudsearch", "cloudtrail", "cloudwatch",
    "config", "ec2-instance-connect", "ecr", "efs", "elb", "elbv2", "es", "glacier", "glue", "guardduty", "iam", "kinesis", "kms",
    "lambda", "organizations", "rds", "redshift", "rolesanywhere", "route53resolver", "sagemaker", "secretsmanager", "sns", "sqs",
    "ssm", "sts",
    # Written by the same service as rds.
    "docdb", "neptune",
    # docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-api-logging-cloudtrail.html
    # docs.aws.amazon.com/amazondynamodb/latest/developerguide/logging-using-cloudtrail.html
    # docs.aws.amazon.com/AmazonCloudWatch/latest/logs/logging_cw_api_calls.html
    # docs.aws.amazon.com/eventbridge/latest/userguide/eb-logging-monitoring.html
    "cloudformation", "dynamodb", "logs", "events",
}

# Of the other services, those with one call and one body of parameters are written in the same way wherever records could be had, but not
# all could be had: their names hold whatever their letter case. REST services differ: API Gateway wraps parameters
# (`createStageInput`), Amazon Connect keeps upper case, S3 writes headers and sub-resources. EC2 writes its XML (`instancesSet.items`).
ONE_BODY = {"json", "query", "smithy-rpc-v2-cbor"}


# A query service's answer is often one object around another: `{"DBInstance": {…}}`. RDS leaves the outer one out of its records, IAM and
# STS keep it. Of the services whose records could not be had, such answers are left out.
UNWRAPPED = {"docdb", "neptune", "rds"}
WRAPPED = {"cloudsearch", "iam", "sts"}


class Shapes:
    """The shapes of one service that its operations reach, each once, by number."""

    def __init__(self, model):
        self.model = model
        self.list = []
        self.numbers = {}

    def number(self, name):
        """Returns the number of a shape of the model, and takes it in, with what it is made of, where it is new."""
        key = ("model", name)
        if key not in self.numbers:
            simple = self.simple(self.model["shapes"][name])
            if simple is not None:
                key = json.dumps(simple)
                if key not in self.numbers:
                    self.take(key, simple)
            else:
                # The number comes first: a shape may hold itself.
                number = self.take(key, None)
                self.list[number] = self.compound(self.model["shapes"][name])
        return self.numbers[key]

    def take(self, key, shape):
        self.numbers[key] = len(self.list)
        self.list.append(shape)
        return self.numbers[key]

    @staticmethod
    def simple(shape):
        kind = shape["type"]
        if shape.get("document") or shape.get("eventstream") or shape.get("jsonvalue"):
            return "document"
        if kind == "string":
            values = shape.get("enum", [])
            return {"values": values} if 0 < len(values) <= MOST_VALUES else "string"
        if kind in ("integer", "long", "float", "double", "bigdecimal", "biginteger"):
            return "number"
        if kind in ("boolean", "timestamp", "blob"):
            return kind
        return None

    def compound(self, shape):
        if shape["type"] == "list":
            return {"list": self.number(shape["member"]["shape"])}
        if shape["type"] == "map":
            return {"map": self.number(shape["value"]["shape"])}
        members = {}
        for name, member in shape["members"].items():
            json_text = member.get("jsonvalue") or member.get("document")
            number = self.document() if json_text else self.number(member["shape"])
            members[first_lower(name)] = number
        required = [first_lower(name) for name in shape.get("required", [])]
        return {"structure": {"members": members, "required": required}}

    def document(self):
        key = json.dumps("document")
        return self.numbers[key] if key in self.numbers else self.take(key, "document")


def first_lower(name):
    return name[:1].lower() + name[1:]


def sources(service, metadata):
    """Returns the eventSources of a service, the most usual first."""
    if service in ONLY:
        names = ONLY[service]
    else:
        endpoint = metadata["endpointPrefix"]
        names = [metadata.get("signingName", endpoint), endpoint, *ALSO.get(service, [])]
    # A name with a dot is a host such as `data.jobs.iot`, never an eventSource.
    names = [name.lower() for name in names if "." not in name]
    return [f"{name}.amazonaws.com" for name in dict.fromkeys(names)]


def naming(service, metadata):
    """Returns how far the names of members can be relied upon."""
    if service in VERIFIED:
        return "exact"
    return "any-case" if metadata["protocol"] in ONE_BODY else "unreliable"


def response(service, model, operation):
    """Returns the name of the shape that an operation's answer has in records, where that is known."""
    if "output" not in operation:
        return None
    name = operation["output"]["shape"]
    members = list(model["shapes"][name]["members"].values())
    inner = members[0]["shape"] if len(members) == 1 else None
    wraps = inner is not None and model["shapes"][inner]["type"] == "structure"
    if model["metadata"]["protocol"] != "query" or service in WRAPPED or not wraps:
        return name
    return inner if service in UNWRAPPED else None


def shapes(service, model):
    """Returns the shapes of a service and, for each operation, the numbers of its request and its response."""
    found = Shapes(model)
    operations = {}
    for name in sorted(model["operations"]):
        operation = model["operations"][name]
        ends = [operation["input"]["shape"] if "input" in operation else None, response(service, model, operation)]
        operations[name] = [found.number(end) if end is not None else None for end in ends]
    return {"operations": operations, "shapes": found.list}


def read(folder):
    """Returns the model of a service as of its latest API version, or nothing where botocore has none."""
    for version in sorted((path for path in folder.iterdir() if path.is_dir()), reverse=True):
        for path in (version / "service-2.json", version / "service-2.json.gz"):
            if path.exists():
                text = path.read_bytes()
                return json.loads(gzip.decompress(text) if path.suffix == ".gz" else text)
    return None


def line(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True).encode() + b"\n"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--date", required=True, type=datetime.date.fromisoformat, help="when this botocore was released")
    arguments.add_argument("--out", type=pathlib.Path, default=HERE / "operations.json.zst")
    arguments = arguments.parse_args()

    compressor = zstandard.ZstdCompressor(level=22)
    services, frames, offset = [], [], 0
    for folder in sorted(path for path in (pathlib.Path(botocore.__file__).parent / "data").iterdir() if path.is_dir()):
        model = read(folder)
        if model is None:
            continue
        metadata = model["metadata"]
        service = {
            "name": folder.name,
            "sources": sources(folder.name, metadata),
            "naming": naming(folder.name, metadata),
            "operations": sorted(model["operations"]),
        }
        if not service["sources"]:
            raise SystemExit(f"{folder.name}: no eventSource is left; give it one in ONLY or ALSO")
        if service["naming"] != "unreliable":
            frame = compressor.compress(line(shapes(folder.name, model)))
            service["frame"] = [offset, len(frame)]
            offset += len(frame)
            frames.append(frame)
        services.append(service)
    index = {"date": str(arguments.date), "botocore": botocore.__version__, "services": services}
    # Offsets count from the end of the index's own frame.
    arguments.out.write_bytes(compressor.compress(line(index)) + b"".join(frames))
    count = sum(len(service["operations"]) for service in services)
    print(f"{len(services)} services, {count} operations, {arguments.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
