# Two images: "connect" is Debezium's own with the Avro converter of the registry's version; the last one contains every
# role of PrepaData, and the command says which one runs, e.g. services/api/main.ts.

FROM maven:3.9-eclipse-temurin-17 AS converter
COPY services/sandbox/stack/parts/pom.xml /build/pom.xml
COPY services/sandbox/stack/parts/broker/pom.xml /build/broker/pom.xml
COPY services/sandbox/stack/parts/converter/pom.xml /build/converter/pom.xml
RUN mvn --batch-mode --file /build/pom.xml --projects converter initialize -Dparts.out=/parts

# In some of its versions the image's own converters are of another major version, with another API.
FROM quay.io/debezium/connect:3.6.3.Final AS connect
COPY --from=converter /parts/plugins/apicurio-converter /kafka/connect/apicurio-converter
USER kafka

# The sources of the pages and their build tools stay in this stage.
FROM node:24.21.0-bookworm-slim AS web
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY services/web services/web
RUN node services/web/build.mjs

FROM node:24.21.0-bookworm-slim AS role
ENV NODE_ENV=production
WORKDIR /app

# The packages first: they seldom change, so this layer stays cached.
COPY package.json package-lock.json .npmrc ./
# Without install scripts: the only package that needs its own is the embedded Postgres, which no role here starts.
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force && install -d -o node -m 700 /var/lib/prepadata

COPY tsconfig.json ./
COPY libs libs
COPY schemas schemas
COPY connectors connectors
COPY services services
COPY --from=web /app/services/web/dist services/web/dist

# The files of the image belong to root: a role can read its own code but not change it.
USER node
ENTRYPOINT ["node"]
CMD ["services/api/main.ts"]
