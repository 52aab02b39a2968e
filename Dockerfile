# One non-root image with the platform, the demo client and the embedded engines; data live in the volume /data.
# The base image is an argument: any Debian or Ubuntu with Python >= 3.11 and its venv module.
ARG BASE_IMAGE=python:3.12-slim-bookworm

FROM ${BASE_IMAGE} AS build
WORKDIR /app
COPY . .
RUN python3 tools/bootstrap.py && .venv/bin/python tools/build_web.py && rm -rf web/node_modules web/*/.next /root/.cache

FROM ${BASE_IMAGE}
WORKDIR /app
COPY --from=build /app /app
RUN useradd --uid 10001 --create-home aitrading && mkdir /data && chown aitrading /data
USER aitrading
# inside a container the gateway listens on all of its addresses; compose publishes it on the host's loopback only
ENV AITRADING_DATA_DIR=/data AITRADING_API_GATEWAY_HOST=0.0.0.0 PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGINT
HEALTHCHECK --interval=10s --start-period=60s CMD ["/app/.venv/bin/aitrading", "status"]
CMD ["/app/.venv/bin/python", "tools/run.py"]
