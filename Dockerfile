# Two stages: the build needs Go and a C compiler, the image needs glibc (modules are opened by the C library's
# loader, so neither Alpine nor scratch nor a static binary will do). The steps are scripts, which run without Docker.
#
#   docker build -t datastore .
#   docker run -p 6379:6379 -v datastore:/data datastore --requirepass SECRET
#   docker build --target build -t datastore-build .      an image that builds modules for this very daemon
FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN scripts/build --output /out
ENV PATH=/out:$PATH DATASTORE_SRC=/src

FROM debian:bookworm-slim
RUN --mount=type=bind,from=build,target=/build /build/src/scripts/install-runtime /build/out \
	&& install -m 755 /build/src/scripts/entrypoint /usr/local/bin/datastore-entrypoint \
	&& install -m 755 /build/src/scripts/healthcheck /usr/local/bin/datastore-healthcheck
USER datastore
WORKDIR /data
VOLUME /data
EXPOSE 6379
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["datastore-healthcheck"]
ENTRYPOINT ["datastore-entrypoint"]
