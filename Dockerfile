# evenkeel's images, one target each:
#
#   docker build --tag evenkeel:0.1.0 .                                             servers and gateways
#   docker build --tag evenkeel:0.1.0-kubernetes --target kubernetes .              with the Kubernetes client too
#   docker build --tag evenkeel:0.1.0-loadtest --target loadtest .                  the load test: with k6 and its scripts too
#
# They run as user 1000 on a read-only root; what they write goes to /tmp.
ARG NODE_IMAGE=docker.io/library/node:26-slim
ARG K6_IMAGE=docker.io/grafana/k6:1.8.1

FROM ${K6_IMAGE} AS k6

FROM ${NODE_IMAGE} AS base
WORKDIR /app

# TypeScript to JavaScript, with all development dependencies.
FROM base AS build
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src src
# Not `npm run build`: that takes the `node` of the development dependencies, which has not been unpacked.
RUN node_modules/.bin/tsc -p tsconfig.build.json && chmod +x dist/cli/main.js

# What it needs when it runs, and no peer: `--omit=dev` leaves out those that are also development dependencies.
FROM base AS production
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --ignore-scripts

# What worker threads need, `serve --threads`.
FROM base AS threads
WORKDIR /threads
COPY .npmrc images/threads/package.json images/threads/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --omit=optional --ignore-scripts

FROM base AS kubernetes-client
WORKDIR /client
COPY .npmrc images/kubernetes/package.json images/kubernetes/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --ignore-scripts

# The same, and what draws the report's pictures.
FROM base AS loadtest-peers
WORKDIR /peers
COPY .npmrc images/loadtest/package.json images/loadtest/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --ignore-scripts

FROM base AS app
ENV NODE_ENV=production
RUN ln -s /app/dist/cli/main.js /usr/local/bin/evenkeel
COPY package.json LICENSE ./
COPY --from=production /app/node_modules node_modules
# Above /app: found from there, and apart from what its own lock file says.
COPY --from=threads /threads/node_modules /node_modules
COPY --from=build /app/dist dist
# The name `node` is not enough for Kubernetes to see that it is not root.
USER 1000:1000
# rpc, HTTP of the gateway, probes and metrics
EXPOSE 7000 8080 9090
ENTRYPOINT ["evenkeel"]
CMD ["--help"]
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="evenkeel" \
      org.opencontainers.image.description="RPC for TypeScript services on Kubernetes whose calls do not fail while pods come, go, stall and die." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

FROM app AS kubernetes
COPY --from=kubernetes-client /client/node_modules /node_modules

FROM app AS loadtest
COPY --from=k6 /usr/bin/k6 /usr/local/bin/k6
COPY --from=loadtest-peers /peers/node_modules /node_modules
COPY loadtest loadtest
CMD ["loadtest", "--help"]

# The last target is the one that is built when none is named.
FROM app AS evenkeel
