{{/* Refuses numbers that cannot work. */}}
{{- define "evenkeel.zookeeper.check" -}}
{{- $members := int .Values.replicaCount -}}
{{- if not (has $members (list 1 3 5)) -}}
{{- fail (printf "zookeeper.replicaCount is %d: choose 1, 3 or 5. An even number survives no more failures than the odd one below it, and every member more makes writes slower" $members) -}}
{{- end -}}
{{- $lost := div (sub $members 1) 2 -}}
{{- if and .Values.podDisruptionBudget.enabled (gt $members 1) (gt (int .Values.podDisruptionBudget.maxUnavailable) (int $lost)) -}}
{{- fail (printf "zookeeper.podDisruptionBudget.maxUnavailable is %v: %d members bear the loss of %d, make it at most that" .Values.podDisruptionBudget.maxUnavailable $members $lost) -}}
{{- end -}}
{{- include "evenkeel.zookeeper.checkOldVolumes" . -}}
{{- end }}

{{/*
Members that were taken away left their volumes. Were they to come back with them, they could be a majority that knows old things
only, and the others would have to forget what is new.
*/}}
{{- define "evenkeel.zookeeper.checkOldVolumes" -}}
{{- $name := include "evenkeel.zookeeper.fullname" . -}}
{{- $live := lookup "apps/v1" "StatefulSet" .Release.Namespace $name | default dict -}}
{{- $members := dig "metadata" "annotations" "evenkeel/members" "" $live -}}
{{- if and $members .Values.persistence.enabled -}}
{{- $old := list -}}
{{- range $i := untilStep (int $members) (int .Values.replicaCount) 1 -}}
{{- $claim := printf "data-%s-%d" $name $i -}}
{{- if lookup "v1" "PersistentVolumeClaim" $.Release.Namespace $claim -}}
{{- $old = append $old $claim -}}
{{- end -}}
{{- end -}}
{{- if $old -}}
{{- fail (printf "zookeeper.replicaCount goes from %s to %d, and volumes of members that were taken away before are still there: their old data could win over the new. Delete them first: kubectl --namespace %s delete pvc %s" $members (int .Values.replicaCount) .Release.Namespace (join " " $old)) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "evenkeel.zookeeper.image" -}}
{{- $image := .Values.image -}}
{{- $registry := $image.registry | default .Values.global.imageRegistry | default "docker.io" -}}
{{ trimSuffix "/" $registry }}/{{ $image.repository }}{{ if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag }}{{ end }}
{{- end }}

{{- define "evenkeel.zookeeper.headless" -}}
{{- printf "%s-headless" (include "evenkeel.zookeeper.fullname" .) -}}
{{- end }}

{{/* The members as the image wants them. */}}
{{- define "evenkeel.zookeeper.servers" -}}
{{- $name := include "evenkeel.zookeeper.fullname" . -}}
{{- $headless := include "evenkeel.zookeeper.headless" . -}}
{{- $ports := .Values.containerPorts -}}
{{- range $i := until (int .Values.replicaCount) -}}
{{- if $i }} {{ end -}}
server.{{ add1 $i }}={{ if eq (int $.Values.replicaCount) 1 }}localhost{{ else }}{{ $name }}-{{ $i }}.{{ $headless }}{{ end }}:{{ $ports.follower }}:{{ $ports.election }};{{ $ports.client }}
{{- end -}}
{{- end }}

{{/*
Asks the member itself, unless start.sh has put down a mark: then it still waits for the others. bash is what the image has for
certain; a word to port 2181 would be a line in the log for each probe, which logback.xml switches off.
*/}}
{{- define "evenkeel.zookeeper.ask" -}}
exec:
  command:
    - bash
    - -c
    - {{ printf "[ -e /tmp/%s ] || { exec 3<>/dev/tcp/127.0.0.1/%v && echo srvr >&3 && grep -qi '%s' <&3; }" .unless .port .expect | quote }}
{{- end }}

{{- define "evenkeel.zookeeper.alerts" -}}
{{- $self := printf "namespace=%q,service=%q" .Release.Namespace (include "evenkeel.zookeeper.headless" .) -}}
- alert: EvenkeelZooKeeperMembersMissing
  # Only a member that serves shows how many nodes it has.
  expr: (count(znode_count{ {{- $self -}} }) or vector(0)) < {{ .Values.replicaCount }}
  for: 5m
  labels:
    severity: warning
  annotations:
    summary: "Only {{ `{{ $value }}` }} of {{ .Values.replicaCount }} ZooKeeper members serve. Calls go on; servers that start are not found without a majority."
    runbook: docs/kubernetes.md#alerts
- alert: EvenkeelZooKeeperSlow
  expr: max(avg_latency{ {{- $self -}} }) > 500
  for: 10m
  labels:
    severity: warning
  annotations:
    summary: ZooKeeper takes more than half a second to answer. Look at its disk and its CPU.
    runbook: docs/kubernetes.md#alerts
- alert: EvenkeelZooKeeperQueues
  expr: max(outstanding_requests{ {{- $self -}} }) > 1000
  for: 5m
  labels:
    severity: warning
  annotations:
    summary: More than 1,000 requests wait in a ZooKeeper member.
    runbook: docs/kubernetes.md#alerts
{{- end }}

{{- define "evenkeel.zookeeper.logback" -}}
<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder>
      <pattern>%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %-5level [%thread] %logger{0}: %msg%n</pattern>
    </encoder>
  </appender>
  <!-- A line for each probe, and for each connection that ends. -->
  <logger name="org.apache.zookeeper.server.NIOServerCnxn" level="ERROR"/>
  <logger name="org.apache.zookeeper.server.command" level="WARN"/>
  <root level="{{ .Values.logLevel }}">
    <appender-ref ref="OUT"/>
  </root>
</configuration>
{{- end }}
