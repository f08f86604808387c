# One recipe for all: `docker build --build-arg SERVICE=orders .` makes a service, `--target gateway` the gateway and
# `--target fakes` the stand-ins for Stripe and PayPal. The final image holds the chassis, proto, that one service and what they
# need at run time, compiled to bytecode; it runs as an ordinary user on a read-only file system.
ARG PYTHON_IMAGE=python:3.11-slim

# What to install, as lists: so that only a changed list installs anew, not every change of pyproject.toml.
FROM ${PYTHON_IMAGE} AS lists
WORKDIR /build
ARG SERVICE=gateway
COPY pyproject.toml deploy/requirements.py ./
RUN python requirements.py chassis > chassis.txt && python requirements.py ${SERVICE} > own.txt

FROM ${PYTHON_IMAGE} AS chassis-dependencies
WORKDIR /build
COPY constraints.txt ./
COPY --from=lists /build/chassis.txt ./
RUN --mount=type=cache,target=/root/.cache/pip,sharing=locked \
    python -m venv /venv && /venv/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt -r chassis.txt

FROM chassis-dependencies AS dependencies
COPY --from=lists /build/own.txt ./
RUN --mount=type=cache,target=/root/.cache/pip,sharing=locked \
    /venv/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt -r own.txt \
    && /venv/bin/python -m pip uninstall -q -y pip setuptools

FROM ${PYTHON_IMAGE} AS base
RUN groupadd --gid 10001 stagedoor && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /app --shell /usr/sbin/nologin stagedoor \
    && mkdir /files /mail /books && chown stagedoor:stagedoor /files /mail /books
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/app HOME=/tmp HTTP_ADDRESS=0.0.0.0:8000
WORKDIR /app
COPY --from=dependencies /venv /venv
COPY deploy/healthy.py ./deploy/healthy.py
COPY proto ./proto
COPY chassis ./chassis
COPY services/__init__.py ./services/__init__.py
HEALTHCHECK --interval=10s --timeout=5s --start-period=180s --retries=6 CMD ["python", "-I", "-S", "/app/deploy/healthy.py"]
STOPSIGNAL SIGTERM

FROM base AS gateway
COPY gateway ./gateway
COPY services/accounts/openapi.yaml ./services/accounts/
COPY services/events/openapi.yaml ./services/events/
COPY services/orders/openapi.yaml ./services/orders/
COPY services/payments/openapi.yaml ./services/payments/
COPY services/tickets/openapi.yaml ./services/tickets/
RUN python -m compileall -q --invalidation-mode unchecked-hash .
USER stagedoor
CMD ["python", "-m", "gateway.main"]

FROM base AS fakes
COPY local/__init__.py local/ports.py ./local/
COPY local/fakes ./local/fakes
RUN python -m compileall -q --invalidation-mode unchecked-hash .
USER stagedoor
CMD ["python", "-m", "local.fakes.stripe"]

FROM base AS service
ARG SERVICE
COPY services/${SERVICE} ./services/${SERVICE}
RUN python -m compileall -q --invalidation-mode unchecked-hash .
ENV SERVICE=${SERVICE}
USER stagedoor
CMD ["sh", "-c", "exec python -m chassis.run services.$SERVICE --roles ${ROLES:-api,grpc,worker}"]
