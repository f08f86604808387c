"""Writes the manifests beside it: `python -m deploy.kubernetes.make_manifests`.

The services are alike, and who may talk to whom is declared in proto/ (option `callers`): both would go stale if written by
hand. A test compares what is kept with what this makes, and each document with Kubernetes' own schemas.
"""

from pathlib import Path
from typing import Any

import yaml
from google.protobuf.descriptor import ServiceDescriptor

from gateway.config import SERVICES
from proto import options_pb2
from proto.accounts import accounts_pb2
from proto.events import events_pb2
from proto.orders import orders_pb2
from proto.payments import payments_pb2
from proto.tickets import tickets_pb2

Document = dict[str, Any]
FOLDER = Path(__file__).parent
MODULES = (accounts_pb2, events_pb2, orders_pb2, payments_pb2, tickets_pb2)
HTTP, GRPC, PUBLIC = 8000, 9000, 8080
SECRET_FOLDER = "/run/secrets/stagedoor"  # noqa: S105 (a folder)
# Environment name to key of the Secret "stagedoor-<service>".
OF_ALL = {
    "DATABASE_URL": "database_url",
    "BROKER_URL": "broker_url",
    "SERVICE_SECRET": "service_secret",
    "CALLER_SECRETS": "caller_secrets",
}
OWN = {
    "accounts": {
        "KEY_ENCRYPTION_SECRET": "key_encryption",
        "SUPER_ADMIN_PASSWORD": "super_admin_password",
        "MAIL_URL": "mail_url",
    },
    "events": {"MAIL_URL": "mail_url"},
    "orders": {},
    "payments": {
        "STRIPE_SECRET_KEY": "stripe_secret_key",
        "STRIPE_WEBHOOK_SECRET": "stripe_webhook_secret",
        "PAYPAL_CLIENT_SECRET": "paypal_client_secret",
        "SECRETS_KEYS": "secrets_keys",
    },
    "tickets": {"TICKET_SIGNING_KEYS": "ticket_signing_keys", "STORAGE_URL": "storage_url", "MAIL_URL": "mail_url"},
}
# Who leaves the cluster: to payment providers, a mail server, an object store.
OUTSIDE = {
    "accounts": ("worker",),
    "events": ("worker",),
    "payments": ("api", "grpc", "worker"),
    "tickets": ("api", "worker"),
}
OUTSIDE_PORTS = (443, 25, 465, 587)
# Smallest and largest number of pods, and the share of the requested CPU at which more are started.
SCALE = {"api": (2, 20), "grpc": (2, 20), "worker": (2, 10)}
CPU_AIM = 65


def callers() -> dict[str, set[str]]:
    """Of each service: who may call it, as its .proto declares."""
    described: list[ServiceDescriptor] = [
        each for module in MODULES for each in module.DESCRIPTOR.services_by_name.values()
    ]
    return {
        service.full_name.split(".")[-2]: {
            str(caller) for method in service.methods for caller in method.GetOptions().Extensions[options_pb2.callers]
        }
        for service in described
    }


def labels(service: str, role: str) -> dict[str, str]:
    """What selects the pods of one role."""
    return {
        "app.kubernetes.io/part-of": "stagedoor",
        "app.kubernetes.io/name": service,
        "app.kubernetes.io/component": role,
    }


def manifest(api_version: str, kind: str, name: str, spec: Document | None = None, **rest: Any) -> Document:
    """One document."""
    made: Document = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **rest}
    return made if spec is None else {**made, "spec": spec}


def pod(service: str, role: str, command: list[str], *, is_job: bool = False) -> Document:
    """A pod that runs as nobody in particular, on a read-only file system, without a token of the cluster.

    A job runs before anything else is there, and reads nothing but its database's address.
    """
    told: Document = {"env": environment(service), "envFrom": [{"configMapRef": {"name": "stagedoor"}}]}
    secret: Document = {"secretName": f"stagedoor-{service}", "defaultMode": 0o440}
    serves: Document = {}
    if is_job:
        told = {"env": secret_files({"DATABASE_URL": "database_url"})}
        secret["items"] = [{"key": "database_url", "path": "database_url"}]
    else:
        serves = serving(service, role)
    spread = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}
    return {
        "serviceAccountName": "stagedoor-migrate" if is_job else f"stagedoor-{service}",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 45,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "fsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "topologySpreadConstraints": [{**spread, "labelSelector": {"matchLabels": labels(service, role)}}],
        "containers": [container(service, command, told) | serves],
        "volumes": [
            {"name": "secrets", "secret": secret},
            {"name": "tmp", "emptyDir": {}},
        ],
    } | ({"restartPolicy": "OnFailure"} if is_job else {})


