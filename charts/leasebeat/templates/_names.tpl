{{/* The chart's name, as labels say it. */}}
{{- define "leasebeat.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The full name, uncut: what every object's name begins with. Never a name by itself; see "leasebeat.cut". */}}
{{- define "leasebeat.longName" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
A name of at most 63 characters that keeps its suffix: only what stands before it is cut, so that two long names of one
release never become one. Takes (list CONTEXT SUFFIX), the suffix with its dash.
*/}}
{{- define "leasebeat.cut" -}}
{{- $suffix := index . 1 -}}
{{- $room := int (sub 63 (len $suffix)) -}}
{{- include "leasebeat.longName" (index . 0) | trunc $room | trimSuffix "-" | trimSuffix "." -}}{{ $suffix }}
{{- end -}}

{{- define "leasebeat.fullname" -}}
{{- include "leasebeat.cut" (list . "") -}}
{{- end -}}

{{- define "leasebeat.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "leasebeat.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* What tells this release's pods from all others. It can never change, so it holds nothing that could. */}}
{{- define "leasebeat.selectorLabels" -}}
app.kubernetes.io/name: {{ include "leasebeat.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "leasebeat.labels" -}}
{{- $own := dict
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/version" (.Chart.AppVersion | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/managed-by" .Release.Service -}}
{{- $selector := include "leasebeat.selectorLabels" . | fromYaml -}}
{{- toYaml (merge $selector $own (default dict .Values.commonLabels)) -}}
{{- end -}}

{{/* The image's full reference; a digest says more than a tag, so it is given alone. */}}
{{- define "leasebeat.image" -}}
{{- $image := .Values.image -}}
{{- $registry := default $image.registry .Values.global.imageRegistry -}}
{{- $name := ternary (printf "%s/%s" $registry $image.repository) $image.repository (ne (default "" $registry) "") -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $name $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (include "leasebeat.tag" .) -}}
{{- end -}}
{{- end -}}

{{- define "leasebeat.tag" -}}
{{- default .Chart.AppVersion .Values.image.tag -}}
{{- end -}}

{{/* imagePullSecrets of the release and of `global`, as names or as maps, each once. */}}
{{- define "leasebeat.imagePullSecrets" -}}
{{- $names := list -}}
{{- range concat (default list .Values.global.imagePullSecrets) (default list .Values.imagePullSecrets) -}}
{{- $names = append $names (ternary . (get (ternary dict . (kindIs "string" .)) "name") (kindIs "string" .)) -}}
{{- end -}}
{{- range uniq $names }}
- name: {{ . | quote }}
{{- end -}}
{{- end -}}
