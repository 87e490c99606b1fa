{{- define "evenkeel.fullname" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "evenkeel.labels" -}}
app.kubernetes.io/name: evenkeel
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: evenkeel
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Whether tests may call what only the demonstration service has. */}}
{{- define "evenkeel.demonstration" -}}
{{- if eq .Values.tests.demonstration "always" -}}
true
{{- else if and (eq .Values.tests.demonstration "auto") .Values.server.enabled -}}
{{- if and (has (include "evenkeel.server.module" .Subcharts.server) (list "pi" "recorded-pi")) (not .Subcharts.server.Values.args) -}}
true
{{- end -}}
{{- end -}}
{{- end }}

{{/* A pod of `helm test`: makes calls from inside of the cluster. */}}
{{- define "evenkeel.testPod" -}}
{{- $gateway := .root.Subcharts.gateway -}}
{{- $name := include "evenkeel.gateway.fullname" $gateway -}}
apiVersion: v1
kind: Pod
metadata:
  name: {{ include "evenkeel.fullname" .root }}-test-{{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "evenkeel.labels" .root | nindent 4 }}
    app.kubernetes.io/component: test
  annotations:
    helm.sh/hook: test
    # One that failed stays, with its log. Helm deletes one that passed before it could read its log.
    helm.sh/hook-delete-policy: before-hook-creation{{ if not .root.Values.tests.keep }},hook-succeeded{{ end }}
spec:
  restartPolicy: Never
  activeDeadlineSeconds: {{ add (int .root.Values.tests.timeoutSeconds) 120 }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- include "evenkeel.gateway.pullSecrets" $gateway | trim | nindent 2 }}
  securityContext:
    {{- toYaml $gateway.Values.podSecurityContext | nindent 4 }}
  {{- with $gateway.Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $gateway.Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: test
      image: {{ include "evenkeel.gateway.image" $gateway | quote }}
      imagePullPolicy: {{ $gateway.Values.image.pullPolicy }}
      command: [node, /tests/stack.mjs]
      env:
        - name: GATEWAY
          value: http://{{ $name }}:{{ $gateway.Values.service.port }}
        - name: GATEWAY_OPS
          value: http://{{ $name }}-ops:{{ $gateway.Values.containerPorts.ops }}
        {{- with .root.Subcharts.server }}
        - name: SERVERS
          value: {{ include "evenkeel.server.fullname" . }}
        - name: SERVER_RPC
          value: {{ .Values.containerPorts.rpc | quote }}
        - name: SERVER_OPS
          value: {{ .Values.containerPorts.ops | quote }}
        {{- end }}
        - name: DEMONSTRATION
          value: {{ include "evenkeel.demonstration" .root | quote }}
        - name: TIMEOUT_SECONDS
          value: {{ .root.Values.tests.timeoutSeconds | quote }}
        {{- if .mustFail }}
        - name: MUST_FAIL
          value: "true"
        {{- end }}
      resources:
        {{- toYaml .root.Values.tests.resources | nindent 8 }}
      securityContext:
        {{- toYaml $gateway.Values.containerSecurityContext | nindent 8 }}
      volumeMounts:
        - name: tests
          mountPath: /tests
          readOnly: true
  volumes:
    - name: tests
      configMap:
        name: {{ include "evenkeel.fullname" .root }}-tests
{{- end }}
