#!/bin/sh
# Starts what docker-compose.yml describes, from nothing or from an earlier release, and waits until it is healthy.
# Makes the secrets that are missing and never changes one that is there. Options before `up`, such as
# `--profile observability`, can be given; `--profile broker` with EVENTS_URL_FILE=/run/secrets/events_url. Needs Docker with compose 2.24 or newer, and openssl.
set -eu
cd "$(dirname "$0")/../.."
secrets=deploy/compose/secrets
for program in docker openssl; do
  command -v "$program" >/dev/null || { echo "deploy/compose/up.sh needs $program." >&2; exit 1; }
done

# The containers' users must be able to read what is mounted, also where Git made files for their owner only.
chmod -R go+rX deploy/nginx deploy/prometheus deploy/grafana deploy/otel deploy/compose/*.conf deploy/compose/*.js
# Others cannot enter the directory. The files can be read by the users in the containers, who get one at a time.
mkdir -p "$secrets"
chmod 700 "$secrets"

secret() { # name, command that prints it: whole or not at all
  [ -s "$secrets/$1" ] && return
  name=$1
  shift
  "$@" >"$secrets/$name.new"
  chmod 444 "$secrets/$name.new"
  mv "$secrets/$name.new" "$secrets/$name"
}
value() { cat "$secrets/$1"; }

jwt_keys() { # kid:base64url(PKCS#8), ES256
  kid=$(openssl rand -hex 6)
  key=$(openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256)
  printf '%s:%s\n' "$kid" "$(printf '%s' "$key" | grep -v -e ----- | tr -d '\n=' | tr '+/' '-_')"
}
vapid_private_key() { # any 32 bytes below the order of P-256, which is next to 2^256
  openssl rand -base64 32 | tr -d '\n=' | tr '+/' '-_'
}
redis_acl() { # the rights that docs/runbook.md names
  password=$(value redis_password)
  hash=$(printf '%s' "$password" | openssl dgst -sha256 -r | cut -d ' ' -f 1)
  echo 'user default on nopass -@all +ping'
  echo "user taskflow on #$hash ~tf:* ~{tf:jobs}:* &tf:* +@read +@write +@scripting +@pubsub -@dangerous +info +ping +time"
}
rabbitmq_conf() {
  echo 'default_user = taskflow'
  echo "default_pass = $(value rabbitmq_password)"
  # Far below the limit of the container, in which Erlang needs room for more than messages.
  echo 'vm_memory_high_watermark.absolute = 256MiB'
  echo 'disk_free_limit.absolute = 1GB'
}

secret mongo_keyfile openssl rand -base64 756
for name in mongo_root_password mongo_password redis_password rabbitmq_password secret_key metrics_token admin_password \
  grafana_password; do
  secret "$name" openssl rand -hex 32
done
secret mongodb_uri printf 'mongodb://taskflow:%s@mongo:27017/taskflow?replicaSet=rs0\n' "$(value mongo_password)"
secret redis_url printf 'redis://taskflow:%s@redis:6379\n' "$(value redis_password)"
secret redis_acl redis_acl
secret rabbitmq_conf rabbitmq_conf
secret events_url printf 'amqp://taskflow:%s@rabbitmq:5672\n' "$(value rabbitmq_password)"
secret smtp_url echo 'smtp://mailpit:1025'
secret jwt_keys jwt_keys
secret vapid_private_key vapid_private_key

COMMIT=$(git rev-parse HEAD 2>/dev/null || true)
export COMMIT
# An image that was built elsewhere is only pulled. Compose reads `.env` too.
if [ -n "${TASKFLOW_IMAGE:-}" ] || grep -qs '^TASKFLOW_IMAGE=.' .env; then docker compose "$@" pull; else docker compose "$@" build; fi
# An update: the database first, then one process after the other, while the other two serve.
if [ -n "$(docker compose ps --quiet api-1)" ]; then
  docker compose "$@" run --rm migrate
  for api in api-1 api-2 api-3; do docker compose "$@" up --detach --no-deps --wait "$api"; done
fi
docker compose "$@" up --detach --wait
echo "TaskFlow is running. First admin: ${BOOTSTRAP_ADMIN_EMAIL:-admin@taskflow.example}, password in $secrets/admin_password"
