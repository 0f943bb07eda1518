# Usher in a container: one binary, no shell, no root.
#
#   docker build --tag usher .
#   docker run --rm usher --version
#   docker run --rm usher demo --once
#
# The configuration is mounted at /etc/usher/usher.toml, data lives in the volume /var/lib/usher.
# docs/operations.md has the whole command.

FROM rust:1.95-trixie AS build
WORKDIR /usher

# The dependencies first, with empty sources of our own: this layer is built again only when a
# manifest or the lock file changes.
COPY Cargo.toml Cargo.lock askama.toml ./
COPY crates/core/Cargo.toml crates/core/
COPY crates/words/Cargo.toml crates/words/
COPY crates/sandbox/Cargo.toml crates/sandbox/
RUN mkdir -p src tests \
    && for crate in core words sandbox; do mkdir "crates/$crate/src" && touch "crates/$crate/src/lib.rs"; done \
    && touch src/lib.rs tests/judgement.rs \
    && echo 'fn main() {}' > src/main.rs \
    && cp src/main.rs tests/main.rs \
    && cargo build --release --locked --bin usher

# Then Usher itself. What was built from the empty sources is thrown away by name, because cargo
# compares times, and the copied files may be older than it.
COPY src src
COPY crates crates
RUN cargo clean --release --package usher --package usher-core --package usher-words --package usher-sandbox \
    && cargo build --release --locked --bin usher \
    && install -D target/release/usher /out/usr/local/bin/usher \
    && mkdir -p /out/var/lib/usher /out/etc/usher

# The same Debian's glibc and libgcc, and ca-certificates for the forges' TLS; nothing to log in to.
FROM gcr.io/distroless/cc-debian13:nonroot
COPY --from=build /out/usr/local/bin/usher /usr/local/bin/usher
COPY --from=build /out/etc/usher /etc/usher
COPY --from=build --chown=65532:65532 /out/var/lib/usher /var/lib/usher

# In a container, loopback reaches nobody, and relative paths would start beside the configuration.
ENV USHER_CONFIG=/etc/usher/usher.toml \
    USHER__SERVER__LISTEN=0.0.0.0:8080 \
    USHER__STORE__URL=sqlite:/var/lib/usher/usher.db

# By number, so that Kubernetes can see that it is not root.
USER 65532:65532
VOLUME ["/var/lib/usher"]
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
    CMD ["/usr/local/bin/usher", "health"]
ENTRYPOINT ["/usr/local/bin/usher"]
CMD ["serve"]
