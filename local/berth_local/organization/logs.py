"""The bucket of the log archive account that takes the flow logs of every account of the organization.

https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html
"""

from __future__ import annotations

import json

from berth_local import names
from berth_local.access import Access, Credentials


def make_flow_logs_bucket(access: Access, log_archive: Credentials) -> None:
    """Makes the bucket, with a policy that lets the delivery service write for accounts of the organization."""
    client = access.client("s3", log_archive)
    client.create_bucket(Bucket=names.FLOW_LOGS_BUCKET)
    condition = {"StringEquals": {"aws:SourceOrgID": names.ORGANIZATION_ID}}
    write = {
        "Effect": "Allow",
        "Principal": {"Service": "delivery.logs.amazonaws.com"},
        "Action": ["s3:PutObject", "s3:GetBucketAcl"],
        "Resource": [f"arn:aws:s3:::{names.FLOW_LOGS_BUCKET}", f"arn:aws:s3:::{names.FLOW_LOGS_BUCKET}/*"],
        "Condition": condition,
    }
    policy = {"Version": "2012-10-17", "Statement": [write]}
    client.put_bucket_policy(Bucket=names.FLOW_LOGS_BUCKET, Policy=json.dumps(policy))
