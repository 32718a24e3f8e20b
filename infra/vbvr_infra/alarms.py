"""What somebody should look at, and where to look."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from vbvr_infra.queueing import RETENTION

METRICS_NAMESPACE = "vbvr"
MINUTE = Duration.minutes(1)
FIVE_MINUTES = Duration.minutes(5)
OLDEST = Duration.seconds(RETENTION.to_seconds() / 2)
"""A message of this age has half of the retention left, after which SQS deletes it unseen."""


class Alarms(Construct):
    """Alarms on what ought to be zero, and a dashboard."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stack: str,
        queue: sqs.IQueue,
        dlq: sqs.IQueue,
        worker: lambda_.IFunction,
        submit: lambda_.IFunction,
    ) -> None:
        super().__init__(scope, construct_id)
        self._stack = stack
        self.alarms = [
            self._alarm(
                "DeadLetters",
                dlq.metric_approximate_number_of_messages_visible(period=MINUTE, statistic="max"),
                "Tasks are with the dead letters: `vbvr dlq list` says why.",
            ),
            self._alarm(
                "OldestMessage",
                queue.metric_approximate_age_of_oldest_message(period=FIVE_MINUTES, statistic="max"),
                "A task has waited for half of the time that SQS keeps it: are there too few workers?",
                threshold=OLDEST.to_seconds(),
            ),
            self._alarm(
                "WorkerErrors",
                worker.metric_errors(period=FIVE_MINUTES),
                "The worker function crashed, ran out of memory or out of time: see its log.",
            ),
            self._alarm(
                "SubmitErrors",
                submit.metric_errors(period=FIVE_MINUTES),
                "A submit ended with an error: see the submit function's log.",
            ),
            self._alarm(
                "Throttles",
                worker.metric_throttles(period=FIVE_MINUTES),
                "Lambda refuses invocations: lower sqsMaxConcurrency, or ask AWS for a higher quota.",
            ),
        ]
        self._dashboard(queue, dlq, worker, submit)

    def _alarm(
        self, construct_id: str, metric: cloudwatch.Metric, description: str, threshold: float = 0
    ) -> cloudwatch.Alarm:
        return metric.create_alarm(
            self,
            construct_id,
            alarm_name=f"{self._stack}-{construct_id}",
            alarm_description=description,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    def _dashboard(
        self, queue: sqs.IQueue, dlq: sqs.IQueue, worker: lambda_.IFunction, submit: lambda_.IFunction
    ) -> None:
        dashboard = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=self._stack)
        dashboard.add_widgets(
            cloudwatch.AlarmStatusWidget(title="Alarms", width=24, height=3, alarms=list(self.alarms))
        )
        dashboard.add_widgets(
            _graph(
                "Messages",
                queue.metric_approximate_number_of_messages_visible(label="waiting", statistic="max"),
                queue.metric_approximate_number_of_messages_not_visible(label="in flight", statistic="max"),
            ),
            _graph(
                "Dead letters",
                dlq.metric_approximate_number_of_messages_visible(label="dead letters", statistic="max"),
            ),
            _graph(
                "Age of the oldest message (s)",
                queue.metric_approximate_age_of_oldest_message(label="age", statistic="max"),
            ),
        )
        dashboard.add_widgets(
            _graph(
                "Workers at once",
                worker.metric("ConcurrentExecutions", label="workers", statistic="max"),
            ),
            _graph(
                "Errors and throttles",
                worker.metric_errors(label="worker errors"),
                worker.metric_throttles(label="worker throttles"),
                submit.metric_errors(label="submit errors"),
            ),
            _graph(
                "Samples and tasks",
                self._own("Samples", "samples"),
                self._own("Tasks", "tasks done"),
                self._own("TasksRetried", "tasks tried again"),
                self._own("TasksFailed", "tasks given up"),
                self._own("MessagesRefused", "messages refused"),
            ),
            _graph(
                "Time of an invocation (ms)",
                worker.metric_duration(label="median", statistic="p50"),
                worker.metric_duration(label="99 %", statistic="p99"),
            ),
        )

    def _own(self, name: str, label: str) -> cloudwatch.Metric:
        """A metric that the worker function writes into its log."""
        return cloudwatch.Metric(
            namespace=METRICS_NAMESPACE,
            metric_name=name,
            dimensions_map={"Stack": self._stack},
            statistic="sum",
            label=label,
        )


def _graph(title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, width=8, height=6, left=list(metrics))
