{{/* The chart's own variables: what the kubelet knows about the pod, and where the table lies. */}}
{{- define "leasebeat.ownEnv" -}}
- name: LEASEBEAT_CONFIG
  value: /etc/leasebeat/config.yaml
{{- range $name, $field := dict
  "POD_NAME" "metadata.name" "POD_NAMESPACE" "metadata.namespace" "POD_UID" "metadata.uid"
  "POD_IP" "status.podIP" "NODE_NAME" "spec.nodeName" }}
- name: {{ $name }}
  valueFrom:
    fieldRef:
      fieldPath: {{ $field }}
{{- end }}
{{- if include "leasebeat.kubernetesJobs" . }}
- name: DEPLOYMENT_NAME
  value: {{ include "leasebeat.fullname" . }}
{{- end }}
{{- end -}}

{{/* A number, a truth value or a text, as text; Helm reads numbers as floats and would print 1e+07. */}}
{{- define "leasebeat.plain" -}}
{{- if kindIs "float64" . -}}
{{- int64 . -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end -}}

{{/* The variables of `env` and `extraEnv`; a name twice is refused: Kubernetes would silently take the last. */}}
{{- define "leasebeat.userEnv" -}}
{{- $seen := dict -}}
{{- range include "leasebeat.ownEnv" . | fromYamlArray -}}
{{- $_ := set $seen .name "a variable that the chart sets" -}}
{{- end -}}
{{- range $name, $value := .Values.env -}}
{{- if not (kindIs "invalid" $value) -}}
{{- if hasKey $seen $name -}}
{{- fail (printf "env.%s: the name is taken by %s" $name (get $seen $name)) -}}
{{- end -}}
{{- $_ := set $seen $name (printf "env.%s" $name) }}
- name: {{ $name }}
  {{- if kindIs "map" $value }}
  {{- tpl (toYaml $value) $ | nindent 2 }}
  {{- else }}
  value: {{ include "leasebeat.plain" $value | quote }}
  {{- end }}
{{- end -}}
{{- end -}}
{{- $extra := tpl (toYaml (default list .Values.extraEnv)) . | fromYamlArray -}}
{{- range $extra -}}
{{- if hasKey $seen .name -}}
{{- fail (printf "extraEnv: %s is taken by %s; keep one of them" .name (get $seen .name)) -}}
{{- end -}}
{{- $_ := set $seen .name "another entry of extraEnv" -}}
{{- end -}}
{{- with $extra }}
{{ toYaml . }}
{{- end -}}
{{- end -}}

{{/* The pod's security context, without fixed ids where OpenShift gives each namespace its own. */}}
{{- define "leasebeat.podSecurityContext" -}}
{{- $context := default dict .Values.podSecurityContext -}}
{{- if .Values.openshift -}}
{{- $context = omit $context "runAsUser" "runAsGroup" "fsGroup" -}}
{{- end -}}
{{- toYaml $context -}}
{{- end -}}

{{- define "leasebeat.securityContext" -}}
{{- $context := default dict .Values.securityContext -}}
{{- if .Values.openshift -}}
{{- $context = omit $context "runAsUser" "runAsGroup" -}}
{{- end -}}
{{- toYaml $context -}}
{{- end -}}

{{- define "leasebeat.volumeMounts" -}}
- name: config
  mountPath: /etc/leasebeat
  readOnly: true
- name: tmp
  mountPath: /tmp
- name: token
  mountPath: /var/run/secrets/kubernetes.io/serviceaccount
  readOnly: true
{{- with .Values.extraVolumeMounts }}
{{ tpl (toYaml .) $ }}
{{- end }}
{{- end -}}

{{/* The table, an empty /tmp, and what client libraries expect of a service account at the usual place. */}}
{{- define "leasebeat.volumes" -}}
- name: config
  {{- if .Values.existingConfigMap }}
  projected:
    sources:
      - configMap:
          name: {{ tpl .Values.existingConfigMap . }}
      {{- if include "leasebeat.files" . | fromYaml }}
      - configMap:
          name: {{ include "leasebeat.configMapName" . }}
      {{- end }}
  {{- else }}
  configMap:
    name: {{ include "leasebeat.configMapName" . }}
  {{- end }}
- name: tmp
  emptyDir:
    sizeLimit: {{ .Values.tmp.sizeLimit }}
- name: token
  projected:
    sources:
      - serviceAccountToken:
          path: token
          expirationSeconds: {{ .Values.serviceAccount.tokenExpirationSeconds | int }}
      - configMap:
          name: kube-root-ca.crt
          items:
            - key: ca.crt
              path: ca.crt
      - downwardAPI:
          items:
            - path: namespace
              fieldRef:
                fieldPath: metadata.namespace
{{- with .Values.extraVolumes }}
{{ tpl (toYaml .) $ }}
{{- end }}
{{- end -}}

{{/* Probes over HTTP. Different paths: a standby is ready, and only a loop that is stuck is worth a restart. */}}
{{- define "leasebeat.probes" -}}
{{- if include "leasebeat.healthPort" . | int -}}
{{- range $probe, $path := dict "startupProbe" "/startupz" "livenessProbe" "/livez" "readinessProbe" "/readyz" }}
{{ $probe }}:
  httpGet:
    path: {{ $path }}
    port: health
  {{- with get $.Values $probe }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* Away from each other if possible, and together rather than not at all. */}}
{{- define "leasebeat.affinity" -}}
{{- if .Values.affinity -}}
{{- tpl (toYaml .Values.affinity) . -}}
{{- else -}}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            {{- include "leasebeat.selectorLabels" . | nindent 12 }}
{{- end -}}
{{- end -}}

{{- define "leasebeat.topologySpreadConstraints" -}}
{{- if .Values.topologySpreadConstraints -}}
{{- tpl (toYaml .Values.topologySpreadConstraints) . -}}
{{- else -}}
{{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
- maxSkew: 1
  topologyKey: {{ . }}
  whenUnsatisfiable: ScheduleAnyway
  matchLabelKeys: [pod-template-hash]
  labelSelector:
    matchLabels:
      {{- include "leasebeat.selectorLabels" $ | nindent 6 }}
{{- end -}}
{{- end -}}
{{- end -}}
