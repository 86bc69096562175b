"""A person with the keys of every account of the local AWS: makes accounts, publishes events, looks at the world.

The journeys see what exists through this, with boto and without any code of the pipeline. One request per line of
standard input, one answer per line of standard output, both JSON; it ends with its input.
"""

from __future__ import annotations

import json
import os
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from berth_local import names
from berth_local.access import Access, Credentials
from berth_local.organization.hub import CLUSTER_REGION
from berth_local.session import Session
import hostile
from ci_system import CiSystem
from snapshot import snapshot
from snapshot_account import associations

_AT_ONCE_MAX = 8
_FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"
_OF_AN_ASSOCIATION = (
    "namespace", "serviceAccount", "associationId", "associationArn", "roleArn", "targetRoleArn", "disableSessionTags", "tags",
)  # fmt: skip

# Moto takes the account from a header, whatever the keys.
_ONLOOKER = Credentials(names.MANAGEMENT_ACCOUNT, "AKIAONLOOKER00000000", "none")


def _readers_of_platform() -> list[str]:
    """Names in Lambda of the functions whose folders say that they read platform.yaml."""
    manifests = [tomllib.loads(path.read_text()) for path in _FUNCTIONS.glob("*/Cargo.toml")]
    packages = [manifest["package"] for manifest in manifests]
    return [f"berth-{package['name']}" for package in packages if package["metadata"]["berth"].get("platform")]


