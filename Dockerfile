# Headwater's worker, in place of the image debezium/connect: docs/container.md.

ARG PYTHON=3.13

# The whole image brings the C compiler that the wheel's hot modules are compiled with; nothing of it is in the result.
FROM python:${PYTHON}-bookworm AS build
WORKDIR /src
COPY requirements/build.txt requirements/container.txt requirements/
# hadolint ignore=DL3042
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --no-compile --require-hashes -r requirements/build.txt \
    && python -m venv --without-pip /opt/headwater \
    && /opt/build/bin/pip --python /opt/headwater install --require-hashes -r requirements/container.txt
COPY . .
# 0 leaves the hot modules interpreted
ARG HEADWATER_COMPILE=1
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /opt/wheels . \
    && /opt/build/bin/pip --python /opt/headwater install --no-deps /opt/wheels/headwater-*.whl


FROM python:${PYTHON}-slim-bookworm
COPY --from=build /opt/headwater /opt/headwater
RUN install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/headwater
ENV PATH=/opt/headwater/bin:$PATH \
    CONNECT_LISTENERS=http://0.0.0.0:8083 \
    CONNECT_OFFSET_STORAGE_FILE_FILENAME=/var/lib/headwater/state.db
USER 10001:10001
WORKDIR /var/lib/headwater
VOLUME ["/var/lib/headwater"]
EXPOSE 8083
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8083/health', timeout=4)"]
ENTRYPOINT ["headwater"]
CMD ["worker", "--environment"]
