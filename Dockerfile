# One static program in an empty image, for the command line and for servers alike:
#
#   docker build --tag jira .
#   docker run --rm --read-only --tmpfs /tmp jira sandbox demo
#   docker run --rm --read-only --env JIRA_BASE_URL --env JIRA_TOKEN jira get GAIA-12
#
# As the broker it runs in deploy/kubernetes and deploy/compose: `broker serve`, settings in variables, secrets in files.
#
# There is no shell in it: a rotation command, which is run by `sh`, does not work here; an output file does.

FROM rust:1.95-slim-bookworm AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /build
# For `jira version`: --build-arg JIRA_BUILD_COMMIT=$(git rev-parse HEAD)
ARG JIRA_BUILD_COMMIT
COPY Cargo.toml Cargo.lock build.rs ./
COPY src ./src
# Static, C library included. The target has to be named, so that the flag is not for build scripts and procedural
# macros, which are loaded by the compiler. The name service of a static glibc is what is in it, files and DNS: in
# an empty image nothing asks for more. The other flag is that of .cargo/config.toml, whose place RUSTFLAGS takes.
RUN target=$(rustc -vV | sed -n 's/^host: //p') \
 && RUSTFLAGS='-C target-feature=+crt-static -C force-frame-pointers=yes' cargo build --locked --release --bin jira --target "$target" \
 && install -D -m 755 "target/$target/release/jira" /image/usr/local/bin/jira \
 && install -D -m 644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt \
 && install -d -m 700 -o 65532 -g 65532 /image/home/jira
COPY LICENSE /image/usr/share/licenses/jira/LICENSE

FROM scratch
COPY --from=build /image /
# A number: Kubernetes can only tell of a number that it is not root (runAsNonRoot).
USER 65532:65532
# Where a session in a file would lie: with a read-only root, a volume or a tmpfs of that user.
ENV HOME=/home/jira
WORKDIR /home/jira
# The broker's, where it is told to listen on them: callers over TLS or without, and health and metrics. There is no
# HEALTHCHECK: the image is for commands as well, and what runs a broker asks /healthz and /readyz over HTTP.
EXPOSE 8443 8080 9090
ENTRYPOINT ["/usr/local/bin/jira"]
CMD ["--help"]