def container(service: str, command: list[str], told: Document) -> Document:
    """The only one of a pod, with what it is `told` by its environment. It mounts the pod's volumes."""
    return {
        "name": "main",
        "image": f"stagedoor/{service}",
        "command": command,
        **told,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"memory": "768Mi"}},
        "volumeMounts": [
            {"name": "secrets", "mountPath": SECRET_FOLDER, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 (an emptyDir of the pod's own)
        ],
    }


def serving(service: str, role: str) -> Document:
    """What a container has that does not end by itself: ports, probes, and how it goes."""
    is_public = service == "gateway"
    ports = [{"name": "http", "containerPort": HTTP}]
    ports += [{"name": "public", "containerPort": PUBLIC}] if is_public else []
    ports += [{"name": "grpc", "containerPort": GRPC}] if role == "grpc" else []

    def probe(path: str, **rest: int) -> Document:
        return {"httpGet": {"path": path, "port": "public" if is_public else "http"}, **rest}

    return {
        "ports": ports,
        "startupProbe": probe("/healthz", periodSeconds=2, failureThreshold=60),
        "livenessProbe": probe("/healthz", periodSeconds=10, timeoutSeconds=5, failureThreshold=3),
        "readinessProbe": probe("/readyz", periodSeconds=5, timeoutSeconds=4, failureThreshold=2),
        # Requests still come in until every proxy has heard that the pod goes.
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}},
    }


def environment(service: str) -> list[dict[str, str]]:
    """Secrets as files; what is the same for all is in the ConfigMap."""
    if service == "gateway":
        secrets = {"BROKER_URL": "broker_url", "SERVICE_SECRET": "service_secret"}
        own = {"HTTP_ADDRESS": f"0.0.0.0:{PUBLIC}", "METRICS_ADDRESS": f"0.0.0.0:{HTTP}"}
    else:
        secrets, own = OF_ALL | OWN[service], {}
    return [*secret_files(secrets), *({"name": name, "value": value} for name, value in own.items())]


def secret_files(secrets: dict[str, str]) -> list[dict[str, str]]:
    """Environment name to key, as names of the files that hold them."""
    return [{"name": f"{name}_FILE", "value": f"{SECRET_FOLDER}/{key}"} for name, key in secrets.items()]


def deployment(service: str, role: str) -> list[Document]:
    """Pods of one role, how many, and what may be taken away at once."""
    name = service if service == "gateway" else f"{service}-{role}"
    command = (
        ["python", "-m", "gateway.main"]
        if service == "gateway"
        else ["python", "-m", "chassis.run", f"services.{service}", "--roles", role]
    )
    selector = {"matchLabels": labels(service, role)}
    least, most = SCALE[role]
    annotations = {"prometheus.io/scrape": "true", "prometheus.io/port": str(HTTP), "prometheus.io/path": "/metrics"}
    template = {
        "metadata": {"labels": labels(service, role), "annotations": annotations},
        "spec": pod(service, role, command),
    }
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    cpu = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": CPU_AIM}},
    }
    target: Document = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    made = [
        manifest("apps/v1", "Deployment", name, {"selector": selector, "strategy": strategy, "template": template}),
        manifest("policy/v1", "PodDisruptionBudget", name, {"maxUnavailable": 1, "selector": selector}),
        manifest(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            name,
            {"scaleTargetRef": target, "minReplicas": least, "maxReplicas": most, "metrics": [cpu]},
        ),
    ]
    ports = {"grpc": [("grpc", GRPC)], "api": [("http", HTTP)], "worker": []}[role]
    if service == "gateway":
        ports = [("public", PUBLIC)]
    if ports:
        # gRPC callers balance by themselves and need every pod's address: their service has no address of its own.
        headless = {"clusterIP": "None"} if role == "grpc" else {}
        entries = [{"name": port, "port": number, "targetPort": port} for port, number in ports]
        made.append(manifest("v1", "Service", name, {**headless, "selector": labels(service, role), "ports": entries}))
    return made


def account(name: str) -> Document:
    """A name for the pods that opens nothing."""
    return manifest("v1", "ServiceAccount", f"stagedoor-{name}", automountServiceAccountToken=False)


def migration(service: str) -> Document:
    """Runs once per version, before its pods."""
    spec = pod(service, "migrate", ["python", "-m", "chassis.migrate", f"services.{service}"], is_job=True)
    template = {"metadata": {"labels": labels(service, "migrate")}, "spec": spec}
    return manifest(
        "batch/v1",
        "Job",
        f"{service}-migrate",
        {"backoffLimit": 6, "ttlSecondsAfterFinished": 600, "template": template},
    )


