{{/* Refuses numbers that cannot work. */}}
{{- define "evenkeel.server.checkTimes" -}}
{{- $drain := int .Values.drainDelaySeconds -}}
{{- $grace := int .Values.terminationGracePeriodSeconds -}}
{{- $least := add $drain 3 -}}
{{- if lt $grace (int $least) -}}
{{- fail (printf "server.terminationGracePeriodSeconds is %d: a server that goes away serves on for drainDelaySeconds (%d), finishes its calls, and needs 2 s to end: make it at least %d, plus your longest call, or drainDelaySeconds smaller" $grace $drain $least) -}}
{{- end -}}
{{- end }}

{{- define "evenkeel.server.moduleConfigMap" -}}
{{- if .Values.moduleFrom.text -}}
{{- if .Values.moduleFrom.configMap -}}
{{- fail "server.moduleFrom has both a text and a configMap: set one of them" -}}
{{- end -}}
{{- printf "%s-module" (include "evenkeel.server.fullname" .) -}}
{{- else -}}
{{- .Values.moduleFrom.configMap -}}
{{- end -}}
{{- end }}

{{/* What stands behind `evenkeel serve`. */}}
{{- define "evenkeel.server.module" -}}
{{- if .Values.recordCalls -}}
{{- if or (include "evenkeel.server.moduleConfigMap" .) (ne .Values.module "pi") .Values.args -}}
{{- fail "server.recordCalls is true: the calls of the demonstration service alone can be written down, so leave server.module, server.moduleFrom and server.args as they are" -}}
{{- end -}}
recorded-pi
{{- else if include "evenkeel.server.moduleConfigMap" . -}}
{{- printf "%s/%s" .Values.moduleFrom.mountPath .Values.moduleFrom.key -}}
{{- else -}}
{{- .Values.module -}}
{{- end -}}
{{- end }}

{{/* Where a server makes itself known: nowhere, where others do it for it. */}}
{{- define "evenkeel.server.ownRegistryUrl" -}}
{{- $url := include "evenkeel.server.registryUrl" . -}}
{{- if not (regexMatch "^(kubernetes|static):" $url) -}}
{{- $url -}}
{{- end -}}
{{- end }}

{{- define "evenkeel.server.ledgerFolder" -}}
/var/lib/evenkeel/calls
{{- end }}

{{/*
Serves what the server writes down. It starts before the server, and Kubernetes ends it after: who reads has the last lines too.
No probe for readiness, which is the server's alone, and none for its start, which the server would wait for.
*/}}
{{- define "evenkeel.server.ledger" -}}
- name: ledger
  image: {{ include "evenkeel.server.image" . | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  restartPolicy: Always
  args: [ledger]
  env:
    - name: POD_NAME
      valueFrom:
        fieldRef:
          fieldPath: metadata.name
    - name: NODE_NAME
      valueFrom:
        fieldRef:
          fieldPath: spec.nodeName
    - name: EVENKEEL_LEDGER
      value: {{ include "evenkeel.server.ledgerFolder" . }}
    - name: EVENKEEL_LISTEN
      value: {{ printf "%s:%v" .Values.listenHost .Values.containerPorts.ledger | quote }}
    - name: EVENKEEL_LOG_LEVEL
      value: {{ .Values.logLevel | quote }}
  ports:
    - name: ledger
      containerPort: {{ .Values.containerPorts.ledger }}
  livenessProbe:
    httpGet:
      path: /livez
      port: ledger
    {{- toYaml .Values.probes.liveness | nindent 4 }}
  resources:
    {{- toYaml .Values.ledger.resources | nindent 4 }}
  securityContext:
    {{- toYaml .Values.containerSecurityContext | nindent 4 }}
  volumeMounts:
    - name: calls
      mountPath: {{ include "evenkeel.server.ledgerFolder" . }}
{{- end }}

{{- define "evenkeel.server.alerts" -}}
{{- $self := printf "namespace=%q,service=%q" .Release.Namespace (include "evenkeel.server.fullname" .) -}}
{{- if include "evenkeel.server.ownRegistryUrl" . }}
- alert: EvenkeelServerNotRegistered
  expr: evenkeel_server_registered{ {{- $self -}} } == 0
  for: 5m
  labels:
    severity: warning
  annotations:
    summary: "{{ `{{ $labels.pod }}` }} is not in the registry: clients that start now do not find it."
    runbook: docs/kubernetes.md#alerts
{{- end }}
- alert: EvenkeelServerWorkersDie
  expr: increase(evenkeel_server_worker_deaths_total{ {{- $self -}} }[15m]) > 3
  labels:
    severity: warning
  annotations:
    summary: "Worker processes of {{ `{{ $labels.pod }}` }} die again and again: its log says why."
    runbook: docs/kubernetes.md#alerts
- alert: EvenkeelServerErrors
  expr: |
    sum by (method) (rate(rpc_server_call_duration_seconds_count{ {{- $self -}} ,code=~"INTERNAL|UNKNOWN|DATA_LOSS"}[5m]))
      / sum by (method) (rate(rpc_server_call_duration_seconds_count{ {{- $self -}} }[5m])) > 0.05
  for: 5m
  labels:
    severity: critical
  annotations:
    summary: "More than 5 % of the calls of {{ `{{ $labels.method }}` }} fail inside of servers."
    runbook: docs/kubernetes.md#alerts
- alert: EvenkeelServerOverloaded
  expr: sum(rate(rpc_server_call_duration_seconds_count{ {{- $self -}} ,code="RESOURCE_EXHAUSTED"}[5m])) > 0
  for: 5m
  labels:
    severity: warning
  annotations:
    summary: Servers refuse calls because they have too many. Scale up, or raise maxConcurrent.
    runbook: docs/kubernetes.md#alerts
- alert: EvenkeelServerStalls
  expr: max by (pod) (evenkeel_server_event_loop_delay_seconds{ {{- $self -}} }) > 0.5
  for: 5m
  labels:
    severity: warning
  annotations:
    summary: "The event loop of {{ `{{ $labels.pod }}` }} is blocked for more than half a second: give handlers threads."
    runbook: docs/kubernetes.md#alerts
- alert: EvenkeelServerMemory
  expr: evenkeel_server_memory_share{ {{- $self -}} } > 0.9
  for: 10m
  labels:
    severity: warning
  annotations:
    summary: "{{ `{{ $labels.pod }}` }} uses more than 90 % of its memory."
    runbook: docs/kubernetes.md#alerts
{{- end }}
