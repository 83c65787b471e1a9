# `spike` with the nginx that it starts in front of its shop; compose.yaml uses it for the shop and for the
# payment provider.
FROM rust:1-bookworm AS build
WORKDIR /spike
COPY . .
RUN cargo build --release --locked --bin spike

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends nginx-light \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /spike/target/release/spike /usr/local/bin/spike
USER nobody
ENTRYPOINT ["spike"]
