"""Calls every operation through boto3 and holds each raw answer to botocore's model of its service.

Prints JSON: {"called": ["ecs:RunTask", ...], "problems": ["ecs:RunTask: tasks[0].x is not in the model", ...]}.
A problem is a member that the model does not know, a value of another type, or an error code that neither the
operation's model nor AWS's common errors have.
"""

import json
import sys
import time
from xml.etree import ElementTree

import boto3
from botocore.exceptions import ClientError

COMMON_ERRORS = {
    "ThrottlingException",
    "ValidationException",
    "MissingAuthenticationTokenException",
    "InvalidSignatureException",
    "UnknownOperationException",
    "InvalidParameterValue",
}
TYPES = {
    "string": str,
    "integer": int,
    "long": int,
    "boolean": bool,
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
    "blob": str,
    "list": list,
    "map": dict,
    "structure": dict,
}

called = set()
problems = []


def check(value, shape, path):
    """Walks a decoded JSON value along its shape."""
    if not isinstance(value, TYPES[shape.type_name]) or (
        shape.type_name in ("integer", "long") and isinstance(value, bool)
    ):
        problems.append(f"{path} is {value!r}, not of type {shape.type_name}")
    elif shape.type_name == "structure":
        for name, member in value.items():
            if name not in shape.members:
                problems.append(f"{path}.{name} is not in the model")
            else:
                check(member, shape.members[name], f"{path}.{name}")
    elif shape.type_name == "list":
        for index, item in enumerate(value):
            check(item, shape.member, f"{path}[{index}]")
    elif shape.type_name == "map":
        for key, item in value.items():
            check(item, shape.value, f"{path}[{key}]")
    elif shape.type_name == "string" and getattr(shape, "enum", None) and value not in shape.enum:
        problems.append(f"{path} is {value!r}, none of {shape.enum}")


def check_xml(element, shape, path):
    """Walks an XML element along its shape (EC2's dialect and the query protocol)."""
    if shape.type_name == "structure":
        by_wire_name = {
            member.serialization.get("name", name): member for name, member in shape.members.items()
        }
        for child in element:
            name = child.tag.split("}")[-1]
            if name not in by_wire_name:
                problems.append(f"{path}.{name} is not in the model")
            else:
                check_xml(child, by_wire_name[name], f"{path}.{name}")
    elif shape.type_name == "list":
        for child in element:
            check_xml(child, shape.member, f"{path}[]")


def call(client, operation, **arguments):
    """Calls one operation, checks the raw answer and gives the parsed one; a refusal gives its code."""
    service = client.meta.service_model
    model = service.operation_model(operation)
    name = f"{service.service_name}:{operation}"
    called.add(name)
    raw = {}
    endpoint = client._endpoint
    original = endpoint._get_response

    def keep(request, operation_model, context):
        result = original(request, operation_model, context)
        if result[0] is not None:
            raw["body"] = result[0][0].content
        return result

    endpoint._get_response = keep
    try:
        parsed = client._make_api_call(operation, arguments)
    except ClientError as error:
        # SQS's errors have an older name beside that of the model.
        code = error.response["Error"].get("QueryErrorCode", error.response["Error"]["Code"])
        known = {shape.error_code for shape in model.error_shapes} | {shape.name for shape in model.error_shapes}
        if code not in known | COMMON_ERRORS:
            problems.append(f"{name}: its model has no error {code}")
        return code
    finally:
        endpoint._get_response = original
    if service.protocol in ("query", "ec2"):
        root = ElementTree.fromstring(raw["body"])
        if service.protocol == "query":
            root = root[0]
        else:
            root.remove(next(child for child in root if child.tag.endswith("requestId")))
        check_xml(root, model.output_shape, name)
    elif model.output_shape is not None:
        check(json.loads(raw["body"] or b"{}"), model.output_shape, name)
    return parsed


def until(condition, what):
    deadline = time.monotonic() + 20
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise SystemExit(f"waited in vain for {what}")
        time.sleep(0.05)


