{{/* What values may not say together; a schema cannot tell. Each refusal names the place and the way out. */}}
{{- define "leasebeat.check" -}}
{{- include "leasebeat.checkTimings" . -}}
{{- include "leasebeat.checkLease" . -}}
{{- include "leasebeat.checkExisting" . -}}
{{- include "leasebeat.checkReplicas" . -}}
{{- include "leasebeat.checkLabels" . -}}
{{- include "leasebeat.checkMetrics" . -}}
{{- end -}}

{{- define "leasebeat.checkTimings" -}}
{{- $duration := include "leasebeat.leaseSeconds" (list . "lease_duration" "15s") | int -}}
{{- $deadline := include "leasebeat.leaseSeconds" (list . "renew_deadline" "10s") | int -}}
{{- $retry := include "leasebeat.leaseSeconds" (list . "retry_period" "2s") | int -}}
{{- $order := "lease_duration > renew_deadline > 1.2 x retry_period" -}}
{{- if le $duration $deadline -}}
{{- fail (printf "config.lease: lease_duration (%ds) must exceed renew_deadline (%ds): %s" $duration $deadline $order) -}}
{{- end -}}
{{- if le (mul 10 $deadline) (mul 12 $retry) -}}
{{- fail (printf "config.lease: renew_deadline (%ds) must exceed 1.2 x retry_period (%ds): %s" $deadline $retry $order) -}}
{{- end -}}
{{- $drain := include "leasebeat.drainSeconds" . | int -}}
{{- $grace := include "leasebeat.graceSeconds" . | int -}}
{{- if lt $grace (add $drain 15 | int) -}}
{{- fail (printf "terminationGracePeriodSeconds: expected at least config.lease.drain_timeout (%ds) + 15 s, got %d: Kubernetes would kill jobs that were promised time to finish; leave it null" $drain $grace) -}}
{{- end -}}
{{- end -}}

{{- define "leasebeat.checkLease" -}}
{{- $store := dig "lease" "store" "auto" .Values.config -}}
{{- if not (has $store (list "auto" "kubernetes")) -}}
{{- fail (printf "config.lease.store: %s is not shared by pods, so each of them would lead; leave it out" $store) -}}
{{- end -}}
{{- $namespace := dig "lease" "namespace" "" .Values.config -}}
{{- if and $namespace (ne $namespace .Release.Namespace) -}}
{{- fail (printf "config.lease.namespace: the Lease lives where the pods do, in %s, not in %s; leave it out" .Release.Namespace $namespace) -}}
{{- end -}}
{{- $running := lookup "apps/v1" "Deployment" .Release.Namespace (include "leasebeat.fullname" .) | default dict -}}
{{- $lease := include "leasebeat.leaseName" . -}}
{{- $before := dig "metadata" "annotations" "leasebeat/lease" $lease $running -}}
{{- if and (ne $before $lease) (gt (dig "status" "replicas" 0 $running | int) 0) -}}
{{- $way := printf "kubectl -n %s scale deploy/%s --replicas=0" .Release.Namespace (include "leasebeat.fullname" .) -}}
{{- fail (printf "config.lease.name: pods that contend for Lease %s are running; beside them those for %s would lead too, and run every job twice. First: %s" $before $lease $way) -}}
{{- end -}}
{{- end -}}

{{- define "leasebeat.checkExisting" -}}
{{- if .Values.existingConfigMap -}}
{{- range $key, $value := omit .Values.config "lease" "health" -}}
{{- if $value -}}
{{- fail (printf "config.%s: has no effect beside existingConfigMap; write it in %s, under the key config.yaml" $key $.Values.existingConfigMap) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if hasKey (default dict .Values.files) "config.yaml" -}}
{{- fail "files: config.yaml is made from `config`; write the table there, or name a ConfigMap of yours as existingConfigMap" -}}
{{- end -}}
{{- end -}}

{{- define "leasebeat.checkReplicas" -}}
{{- $count := .Values.replicaCount -}}
{{- if not (kindIs "invalid" $count) -}}
{{- if lt (int $count) 1 -}}
{{- fail "replicaCount: with 0 nothing runs. To stop for a while: kubectl scale; to leave the number to others: null" -}}
{{- end -}}
{{- end -}}
{{- $budget := .Values.podDisruptionBudget -}}
{{- if and $budget.enabled (has (toString $budget.maxUnavailable) (list "0" "0%")) -}}
{{- fail "podDisruptionBudget.maxUnavailable: with 0 no node could ever be drained; write 1, or podDisruptionBudget.enabled: false" -}}
{{- end -}}
{{- if has (toString .Values.maxSurge) (list "0" "0%") -}}
{{- fail "maxSurge: with 0 no pod could ever be replaced, as none goes before its successor is ready; write 1" -}}
{{- end -}}
{{- end -}}

{{- define "leasebeat.checkLabels" -}}
{{- range $place := list "podLabels" "commonLabels" -}}
{{- range list "app.kubernetes.io/name" "app.kubernetes.io/instance" -}}
{{- if hasKey (default dict (get $.Values $place)) . -}}
{{- fail (printf "%s: %s selects this release's pods and is set by the chart" $place .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "leasebeat.checkMetrics" -}}
{{- $metrics := .Values.metrics -}}
{{- $scraped := or $metrics.podMonitor.enabled $metrics.serviceMonitor.enabled -}}
{{- if and $metrics.podMonitor.enabled $metrics.serviceMonitor.enabled -}}
{{- fail "metrics: podMonitor and serviceMonitor would have each pod scraped twice, so that two seem to lead; enable one of them" -}}
{{- end -}}
{{- if and $scraped (not (include "leasebeat.healthPort" . | int)) -}}
{{- fail "config.health.port: with 0 there is nothing to scrape; leave it out, or disable metrics.podMonitor and metrics.serviceMonitor" -}}
{{- end -}}
{{- if and $metrics.rules.enabled (not $scraped) (not $metrics.rules.selector) -}}
{{- fail "metrics.rules: no series has the labels that they ask for; enable metrics.podMonitor, or say in metrics.rules.selector how your Prometheus labels these pods" -}}
{{- end -}}
{{- end -}}

{{/* "true" if a PodDisruptionBudget has something to protect: with one replica it could only hold up a drain. */}}
{{- define "leasebeat.budgeted" -}}
{{- $several := kindIs "invalid" .Values.replicaCount -}}
{{- if not $several -}}
{{- $several = gt (int .Values.replicaCount) 1 -}}
{{- end -}}
{{- and .Values.podDisruptionBudget.enabled $several -}}
{{- end -}}
