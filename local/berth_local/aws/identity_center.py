"""IAM Identity Center: assignments that take time, that can fail, and of which the organization has ten at once.

https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_CreateAccountAssignment.html
https://docs.aws.amazon.com/singlesignon/latest/userguide/limits.html
Stock moto makes every assignment at once, for groups, permission sets and accounts that do not exist, and as often as it
is asked; it cannot list the status of requests. It looks through groups while others are made, which Python refuses.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.iam.models import iam_backends
from moto.identitystore.models import IdentityStoreBackend, identitystore_backends
from moto.ssoadmin.exceptions import ConflictException, ResourceNotFoundException
from moto.ssoadmin.models import AccountAssignment, Instance, PermissionSet, SSOAdminBackend
from moto.ssoadmin.responses import SSOAdminResponse

from berth_local.aws import clock
from berth_local.aws.registry import forgotten_on_reset
from berth_local.aws.replacing import wrap
from berth_local.aws.settings import assignment_seconds, identity_center_ids
from berth_local.aws.sharing import organization_of

OUTSTANDING_MAX = 10
SECONDS_TAG = "berth-local:assignment-seconds"
"""A permission set with this tag takes so long: how a test fills the organization's ten places."""
_LOCK = threading.RLock()


class ThrottlingException(JsonRESTError):
    """What Identity Center answers when too many requests are outstanding, as when it is called too often."""

    code = 400

    def __init__(self) -> None:
        super().__init__("ThrottlingException", "too many assignments of the organization are outstanding")


@dataclass
class Request:
    """One CreateAccountAssignment and what became of it."""

    assignment: AccountAssignment
    backend: SSOAdminBackend
    ends: float
    settled: bool = False
    failure: str | None = None
    created: float = field(default_factory=time.time)

    @property
    def status(self) -> str:
        """IN_PROGRESS, SUCCEEDED or FAILED, by the clock."""
        if not self.settled and clock.now() >= self.ends:
            self._settle()
        if not self.settled:
            return "IN_PROGRESS"
        return "FAILED" if self.failure else "SUCCEEDED"

    def _settle(self) -> None:
        self.settled = True
        self.failure = _missing_policy(self.backend, self.assignment)
        if self.failure is None and not any(same(each, self.assignment) for each in self.backend.account_assignments):
            self.backend.account_assignments.append(self.assignment)

    def to_json(self) -> dict[str, Any]:
        """AccountAssignmentOperationStatus."""
        shown = self.assignment.to_json(include_creation_date=True, include_request_id=True)
        shown |= {"Status": self.status, "CreatedDate": self.created}
        return shown | ({"FailureReason": self.failure} if self.failure else {})


_requests: dict[str, Request] = forgotten_on_reset({})


def same(one: AccountAssignment, other: AccountAssignment) -> bool:
    """Whether two are the same assignment."""
    keys = ("instance_arn", "target_id", "permission_set_arn", "principal_id", "principal_type")
    return all(getattr(one, key) == getattr(other, key) for key in keys)


def _missing_policy(backend: SSOAdminBackend, assignment: AccountAssignment) -> str | None:
    """Why the role of the permission set cannot be made: a customer managed policy that the account does not have.

    https://docs.aws.amazon.com/singlesignon/latest/userguide/permissionsetcustom.html
    """
    permission_set = _permission_set(backend, assignment.permission_set_arn)
    there = iam_backends[assignment.target_id]["aws"].managed_policies.values()
    known = {(policy.path, policy.name) for policy in there}
    for policy in permission_set.customer_managed_policies:
        if (policy.path or "/", policy.name) not in known:
            return f"account {assignment.target_id} has no policy {policy.path or '/'}{policy.name}"
    return None


def _permission_set(backend: SSOAdminBackend, arn: str) -> Any:
    found = next((each for each in backend.permission_sets if each.permission_set_arn == arn), None)
    if found is None:
        raise ResourceNotFoundException(f"there is no permission set {arn}")
    return found


def _seconds(permission_set: Any) -> float:
    tags = {tag["Key"]: tag["Value"] for tag in permission_set.tags or []}
    return float(tags.get(SECONDS_TAG, assignment_seconds()))


