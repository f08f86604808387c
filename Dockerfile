# One recipe for all: `docker build --build-arg SERVICE=orders .` makes a service, `--target gateway` the gateway and
# `--target fakes` the stand-ins for Stripe and PayPal. The final image holds the chassis, proto, that one service and what they
# need at run time; it runs as an ordinary user on a read-only file system.
ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS dependencies
ARG SERVICE=gateway
WORKDIR /build
COPY pyproject.toml constraints.txt ./
COPY deploy/requirements.py ./
RUN python requirements.py ${SERVICE} > requirements.txt \
    && python -m venv /venv \
    && /venv/bin/python -m pip install --no-cache-dir --no-compile -c constraints.txt -r requirements.txt \
    && /venv/bin/python -m pip uninstall -y pip setuptools

FROM ${PYTHON_IMAGE} AS base
RUN groupadd --gid 10001 stagedoor && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /app --shell /usr/sbin/nologin stagedoor \
    && mkdir /files /mail /books && chown stagedoor:stagedoor /files /mail /books
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/app HOME=/tmp
WORKDIR /app
COPY --from=dependencies /venv /venv
COPY chassis ./chassis
COPY proto ./proto
COPY services/__init__.py ./services/__init__.py
COPY deploy/healthy.py ./deploy/healthy.py
USER stagedoor
HEALTHCHECK --interval=5s --timeout=3s --retries=12 CMD ["python", "/app/deploy/healthy.py"]
STOPSIGNAL SIGTERM

FROM base AS gateway
COPY gateway ./gateway
COPY services/accounts/openapi.yaml ./services/accounts/
COPY services/events/openapi.yaml ./services/events/
COPY services/orders/openapi.yaml ./services/orders/
COPY services/payments/openapi.yaml ./services/payments/
COPY services/tickets/openapi.yaml ./services/tickets/
CMD ["python", "-m", "gateway.main"]

FROM base AS fakes
COPY local/__init__.py local/ports.py ./local/
COPY local/fakes ./local/fakes
CMD ["python", "-m", "local.fakes.stripe"]

FROM base AS service
ARG SERVICE
COPY services/${SERVICE} ./services/${SERVICE}
ENV SERVICE=${SERVICE}
CMD ["sh", "-c", "exec python -m chassis.run services.$SERVICE --roles ${ROLES:-api,grpc,worker}"]
