"""Writes stagedoor.json, the Grafana dashboard: `python deploy/grafana/make_dashboard.py`. A test holds the two together."""

import json
from pathlib import Path
from typing import Any

PANELS = [
    ("Must be nought", "stat", [
        ("max(oversold_seats)", "oversold seats"), ("max(paid_without_ticket)", "paid without ticket"),
        ("max(stuck_orders)", "stuck orders"), ("max(unmatched_payments)", "unmatched payments"),
    ]),
    ("Put aside and failed", "stat", [
        ('sum(queue_depth{queue=~".*[.]dead"})', "dead letters"), ("max(refunds_failed)", "refunds refused"),
        ("max(unknown_payments)", "payments unknown"), ("sum(increase(job_failures_total[1h]))", "failed jobs in an hour"),
    ]),
    ("Requests per second", "timeseries", [("sum by (status) (rate(http_request_seconds_count[1m]))", "{{status}}")]),
    ("Time to answer, 95 of 100", "timeseries", [
        ("topk(10, histogram_quantile(0.95, sum by (le, operation) (rate(http_request_seconds_bucket[5m]))))", "{{operation}}"),
    ]),
    ("Calls between services per second", "timeseries", [("sum by (method) (rate(rpc_seconds_count[1m]))", "{{method}}")]),
    ("Calls, 95 of 100", "timeseries", [
        ("histogram_quantile(0.95, sum by (le, method) (rate(rpc_seconds_bucket[5m])))", "{{method}}"),
    ]),
    ("Messages that wait", "timeseries", [("max by (queue) (queue_depth)", "{{queue}}")]),
    ("From happening to handled, 95 of 100", "timeseries", [
        ("histogram_quantile(0.95, sum by (le, type) (rate(message_age_seconds_bucket[5m])))", "{{type}}"),
    ]),
    ("Age of the outbox", "timeseries", [("max by (process) (outbox_age_seconds)", "{{process}}")]),
    ("Messages handled per second", "timeseries", [
        ("sum by (outcome) (rate(messages_handled_total[1m]))", "{{outcome}}"),
    ]),
    ("Waiting for PDFs and mails", "timeseries", [
        ("max(tickets_orders_due)", "orders without PDFs"), ("max(refunds_waiting)", "refunds"),
        ("max by (process) (mails_waiting)", "mails of {{process}}"),
    ]),
    ("Database connections", "timeseries", [
        ("sum by (process) (database_connections_in_use)", "{{process}}"), ("sum(database_connections_limit)", "limit of all"),
    ]),
]  # fmt: skip


def panel(at: int, title: str, kind: str, queries: list[tuple[str, str]]) -> dict[str, Any]:
    """One tile, two in a row."""
    source = {"type": "prometheus", "uid": "${source}"}
    targets = [
        {"refId": chr(65 + number), "expr": expression, "legendFormat": legend, "datasource": source}
        for number, (expression, legend) in enumerate(queries)
    ]
    place = {"h": 8, "w": 12, "x": at % 2 * 12, "y": at // 2 * 8}
    limits = {"mode": "absolute", "steps": [{"color": "green", "value": None}, {"color": "red", "value": 1}]}
    defaults: dict[str, Any] = {"unit": "s"} if "95 of 100" in title or title.startswith("Age") else {}
    if kind == "stat":
        defaults["thresholds"] = limits
    return {
        "id": at + 1, "title": title, "type": kind, "datasource": source, "gridPos": place, "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": []},
    }  # fmt: skip


def dashboard() -> dict[str, Any]:
    """The whole page."""
    variable = {"name": "source", "type": "datasource", "query": "prometheus", "label": "Prometheus"}
    return {
        "uid": "stagedoor", "title": "Stagedoor", "schemaVersion": 39, "version": 1, "editable": True, "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"}, "templating": {"list": [variable]},
        "panels": [panel(at, *each) for at, each in enumerate(PANELS)],
    }  # fmt: skip


if __name__ == "__main__":
    Path(__file__).with_name("stagedoor.json").write_text(json.dumps(dashboard(), indent=1) + "\n", encoding="utf-8")
