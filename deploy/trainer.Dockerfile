# Container that trains, evaluates and exports, or runs the whole line (docs/line.md).
#
#   docker build -f deploy/trainer.Dockerfile -t ganimation-trainer .
#   docker run --user "$(id -u)" -v "$PWD:/data" ganimation-trainer line run line
#
# TensorFlow of the lock file computes on the CPU; on GPUs it needs their libraries as well
# (`--build-arg TENSORFLOW='tensorflow[and-cuda]'`, some 3 GB).
FROM python:3.11-slim-bookworm

ARG TENSORFLOW=tensorflow

COPY requirements.lock setup.cfg pyproject.toml README.md LICENSE /src/
COPY ganimation_tf /src/ganimation_tf
COPY pipeline /src/pipeline
COPY serving /src/serving
RUN pip install --no-cache-dir uv==0.13.9 && \
    uv pip install --system --no-cache --compile-bytecode \
        --constraint /src/requirements.lock \
        '/src[pipeline,train,serve,client,line]' "${TENSORFLOW}" && \
    rm -r /src && \
    useradd --uid 1000 --create-home ganimation

USER 1000
WORKDIR /data
# Caches of libraries go where any user may write.
ENV HOME=/tmp PYTHONUNBUFFERED=1
ENTRYPOINT ["ganimation"]
CMD ["--help"]