def policies() -> list[Document]:
    """Nobody talks to anybody, but for what is declared."""
    everyone = {"matchLabels": {"app.kubernetes.io/part-of": "stagedoor"}}
    dns: Document = {"ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]}
    engines: Document = {"ports": [{"protocol": "TCP", "port": port} for port in (5432, 5671, 5672)]}
    watcher = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    made = [
        policy("nothing-by-default", {}, ingress=[], egress=[]),
        policy("names-and-engines", everyone, egress=[dns, engines]),
        policy("watching", everyone, ingress=[{"from": [watcher], "ports": [tcp(HTTP)]}]),
        policy("gateway-in", {"matchLabels": labels("gateway", "api")}, ingress=[{"ports": [tcp(PUBLIC)]}]),
    ]
    for service in SERVICES:
        pods = {"matchLabels": labels(service, "api")}
        gateway = {"matchLabels": labels("gateway", "api")}
        made += passage(f"gateway-to-{service}-api", gateway, pods, HTTP)
    for callee, allowed in sorted(callers().items()):
        for caller in sorted(allowed):
            pods = {"matchLabels": {key: value for key, value in labels(caller, "").items() if value}}
            made += passage(f"{caller}-calls-{callee}", pods, {"matchLabels": labels(callee, "grpc")}, GRPC)
    for service, roles in OUTSIDE.items():
        within: Document = {"key": "app.kubernetes.io/component", "operator": "In", "values": list(roles)}
        leaving: Document = {"matchLabels": {"app.kubernetes.io/name": service}, "matchExpressions": [within]}
        made.append(policy(f"{service}-outside", leaving, egress=[{"ports": [tcp(port) for port in OUTSIDE_PORTS]}]))
    return made


def passage(name: str, source: Document, target: Document, port: int) -> list[Document]:
    """Both ends of one permitted connection."""
    return [
        policy(f"{name}-out", source, egress=[{"to": [{"podSelector": target}], "ports": [tcp(port)]}]),
        policy(f"{name}-in", target, ingress=[{"from": [{"podSelector": source}], "ports": [tcp(port)]}]),
    ]


def policy(name: str, pods: Document, **rules: list[Document]) -> Document:
    """`rules`: ingress, egress or both."""
    kinds = [kind.capitalize() for kind in rules]
    return manifest("networking.k8s.io/v1", "NetworkPolicy", name, {"podSelector": pods, "policyTypes": kinds, **rules})


def tcp(port: int) -> Document:
    """A port."""
    return {"protocol": "TCP", "port": port}


def settings() -> Document:
    """What every process is told; an overlay replaces the addresses and what only an operator knows."""
    data = {"HTTP_ADDRESS": f"0.0.0.0:{HTTP}", "GRPC_ADDRESS": f"0.0.0.0:{GRPC}", "DATABASE_POOL": "10"}
    for name in SERVICES:
        data[f"{name.upper()}_GRPC"] = f"{name}-grpc:{GRPC}"
        data[f"{name.upper()}_HTTP"] = f"http://{name}-api:{HTTP}"
    address = "https://tickets.example.com"
    mail = "Stagedoor <noreply@example.com>"
    data |= {
        "PUBLIC_URL": address,
        "FRONTEND_URL": address,
        "SUPER_ADMIN_EMAIL": "admin@example.com",
        "MAIL_FROM": mail,
        "TRUSTED_PROXIES": "0",
        "PAYPAL_CLIENT_ID": "",
        "PAYPAL_WEBHOOK_ID": "",
    }
    return manifest("v1", "ConfigMap", "stagedoor", data=data)


def files() -> dict[str, str]:
    """Path below this folder to content."""
    parts: dict[str, list[Document]] = {"settings": [settings()], "network-policies": policies()}
    parts["gateway"] = [account("gateway"), *deployment("gateway", "api")]
    for service in SERVICES:
        parts[service] = [account(service)] + [each for role in SCALE for each in deployment(service, role)]
    base = kustomization([f"{name}.yaml" for name in sorted(parts)])
    jobs = kustomization([f"{name}.yaml" for name in sorted((*SERVICES, "service-account"))])
    made = {f"base/{name}.yaml": parts[name] for name in parts} | {"base/kustomization.yaml": [base]}
    made |= {f"migrations/{service}.yaml": [migration(service)] for service in SERVICES}
    made["migrations/service-account.yaml"] = [account("migrate")]
    made["migrations/kustomization.yaml"] = [jobs]
    head = "# Made by deploy/kubernetes/make_manifests.py; change that, or lay an overlay over this.\n"
    return {path: head + yaml.safe_dump_all(documents, sort_keys=False, width=120) for path, documents in made.items()}


def kustomization(resources: list[str]) -> Document:
    """What belongs together."""
    images = [{"name": f"stagedoor/{name}", "newTag": "local"} for name in ("gateway", *SERVICES)]
    head = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "namespace": "stagedoor"}
    return {**head, "resources": resources, "images": images}


def main() -> None:
    """Writes every file."""
    for path, content in files().items():
        target = FOLDER / path
        target.parent.mkdir(exist_ok=True)
        target.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
