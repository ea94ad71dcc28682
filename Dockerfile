# The image of every TaskFlow process: the API, a part of it by MODULES, and `node dist/migrate.js`.
#
#   docker build --build-arg VERSION=0.1.0 --build-arg COMMIT=$(git rev-parse HEAD) -t taskflow:0.1.0 .
#   docker run --rm -p 3000:3000 --read-only --env-file production.env taskflow:0.1.0
#
# In server mode the process writes no file, so the root file system can be read-only without exceptions.

FROM node:24.21.0-bookworm-slim AS base
WORKDIR /app

FROM base AS build
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts --no-audit --no-fund
COPY nest-cli.json tsconfig.json tsconfig.build.json ./
COPY tools/build.mjs tools/source-hash.mjs tools/
COPY src src
RUN node tools/build.mjs

FROM base AS dependencies
COPY package.json package-lock.json ./
# npm keeps TypeScript, because Swagger's plug-in for compilers could use it; that is 24 MB which nothing here loads.
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
    && rm -rf node_modules/typescript node_modules/.bin/tsc node_modules/.bin/tsserver

FROM base
# Node as process 1 would ignore a SIGTERM that comes before it listens for one, and reap nobody: tini does both.
# What only runs needs no package manager, and npm's own dependencies are what scanners find in this base most often.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx \
        /usr/local/bin/corepack /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-*
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --chmod=0644 package.json openapi.json LICENSE tools/healthcheck.mjs ./

# A number, so that Kubernetes can tell that it is not root.
USER 1000:1000
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --start-interval=1s --retries=3 \
    CMD ["node", "healthcheck.mjs"]
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["node", "dist/main.js"]

# Last, because they differ in every build: the layers above stay the same.
ARG VERSION=0.0.0-local
ARG COMMIT=
ARG SOURCE=
ENV NODE_ENV=production COMMIT=$COMMIT
LABEL org.opencontainers.image.title="TaskFlow" \
    org.opencontainers.image.description="Task-management backend: NestJS modules on Fastify, MongoDB, Redis" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.version=$VERSION \
    org.opencontainers.image.revision=$COMMIT \
    org.opencontainers.image.source=$SOURCE \
    org.opencontainers.image.base.name="docker.io/library/node:24.21.0-bookworm-slim"
