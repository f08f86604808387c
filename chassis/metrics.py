"""What an operator watches, in Prometheus' words. Services add their invariants as gauges of their own."""

from prometheus_client import Counter, Gauge, Histogram

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

http_seconds = Histogram(
    "http_request_seconds", "Time to answer a request", ["method", "operation", "status"], buckets=BUCKETS
)
rpc_seconds = Histogram("rpc_seconds", "Time to answer a gRPC call", ["method", "code"], buckets=BUCKETS)
messages_handled = Counter("messages_handled_total", "Messages by what became of them", ["type", "outcome"])
replica_rows_refused = Counter("replica_rows_refused_total", "States of others that could not be kept", ["type"])
outbox_age_seconds = Gauge("outbox_age_seconds", "Age of the oldest message that the broker has not confirmed")
outbox_rows = Gauge("outbox_rows", "Messages that the broker has not confirmed")
queue_depth = Gauge("queue_depth", "Messages that wait", ["queue"])
message_age_seconds = Histogram(
    "message_age_seconds",
    "Time from what happened to its being handled here",
    ["type"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)
mails_waiting = Gauge("mails_waiting", "Mails that are promised and not sent")
mails_late = Gauge("mails_late", "Mails that were promised more than ten minutes ago and are not sent")
mails_ended = Counter("mails_ended_total", "Mails by their end: sent, or failed for good", ["outcome"])
for _outcome in ("sent", "failed"):
    mails_ended.labels(_outcome)  # from nought on, or else the first ones would be no increase
# The label is not called "job": that is Prometheus' own. Services share jobs of the chassis, so each says whose run it was.
job_seconds = Histogram("job_seconds", "Time of one run of a job", ["service", "name"])
job_failures = Counter("job_failures_total", "Runs of a job that failed", ["service", "name"])
job_succeeded = Gauge(
    "job_succeeded_timestamp_seconds",
    "When a job last ended well in this process; before its first run, when the process started",
    ["service", "name"],
)
job_period = Gauge("job_period_seconds", "The pause between two runs of a job", ["service", "name"])
pool_in_use = Gauge("database_connections_in_use", "Connections that this process has taken out of its pool")
pool_size = Gauge("database_connections_limit", "Connections that this process may take")
