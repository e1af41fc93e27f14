# The image that the chart runs. docs/your-own-jobs.md says how to build your own upon it.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

# ---------------------------------------------------------------- built here, and left behind but for /opt/leasebeat
FROM ${PYTHON_IMAGE} AS builder

# The same bytes from the same sources: no hash in the bytecode depends on chance, and no file on today's date.
ENV PYTHONHASHSEED=0 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore

# A package index of your own: a pip.conf as the build secret `pip`, which no layer keeps. An address without a
# password may be the build argument instead; it stays in this stage.
ARG PIP_INDEX_URL

# What only some tables need: celery, otel, or "celery otel".
ARG EXTRAS

WORKDIR /build
COPY requirements/ requirements/
RUN python -m venv /build/tools && python -m venv --without-pip /opt/leasebeat
RUN --mount=type=secret,id=pip,target=/root/.config/pip/pip.conf \
    /build/tools/bin/pip install --require-hashes -r requirements/build.txt \
    && /build/tools/bin/pip --python /opt/leasebeat/bin/python install --no-compile --require-hashes \
        -r requirements/run.txt \
    && for extra in ${EXTRAS}; do \
        /build/tools/bin/pip --python /opt/leasebeat/bin/python install --no-compile --require-hashes \
            -r "requirements/${extra}.txt" || exit 1; \
    done

COPY pyproject.toml README.md LICENSE ./
COPY scheduler/ scheduler/
RUN /build/tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir wheels . \
    && /build/tools/bin/pip --python /opt/leasebeat/bin/python install --no-compile --no-deps --no-index \
        --find-links wheels leasebeat

# Bytecode that is never compared with its source: a read-only root could not renew it, and start-up asks less. -f:
# some is there already, because pip imported it, and has today's date in it. That of jobs is not made here: who puts
# files of the same name over these must not run the old ones.
COPY jobs/ /app/jobs/
RUN /opt/leasebeat/bin/python -m compileall -q -f --invalidation-mode unchecked-hash /opt/leasebeat/lib \
    && chmod -R u=rwX,go=rX /opt/leasebeat /app \
    && find /opt/leasebeat /app -exec touch --no-dereference --date=@0 {} +

# ---------------------------------------------------------------- the image
FROM ${PYTHON_IMAGE}

# tini reaps what jobs leave behind. It is a package, so that scanners see it. A name for the numeric user, because ssh
# and others refuse a user without one; its home is the one place that can be written to. No version is pinned: Debian
# keeps only the newest, with its fixes.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini \
    && groupadd --gid 65532 leasebeat \
    && useradd --no-log-init --no-create-home --gid 65532 --uid 65532 --home-dir /tmp --shell /usr/sbin/nologin leasebeat \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/ldconfig/aux-cache /var/cache/debconf/*-old \
      /var/lib/dpkg/*-old /var/log/* /etc/*- /tmp/*

COPY --from=builder /opt/leasebeat /opt/leasebeat
COPY --from=builder /app /app

# PYTHONPATH: the config is mounted elsewhere, and its jobs are found in /app nevertheless.
# PYTHONUNBUFFERED: what a job prints is a line of the log when it is printed, not when a buffer is full.
# PYTHONDONTWRITEBYTECODE: the root is read-only, so do not try.
# PIP_PYTHON: the environment has no pip; the base image's, which your Dockerfile may call, installs into it.
ENV PATH=/opt/leasebeat/bin:$PATH \
    HOME=/tmp \
    LEASEBEAT_CONFIG=/etc/leasebeat/config.yaml \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_PYTHON=/opt/leasebeat/bin/python

WORKDIR /app
USER 65532:65532
EXPOSE 8080

# Without -g: a stop is the replica's affair alone, and the jobs that drain must not get its signal.
ENTRYPOINT ["tini", "--", "leasebeat"]
CMD ["run"]

# Last, because they change with every build. A test holds VERSION to the program's own.
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="leasebeat" \
      org.opencontainers.image.description="A singleton scheduler for Kubernetes: declare periodic jobs in YAML, run three replicas, lose no tick" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