def _check_principal(backend: SSOAdminBackend, wanted: AccountAssignment) -> None:
    stores = identitystore_backends[backend.account_id][backend.region_name].identity_stores.values()
    if not any(wanted.principal_id in {**store.groups, **store.users} for store in stores):
        raise ResourceNotFoundException(f"there is no principal {wanted.principal_id}")
    organization = organization_of(wanted.target_id)
    if organization is None or wanted.target_id not in [account.id for account in organization.accounts]:
        raise ResourceNotFoundException(f"there is no account {wanted.target_id}")


def create_account_assignment(self: SSOAdminResponse) -> str:
    """CreateAccountAssignment: IN_PROGRESS at first."""
    names = ("InstanceArn", "TargetId", "TargetType", "PermissionSetArn", "PrincipalType", "PrincipalId")
    wanted = AccountAssignment(*(self._get_param(name) for name in names))
    backend = self.ssoadmin_backend
    permission_set = _permission_set(backend, wanted.permission_set_arn)
    _check_principal(backend, wanted)
    with _LOCK:
        under_way = [each for each in _requests.values() if each.status == "IN_PROGRESS"]
        if any(same(each.assignment, wanted) for each in under_way):
            raise ConflictException("this assignment is being made")
        if len(under_way) >= OUTSTANDING_MAX:
            raise ThrottlingException()
        request = Request(wanted, backend, clock.now() + _seconds(permission_set))
        _requests[wanted.request_id] = request
        return json.dumps({"AccountAssignmentCreationStatus": request.to_json()})


def describe_account_assignment_creation_status(self: SSOAdminResponse) -> str:
    """DescribeAccountAssignmentCreationStatus."""
    with _LOCK:
        request = _requests.get(self._get_param("AccountAssignmentCreationRequestId"))
        if request is None:
            raise ResourceNotFoundException("there is no such request")
        return json.dumps({"AccountAssignmentCreationStatus": request.to_json()})


def list_account_assignment_creation_status(self: SSOAdminResponse) -> str:
    """ListAccountAssignmentCreationStatus: ids and states, all on one page."""
    status = (self._get_param("Filter") or {}).get("Status")
    with _LOCK:
        shown = [
            {"RequestId": request_id, "Status": each.status, "CreatedDate": each.created}
            for request_id, each in _requests.items()
            if status in (None, each.status)
        ]
    return json.dumps({"AccountAssignmentsCreationStatus": shown})


def install() -> None:
    """Requests with a life, and ids of the instance that do not change from start to start."""
    SSOAdminResponse.create_account_assignment = create_account_assignment
    SSOAdminResponse.describe_account_assignment_creation_status = describe_account_assignment_creation_status
    SSOAdminResponse.list_account_assignment_creation_status = list_account_assignment_creation_status

    @wrap(SSOAdminBackend, "list_account_assignments")
    def list_account_assignments(original: Any, self: SSOAdminBackend, **fields: Any) -> Any:
        _permission_set(self, fields["permission_set_arn"])
        with _LOCK:
            for each in _requests.values():
                _ = each.status  # what has ended by now is an assignment
            return original(self, **fields)

    for operation in ("create_group", "delete_group", "get_group_id", "list_groups"):

        @wrap(IdentityStoreBackend, operation)
        def one_at_a_time(original: Any, self: IdentityStoreBackend, *args: Any, **fields: Any) -> Any:
            with _LOCK:
                return original(self, *args, **fields)

    stock_id = PermissionSet.generate_id
    PermissionSet.generate_id = staticmethod(lambda arn: stock_id(arn.replace(":instance/", ":permissionSet/")))

    @wrap(PermissionSet, "to_json")
    def to_json(original: Any, self: PermissionSet, *args: Any) -> dict[str, Any]:
        # Stock's default is a number, which typed clients cannot read.
        duration = self.session_duration if isinstance(self.session_duration, str) else "PT1H"
        return {**original(self, *args), "SessionDuration": duration}

    @wrap(Instance, "__init__")
    def instance(original: Any, self: Instance, account_id: str, region: str) -> None:
        original(self, account_id, region)
        ids = identity_center_ids()
        self.instance_arn = f"arn:aws:sso:::instance/{ids['instance']}"
        self.identity_store_id = ids["store"]