def check_ecs(ecs, ec2):
    call(ecs, "CreateCluster", clusterName="main", capacityProviders=["FARGATE", "FARGATE_SPOT"],
         tags=[{"key": "a", "value": "b"}])
    call(ecs, "PutClusterCapacityProviders", cluster="main", capacityProviders=["FARGATE", "FARGATE_SPOT"],
         defaultCapacityProviderStrategy=[{"capacityProvider": "FARGATE_SPOT", "weight": 1}])
    call(ecs, "DescribeClusters", clusters=["main", "none"],
         include=["TAGS", "SETTINGS", "STATISTICS", "CONFIGURATIONS"])
    call(ecs, "ListClusters")
    definition = call(
        ecs, "RegisterTaskDefinition", family="web", networkMode="awsvpc", requiresCompatibilities=["FARGATE"],
        cpu="256", memory="512", executionRoleArn="arn:aws:iam::000000000000:role/r",
        taskRoleArn="arn:aws:iam::000000000000:role/t", tags=[{"key": "a", "value": "b"}],
        runtimePlatform={"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
        ephemeralStorage={"sizeInGiB": 30}, volumes=[{"name": "v"}],
        containerDefinitions=[{
            "name": "app", "image": "busybox", "portMappings": [{"containerPort": 80}],
            "environment": [{"name": "A", "value": "b"}], "mountPoints": [{"sourceVolume": "v", "containerPath": "/v"}],
            "healthCheck": {"command": ["CMD", "true"]}, "ulimits": [{"name": "nofile", "softLimit": 1, "hardLimit": 1}],
            "linuxParameters": {"initProcessEnabled": True, "capabilities": {"drop": ["ALL"]}},
            "logConfiguration": {"logDriver": "awslogs", "options": {
                "awslogs-group": "/web", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p",
                "awslogs-create-group": "true"}},
        }])["taskDefinition"]["taskDefinitionArn"]
    call(ecs, "RegisterTaskDefinition", family="web", containerDefinitions=[])
    call(ecs, "DescribeTaskDefinition", taskDefinition="web", include=["TAGS"])
    call(ecs, "DescribeTaskDefinition", taskDefinition="none")
    call(ecs, "ListTaskDefinitions")
    call(ecs, "ListTaskDefinitionFamilies")
    network = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": "ENABLED"}}
    task = call(ecs, "RunTask", cluster="main", taskDefinition="web", networkConfiguration=network, startedBy="me", enableExecuteCommand=True,
                enableECSManagedTags=True, propagateTags="TASK_DEFINITION",
                overrides={"containerOverrides": [{"name": "app", "command": ["x"], "cpu": 10, "memory": 100}]},
                )["tasks"][0]["taskArn"]

    def described():
        return call(ecs, "DescribeTasks", cluster="main", tasks=[task, "0" * 32], include=["TAGS"])["tasks"][0]

    until(lambda: described()["lastStatus"] == "RUNNING", "the task running")
    call(ecs, "ExecuteCommand", cluster="main", task=task, interactive=True, command="date")
    call(ecs, "ExecuteCommand", cluster="main", task=task, interactive=False, command="date")
    call(ecs, "ListTasks", cluster="main", startedBy="me")
    call(ecs, "ListTasks", cluster="none")
    call(ecs, "TagResource", resourceArn=task, tags=[{"key": "c", "value": "d"}])
    call(ecs, "ListTagsForResource", resourceArn=task)
    call(ecs, "UntagResource", resourceArn=task, tagKeys=["c"])
    interfaces = call(ec2, "DescribeNetworkInterfaces")["NetworkInterfaces"]
    call(ec2, "DescribeNetworkInterfaces", NetworkInterfaceIds=[interfaces[0]["NetworkInterfaceId"]],
         Filters=[{"Name": "subnet-id", "Values": ["subnet-1"]}])
    call(ecs, "DeleteCluster", cluster="main")
    call(ecs, "StopTask", cluster="main", task=task, reason="enough")
    call(ecs, "StopTask", cluster="main", task="0" * 32)
    until(lambda: described()["lastStatus"] == "STOPPED", "the task stopped")
    call(ecs, "RunTask", cluster="main", taskDefinition="web")
    call(ecs, "DeregisterTaskDefinition", taskDefinition=definition)
    call(ecs, "DeleteTaskDefinitions", taskDefinitions=[definition, "none:1"])
    call(ecs, "DeleteCluster", cluster="main")


def check_logs(logs):
    call(logs, "CreateLogGroup", logGroupName="/g")
    call(logs, "CreateLogGroup", logGroupName="/g")
    call(logs, "PutRetentionPolicy", logGroupName="/g", retentionInDays=7)
    call(logs, "CreateLogStream", logGroupName="/g", logStreamName="s")
    call(logs, "PutLogEvents", logGroupName="/g", logStreamName="s",
         logEvents=[{"timestamp": 0, "message": "old"}, {"timestamp": int(time.time() * 1000), "message": "m"}])
    call(logs, "GetLogEvents", logGroupName="/g", logStreamName="s")
    call(logs, "GetLogEvents", logGroupName="/g", logStreamName="none")
    call(logs, "FilterLogEvents", logGroupName="/g", limit=1)
    # As `aws logs tail` asks.
    call(logs, "FilterLogEvents", logGroupName="/g", interleaved=True, startTime=0, filterPattern="m",
         logStreamNamePrefix="s")
    call(logs, "FilterLogEvents", logGroupIdentifier="arn:aws:logs:us-east-1:000000000000:log-group:/g")
    call(logs, "DescribeLogGroups", logGroupNamePrefix="/")
    call(logs, "DescribeLogStreams", logGroupName="/g", orderBy="LastEventTime", descending=True)
    call(logs, "DeleteRetentionPolicy", logGroupName="/g")
    call(logs, "DeleteLogStream", logGroupName="/g", logStreamName="s")
    call(logs, "DeleteLogGroup", logGroupName="/g")
    call(logs, "DeleteLogGroup", logGroupName="/g")


def check_secrets(secrets):
    call(secrets, "CreateSecret", Name="s", SecretString="x", Description="d", Tags=[{"Key": "a", "Value": "b"}])
    call(secrets, "CreateSecret", Name="s", SecretString="x")
    call(secrets, "CreateSecret", Name="binary", SecretBinary=b"\x00\x01")
    if call(secrets, "GetSecretValue", SecretId="binary")["SecretBinary"] != b"\x00\x01":
        problems.append("secretsmanager:GetSecretValue: bytes came back changed")
    call(secrets, "PutSecretValue", SecretId="s", SecretString="y")
    call(secrets, "UpdateSecret", SecretId="s", Description="e")
    call(secrets, "UpdateSecret", SecretId="s", SecretString="z")
    call(secrets, "GetSecretValue", SecretId="s", VersionStage="AWSPREVIOUS")
    call(secrets, "GetSecretValue", SecretId="none")
    call(secrets, "TagResource", SecretId="s", Tags=[{"Key": "c", "Value": "d"}])
    call(secrets, "UntagResource", SecretId="s", TagKeys=["c"])
    call(secrets, "DeleteSecret", SecretId="s", RecoveryWindowInDays=7)
    call(secrets, "GetSecretValue", SecretId="s")
    call(secrets, "DescribeSecret", SecretId="s")
    call(secrets, "ListSecrets", IncludePlannedDeletion=True)
    call(secrets, "RestoreSecret", SecretId="s")
    call(secrets, "DeleteSecret", SecretId="s", ForceDeleteWithoutRecovery=True)


def check_parameters(ssm):
    call(ssm, "PutParameter", Name="/p", Value="v", Type="SecureString")
    call(ssm, "PutParameter", Name="/p", Value="v", Type="String")
    call(ssm, "GetParameter", Name="/p", WithDecryption=True)
    call(ssm, "GetParameter", Name="/none")
    call(ssm, "GetParameters", Names=["/p", "/none"])
    call(ssm, "DeleteParameter", Name="/p")
    call(ssm, "DeleteParameter", Name="/p")
    call(ssm, "DeleteParameters", Names=["/p"])
    call(ssm, "TerminateSession", SessionId="gone")
    call(ssm, "ResumeSession", SessionId="gone")


def check_queues(sqs):
    url = call(sqs, "CreateQueue", QueueName="q", Attributes={"VisibilityTimeout": "5"})["QueueUrl"]
    call(sqs, "CreateQueue", QueueName="q", Attributes={"VisibilityTimeout": "6"})
    call(sqs, "GetQueueUrl", QueueName="q")
    call(sqs, "GetQueueUrl", QueueName="none")
    call(sqs, "ListQueues")
    call(sqs, "SendMessage", QueueUrl=url, MessageBody="m")
    call(sqs, "SendMessage", QueueUrl=url, MessageBody="n")
    received = call(sqs, "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1,
                    MessageSystemAttributeNames=["All"])["Messages"]
    call(sqs, "ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=received[0]["ReceiptHandle"], VisibilityTimeout=9)
    call(sqs, "DeleteMessage", QueueUrl=url, ReceiptHandle=received[0]["ReceiptHandle"])
    call(sqs, "DeleteMessageBatch", QueueUrl=url,
         Entries=[{"Id": "1", "ReceiptHandle": received[1]["ReceiptHandle"]}])
    call(sqs, "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])
    call(sqs, "DeleteQueue", QueueUrl=url)


def main():
    check_ecs(boto3.client("ecs"), boto3.client("ec2"))
    check_logs(boto3.client("logs"))
    check_secrets(boto3.client("secretsmanager"))
    check_parameters(boto3.client("ssm"))
    check_queues(boto3.client("sqs"))
    call(boto3.client("sts"), "GetCallerIdentity")
    json.dump({"called": sorted(called), "problems": problems}, sys.stdout)


main()
