{{/* Seconds that remain for the gateway itself when the sleep before is over. */}}
{{- define "evenkeel.gateway.grace" -}}
{{- $sleep := int .Values.preStopSleepSeconds -}}
{{- $drain := int .Values.drainDelaySeconds -}}
{{- $grace := int .Values.terminationGracePeriodSeconds -}}
{{- $least := add $sleep $drain 3 -}}
{{- if lt $grace (int $least) -}}
{{- fail (printf "gateway.terminationGracePeriodSeconds is %d: a gateway that goes away sleeps for preStopSleepSeconds (%d), serves on for drainDelaySeconds (%d), finishes its calls, and needs 2 s to end: make it at least %d, plus your longest call, or the others smaller" $grace $sleep $drain $least) -}}
{{- end -}}
{{- sub $grace $sleep -}}
{{- end }}

{{/* The namespace of a registry kubernetes://NAMESPACE/SERVICE, or kubernetes:///SERVICE: the one case in which a gateway needs the API. */}}
{{- define "evenkeel.gateway.watchedNamespace" -}}
{{- $url := include "evenkeel.gateway.registryUrl" . -}}
{{- if hasPrefix "kubernetes://" $url -}}
{{- regexReplaceAll "^kubernetes://([^/?]*).*$" $url "${1}" | default .Release.Namespace -}}
{{- end -}}
{{- end }}

{{- define "evenkeel.gateway.alerts" -}}
{{- $self := printf "namespace=%q,service=%q" .Release.Namespace (include "evenkeel.gateway.fullname" . | printf "%s-ops") -}}
- alert: EvenkeelGatewayCallsFail
  expr: |
    sum(rate(evenkeel_gateway_requests_total{ {{- $self -}} ,code=~"UNAVAILABLE|DEADLINE_EXCEEDED|INTERNAL|UNKNOWN|RESOURCE_EXHAUSTED"}[5m]))
      / sum(rate(evenkeel_gateway_requests_total{ {{- $self -}} }[5m])) > 0.01
  for: 5m
  labels:
    severity: critical
  annotations:
    summary: More than 1 % of the calls through gateways fail.
    runbook: docs/kubernetes.md#alerts
- alert: EvenkeelGatewayPanic
  expr: max by (pod) (evenkeel_client_panic{ {{- $self -}} }) > 0
  for: 1m
  labels:
    severity: critical
  annotations:
    summary: "Every server looks bad to {{ `{{ $labels.pod }}` }}: it picks among all of them."
    runbook: docs/kubernetes.md#alerts
- alert: EvenkeelGatewayBudgetEmpty
  expr: sum(rate(evenkeel_client_budget_empty_total{ {{- $self -}} }[5m])) > 0
  for: 5m
  labels:
    severity: warning
  annotations:
    summary: Calls are not sent again because too many are. More servers fail, or are too few, than retries can hide.
    runbook: docs/kubernetes.md#alerts
- alert: EvenkeelGatewayRepeatsMuch
  expr: |
    sum(rate(evenkeel_client_attempts_repeated_total{ {{- $self -}} }[5m]))
      / sum(rate(rpc_client_call_duration_seconds_count{ {{- $self -}} }[5m])) > 0.1
  for: 10m
  labels:
    severity: warning
  annotations:
    summary: More than 10 % of the calls need a second attempt. /nodes of a gateway says which server, and why.
    runbook: docs/kubernetes.md#alerts
- alert: EvenkeelGatewayRegistryAway
  expr: max by (pod) (evenkeel_client_registry_state{ {{- $self -}} ,state=~"stale|failed"}) > 0
  for: 5m
  labels:
    severity: warning
  annotations:
    summary: "{{ `{{ $labels.pod }}` }} cannot read the registry. Calls go on; servers that start are not found."
    runbook: docs/kubernetes.md#alerts
{{- end }}
