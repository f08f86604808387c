"""The manifests are what their maker makes, Kubernetes' schemas accept them, and pods reach exactly what proto/ declares."""

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from deploy.kubernetes import make_manifests as maker
from gateway.config import SERVICES
from services.accounts.main import SERVICE as ACCOUNTS
from services.events.main import SERVICE as EVENTS
from services.orders.main import SERVICE as ORDERS
from services.payments.main import SERVICE as PAYMENTS
from services.tickets.main import SERVICE as TICKETS

FOLDER = Path(maker.__file__).parent
Document = dict[str, Any]


def documents() -> list[Document]:
    kept = [path for path in sorted(FOLDER.glob("*/*.yaml")) if path.name != "kustomization.yaml"]
    return [document for path in kept for document in yaml.safe_load_all(path.read_text())]


def of_kind(kind: str) -> list[Document]:
    return [each for each in documents() if each["kind"] == kind]


def pods() -> list[Document]:
    return [each["spec"]["template"]["spec"] for each in [*of_kind("Deployment"), *of_kind("Job")]]


def test_what_is_kept_is_what_is_made() -> None:
    assert {str(path.relative_to(FOLDER)): path.read_text() for path in FOLDER.glob("*/*.yaml")} == maker.files()


@pytest.mark.parametrize("document", documents(), ids=lambda each: f"{each['kind']}-{each['metadata']['name']}")
def test_kubernetes_accepts_it(document: Document) -> None:
    kubernetes_validate.validate(document, "1.29", strict=True)


def test_the_network_lets_through_the_declared_calls_and_no_others() -> None:
    """Read back from the policies: who may open a connection to whose gRPC port, on both ends."""
    declared = {(caller, callee) for callee, allowed in maker.callers().items() for caller in allowed}
    assert len(declared) > 10
    name = "app.kubernetes.io/name"
    out, into = set(), set()
    for policy in of_kind("NetworkPolicy"):
        mine = policy["spec"]["podSelector"].get("matchLabels", {}).get(name)
        for rule in policy["spec"].get("egress", []):
            if {"protocol": "TCP", "port": maker.GRPC} in rule.get("ports", []):
                out |= {(mine, peer["podSelector"]["matchLabels"][name]) for peer in rule["to"]}
        for rule in policy["spec"].get("ingress", []):
            if {"protocol": "TCP", "port": maker.GRPC} in rule.get("ports", []):
                into |= {(peer["podSelector"]["matchLabels"][name], mine) for peer in rule["from"]}
    assert out == into == declared


def test_nothing_is_let_through_by_default() -> None:
    [default] = [each for each in of_kind("NetworkPolicy") if each["spec"]["podSelector"] == {}]
    assert (default["spec"]["ingress"], default["spec"]["egress"]) == ([], [])
    assert default["spec"]["policyTypes"] == ["Ingress", "Egress"]


@pytest.mark.parametrize("folder", ["base", "migrations"])
def test_what_pods_name_is_applied_with_them(folder: str) -> None:
    """Jobs come first, onto an empty namespace: nothing of `base` is there yet, and a live one's settings stay as they are."""
    applied = yaml.safe_load((FOLDER / folder / "kustomization.yaml").read_text())["resources"]
    assert applied == sorted(
        path.name for path in (FOLDER / folder).glob("*.yaml") if path.name != "kustomization.yaml"
    )
    together = [each for name in applied for each in yaml.safe_load_all((FOLDER / folder / name).read_text())]
    held = {(each["kind"], each["metadata"]["name"]) for each in together}
    for pod in (each["spec"]["template"]["spec"] for each in together if each["kind"] in ("Deployment", "Job")):
        [container] = pod["containers"]
        maps = {("ConfigMap", each["configMapRef"]["name"]) for each in container.get("envFrom", [])}
        assert {("ServiceAccount", pod["serviceAccountName"]), *maps} <= held


def test_a_job_reads_nothing_but_the_databases_address() -> None:
    """Its Secret is the service's, which the guide makes before."""
    for job in of_kind("Job"):
        pod = job["spec"]["template"]["spec"]
        service = job["metadata"]["name"].removesuffix("-migrate")
        [container] = pod["containers"]
        assert [each["name"] for each in container["env"]] == ["DATABASE_URL_FILE"]
        [secret] = [each["secret"] for each in pod["volumes"] if "secret" in each]
        assert (secret["secretName"], [each["key"] for each in secret["items"]]) == (
            f"stagedoor-{service}",
            ["database_url"],
        )


def test_what_only_the_operator_knows_is_in_sight() -> None:
    operators = {
        "PUBLIC_URL",
        "FRONTEND_URL",
        "SUPER_ADMIN_EMAIL",
        "MAIL_FROM",
        "TRUSTED_PROXIES",
    }
    operators |= {"PAYPAL_CLIENT_ID", "PAYPAL_WEBHOOK_ID"}
    guide = (FOLDER.parents[1] / "docs/operations.md").read_text().partition("## Kubernetes")[2]
    assert operators <= set(maker.settings()["data"])
    assert [name for name in sorted(operators) if f"`{name}`" not in guide] == []


def test_pods_are_nobody_and_hold_no_token() -> None:
    for pod in pods():
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        [container] = pod["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["requests"]
    assert all(each["automountServiceAccountToken"] is False for each in of_kind("ServiceAccount"))


def test_every_role_is_probed_may_be_disturbed_one_at_a_time_and_grows() -> None:
    names = {each["metadata"]["name"] for each in of_kind("Deployment")}
    assert names == {"gateway"} | {f"{service}-{role}" for service in SERVICES for role in maker.SCALE}
    assert {each["metadata"]["name"] for each in of_kind("PodDisruptionBudget")} == names
    assert {each["spec"]["scaleTargetRef"]["name"] for each in of_kind("HorizontalPodAutoscaler")} == names
    assert {each["metadata"]["name"] for each in of_kind("Job")} == {f"{service}-migrate" for service in SERVICES}
    for deployment in of_kind("Deployment"):
        [container] = deployment["spec"]["template"]["spec"]["containers"]
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container)


def test_services_select_pods_that_exist() -> None:
    known = [each["spec"]["template"]["metadata"]["labels"] for each in of_kind("Deployment")]
    assert all(each["spec"]["selector"] in known for each in of_kind("Service"))


@pytest.mark.parametrize("service", [ACCOUNTS, EVENTS, ORDERS, PAYMENTS, TICKETS], ids=lambda each: each.name)
def test_every_setting_that_has_to_be_given_is_given(service: Any) -> None:
    from dataclasses import MISSING, fields

    needed = {each.metadata["name"] for each in fields(service.settings) if each.default is MISSING}
    secret = {each.metadata["name"] for each in fields(service.settings) if each.metadata["secret"]}
    given = {each["name"].removesuffix("_FILE") for each in maker.environment(service.name)}
    assert needed <= given | set(maker.settings()["data"])
    assert secret <= given
