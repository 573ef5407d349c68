# Image of the `maatu` command with the converters: the chart's Job fills the cache of models with it.
# From the root of the repository: docker build -f deploy/images/models.Dockerfile .
# deploy/images/build.py builds all images with versions, labels and the machine's own package index.

ARG BASE_IMAGE=python:3.11-slim-bookworm

# What builds our packages. Each image begins with the same steps, so that they run once.
FROM ${BASE_IMAGE} AS tools
WORKDIR /src
COPY constraints.txt ./
# pip's configuration and the authority it trusts are mounted where there are any: no layer keeps them.
RUN --mount=type=secret,id=pip_conf,target=/etc/pip.conf --mount=type=secret,id=ca,target=/run/ca.pem \
    python3 -m venv /tools \
    && /tools/bin/pip install --no-cache-dir --quiet --constraint constraints.txt \
        hatchling grpcio-tools mypy-protobuf googleapis-common-protos \
    && python3 -m venv --without-pip /opt/maatu

# What the command needs from elsewhere, and pip, which it fetches weight packages with.
FROM tools AS dependencies
COPY deploy/images/requirements.py ./
COPY libs/protos/pyproject.toml libs/protos/
COPY libs/runtime/pyproject.toml libs/runtime/
COPY libs/client/pyproject.toml libs/client/
RUN --mount=type=secret,id=pip_conf,target=/etc/pip.conf --mount=type=secret,id=ca,target=/run/ca.pem \
    /tools/bin/python requirements.py libs/protos libs/runtime 'libs/client[convert]' > requirements.txt \
    && /tools/bin/pip --python /opt/maatu/bin/python install --no-cache-dir --quiet --constraint constraints.txt \
        --requirement requirements.txt pip \
    # Headers, static libraries and test programs of PyTorch, which nothing uses here.
    && (cd /opt/maatu/lib/python3.*/site-packages/torch \
        && rm -rf include test && find bin -type f ! -name torch_shm_manager -delete) \
    && find /opt/maatu -name '*.a' -delete

# Our packages: a small layer of their own.
FROM tools AS code
COPY protos protos
COPY libs/protos libs/protos
COPY libs/runtime libs/runtime
COPY libs/client libs/client
COPY deploy/images/early_sigterm.py deploy/images/early_sigterm.pth ./
RUN PATH=/tools/bin:$PATH pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels \
        ./libs/protos ./libs/runtime ./libs/client \
    && /tools/bin/pip --python /opt/maatu/bin/python install --quiet --no-index --no-deps --prefix /code /wheels/*.whl \
    && cp early_sigterm.py early_sigterm.pth /code/lib/python3.*/site-packages/

FROM ${BASE_IMAGE}
# A name for the user: libraries look up whom they run as.
RUN groupadd --gid 10001 maatu \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin maatu \
    && mkdir /models \
    && chown 10001:10001 /models
COPY --from=dependencies /opt/maatu /opt/maatu
COPY --from=code /code /opt/maatu
# Only /tmp and /models are written to. Downloads stay beside the models, so that an interrupted Job goes on where it was.
ENV PATH=/opt/maatu/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    MAATU_MODELS_DIR=/models \
    MAATU_WHEELS_DIR=/models/.wheels \
    HF_HUB_CACHE=/models/.hub
USER 10001:10001
# No shell in between: the command is process 1 and gets SIGTERM itself.
ENTRYPOINT ["python", "-m", "maatu_client"]
CMD ["models", "list"]

ARG BASE_IMAGE
ARG VERSION=
ARG REVISION=
ARG CREATED=
LABEL org.opencontainers.image.title="maatu-models" \
      org.opencontainers.image.description="Fetches models and converts them" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED" \
      org.opencontainers.image.base.name="$BASE_IMAGE"
