#!/usr/bin/env bash
# Rolls a release out in place: migrations first, then the pods, one after the other.
# Bears being stopped anywhere and run again. Usage: deploy.sh staging|services
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
case ${1:-} in
  staging | services) overlay=$here/overlays/$1 ;;
  *)
    echo 'Usage: deploy.sh staging|services (production has overlays/production/switch.sh)' >&2
    exit 2
    ;;
esac
namespace=$(sed -n 's/^namespace: //p' "$overlay/kustomization.yaml")
selector='app.kubernetes.io/component in (api, worker)'
pods=(deployment --namespace "$namespace" --selector "$selector")

"$here/prepare.sh" "$overlay"
kubectl apply --kustomize "$overlay" --selector "$selector"
if ! kubectl rollout status "${pods[@]}" --timeout=600s; then
  echo 'The new pods do not become ready; the old ones still serve. The way back:' >&2
  echo "  kubectl rollout undo deployment --namespace $namespace --selector '$selector'" >&2
  exit 1
fi
