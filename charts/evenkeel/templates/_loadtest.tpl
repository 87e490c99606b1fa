{{/* Refuses a scenario on a release that it cannot be played on. */}}
{{- define "evenkeel.checkConducted" -}}
{{- $loadtest := .Subcharts.loadtest -}}
{{- $deeds := include "evenkeel.loadtest.deeds" $loadtest | fromJsonArray -}}
{{- if not (and .Values.server.enabled .Values.gateway.enabled) -}}
{{- fail "loadtest.scenario is played on servers and gateways: server.enabled and gateway.enabled must be true, or loadtest.release name a release that has them" -}}
{{- end -}}
{{- if not .Subcharts.server.Values.recordCalls -}}
{{- fail "loadtest.scenario is judged by what servers write down: set server.recordCalls=true too" -}}
{{- end -}}
{{- if and (or (has "kill" $deeds) (has "freeze" $deeds)) (not .Subcharts.server.Values.shareProcessNamespace) -}}
{{- fail "the scenario kills or freezes servers, whose processes nobody else reaches: set server.shareProcessNamespace=true too" -}}
{{- end -}}
{{- if and (has "hpa" $deeds) (not .Subcharts.server.Values.autoscaling.enabled) -}}
{{- fail "the scenario waits for an autoscaler of servers: set server.autoscaling.enabled=true" -}}
{{- end -}}
{{- range $deed := list "zookeeper-away" "zookeeper-all" "zookeeper-leader" -}}
{{- if and (has $deed $deeds) (not $.Values.zookeeper.enabled) -}}
{{- fail (printf "the scenario does %s, and zookeeper.enabled is false: it can be done to the release's own ZooKeeper alone" $deed) -}}
{{- end -}}
{{- end -}}
{{- if and (has "zookeeper-leader" $deeds) (lt (int .Subcharts.zookeeper.Values.replicaCount) 3) -}}
{{- fail (printf "the scenario kills the leader of ZooKeeper, whom others must replace, and zookeeper.replicaCount is %v: set it to 3" .Subcharts.zookeeper.Values.replicaCount) -}}
{{- end -}}
{{- range $part := list "server" "gateway" "zookeeper" -}}
{{- $subchart := get $.Subcharts $part -}}
{{- if $subchart -}}
{{- $name := include (printf "evenkeel.%s.fullname" $part) $subchart -}}
{{- if ne $name (include "evenkeel.loadtest.object" (list $loadtest $part)) -}}
{{- fail (printf "%s has a name of its own, which the load test cannot know: set loadtest.objects.%s=%s too" $part $part $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}
