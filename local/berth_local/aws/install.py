"""Applies every repair to moto, once, in an order in which later repairs may rely on earlier ones."""

from __future__ import annotations

import importlib

from berth_local.aws.settings import refuse_another_moto

REPAIRS = (
    "registry",
    "accounts",
    "account_names",
    "jsonata",
    "service_integrations",
    "executions",
    "history",
    "machine_versions",
    "execution_events",
    "progress",
    "redrive",
    "pauses",
    "task_tokens",
    "rules",
    "sharing",
    "transit_gateway",
    "transit_gateway_routes",
    "policy_tables",
    "gateway_nat",
    "prefix_lists",
    "vpc_routes",
    "web_identity",
    "ipam",
    "access",
    "managed_policies",
    "identity_center",
    "access_entries",
    "pod_identity",
    "cluster_endpoints",
    "oidc_providers",
    "organization",
    "dynamodb",
    "security_groups",
    "default_vpcs",
    "flow_logs",
    "vpc_endpoints",
    "client_tokens",
    "queues",
    "message_move",
    "backup",
    "account_defaults",
    "config_recorders",
    "lambda_sources",
    "quick_requests",
    "quick_answers",
    "quick_tables",
    "quick",
)


def install() -> None:
    """Refuse an unknown moto, then repair this one. Safe to call once per process."""
    refuse_another_moto()
    for name in REPAIRS:
        importlib.import_module(f"berth_local.aws.{name}").install()
