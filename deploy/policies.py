"""Prints the IAM policies of a CloudFormation template, one JSON object a line, as they come out with some parameters.

    policies.py TEMPLATE [NAME=VALUE]... [RESOURCE]...

cfn-lint looks at a policy's form; what its actions, resources and conditions mean is judged by tools that know IAM and not CloudFormation.
This resolves the few functions that the templates here use. References to resources become ARNs that are made up, of the right service.

Also checks what no linter does: a statement that allows everything on `*` to somebody else than this account is refused.
"""

import json
import re
import sys

import yaml

PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "111122223333",
}

# What the ARN of a resource looks like, by its type.
ARNS = {
    "AWS::Events::Rule": "arn:aws:events:us-east-1:111122223333:rule/{}",
    "AWS::IAM::Role": "arn:aws:iam::111122223333:role/{}",
    "AWS::KMS::Key": "arn:aws:kms:us-east-1:111122223333:key/{}",
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::SNS::Topic": "arn:aws:sns:us-east-1:111122223333:{}",
    "AWS::SQS::Queue": "arn:aws:sqs:us-east-1:111122223333:{}",
}

NOTHING = object()


class Loader(yaml.SafeLoader):
    """Reads the short forms of CloudFormation's functions as {"Fn::Name": argument}."""


def function(loader, tag, node):
    if isinstance(node, yaml.ScalarNode):
        argument = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        argument = loader.construct_sequence(node, deep=True)
    else:
        argument = loader.construct_mapping(node, deep=True)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": argument}


Loader.add_multi_constructor("!", function)


class Template:
    def __init__(self, text, given):
        self.template = yaml.load(text, Loader)
        self.values = dict(PSEUDO)
        for name, parameter in self.template.get("Parameters", {}).items():
            self.values[name] = str(given.pop(name, parameter.get("Default", "")))
        if given:
            sys.exit(f"policies.py: no such parameter: {', '.join(given)}")

    def holds(self, name):
        return self.resolve(self.template["Conditions"][name])

    def ref(self, name):
        if name == "AWS::NoValue":
            return NOTHING
        if name in self.values:
            return self.values[name]
        return self.arn(name)

    def arn(self, name):
        return ARNS[self.template["Resources"][name]["Type"]].format(name)

    def resolve(self, node):
        if isinstance(node, list):
            resolved = [self.resolve(item) for item in node]
            return [item for item in resolved if item is not NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (name, argument), = node.items()
            if name == "Ref":
                return self.ref(argument)
            # In a policy "Condition" is a key like any other; as a function its argument is a name.
            if name == "Condition" and isinstance(argument, str):
                return self.holds(argument)
            if name.startswith("Fn::"):
                return self.call(name.removeprefix("Fn::"), argument)
        resolved = {key: self.resolve(value) for key, value in node.items()}
        return {key: value for key, value in resolved.items() if value is not NOTHING}

    def call(self, name, argument):
        if name == "If":
            condition, then, otherwise = argument
            return self.resolve(then if self.holds(condition) else otherwise)
        if name == "GetAtt":
            resource, attribute = argument.split(".") if isinstance(argument, str) else argument
            return self.arn(resource) if attribute == "Arn" else resource
        if name == "Sub":
            return re.sub(r"\$\{([A-Za-z:]+)(?:\.Arn)?\}", lambda match: self.ref(match[1]), argument)
        values = self.resolve(argument)
        if name == "Equals":
            return values[0] == values[1]
        if name == "Not":
            return not values[0]
        if name == "And":
            return all(values)
        if name == "Or":
            return any(values)
        sys.exit(f"policies.py: the function {name} is not known here")

    def policies(self):
        """Yields the resource, the policy's name and the policy, of every resource that these parameters make."""
        for name, resource in self.template["Resources"].items():
            if "Condition" in resource and not self.holds(resource["Condition"]):
                continue
            properties = resource.get("Properties", {})
            for key in ("PolicyDocument", "KeyPolicy", "AssumeRolePolicyDocument"):
                if key in properties:
                    yield name, key, self.resolve(properties[key])
            for policy in self.resolve(properties.get("Policies", [])):
                yield name, policy["PolicyName"], policy["PolicyDocument"]


def too_wide(statement):
    """Tells whether a statement of a role's own policies allows more than some actions on some resources."""
    actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
    whole = any(action == "*" or action.endswith(":*") for action in actions)
    root = str(statement.get("Principal", "")).endswith(":root'}")
    return statement["Effect"] == "Allow" and whole and not root


def main():
    path, *arguments = sys.argv[1:]
    given = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    wanted = {argument for argument in arguments if "=" not in argument}
    with open(path, encoding="utf-8") as file:
        template = Template(file.read(), given)
    wide = False
    for resource, name, policy in template.policies():
        if wanted and resource not in wanted:
            continue
        for statement in policy["Statement"]:
            if too_wide(statement):
                print(f"policies.py: {resource}, {name}: {statement.get('Sid')} allows whole services", file=sys.stderr)
                wide = True
        print(json.dumps({"resource": resource, "name": name, "policy": policy}))
    sys.exit(1 if wide else 0)


if __name__ == "__main__":
    main()
