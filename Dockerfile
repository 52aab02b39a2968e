# One non-root image with the platform, the demo client and the embedded engines; data live in the volume /data.
# The base image is an argument: any Debian or Ubuntu with Python >= 3.11 and its venv module. How to use it: docs/docker.md
ARG BASE_IMAGE=python:3.12-slim-bookworm

FROM ${BASE_IMAGE} AS build
WORKDIR /app
COPY . .
# One step, because a storage driver without shared layers copies every layer whole. The environment is made twice: with
# the development packages, whose Node builds the dashboards, and then without them. What stays is what runs.
RUN set -eu; \
    ca=/etc/ssl/certs/ca-certificates.crt; \
    if [ -f "$ca" ]; then export SSL_CERT_FILE="$ca" NODE_EXTRA_CA_CERTS="$ca"; fi; \
    python3 tools/bootstrap.py; \
    .venv/bin/python tools/build_web.py; \
    rm .venv/.setup-stamp; \
    UV_NO_DEV=1 UV_COMPILE_BYTECODE=1 python3 tools/bootstrap.py; \
    .venv/bin/python -m compileall -q contracts kit mt5sim backend client; \
    mv web/dist /dist; \
    rm -rf web .uv /root/.cache /root/.npm; \
    mkdir web; \
    mv /dist web/dist

FROM ${BASE_IMAGE}
# PostgreSQL wants its user to have a name; /app stays root's, so that nothing that runs can change what runs
RUN useradd --uid 10001 --user-group --home-dir /data --no-create-home --shell /usr/sbin/nologin aitrading \
    && install --directory --owner aitrading --group aitrading --mode 0700 /data
WORKDIR /app
USER aitrading
# inside a container the gateway listens on all of its addresses, and so it speaks https; compose, which publishes it on
# the host's loopback only, says so and gets plain HTTP
ENV AITRADING_DATA_DIR=/data AITRADING_API_GATEWAY_HOST=0.0.0.0 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    PATH=/app/.venv/bin:$PATH
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGINT
# asks the hub, which asks every service; exit code 0 only when all are ready
HEALTHCHECK --interval=15s --timeout=10s --start-period=90s --retries=3 CMD ["aitrading", "status"]
CMD ["python", "tools/run.py"]
# last, so that nothing is done on top of the one large layer
COPY --from=build /app /app
