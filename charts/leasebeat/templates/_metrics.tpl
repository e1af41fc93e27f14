{{/* Matchers of this release's series: by the labels that its monitors give, unless the values say others. */}}
{{- define "leasebeat.series" -}}
{{- $own := printf `namespace=%q,lease=%q` .Release.Namespace (include "leasebeat.leaseName" .) -}}
{{- default $own .Values.metrics.rules.selector -}}
{{- end -}}

{{/* What PodMonitor and ServiceMonitor say alike of how to scrape. `job` is a label of ours, and must stay what it is. */}}
{{- define "leasebeat.endpoint" -}}
{{- $context := index . 0 -}}
port: health
path: /metrics
honorLabels: true
{{- with index . 1 }}
interval: {{ . | quote }}
{{- end }}
relabelings:
  - action: replace
    targetLabel: lease
    replacement: {{ include "leasebeat.leaseName" $context | quote }}
{{- end -}}

{{/* An alert of files/alerts.yaml as a rule: takes (list CONTEXT NAME ALERT), and the values of that name. */}}
{{- define "leasebeat.alert" -}}
{{- $context := index . 0 -}}
{{- $name := index . 1 -}}
{{- $values := get $context.Values.metrics.rules $name -}}
{{- $series := include "leasebeat.series" $context -}}
{{- $said := dict -}}
{{- range $key, $text := index . 2 -}}
{{- $text = $text | replace "SELECTOR" $series | replace "THRESHOLD" (toString $values.threshold) | replace "WINDOW" (toString $values.window) -}}
{{- $_ := set $said $key $text -}}
{{- end -}}
alert: {{ $name }}
expr: {{ $said.expr | quote }}
for: {{ $values.for }}
labels:
  severity: {{ $values.severity | quote }}
  namespace: {{ $context.Release.Namespace | quote }}
  lease: {{ include "leasebeat.leaseName" $context | quote }}
annotations:
  summary: {{ $said.summary | quote }}
  description: {{ $said.description | quote }}
  {{- with $context.Values.metrics.rules.runbookUrl }}
  runbook_url: {{ printf "%s#%s" . (lower $name) | quote }}
  {{- end }}
{{- end -}}
