#!/usr/bin/env bash
# Brings the platform of an overlay and its database to this release: everything but the pods that serve.
# Bears being stopped anywhere and run again. Usage: prepare.sh <directory of the overlay>
set -euo pipefail

overlay=$1
namespace=$(sed -n 's/^namespace: //p' "$overlay/kustomization.yaml")
# The Job's own limit, and time to notice.
limit_seconds=3660
job=(job/taskflow-migrate --namespace "$namespace")

fail() {
  echo "$1" >&2
  exit 1
}

kubectl apply --kustomize "$overlay" --selector app.kubernetes.io/component=platform
kubectl wait externalsecret --all --namespace "$namespace" --for=condition=Ready --timeout=120s ||
  fail 'The secrets cannot be read from their store; nothing was migrated or rolled out.'

# A Job cannot be changed, only made anew. Ending one that still runs does no harm: the next goes on where it stopped.
kubectl delete "${job[@]}" --ignore-not-found --cascade=foreground
kubectl apply --kustomize "$overlay" --selector app.kubernetes.io/component=migrate
for ((waited = 0; waited < limit_seconds; waited += 2)); do
  case $(kubectl get "${job[@]}" --output='jsonpath={.status.conditions[?(@.status=="True")].type}') in
    *Complete*) exit 0 ;;
    *Failed*)
      kubectl logs "${job[@]}" --tail=20 >&2 || true
      fail 'The migrations failed; nothing was rolled out.'
      ;;
  esac
  sleep 2
done
fail 'The migrations did not end in time; nothing was rolled out.'
