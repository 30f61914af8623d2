# Container of `ganimation serve`. For production serving/deploy starts TensorFlow Serving's own
# image on the same directory.
#
#   docker build -f deploy/server.Dockerfile -t ganimation-server .
#   docker run --read-only --tmpfs /tmp -p 127.0.0.1:8500:8500 -p 127.0.0.1:8501:8501 \
#       -v "$PWD/models:/models:ro" ganimation-server
#
# Neither port asks who is calling: publish them on the loopback address, or use TLS.
FROM python:3.11-slim-bookworm

COPY requirements.lock setup.cfg pyproject.toml README.md LICENSE /src/
COPY ganimation_tf /src/ganimation_tf
COPY pipeline /src/pipeline
COPY serving /src/serving
RUN pip install --no-cache-dir uv==0.13.9 && \
    uv pip install --system --no-cache --compile-bytecode \
        --constraint /src/requirements.lock '/src[serve,client]' && \
    rm -r /src && \
    useradd --uid 1000 --create-home ganimation

USER 1000
ENV HOME=/tmp PYTHONUNBUFFERED=1
EXPOSE 8500 8501
# Fails where no version is served, too. Of a server with TLS give --health-cmd with the --tls options
# of `ganimation query`.
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s \
    CMD ["ganimation", "query", "--card", "--timeout", "9", "--server", "127.0.0.1:8500"]
ENTRYPOINT ["ganimation", "serve", "--host", "0.0.0.0", "--model-dir", "/models"]
CMD ["--port", "8500", "--rest-port", "8501"]
