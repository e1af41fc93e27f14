{{/*
config.yaml as the pods read it: `config` of the values, or the examples where it has no jobs, with the Lease's name.

Helm's release revision is not put in as `revision`: a rollback applies the old manifest with its old, smaller number, and
the table that was rolled back to would be taken for an outdated one for ever. See the chart's README, "Revisions".
*/}}
{{- define "leasebeat.config" -}}
{{- $config := include "leasebeat.ownConfig" . | fromYaml -}}
{{- if not $config.jobs -}}
{{- $config = mergeOverwrite (.Files.Get "files/examples.yaml" | fromYaml) (omit $config "jobs") -}}
{{- end -}}
{{- $_ := set $config "lease" (merge $config.lease (dict "name" (include "leasebeat.leaseName" .))) -}}
{{- toYaml $config -}}
{{- end -}}

{{/* `config` of the values; a job that is null is none. */}}
{{- define "leasebeat.ownConfig" -}}
{{- $config := deepCopy .Values.config -}}
{{- range list "lease" "jobs" -}}
{{- $_ := set $config . (include "leasebeat.withoutNulls" (get $config . | default dict) | fromYaml) -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* A map without what is null, by which one values file takes away what another has. */}}
{{- define "leasebeat.withoutNulls" -}}
{{- $kept := dict -}}
{{- range $key, $value := . -}}
{{- if not (kindIs "invalid" $value) -}}
{{- $_ := set $kept $key $value -}}
{{- end -}}
{{- end -}}
{{- toYaml $kept -}}
{{- end -}}

{{/* Everything that lies in /etc/leasebeat, by file name. */}}
{{- define "leasebeat.files" -}}
{{- $files := include "leasebeat.withoutNulls" (default dict .Values.files) | fromYaml -}}
{{- if not .Values.existingConfigMap -}}
{{- $_ := set $files "config.yaml" (include "leasebeat.config" .) -}}
{{- end -}}
{{- toYaml $files -}}
{{- end -}}

{{- define "leasebeat.checksum" -}}
{{- include "leasebeat.files" . | sha256sum -}}
{{- end -}}

{{/* The ConfigMap that this release's pods mount; its name changes with its content. */}}
{{- define "leasebeat.configMapName" -}}
{{- include "leasebeat.cut" (list . (printf "-%s" (include "leasebeat.checksum" . | trunc 8))) -}}
{{- end -}}

{{/* The Lease: two tables in one namespace need two. An existing file says its own name, which `config` repeats. */}}
{{- define "leasebeat.leaseName" -}}
{{- $default := ternary "leasebeat" (include "leasebeat.fullname" .) (ne (default "" .Values.existingConfigMap) "") -}}
{{- dig "lease" "name" $default .Values.config -}}
{{- end -}}

{{/* Whether replicas make Kubernetes Jobs, as text that is empty if not. Of an existing file nobody knows. */}}
{{- define "leasebeat.kubernetesJobs" -}}
{{- if kindIs "bool" .Values.rbac.kubernetesJobs -}}
{{- ternary "yes" "" .Values.rbac.kubernetesJobs -}}
{{- else if not .Values.existingConfigMap -}}
{{- range $job := (include "leasebeat.ownConfig" . | fromYaml).jobs -}}
{{- if hasKey $job "kubernetes_job" -}}yes{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "leasebeat.healthPort" -}}
{{- dig "health" "port" 8080 .Values.config | int -}}
{{- end -}}

{{/* A key of `config.lease` that is a duration, in whole seconds. Takes (list CONTEXT KEY DEFAULT). */}}
{{- define "leasebeat.leaseSeconds" -}}
{{- $key := index . 1 -}}
{{- $text := dig "lease" $key (index . 2) (index . 0).Values.config | toString -}}
{{- if not (regexMatch "^([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?$" $text | and $text) -}}
{{- fail (printf "config.lease.%s: expected a duration in whole seconds such as 90s or 1m30s, got %q" $key $text) -}}
{{- end -}}
{{- $seconds := 0 -}}
{{- range regexFindAll "[0-9]+[dhms]" $text -1 -}}
{{- $unit := get (dict "d" 86400 "h" 3600 "m" 60 "s" 1) (regexFind "[dhms]" .) -}}
{{- $seconds = add $seconds (mul $unit (regexFind "[0-9]+" . | atoi)) -}}
{{- end -}}
{{- $seconds -}}
{{- end -}}

{{- define "leasebeat.drainSeconds" -}}
{{- include "leasebeat.leaseSeconds" (list . "drain_timeout" "60s") -}}
{{- end -}}

{{/* How long a pod that stops may take: what running jobs get, and 15 s to hand over and to end. */}}
{{- define "leasebeat.graceSeconds" -}}
{{- default (add (include "leasebeat.drainSeconds" . | int) 15) .Values.terminationGracePeriodSeconds | int -}}
{{- end -}}

{{/*
ConfigMaps of earlier tables that pods may still have to mount, as YAML {items: [{name, data}]}, newest first.

While a roll-out is not complete (its new pods never get ready, say), pods of the table before it go on, and one that
is made again must find its table. So they stay for one upgrade longer: the two newest and the oldest, which is the one that
runs when several roll-outs in a row were broken. Which they are is told by
the Deployment as the cluster has it, its annotation and its pods' template, which `kubectl rollout undo` may have changed.
Where Helm has no cluster to ask (helm template) there are none.
*/}}
{{- define "leasebeat.keptConfigMaps" -}}
{{- $kept := list -}}
{{- $current := include "leasebeat.configMapName" . -}}
{{- $deployment := lookup "apps/v1" "Deployment" .Release.Namespace (include "leasebeat.fullname" .) -}}
{{- if $deployment -}}
{{- $names := list (include "leasebeat.mountedConfigMap" $deployment) -}}
{{- if ne (include "leasebeat.rolledOut" $deployment) "true" -}}
{{- $before := dig "metadata" "annotations" "leasebeat/config-maps" "" $deployment -}}
{{- $names = concat $names (splitList " " $before) | uniq -}}
{{- end -}}
{{- range without $names $current "" -}}
{{- $found := lookup "v1" "ConfigMap" $.Release.Namespace . -}}
{{- if and $found (eq (dig "metadata" "labels" "app.kubernetes.io/instance" "" $found) $.Release.Name) -}}
{{- $kept = append $kept (dict "name" . "data" $found.data) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if gt (len $kept) 3 -}}
{{- $kept = list (index $kept 0) (index $kept 1) (last $kept) -}}
{{- end -}}
{{- toYaml (dict "items" $kept) -}}
{{- end -}}

{{/* The ConfigMap of the chart that the pods of a Deployment's template mount, as the cluster has it; or nothing. */}}
{{- define "leasebeat.mountedConfigMap" -}}
{{- range .spec.template.spec.volumes -}}
{{- if eq .name "config" -}}
{{- dig "configMap" "name" "" . -}}
{{- range dig "projected" "sources" list . | rest -}}
{{- .configMap.name -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* "true" when all pods of a Deployment, as the cluster has it, are of its newest template. */}}
{{- define "leasebeat.rolledOut" -}}
{{- $status := default dict .status -}}
{{- $replicas := int $status.replicas -}}
{{- and
  (ge (int $status.observedGeneration) (int .metadata.generation))
  (eq (int $status.updatedReplicas) $replicas)
  (eq (int $status.availableReplicas) $replicas)
  (gt $replicas 0) -}}
{{- end -}}
