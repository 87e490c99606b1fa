{{/* A script of k6 alone. */}}
{{- define "evenkeel.loadtest.k6" -}}
{{- $settings := dict "URL" (include "evenkeel.loadtest.url" .) "N" .Values.terms "DEADLINE" .Values.deadlineMs }}
{{- if eq .Values.script "pi" }}
{{- $settings = merge $settings (dict "KIND" .Values.kind "RATE" .Values.rate "USERS" .Values.users "DURATION" .Values.durationSeconds) }}
{{- end -}}
- name: k6
  image: {{ include "evenkeel.loadtest.image" . | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  args:
    - run
    {{- with .Values.extraArgs }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    - /scripts/{{ .Values.script }}.ts
  env:
    - name: K6_NO_USAGE_REPORT
      value: "true"
    {{- range $name, $value := merge (dict) .Values.settings $settings }}
    - name: {{ $name | quote }}
      value: {{ if and (kindIs "float64" $value) (eq (floor $value) $value) }}{{ int64 $value | quote }}{{ else }}{{ $value | quote }}{{ end }}
    {{- end }}
    {{- with .Values.extraEnv }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- include "evenkeel.loadtest.envFrom" . | nindent 2 }}
  resources:
    {{- toYaml .Values.resources | nindent 4 }}
  securityContext:
    {{- toYaml .Values.containerSecurityContext | nindent 4 }}
  volumeMounts:
    - name: scripts
      mountPath: /scripts
      readOnly: true
    {{- include "evenkeel.loadtest.mounts" . | nindent 4 }}
{{- end }}

{{/* Plays a scenario. k6 is its child: they share a clock, and samples go by file. */}}
{{- define "evenkeel.loadtest.conductor" -}}
- name: conductor
  image: {{ include "evenkeel.loadtest.conductorImage" . | quote }}
  imagePullPolicy: {{ .Values.conductor.image.pullPolicy }}
  args:
    - loadtest
    - run
    - /scenario/scenario.yaml
    - --release
    - {{ include "evenkeel.loadtest.release" . | quote }}
    - --load
    - k6
    - --report
    - {{ ternary "/report" "/tmp" (not (empty .Values.report.existingClaim)) }}/{{ include "evenkeel.loadtest.reportName" . }}.html
    {{- if .Values.report.configMap }}
    - --config-map
    - {{ include "evenkeel.loadtest.reportName" . | quote }}
    {{- end }}
    {{- with .Values.url }}
    - --url
    - {{ . | quote }}
    {{- end }}
  env:
    - name: POD_NAME
      valueFrom:
        fieldRef:
          fieldPath: metadata.name
    - name: NODE_NAME
      valueFrom:
        fieldRef:
          fieldPath: spec.nodeName
    {{- if .Values.global.registry.existingSecret }}
    - name: EVENKEEL_REGISTRY_AUTH_FILE
      value: /run/secrets/evenkeel/auth
    {{- end }}
    {{- with .Values.extraEnv }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- include "evenkeel.loadtest.envFrom" . | nindent 2 }}
  resources:
    {{- toYaml .Values.conductor.resources | nindent 4 }}
  securityContext:
    {{- toYaml .Values.containerSecurityContext | nindent 4 }}
  volumeMounts:
    - name: scenario
      mountPath: /scenario
      readOnly: true
    {{- if .Values.global.registry.existingSecret }}
    - name: registry-auth
      mountPath: /run/secrets/evenkeel
      readOnly: true
    {{- end }}
    {{- if .Values.report.existingClaim }}
    - name: report
      mountPath: /report
    {{- end }}
    {{- include "evenkeel.loadtest.mounts" . | nindent 4 }}
{{- end }}

{{- define "evenkeel.loadtest.envFrom" -}}
{{- with .Values.extraEnvFrom -}}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "evenkeel.loadtest.mounts" -}}
- name: tmp
  mountPath: /tmp
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}
