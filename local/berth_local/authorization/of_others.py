"""Every other service that Berth calls: on which resources an operation is authorized.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

from . import facts
from .evaluate import Request
from .of_ec2 import Where, request_tags, resource_tags
from .of_iam import pass_role
from .parameters import Parameters

Derive = Callable[[str, Parameters, Where], list[Request]]


def _sts(operation: str, given: Parameters, where: Where) -> list[Request]:
    arn = given.text("RoleArn")
    if operation != "AssumeRole":
        return []
    account = arn.split(":")[4] if arn.count(":") > 4 else where.account
    organization = facts.organization_id(account)
    keys = {"aws:resourceorgid": organization} if organization else {}
    return [Request("sts:AssumeRole", arn, keys | {"sts:externalid": given.text("ExternalId")})]


def _dynamodb(operation: str, given: Parameters, where: Where) -> list[Request]:
    def on(action: str, table: str) -> Request:
        arn = table if table.startswith("arn:") else f"arn:aws:dynamodb:{where.region}:{where.account}:table/{table}"
        return Request(f"dynamodb:{action}", arn)

    if operation == "TransactWriteItems":  # authorized by what is in it; ConditionCheck is an action of its own
        words = {
            "Put": "PutItem",
            "Update": "UpdateItem",
            "Delete": "DeleteItem",
            "ConditionCheck": "ConditionCheckItem",
        }
        items = [
            (words[word], item["TableName"]) for each in given.field("TransactItems") for word, item in each.items()
        ]
        return [on(action, table) for action, table in sorted(set(items))]
    if operation in ("BatchGetItem", "BatchWriteItem"):
        return [on(operation, table) for table in given.field("RequestItems") or {}]
    return [on(operation, given.text("TableName"))]


def _sqs(operation: str, given: Parameters, where: Where) -> list[Request]:
    action = {"DeleteMessageBatch": "DeleteMessage", "SendMessageBatch": "SendMessage"}.get(operation, operation)
    queue = given.text("QueueUrl").rsplit("/", 1)[-1]
    return [Request(f"sqs:{action}", f"arn:aws:sqs:{where.region}:{where.account}:{queue}")]


def _states(operation: str, given: Parameters, where: Where) -> list[Request]:
    arn = given.text("executionArn") or given.text("stateMachineArn")
    if operation.startswith("SendTask"):  # the token does not say whose; the machine of the function's policy
        arn = f"arn:aws:states:{where.region}:{where.account}:stateMachine:berth-onboard-account"
    if ":stateMachine:" in arn:  # a version or an alias is authorized as its machine
        arn = ":".join(arn.split(":")[:7])
    return [Request(f"states:{operation}", arn)]


def _events(operation: str, given: Parameters, where: Where) -> list[Request]:
    buses = {each.get("EventBusName") or "default" for each in given.field("Entries") or [{}]}
    arns = [
        bus if bus.startswith("arn:") else f"arn:aws:events:{where.region}:{where.account}:event-bus/{bus}"
        for bus in buses
    ]
    return [Request(f"events:{operation}", arn) for arn in sorted(arns)]


def _secrets(operation: str, given: Parameters, where: Where) -> list[Request]:
    name = given.text("SecretId")
    arn = (
        name
        if name.startswith("arn:")
        else f"arn:aws:secretsmanager:{where.region}:{where.account}:secret:{name}-??????"
    )
    return [Request(f"secretsmanager:{operation}", arn)]


def _organizations(operation: str, given: Parameters, where: Where) -> list[Request]:
    account = given.text("AccountId") or given.text("ResourceId")
    if not account:
        return [Request(f"organizations:{operation}", "*")]
    organization = facts.organization_id(where.account)
    return [
        Request(
            f"organizations:{operation}", f"arn:aws:organizations::{where.account}:account/{organization}/{account}"
        )
    ]


def _identity_store(operation: str, given: Parameters, where: Where) -> list[Request]:
    store = f"arn:aws:identitystore::{where.account}:identitystore/{given.text('IdentityStoreId')}"
    return [Request(f"identitystore:{operation}", arn) for arn in (store, "arn:aws:identitystore:::group/*")]


def _sso(operation: str, given: Parameters, _where: Where) -> list[Request]:
    arns = [given.text("InstanceArn"), given.text("PermissionSetArn")]
    account = given.text("TargetId") or given.text("AccountId")
    if account:
        arns.append(f"arn:aws:sso:::account/{account}")
    return [Request(f"sso:{operation}", arn) for arn in arns if arn]


def _config(operation: str, given: Parameters, where: Where) -> list[Request]:
    action = f"config:{operation}"
    tags = given.tags("Tags")
    recorder = (given.field("ConfigurationRecorder") or {}).get("name") or given.text("ConfigurationRecorderName")
    if operation in ("ListTagsForResource", "TagResource", "UntagResource"):
        arn = given.text("ResourceArn")
        keys = request_tags(tags) | resource_tags(facts.config_tags(where.account, where.region, arn))
        return [Request(action, arn, keys)]
    if operation == "PutConfigRule":
        arn, there = facts.config_rule(
            where.account, where.region, (given.field("ConfigRule") or {}).get("ConfigRuleName", "")
        )
        keys = request_tags(tags) | resource_tags(there)
        return [Request(action, arn, keys), *([Request("config:TagResource", arn, keys)] if tags else [])]
    if operation == "DeleteConfigRule":
        arn, there = facts.config_rule(where.account, where.region, given.text("ConfigRuleName"))
        return [Request(action, arn, resource_tags(there))]
    if recorder:
        arn = f"arn:aws:config:{where.region}:{where.account}:configuration-recorder/{recorder}/0123456789abcdef"
        there = resource_tags(facts.recorder_tags(where.account, where.region, recorder))
        found = [Request(action, arn, request_tags(tags) | there)]
        if operation == "PutConfigurationRecorder":
            role = (given.field("ConfigurationRecorder") or {}).get("roleARN", "")
            found.append(pass_role(role, "config.amazonaws.com"))
            found += [Request("config:TagResource", arn, request_tags(tags))] if tags else []
        return found
    return [Request(action, "*")]


def _backup(operation: str, given: Parameters, where: Where) -> list[Request]:
    action, prefix = f"backup:{operation}", f"arn:aws:backup:{where.region}:{where.account}"
    vault, plan = given.text("BackupVaultName"), given.text("BackupPlanId")
    arn = unquote(given.text("ResourceArn"))
    if operation == "CreateBackupPlan":
        arn = f"{prefix}:backup-plan:*"
    elif vault or plan:
        arn = f"{prefix}:backup-vault:{vault}" if vault else f"{prefix}:backup-plan:{plan}"
    if not arn:
        return [Request(action, "*")]
    tags = given.tags("Tags", "BackupPlanTags", "BackupVaultTags")
    keys = request_tags(tags) | resource_tags(facts.backup_tags(where.account, where.region, arn))
    found = [Request(action, arn, keys)]
    if operation.startswith("Create") and tags:
        found.append(Request("backup:TagResource", arn, keys))
    if operation == "CreateBackupVault":
        found.append(Request("backup-storage:MountCapsule", "*"))
        # AWS's own key, alias aws/backup, when none is given.
        key = given.text("EncryptionKeyArn") or f"arn:aws:kms:{where.region}:{where.account}:key/0a"
        by = {"kms:viaservice": f"backup.{where.region}.amazonaws.com"}
        used = ("Decrypt", "DescribeKey", "GenerateDataKey", "RetireGrant")
        found += [Request(f"kms:{each}", key, by) for each in used]
        found.append(Request("kms:CreateGrant", key, by | {"kms:grantisforawsresource": "true"}))
    if operation == "CreateBackupSelection":
        found.append(pass_role((given.field("BackupSelection") or {}).get("IamRoleArn", ""), "backup.amazonaws.com"))
    return found


def _eks(operation: str, given: Parameters, where: Where) -> list[Request]:
    action, cluster = f"eks:{operation}", given.text("name") or given.text("clusterName")
    principal = unquote(given.text("principalArn"))
    tags = given.tags("tags")
    if "PodIdentityAssociation" in operation:
        return _associations(operation, given, where, cluster)
    if operation in ("TagResource", "UntagResource"):
        arn = unquote(given.text("resourceArn"))
        if ":podidentityassociation/" in arn:
            of_it = facts.association_tags(where.account, where.region, *arn.split("/")[-2:])
            return [Request(action, arn, request_tags(tags) | resource_tags(of_it))]
        there = next((each for each in facts.entries(where.account, where.region) if each[0] == arn), (arn, {}, [], ""))
        keys = {"eks:kubernetesgroups": there[2], "eks:principalarn": there[3]}
        return [Request(action, arn, request_tags(tags) | resource_tags(there[1]) | keys)]
    on_cluster = f"arn:aws:eks:{where.region}:{where.account}:cluster/{cluster}"
    if not principal or operation == "ListAccessEntries":
        return [Request(action, on_cluster)]
    groups = given.field("kubernetesGroups") or []
    if operation == "CreateAccessEntry":
        kind = given.text("type") or "STANDARD"
        keys = {"eks:kubernetesgroups": groups, "eks:accessentrytype": kind, "eks:principalarn": principal}
        name = f"{principal.split(':')[4]}/{principal.rsplit('/', 1)[-1]}"
        made = f"arn:aws:eks:{where.region}:{where.account}:access-entry/{cluster}/role/{name}/*"
        tagging = Request("eks:TagResource", made, keys | request_tags(tags))
        return [Request(action, on_cluster, keys | request_tags(tags)), *([tagging] if tags else [])]
    arn, there, has = facts.entry(where.account, where.region, cluster, principal)
    unknown = (
        f"arn:aws:eks:{where.region}:{where.account}:access-entry/{cluster}/role/{principal.split(':')[4]}/none/none"
    )
    keys = {"eks:kubernetesgroups": groups or has, "eks:principalarn": principal}
    return [Request(action, arn or unknown, resource_tags(there) | keys)]


def _associations(operation: str, given: Parameters, where: Where, cluster: str) -> list[Request]:
    """EKS reads the role that it is handed, as whoever hands it. The target role is no matter of the caller."""
    action, base = f"eks:{operation}", f"arn:aws:eks:{where.region}:{where.account}"
    role, tags = given.text("roleArn"), given.tags("tags")
    handed = [Request("iam:GetRole", role), pass_role(role, "pods.eks.amazonaws.com")] if role else []
    if operation == "ListPodIdentityAssociations":
        return [Request(action, f"{base}:cluster/{cluster}")]
    if operation == "CreatePodIdentityAssociation":
        made = f"{base}:podidentityassociation/{cluster}/*"
        tagging = [Request("eks:TagResource", made, request_tags(tags))] if tags else []
        return [Request(action, f"{base}:cluster/{cluster}", request_tags(tags)), *tagging, *handed]
    there = given.text("associationId")
    keys = resource_tags(facts.association_tags(where.account, where.region, cluster, there))
    return [Request(action, f"{base}:podidentityassociation/{cluster}/{there}", keys), *handed]


def _lambda(operation: str, given: Parameters, where: Where) -> list[Request]:
    function = unquote(given.text("FunctionName"))
    name = function.split(":")[6] if function.startswith("arn:") else function
    action = {"Invoke": "InvokeFunction"}.get(operation, operation)
    return [Request(f"lambda:{action}", f"arn:aws:lambda:{where.region}:{where.account}:function:{name}")]


def _s3(operation: str, _given: Parameters, _where: Where) -> list[Request]:
    names = {
        "GetPublicAccessBlock": "GetAccountPublicAccessBlock",
        "PutPublicAccessBlock": "PutAccountPublicAccessBlock",
    }
    return [Request(f"s3:{names.get(operation, operation)}", "*")]


SERVICES: dict[str, Derive] = {
    "backup": _backup, "config": _config, "dynamodb": _dynamodb, "eks": _eks, "events": _events,
    "identitystore": _identity_store, "lambda": _lambda, "organizations": _organizations, "s3": _s3, "secretsmanager": _secrets,
    "sqs": _sqs, "sso": _sso, "states": _states, "sts": _sts,
}  # fmt: skip
