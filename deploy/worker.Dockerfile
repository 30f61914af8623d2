# Container of a Beam worker: what docs/runners/README.md asks of every engine.
#
#   docker build -f deploy/worker.Dockerfile -t ganimation-worker .
#
# Beam's image has Beam and its start-up program /opt/apache/beam/boot; Python's minor version and
# Beam's version must be those of the machine that submits the job.
FROM apache/beam_python3.11_sdk:2.77.0

COPY requirements.lock /src/
COPY setup.cfg pyproject.toml README.md LICENSE /src/
COPY ganimation_tf /src/ganimation_tf
COPY pipeline /src/pipeline
COPY serving /src/serving
# The very versions of the lock file, of those that a worker needs.
RUN pip install --no-cache-dir uv==0.13.9 && \
    uv pip install --system --no-cache --compile-bytecode \
        --constraint /src/requirements.lock '/src[pipeline]' && \
    rm -r /src
