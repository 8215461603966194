# The base is an argument: pin it to a digest of your own choice with --build-arg BASE=python@sha256:...
ARG BASE=python:3.13.5-slim-bookworm

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# run, or aws for the library that signs requests for Amazon's Prometheus.
ARG REQUIREMENTS=run
COPY requirements /tmp/requirements
RUN python -m venv /opt/microglia \
 && /opt/microglia/bin/pip install --require-hashes -r /tmp/requirements/${REQUIREMENTS}.txt \
 && /opt/microglia/bin/pip uninstall --yes pip
COPY agent/microglia /opt/microglia/agent/microglia
RUN PYTHONPATH=/opt/microglia/agent /opt/microglia/bin/python -m compileall -q /opt/microglia/agent

FROM ${BASE}
COPY --from=build /opt/microglia /opt/microglia
# Nothing is written below the root: state goes to the volume that MICROGLIA_STATE names, the rest to /tmp.
ENV PATH=/opt/microglia/bin:$PATH \
    PYTHONPATH=/opt/microglia/agent \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    MICROGLIA_STATE=/var/lib/microglia
RUN mkdir -p /var/lib/microglia && chown 65532:65532 /var/lib/microglia
USER 65532:65532
WORKDIR /tmp
EXPOSE 8080
ENTRYPOINT ["python", "-m", "microglia"]
CMD ["run", "--as", "reader"]
