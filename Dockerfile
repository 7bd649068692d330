# The gateway without root, without a compiler, with the page built in.
FROM python:3.11-slim AS build
WORKDIR /opt/tocsin
COPY . .
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt \
 && /opt/venv/bin/pip install --no-cache-dir --no-build-isolation --no-deps --editable . \
 && /opt/venv/bin/python .ci/npm.py ci --silent --no-audit --no-fund \
 && /opt/venv/bin/python .ci/npm.py run --silent build \
 && rm -rf dashboards/web/node_modules

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home tocsin \
 && install -d -o 10001 -g 10001 /var/lib/tocsin
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/tocsin /opt/tocsin
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
VOLUME /var/lib/tocsin
EXPOSE 8080
ENTRYPOINT ["tocsin"]