class Person:
    """What can be asked for."""

    def __init__(self, state: dict[str, Any]) -> None:
        """`state` is the content of state.json."""
        # Past the gateway, so that looking is not in the journal of calls.
        self._aws, self._endpoint = state["awsUrl"], state["endpoint"]
        self._issuers: dict[str, CiSystem] = {}
        self._access = Access(self._aws)
        keys = state["management"]
        self._management = Credentials(names.MANAGEMENT_ACCOUNT, keys["accessKeyId"], keys["secretAccessKey"])
        self._session = Session(state)
        self._through_the_gateway = Access(self._endpoint)
        self._platform = Path(state["platform"])
        self._first_platform: str | None = None
        self._edition = 0
        self._looked_at = ""
        self._onlookers: dict[tuple[str, str], Any] = {}
        self._known: dict[str, Credentials] = {names.MANAGEMENT_ACCOUNT: self._management}

    def create_account(self, name: str, environment: str, tags: dict[str, str]) -> str:
        """Makes an account in the unit of an environment. Returns its id."""
        return self._session.create_account(name, environment, None, tags)

    def create_accounts(self, names: list[str], environment: str) -> list[str]:
        """Makes many accounts in the unit of an environment, several at a time. Returns their ids, in order."""
        with ThreadPoolExecutor(_AT_ONCE_MAX) as pool:
            return list(pool.map(lambda name: self.create_account(name, environment, {}), names))

    def crowd(self, count: int, environment: str) -> list[str]:
        """Makes accounts that nobody will ever enter: in the unit of an environment, without a role. Returns their ids."""
        client = self._client(names.MANAGEMENT_ACCOUNT, "organizations", names.HOME_REGION)
        root = client.list_roots()["Roots"][0]["Id"]
        made = []
        for number in range(count):
            name = f"crowd{number}-{environment}"
            status = client.create_account(AccountName=name, Email=f"{name}@berth.example")["CreateAccountStatus"]
            made.append(status["AccountId"])
        self._move(client, made, root, names.ORGANIZATIONAL_UNITS[environment])
        return made

    def disperse(self, accounts: list[str], environment: str) -> None:
        """Moves a crowd out of the unit of an environment, to the suspended accounts."""
        client = self._client(names.MANAGEMENT_ACCOUNT, "organizations", names.HOME_REGION)
        units = names.ORGANIZATIONAL_UNITS
        self._move(client, accounts, units[environment], units["suspended"])

    @staticmethod
    def _move(client: Any, accounts: list[str], source: str, target: str) -> None:
        for account in accounts:
            client.move_account(AccountId=account, SourceParentId=source, DestinationParentId=target)

    def census(self, accounts: list[str], region: str) -> dict[str, Any]:
        """How many VPCs and attachments each account has in a region, beyond the default VPC."""
        hub = self._client(names.NETWORK_ACCOUNT, "ec2", region)
        pages = hub.get_paginator("describe_transit_gateway_attachments").paginate()
        owners = [each["ResourceOwnerId"] for page in pages for each in page["TransitGatewayAttachments"]]

        ec2, counted = self._looking("ec2", region), {}
        for account in accounts:
            self._looked_at = account
            vpcs = sum(not vpc["IsDefault"] for vpc in ec2.describe_vpcs()["Vpcs"])
            counted[account] = {"vpcs": vpcs, "attachments": owners.count(account)}
        return counted

    def publish(self, events: list[str]) -> list[str]:
        """Publishes events to the accounts bus. Returns their ids."""
        return [self._session.publish(event) for event in events]

    def call(self, account: str, service: str, region: str, operation: str, parameters: dict[str, Any]) -> Any:
        """Calls any operation, by its name in boto, as an administrator of any account."""
        answer = getattr(self._client(account, service, region), operation)(**parameters)
        answer.pop("ResponseMetadata", None)
        return answer

    def platform(self, environments: dict[str, Any]) -> None:
        """Changes platform.yaml: the cluster of environments, which regions they keep, and what else is given."""
        import yaml

        document = yaml.safe_load(self._platform.read_text())
        for name, wanted in environments.items():
            environment = document["environments"][name]
            environment["cluster"] = wanted["cluster"]
            environment["regions"] = {region: environment["regions"][region] for region in wanted["regions"]}
            environment.update(wanted.get("set", {}))
            for region in environment["regions"].values():
                region.update(wanted.get("setInRegions", {}))
                region["tiers"] = region["tiers"] + ([wanted["tier"]] if "tier" in wanted else [])
        # Enough for the denials that tests inject; a test of a real one need not wait ten minutes.
        document["openingSecondsMax"] = 30
        self._platform.write_text(yaml.safe_dump(document, sort_keys=False))

    def edit_platform(self, edits: list[dict[str, Any]]) -> None:
        """Has platform.yaml as it was at first, but for these values; `at` is the path of each.

        The functions that read it get another setting too, so that the host starts new copies of them, as a deployment
        of a new layer would.
        """
        import yaml

        if self._first_platform is None:
            self._first_platform = self._platform.read_text()
        document = yaml.safe_load(self._first_platform)
        for edit in edits:
            *parents, last = edit["at"]
            place = document
            for name in parents:
                place = place[name]
            place[last] = edit["value"]
        self._platform.write_text(yaml.safe_dump(document, sort_keys=False))
        self._edition += 1
        functions = self._client(names.HUB_ACCOUNT, "lambda", names.HOME_REGION)
        for name in _readers_of_platform():
            settings = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
            settings["BERTH_PLATFORM_EDITION"] = str(self._edition)
            functions.update_function_configuration(FunctionName=name, Environment={"Variables": settings})

    def platform_value(self, at: list[str]) -> Any:
        """A value of platform.yaml, by its path."""
        import yaml

        value = yaml.safe_load(self._platform.read_text())
        for name in at:
            value = value[name]
        return value

    def slim(self, environment: str) -> None:
        """Leaves out of an environment what costs the local AWS most, and what other tests look at: hundreds of accounts
        come. Each region of an account that somebody enters is a second of work here."""
        import yaml

        document = yaml.safe_load(self._platform.read_text())
        wanted = document["environments"][environment]
        wanted["defaultVpc"] = "keep"
        wanted.pop("baseline", None)
        self._platform.write_text(yaml.safe_dump(document, sort_keys=False))

    def world(self, account: str) -> dict[str, Any]:
        """Everything that onboarding makes, as it is in the account and in the network account."""
        regions = {region: self._region(account, region) for region in names.TENANT_REGIONS}
        return {
            "regions": regions,
            "roles": self._roles(account),
            **self.let_in(account),
            "associations": self._associations(account),
        }

    def let_in(self, account: str) -> dict[str, Any]:
        """Who signs in to the account, and which of its roles clusters let in."""
        return {"assignments": self._assignments(account), "accessEntries": self._access_entries(account)}

    def snapshot(self, account: str, tenant: str) -> list[str]:
        """Everything that onboarding makes, without ids, to be compared with another account's."""
        self._looked_at = account

        def client(of: str, service: str, region: str) -> Any:
            return self._looking(service, region) if of == account else self._client(of, service, region)

        return snapshot(client, account, tenant)

    def hostile(self, account: str, victim: str, region: str, signed_in: bool) -> dict[str, Any]:
        """Tries, as an administrator of an account, everything that changes something in a region."""
        iam = self._client(account, "iam", names.HOME_REGION)
        policies = iam.list_policies(Scope="Local")["Policies"]
        boundary = next(each["Arn"] for each in policies if each["Arn"].endswith("-boundary"))
        access = self._through_the_gateway
        keys = hostile.enter(access, self._client, self._known[account], signed_in, boundary)
        values = hostile.known(self._client, account, victim, region, boundary)
        return hostile.try_everything(access, keys, region, values)

    def ci_job(self, issuer: str, role: str, claims: dict[str, Any]) -> dict[str, str]:
        """A job of a CI system assumes a role with a token of its issuer."""
        if issuer not in self._issuers:
            self._issuers[issuer] = CiSystem(issuer, self._aws, self._endpoint)
        return self._issuers[issuer].job(role, claims)

    def _looking(self, service: str, region: str) -> Any:
        """The client that sees whatever account is looked at: a client for each account costs more than the look."""
        if (service, region) not in self._onlookers:

            def enter(request: Any, **_: Any) -> None:
                request.headers["x-moto-account-id"] = self._looked_at
                # S3 Control has the account in the host's name, which an IP address cannot have.
                request.url = request.url.replace(f"//{self._looked_at}.", "//", 1)

            made = self._access.client(service, _ONLOOKER, region)
            made.meta.events.register("before-sign", enter)
            self._onlookers[service, region] = made
        return self._onlookers[service, region]

    def _client(self, account: str, service: str, region: str) -> Any:
        if account not in self._known:
            self._known[account] = self._access.assume(self._management, account, names.BOOTSTRAP_ROLE)
        return self._access.client(service, self._known[account], region)

    def _region(self, account: str, region: str) -> dict[str, Any]:
        ec2 = self._client(account, "ec2", region)
        vpcs = [vpc for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]]
        ids = [vpc["VpcId"] for vpc in vpcs]
        subnets = [each for each in ec2.describe_subnets()["Subnets"] if each["VpcId"] in ids]
        routes = [
            {
                "destination": route.get("DestinationCidrBlock") or route["DestinationPrefixListId"],
                "gateway": route["TransitGatewayId"],
            }
            for table in ec2.describe_route_tables()["RouteTables"]
            if table["VpcId"] in ids
            for route in table["Routes"]
            if "TransitGatewayId" in route
        ]
        return {
            "vpcs": [{"id": vpc["VpcId"], "cidr": vpc["CidrBlock"], "tags": _tags(vpc)} for vpc in vpcs],
            "subnets": sorted(subnet["CidrBlock"] for subnet in subnets),
            "routes": routes,
            "attachments": self._attachments(account, region),
            **self._tables(region),
        }

    def _attachments(self, account: str, region: str) -> list[dict[str, Any]]:
        """Attachments of the account, with what the network account knows of each."""
        hub = self._client(names.NETWORK_ACCOUNT, "ec2", region)
        found = hub.describe_transit_gateway_attachments()["TransitGatewayAttachments"]
        ours = [each for each in found if each["ResourceOwnerId"] == account]
        own = self._client(account, "ec2", region).describe_transit_gateway_vpc_attachments()
        tags = {each["TransitGatewayAttachmentId"]: _tags(each) for each in own["TransitGatewayVpcAttachments"]}
        attachments = []
        for each in ours:
            attachment = each["TransitGatewayAttachmentId"]
            propagations = hub.get_transit_gateway_attachment_propagations(TransitGatewayAttachmentId=attachment)
            tables = [
                table["TransitGatewayRouteTableId"] for table in propagations["TransitGatewayAttachmentPropagations"]
            ]
            attachments.append({
                "id": attachment,
                "vpc": each["ResourceId"],
                "state": each["State"],
                "associatedWith": each.get("Association", {}).get("TransitGatewayRouteTableId"),
                "propagatedTo": tables,
                "tags": tags[attachment],
            })  # fmt: skip
        return attachments

    def _tables(self, region: str) -> dict[str, Any]:
        """The route tables of the region's Transit Gateway, and where the spoke table leads."""
        hub = self._client(names.NETWORK_ACCOUNT, "ec2", region)
        tables = hub.describe_transit_gateway_route_tables()["TransitGatewayRouteTables"]
        named = {_tags(table).get("Name", ""): table["TransitGatewayRouteTableId"] for table in tables}
        search = [{"Name": "state", "Values": ["active", "blackhole"]}]
        routes = hub.search_transit_gateway_routes(TransitGatewayRouteTableId=named["spoke"], Filters=search)["Routes"]
        leads = {each["ResourceId"] for route in routes for each in route["TransitGatewayAttachments"]}
        shared = [vpc["VpcId"] for vpc in hub.describe_vpcs()["Vpcs"] if _tags(vpc).get("Name") == "shared-services"]
        return {
            "spokeTable": named["spoke"],
            "sharedTable": named["shared-services"],
            "spokeLeadsTo": sorted(leads),
            "sharedVpcs": sorted(shared),
        }

    def _roles(self, account: str) -> list[dict[str, Any]]:
        """Roles that somebody made, without those that the account came with."""
        iam = self._client(account, "iam", names.HOME_REGION)
        roles = []
        for listed in iam.list_roles()["Roles"]:
            name = listed["RoleName"]
            if name in (names.BOOTSTRAP_ROLE, names.TENANT_ROLE):
                continue
            role = iam.get_role(RoleName=name)["Role"]
            attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
            roles.append({
                "arn": role["Arn"],
                "id": role["RoleId"],
                "trust": role["AssumeRolePolicyDocument"],
                "boundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
                "attached": sorted(policy["PolicyArn"] for policy in attached),
                "tags": _tags(role),
            })  # fmt: skip
        return sorted(roles, key=lambda role: role["arn"])

    def _assignments(self, account: str) -> list[dict[str, str]]:
        """Which groups sign in to the account, each with which permission set."""
        center = self._client(names.MANAGEMENT_ACCOUNT, "sso-admin", names.IDENTITY_CENTER_REGION)
        store = self._client(names.MANAGEMENT_ACCOUNT, "identitystore", names.IDENTITY_CENTER_REGION)
        (instance,) = center.list_instances()["Instances"]
        arn = {"InstanceArn": instance["InstanceArn"]}
        found = []
        for page in center.get_paginator("list_permission_sets").paginate(**arn):
            for each in page["PermissionSets"]:
                asked = arn | {"PermissionSetArn": each}
                listed = center.get_paginator("list_account_assignments").paginate(**asked, AccountId=account)
                assigned = [one for part in listed for one in part["AccountAssignments"]]
                name = center.describe_permission_set(**asked)["PermissionSet"]["Name"] if assigned else ""
                for one in assigned:
                    of_store = {"IdentityStoreId": instance["IdentityStoreId"], "GroupId": one["PrincipalId"]}
                    group = store.describe_group(**of_store)["DisplayName"]
                    found.append({"group": group, "permissionSet": name})
        return sorted(found, key=lambda each: (each["group"], each["permissionSet"]))

    def _access_entries(self, account: str) -> list[dict[str, Any]]:
        """Access entries of the account's roles, on every cluster that has entries."""
        eks = self._client(names.HUB_ACCOUNT, "eks", CLUSTER_REGION)
        found = []
        for cluster in eks.list_clusters()["clusters"]:
            mode = eks.describe_cluster(name=cluster)["cluster"]["accessConfig"]["authenticationMode"]
            if mode == "CONFIG_MAP":
                continue
            for page in eks.get_paginator("list_access_entries").paginate(clusterName=cluster):
                for role in (arn for arn in page["accessEntries"] if f"::{account}:" in arn):
                    entry = eks.describe_access_entry(clusterName=cluster, principalArn=role)["accessEntry"]
                    found.append({
                        "cluster": cluster,
                        "role": role,
                        "arn": entry["accessEntryArn"],
                        "type": entry["type"],
                        "groups": entry["kubernetesGroups"],
                        "tags": entry["tags"],
                    })  # fmt: skip
        return sorted(found, key=lambda entry: (entry["cluster"], entry["role"]))


    def _associations(self, account: str) -> list[dict[str, Any]]:
        """Pod Identity associations that give pods a role of the account, on every cluster of the hub."""
        found = associations(self._client(names.HUB_ACCOUNT, "eks", CLUSTER_REGION), account)
        seen = [{"cluster": cluster} | {key: each.get(key) for key in _OF_AN_ASSOCIATION} for cluster, each in found]
        return sorted(seen, key=lambda each: (each["cluster"], each["namespace"], each["serviceAccount"]))


def _tags(thing: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in thing.get("Tags", [])}


def _answer(person: Person, line: str) -> dict[str, Any]:
    try:
        request = json.loads(line)
        return {"ok": getattr(person, request.pop("do"))(**request)}
    except Exception as error:  # noqa: BLE001 - the test that asked reports it
        return {"error": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    someone = Person(json.loads(Path(sys.argv[1]).read_text()))
    for line in sys.stdin:
        print(json.dumps(_answer(someone, line), default=str), flush=True)
    os._exit(0)  # without the interpreter's own end, which takes longer than the test binary's
