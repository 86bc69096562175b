"""CloudWatch alarms and dashboards, and the SNS topics that alarms tell (PutMetricAlarm, PutDashboard, CreateTopic)."""

from __future__ import annotations

from berth_local.stack.intrinsics import Made
from berth_local.stack.resources.maker import Maker, Properties, Target, maker

_ALARM = (
    "ActionsEnabled AlarmActions AlarmDescription AlarmName ComparisonOperator DatapointsToAlarm Dimensions"
    " EvaluationPeriods ExtendedStatistic InsufficientDataActions MetricName Namespace OKActions Period Statistic Tags"
    " Threshold TreatMissingData Unit"
)


def _alarm(target: Target, properties: Properties) -> Made:
    """CloudFormation and the API call every property the same."""
    target.client("cloudwatch").put_metric_alarm(**properties)
    name = properties["AlarmName"]
    return Made(name, {"Arn": target.arn("cloudwatch", f"alarm:{name}")})


def _dashboard(target: Target, properties: Properties) -> Made:
    name = properties["DashboardName"]
    target.client("cloudwatch").put_dashboard(**properties)
    return Made(name, {})


def _topic(target: Target, properties: Properties) -> Made:
    name = properties["TopicName"]
    arn = target.client("sns").create_topic(Name=name, Tags=properties.get("Tags", []))["TopicArn"]
    return Made(arn, {"TopicArn": arn, "TopicName": name})


MAKERS: dict[str, Maker] = {
    "AWS::CloudWatch::Alarm": maker(_alarm, _ALARM),
    "AWS::CloudWatch::Dashboard": maker(_dashboard, "DashboardBody DashboardName"),
    "AWS::SNS::Topic": maker(_topic, "Tags TopicName"),
}
