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
{{- if include "evenkeel.server.moduleConfigMap" . -}}
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

{{- define "evenkeel.server.alerts" -}}
{{- $self := printf "namespace=%q,service=%q" .Release.Namespace (include "evenkeel.server.fullname" .) -}}
- alert: EvenkeelServerNotRegistered
  expr: evenkeel_server_registered{ {{- $self -}} } == 0
  for: 5m
  labels:
    severity: warning
  annotations:
    summary: "{{ `{{ $labels.pod }}` }} is not in the registry: clients that start now do not find it."
- alert: EvenkeelServerWorkersDie
  expr: increase(evenkeel_server_worker_deaths_total{ {{- $self -}} }[15m]) > 3
  labels:
    severity: warning
  annotations:
    summary: "Worker processes of {{ `{{ $labels.pod }}` }} die again and again: its log says why."
- alert: EvenkeelServerErrors
  expr: |
    sum by (method) (rate(rpc_server_call_duration_seconds_count{ {{- $self -}} ,code=~"INTERNAL|UNKNOWN|DATA_LOSS"}[5m]))
      / sum by (method) (rate(rpc_server_call_duration_seconds_count{ {{- $self -}} }[5m])) > 0.05
  for: 5m
  labels:
    severity: critical
  annotations:
    summary: "More than 5 % of the calls of {{ `{{ $labels.method }}` }} fail inside of servers."
- alert: EvenkeelServerOverloaded
  expr: sum(rate(rpc_server_call_duration_seconds_count{ {{- $self -}} ,code="RESOURCE_EXHAUSTED"}[5m])) > 0
  for: 5m
  labels:
    severity: warning
  annotations:
    summary: Servers refuse calls because they have too many. Scale up, or raise maxConcurrent.
- alert: EvenkeelServerStalls
  expr: max by (pod) (evenkeel_server_event_loop_delay_seconds{ {{- $self -}} }) > 0.5
  for: 5m
  labels:
    severity: warning
  annotations:
    summary: "The event loop of {{ `{{ $labels.pod }}` }} is blocked for more than half a second: give handlers threads."
- alert: EvenkeelServerMemory
  expr: evenkeel_server_memory_share{ {{- $self -}} } > 0.9
  for: 10m
  labels:
    severity: warning
  annotations:
    summary: "{{ `{{ $labels.pod }}` }} uses more than 90 % of its memory."
{{- end }}
