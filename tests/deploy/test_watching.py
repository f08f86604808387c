"""What an operator is shown exists: every metric that an alert or the dashboard names is one that the code exports."""

import importlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from chassis import mail, metrics
from chassis.jobs import jobs_in
from gateway.config import SERVICES

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
WORDS_OF_PROMQL = {
    "sum", "max", "by", "le", "rate", "increase", "histogram_quantile", "time", "topk", "up", "absent", "on", "and", "or", "min",
}  # fmt: skip


@cache
def exported() -> frozenset[str]:
    """Every sample name that some process can export."""
    for name in SERVICES:
        importlib.import_module(f"services.{name}.main")
    names = set()
    for family in REGISTRY.collect():
        if family.type == "histogram":
            names |= {f"{family.name}_{part}" for part in ("bucket", "count", "sum")}
        names.add(f"{family.name}_total" if family.type == "counter" else family.name)
    return frozenset(names)


def named(expression: str) -> set[str]:
    """The metrics that a PromQL expression reads."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\"[^\"]*\"", "", expression)
    bare = re.sub(r"\bby \([^)]*\)", "", bare)
    return set(re.findall(r"[a-z_]{2,}", bare)) - WORDS_OF_PROMQL


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_reads_metrics_that_exist_and_says_what_is_wrong(rule: dict[str, Any]) -> None:
    assert named(rule["expr"]) <= exported()
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"]
    assert rule["expr"].count("(") == rule["expr"].count(")")


def test_a_standstill_is_seen_although_another_service_runs_a_job_of_that_name() -> None:
    [expression] = [rule["expr"] for rule in rules() if rule["alert"] == "JobsStandStill"]
    assert re.findall(r"max by \(([^)]*)\)", expression) == ["service, name"] * 2
    for metric in (metrics.job_succeeded, metrics.job_period):
        assert metric._labelnames == ("service", "name")


def test_the_guide_says_what_to_do_about_each_alert() -> None:
    guide = (ROOT / "docs/operations.md").read_text()
    assert [rule["alert"] for rule in rules() if f"### {rule['alert']}\n" not in guide] == []


@pytest.mark.parametrize("promise", ["oversold_seats", "paid_without_ticket", "stuck_orders", "unmatched_payments"])
def test_each_promise_is_watched(promise: str) -> None:
    assert promise in exported()
    assert any(promise in rule["expr"] for rule in rules())


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_that_mails_counts_what_waits(name: str) -> None:
    service = importlib.import_module(f"services.{name}.main").SERVICE
    jobs = {job.name for job in jobs_in(service.jobs) if job.name.startswith("chassis.mail.")}
    mails = mail.metadata in service.metadata
    assert jobs == ({"chassis.mail.deliver_mail", "chassis.mail.measure_mails"} if mails else set())


def test_the_dashboard_is_what_its_maker_makes_and_shows_metrics_that_exist() -> None:
    kept = json.loads((DEPLOY / "grafana/stagedoor.json").read_text())
    namespace: dict[str, Any] = {"__name__": "make_dashboard", "__file__": str(DEPLOY / "grafana/make_dashboard.py")}
    exec((DEPLOY / "grafana/make_dashboard.py").read_text(), namespace)  # noqa: S102 (a file of ours)
    assert kept == namespace["dashboard"]()
    for panel in kept["panels"]:
        for target in panel["targets"]:
            assert named(target["expr"]) <= exported(), panel["title"]


def test_prometheus_asks_every_process_of_the_compose_system() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    ours = {name for name in compose["services"] if name == "gateway" or name.endswith(("-api", "-grpc", "-worker"))}
    scraping = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())["scrape_configs"][0]
    assert set(scraping["dns_sd_configs"][0]["names"]) == ours


def test_a_process_is_missed_when_its_name_leads_nowhere() -> None:
    """A container that has stopped has no address: Prometheus then forgets it, and `up` is not nought but gone."""
    scraping = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())["scrape_configs"][0]
    assert {"source_labels": ["__meta_dns_name"], "target_label": "process"} in scraping["relabel_configs"]
    [expression] = [rule["expr"] for rule in rules() if rule["alert"] == "ProcessMissing"]
    missed = re.findall(r'absent\(up\{job="stagedoor", process="([a-z-]+)"\}\)', expression)
    assert missed == scraping["dns_sd_configs"][0]["names"]
    assert scraping["job_name"] == "stagedoor"
