#!/usr/bin/env bash
# Blue/green. The Service `taskflow` says which color is live (its selector) and to which one can go back (its
# annotation `previous-color`). There is no other state: run it again wherever it was stopped.
usage='Usage: switch.sh deploy|rollback|retire|status
  deploy    starts the release of release/kustomization.yaml in the idle color, tries it, and gives it the traffic
  rollback  gives the traffic back to the previous color
  retire    ends the pods of the previous color; then there is no way back
  status    says what is live'
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
namespace=$(sed -n 's/^namespace: //p' "$here/kustomization.yaml")
forward=
trap '[ -z "$forward" ] || kill "$forward" 2>/dev/null || true' EXIT

fail() {
  echo "$1" >&2
  exit 1
}
in_namespace() { kubectl --namespace "$namespace" "$@"; }
of_service() { in_namespace get service/taskflow --ignore-not-found --output="jsonpath={$1}"; }
ready_pods() { in_namespace get "deployment/taskflow-$1" --ignore-not-found --output='jsonpath={.status.readyReplicas}'; }

# Changes the Service only if it still is as it was read: a second run of this script loses instead of interfering.
change_service() {
  in_namespace patch service/taskflow --type=json --patch="[
    {\"op\": \"test\", \"path\": \"/spec/selector/color\", \"value\": \"$live\"},
    $1]" || fail 'The Service changed meanwhile; look at it with: switch.sh status'
}
forget_previous='{"op": "remove", "path": "/metadata/annotations/previous-color"}'
give_traffic_to() { echo "{\"op\": \"replace\", \"path\": \"/spec/selector/color\", \"value\": \"$1\"}"; }
remember_previous() { echo "{\"op\": \"add\", \"path\": \"/metadata/annotations/previous-color\", \"value\": \"$1\"}"; }

# As many pods as now have the traffic, all ready: the autoscaler would be too late. The workers of both colors share the
# background work until one of them retires.
bring_up() {
  local wanted=2 ready
  if [ -n "$live" ]; then
    ready=$(ready_pods "$live")
    if ((${ready:-0} > wanted)); then wanted=$ready; fi
  fi
  in_namespace scale "deployment/taskflow-$1" --replicas="$wanted"
  in_namespace scale "deployment/taskflow-worker-$1" --replicas=2
  for deployment in "taskflow-$1" "taskflow-worker-$1"; do
    in_namespace rollout status "deployment/$deployment" --timeout=600s ||
      fail "${deployment#taskflow-} does not become ready; ${live:-nothing} is live as before."
  done
  ready=$(ready_pods "$1")
  ((${ready:-0} >= wanted)) || fail "$1 has fewer than $wanted ready pods; run this again."
}

# Asks a pod of the color, past the Ingress: healthy with every store, closed to strangers, keys published.
try_out() {
  local line port url
  exec 3< <(exec kubectl --namespace "$namespace" port-forward "service/taskflow-$1" :80)
  forward=$!
  read -r -t 20 line <&3 || fail "$1 cannot be reached; ${live:-nothing} is live as before."
  port=${line#*127.0.0.1:}
  url=http://127.0.0.1:${port%% *}
  { curl --silent --show-error --fail --max-time 5 "$url/api/health" | grep '"status":"ok"' >/dev/null &&
    curl --silent --show-error --fail --max-time 5 "$url/.well-known/jwks.json" | grep '"kid"' >/dev/null &&
    [ "$(curl --silent --max-time 5 --output /dev/null --write-out '%{http_code}' "$url/api/v1/tasks")" = 401 ]; } ||
    fail "$1 does not answer as it should; ${live:-nothing} is live as before."
}

deploy() {
  "$here/../../prepare.sh" "$here"
  if [ -n "$live" ]; then
    local difference=0
    in_namespace diff --kustomize "$here/$live" >/dev/null || difference=$?
    ((difference <= 1)) || fail "$live cannot be compared with this release."
    if ((difference == 0)); then
      echo "$live is live and runs this release already."
      return
    fi
    # What runs there is about to be replaced, so nobody can go back to it.
    [ -z "$previous" ] || change_service "$forget_previous"
  fi
  kubectl apply --kustomize "$here/$idle"
  bring_up "$idle"
  try_out "$idle"
  if [ -z "$live" ]; then
    kubectl apply --kustomize "$here/live"
    echo "$idle is live."
  else
    change_service "$(give_traffic_to "$idle"), $(remember_previous "$live")"
    echo "$idle is live. $live is kept: \`rollback\` goes back to it, \`retire\` ends it."
  fi
}

rollback() {
  [ -n "$previous" ] || fail "There is no color to go back to; ${live:-nothing} is live."
  bring_up "$previous"
  change_service "$(give_traffic_to "$previous"), $forget_previous"
  echo "$previous is live again."
}

retire() {
  [ -n "$live" ] || fail 'Nothing is live yet.'
  [ -z "$previous" ] || change_service "$forget_previous"
  in_namespace scale "deployment/taskflow-$idle" --replicas=0
  in_namespace scale "deployment/taskflow-worker-$idle" --replicas=0
  echo "$live is live, $idle has no pods."
}

status() {
  echo "live: ${live:-nothing}, previous: ${previous:-none}"
  in_namespace get deployments --selector 'app.kubernetes.io/component in (api, worker)' --output=wide
}

live=$(of_service .spec.selector.color)
previous=$(of_service .metadata.annotations.previous-color)
case $live in
  '' | green) idle=blue ;;
  blue) idle=green ;;
  *) fail "The Service taskflow has the unknown color $live." ;;
esac
case ${1:-} in
  deploy | rollback | retire | status) "$1" ;;
  *)
    echo "$usage" >&2
    exit 2
    ;;
esac
