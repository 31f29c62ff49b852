"""Sends the same calls to two endpoints and tells where the second, moto, says something else than the first.

`moto_compare.py OURS MOTO` prints JSON, each difference once:
[{"operation": "StopTask", "member": "lastStatus", "ours": "\\"RUNNING\\"", "moto": "\\"STOPPED\\""}, ...].
Compared are outcomes (success or the error's code), and the members of moto's answers; what we say beyond them is no
disagreement. Identifiers, times and addresses are compared by their presence alone.
"""

import json
import re
import sys
import time
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::123456789012:role/r"
VOLATILE = re.compile(
    r"(At|Time|Timestamp|timestamp|Date|Arn|ARN|Arns\[\]|Id|\.id|Token|Bytes|registeredBy|runtimeId|"
    r"macAddress|privateIpv4Address|details\[\]\.value|eventId)$"
)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def flatten(value, path=""):
    """Paths of all members with the set of their values: the items of a list share a path."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name != "ResponseMetadata":
                name = UUID.sub("UUID", name)
                yield from flatten(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for item in value:
            yield from flatten(item, f"{path}[]")
    else:
        yield path, "some" if VOLATILE.search(path) else value


def members(answer):
    found = {}
    for path, value in flatten(answer):
        found.setdefault(path, set()).add(value)
    return found


class Side:
    """One of the two servers, with what its answers to earlier calls said."""

    def __init__(self, endpoint):
        config = Config(retries={"max_attempts": 0})
        names = ["ecs", "logs", "secretsmanager", "ec2"]
        self.clients = {name: boto3.client(name, endpoint_url=endpoint, config=config) for name in names}
        self.kept = {}

    def call(self, service, operation, arguments):
        arguments = {
            name: self.kept[value[1:]] if isinstance(value, str) and value.startswith("$") else
            [self.kept[it[1:]] if isinstance(it, str) and it.startswith("$") else it for it in value]
            if isinstance(value, list) else value
            for name, value in arguments.items()
        }
        try:
            return self.clients[service]._make_api_call(operation, arguments)
        except ClientError as error:
            return {"error": error.response["Error"]["Code"]}

    def subnet(self):
        """A subnet that exists; ours takes any."""
        try:
            return self.clients["ec2"].describe_subnets()["Subnets"][0]["SubnetId"]
        except ClientError:
            return "subnet-1"


def compare(operation, ours, moto):
    outcomes = [answer.get("error", "success") for answer in (ours, moto)]
    if outcomes[0] != outcomes[1]:
        yield {"operation": operation, "member": "", "ours": outcomes[0], "moto": outcomes[1]}
        return
    ours, moto = members(ours), members(moto)
    for path in sorted(moto):
        if ours.get(path) != moto[path]:
            member = re.sub(r"^(tasks\[\]|task)\.", "", path)
            yield {"operation": operation, "member": member, "ours": words(ours, path), "moto": words(moto, path)}


def words(found, path):
    return ", ".join(sorted(map(json.dumps, found[path]))) if path in found else "–"


def calls():
    """The calls in order: service, operation, arguments, and a path of the answer to keep under a name."""
    container = {
        "name": "app", "image": "busybox", "memory": 128, "cpu": 10, "essential": True, "command": ["sleep", "9"],
        "environment": [{"name": "A", "value": "b"}], "portMappings": [{"containerPort": 80}],
    }
    definition = {
        "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
        "memory": "512", "executionRoleArn": ROLE, "containerDefinitions": [container],
        "tags": [{"key": "a", "value": "b"}],
    }
    yield "ecs", "CreateCluster", {"clusterName": "main"}, None
    yield "ecs", "DescribeClusters", {"clusters": ["main", "none"]}, None
    yield "ecs", "ListClusters", {}, None
    yield "ecs", "RegisterTaskDefinition", definition, ("taskDefinition.taskDefinitionArn", "definition")
    yield "ecs", "RegisterTaskDefinition", {**definition, "family": "bad", "containerDefinitions": []}, None
    yield "ecs", "RegisterTaskDefinition", {**definition, "family": "bad", "memory": "513"}, None
    yield "ecs", "DescribeTaskDefinition", {"taskDefinition": "web", "include": ["TAGS"]}, None
    yield "ecs", "DescribeTaskDefinition", {"taskDefinition": "none"}, None
    yield "ecs", "ListTaskDefinitions", {"familyPrefix": "web"}, None
    yield "ecs", "ListTaskDefinitions", {"familyPrefix": "we"}, None
    yield "ecs", "ListTaskDefinitionFamilies", {"familyPrefix": "we"}, None
    run = {
        "cluster": "main", "taskDefinition": "web", "launchType": "FARGATE", "startedBy": "me",
        "networkConfiguration": "$network", "tags": [{"key": "a", "value": "b"}],
    }
    yield "ecs", "RunTask", run, ("tasks.0.taskArn", "task")
    yield "ecs", "RunTask", {**run, "taskDefinition": "none"}, None
    yield "ecs", "RunTask", {**run, "cluster": "none"}, None
    yield "wait", "RUNNING", {}, None
    yield "ecs", "DescribeTasks", {"cluster": "main", "tasks": ["$task"], "include": ["TAGS"]}, None
    yield "ecs", "DescribeTasks", {"cluster": "main", "tasks": ["0" * 32]}, None
    yield "ecs", "ListTasks", {"cluster": "main", "startedBy": "me"}, None
    yield "ecs", "ListTasks", {"cluster": "main", "family": "web"}, None
    yield "ecs", "ListTasks", {"cluster": "none"}, None
    yield "ecs", "TagResource", {"resourceArn": "$task", "tags": [{"key": "c", "value": "d"}]}, None
    yield "ecs", "UntagResource", {"resourceArn": "$task", "tagKeys": ["c"]}, None
    yield "ecs", "ListTagsForResource", {"resourceArn": "$task"}, None
    yield "ecs", "StopTask", {"cluster": "main", "task": "$task", "reason": "enough"}, None
    yield "ecs", "StopTask", {"cluster": "main", "task": "0" * 32}, None
    yield "wait", "STOPPED", {}, None
    yield "ecs", "DescribeTasks", {"cluster": "main", "tasks": ["$task"]}, None
    yield "ecs", "ListTasks", {"cluster": "main", "desiredStatus": "STOPPED"}, None
    yield "ecs", "DeregisterTaskDefinition", {"taskDefinition": "web:1"}, None
    yield "ecs", "RunTask", {**run, "taskDefinition": "web:1"}, None
    yield "ecs", "DeleteCluster", {"cluster": "main"}, None

    group, stream = {"logGroupName": "/g"}, {"logGroupName": "/g", "logStreamName": "s"}
    now = int(time.time() * 1000)
    events = [{"timestamp": now + index, "message": f"line {index}"} for index in range(3)]
    yield "logs", "CreateLogGroup", group, None
    yield "logs", "CreateLogGroup", group, None
    yield "logs", "PutRetentionPolicy", {**group, "retentionInDays": 7}, None
    yield "logs", "CreateLogStream", stream, None
    yield "logs", "PutLogEvents", {**stream, "logEvents": events}, None
    yield "logs", "GetLogEvents", stream, None
    yield "logs", "GetLogEvents", {**stream, "limit": 1, "startFromHead": True}, None
    yield "logs", "GetLogEvents", {**stream, "logStreamName": "none"}, None
    yield "logs", "FilterLogEvents", {**group, "filterPattern": "1"}, None
    yield "logs", "FilterLogEvents", {"logGroupName": "/none"}, None
    yield "logs", "DescribeLogGroups", {}, None
    yield "logs", "DescribeLogStreams", group, None
    yield "logs", "DeleteLogGroup", group, None

    secret = {"SecretId": "s"}
    yield "secretsmanager", "CreateSecret", {"Name": "s", "SecretString": "x", "Description": "d"}, None
    yield "secretsmanager", "CreateSecret", {"Name": "s", "SecretString": "x"}, None
    yield "secretsmanager", "PutSecretValue", {**secret, "SecretString": "y"}, None
    yield "secretsmanager", "GetSecretValue", secret, None
    yield "secretsmanager", "GetSecretValue", {**secret, "VersionStage": "AWSPREVIOUS"}, None
    yield "secretsmanager", "GetSecretValue", {"SecretId": "none"}, None
    yield "secretsmanager", "TagResource", {**secret, "Tags": [{"Key": "a", "Value": "b"}]}, None
    yield "secretsmanager", "DescribeSecret", secret, None
    yield "secretsmanager", "ListSecrets", {}, None
    yield "secretsmanager", "DeleteSecret", {**secret, "RecoveryWindowInDays": 7}, None
    yield "secretsmanager", "GetSecretValue", secret, None
    yield "secretsmanager", "RestoreSecret", secret, None
    yield "secretsmanager", "DeleteSecret", {**secret, "ForceDeleteWithoutRecovery": True}, None
    yield "secretsmanager", "DescribeSecret", secret, None


def wait(side, status):
    for _ in range(200):
        answer = side.call("ecs", "DescribeTasks", {"cluster": "main", "tasks": ["$task"]})
        if answer["tasks"][0]["lastStatus"] == status:
            return
        time.sleep(0.05)
    raise SystemExit(f"waited in vain for {status}")


def hold_states(moto):
    """Keeps moto from taking a task a state further with each DescribeTasks."""
    transition = {"model_name": "ecs::task", "transition": {"progression": "manual", "times": 1000}}
    body = json.dumps(transition).encode()
    urllib.request.urlopen(f"{moto}/moto-api/state-manager/set-transition", data=body, timeout=5).close()


def main():
    hold_states(sys.argv[2])
    sides = [Side(endpoint) for endpoint in sys.argv[1:3]]
    for side in sides:
        network = {"subnets": [side.subnet()], "securityGroups": ["sg-1"]}
        side.kept["network"] = {"awsvpcConfiguration": network}
    differences = []
    for service, operation, arguments, keep in calls():
        if service == "wait":
            for side in sides:
                wait(side, operation)
            continue
        answers = [side.call(service, operation, arguments) for side in sides]
        for side, answer in zip(sides, answers):
            if keep:
                value = answer
                for part in keep[0].split("."):
                    value = value[int(part)] if part.isdigit() else value[part]
                side.kept[keep[1]] = value
        for difference in compare(operation, *answers):
            if difference not in differences:
                differences.append(difference)
    json.dump(differences, sys.stdout, indent=1)


main()
