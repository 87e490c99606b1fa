{{/*
What servers and gateways have in common: the same in both subcharts but for the prefix. A test compares them.
*/}}

{{/* An image of one's own does not take evenkeel's tag: it would be a guess. */}}
{{- define "evenkeel.gateway.image" -}}
{{- $own := .Values.image -}}
{{- $shared := .Values.global.image -}}
{{- $registry := $own.registry | default $shared.registry | default .Values.global.imageRegistry -}}
{{- $name := $own.repository | default $shared.repository -}}
{{- $tag := $own.tag -}}
{{- $digest := $own.digest -}}
{{- if not (or $tag $digest) -}}
{{- if $own.repository -}}
{{- fail (printf "gateway.image.repository is %q, and neither gateway.image.tag nor gateway.image.digest says which one: set one of them" $own.repository) -}}
{{- end -}}
{{- $tag = $shared.tag | default .Chart.AppVersion -}}
{{- $digest = $shared.digest -}}
{{- end -}}
{{- with $registry }}{{ trimSuffix "/" . }}/{{ end }}{{ $name }}{{ if $digest }}@{{ $digest }}{{ else }}:{{ $tag }}{{ end -}}
{{- end }}

{{/* Where the servers of the service are known. Refuses what pods would refuse, and what would show a secret. */}}
{{- define "evenkeel.gateway.registryUrl" -}}
{{- $url := include "evenkeel.gateway.givenRegistryUrl" . -}}
{{- if contains "@" $url -}}
{{- fail "global.registry.url, or .hosts, has an \"@\": a user and a password do not belong into a manifest. Put digest:USER:PASSWORD into a Secret and name it by global.registry.existingSecret" -}}
{{- end -}}
{{- if and (hasPrefix "kubernetes:" $url) .Values.global.registry.existingSecret -}}
{{- fail "the registry is Kubernetes, which takes no secret: gateways read it by a ServiceAccount of their own, so leave global.registry.existingSecret empty" -}}
{{- end -}}
{{- $url -}}
{{- end }}

{{- define "evenkeel.gateway.givenRegistryUrl" -}}
{{- $registry := .Values.global.registry -}}
{{- if $registry.url -}}
{{- tpl $registry.url . -}}
{{- else -}}
{{- if and .Chart.IsRoot (not $registry.hosts) -}}
{{- fail "this chart alone brings no ZooKeeper: say where servers are known by global.registry.hosts=HOST:2181 or global.registry.url=zookeeper://HOST:2181/FOLDER" -}}
{{- end -}}
{{- $hosts := $registry.hosts | default (printf "%s-zookeeper:2181" (.Release.Name | trunc 40 | trimSuffix "-")) -}}
{{- $folder := $registry.folder | default (printf "/evenkeel/%s/%s" .Release.Namespace .Release.Name) -}}
{{- $session := $registry.session -}}
{{- $unit := get (dict "ms" 1 "s" 1000 "m" 60000) (regexFind "[ms]+$" $session) -}}
{{- $milliseconds := mulf (regexFind "^[0-9.]+" $session) $unit -}}
{{- if or (lt $milliseconds 500.0) (gt $milliseconds 300000.0) -}}
{{- fail (printf "global.registry.session is %s: make it at least 500ms and at most 5m" $session) -}}
{{- end -}}
{{- printf "zookeeper://%s%s/%s?session=%s" $hosts $folder $registry.service $registry.session -}}
{{- end -}}
{{- end }}

{{/* How pods are replaced. `rollingUpdate` has defaults, which the other type does not bear beside it. */}}
{{- define "evenkeel.gateway.rollout" -}}
{{- $ready := int .Values.minReadySeconds -}}
{{- $deadline := int .Values.progressDeadlineSeconds -}}
{{- if ge $ready $deadline -}}
{{- fail (printf "gateway.minReadySeconds is %d, and progressDeadlineSeconds %d: a roll would count as failed before a pod counts as there, so make the latter longer" $ready $deadline) -}}
{{- end -}}
{{- $strategy := .Values.updateStrategy -}}
{{- if eq (toString $strategy.type) "Recreate" -}}
{{- $strategy = omit $strategy "rollingUpdate" -}}
{{- end -}}
progressDeadlineSeconds: {{ $deadline }}
minReadySeconds: {{ $ready }}
strategy:
  {{- toYaml $strategy | nindent 2 }}
{{- end }}

{{/* The environment that both have: who and where they are, and the registry. */}}
{{- define "evenkeel.gateway.env" -}}
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
- name: EVENKEEL_OPS
  value: {{ printf "%s:%v" .Values.listenHost .Values.containerPorts.ops | quote }}
- name: EVENKEEL_LOG_LEVEL
  value: {{ .Values.logLevel | quote }}
- name: EVENKEEL_DRAIN_DELAY
  value: {{ printf "%vs" .Values.drainDelaySeconds | quote }}
{{- end }}

{{- define "evenkeel.gateway.mounts" -}}
- name: tmp
  mountPath: /tmp
{{- if .Values.global.registry.existingSecret }}
- name: registry-auth
  mountPath: /run/secrets/evenkeel
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "evenkeel.gateway.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: {{ .Values.tmpSize }}
{{- with .Values.global.registry.existingSecret }}
- name: registry-auth
  secret:
    secretName: {{ . }}
    defaultMode: 288 # 0440, in a form that all readers of YAML agree on
    items:
      - key: {{ $.Values.global.registry.existingSecretKey }}
        path: auth
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Three probes on the ops port. Only readiness is about the work. */}}
{{- define "evenkeel.gateway.probes" -}}
{{- range $name, $path := dict "startup" "/livez" "readiness" "/readyz" "liveness" "/livez" }}
{{ $name }}Probe:
  httpGet:
    path: {{ $path }}
    port: ops
  {{- toYaml (index $.Values.probes $name) | nindent 2 }}
{{- end }}
{{- end }}

{{/*
`replicas: N`, or nothing where an autoscaler owns the number.

The upgrade that turns the autoscaler on is the one that hurts: Helm sees that the field has gone from the manifest, removes it
from the Deployment, and the API server puts 1 in its place. So a Deployment that the chart gave a number says so in an
annotation; as long as the live one says it, the number that it has right now is written down again, which changes nothing.
A release that began with the autoscaler on never gets the field. `helm template` knows no live Deployment: see the README for
those who apply its output.
*/}}
{{- define "evenkeel.gateway.fixedReplicas" -}}
{{- if not .Values.autoscaling.enabled -}}
{{- .Values.replicaCount -}}
{{- else -}}
{{- $live := lookup "apps/v1" "Deployment" .Release.Namespace (include "evenkeel.gateway.fullname" .) -}}
{{- if $live -}}
{{- if hasKey ($live.metadata.annotations | default dict) "evenkeel/replicas-set-by-chart" -}}
{{- /* Not 0: an autoscaler lets that alone for ever. */ -}}
{{- max 1 (int $live.spec.replicas) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* An HorizontalPodAutoscaler's spec. */}}
{{- define "evenkeel.gateway.autoscaler" -}}
{{- $a := .Values.autoscaling -}}
{{- if lt (int $a.maxReplicas) (int $a.minReplicas) -}}
{{- fail (printf "gateway.autoscaling.maxReplicas is %v, less than minReplicas, %v: make it at least as many" $a.maxReplicas $a.minReplicas) -}}
{{- end -}}
{{- $requests := .Values.resources.requests | default dict -}}
{{- range $resource, $target := dict "cpu" $a.targetCPUUtilizationPercentage "memory" $a.targetMemoryUtilizationPercentage -}}
{{- if and $target (not (hasKey $requests $resource)) -}}
{{- fail (printf "gateway.autoscaling goes by %s, as a share of what a pod requests, and gateway.resources.requests.%s is not set: set it, or the target to 0" $resource $resource) -}}
{{- end -}}
{{- end -}}
{{- if not (or $a.targetCPUUtilizationPercentage $a.targetMemoryUtilizationPercentage $a.metrics) -}}
{{- fail "gateway.autoscaling.enabled is true with nothing to go by: set targetCPUUtilizationPercentage, targetMemoryUtilizationPercentage or metrics" -}}
{{- end -}}
scaleTargetRef:
  apiVersion: apps/v1
  kind: Deployment
  name: {{ include "evenkeel.gateway.fullname" . }}
minReplicas: {{ $a.minReplicas }}
maxReplicas: {{ $a.maxReplicas }}
metrics:
  {{- range $resource, $target := dict "cpu" $a.targetCPUUtilizationPercentage "memory" $a.targetMemoryUtilizationPercentage }}
  {{- if $target }}
  - type: Resource
    resource:
      name: {{ $resource }}
      target:
        type: Utilization
        averageUtilization: {{ $target }}
  {{- end }}
  {{- end }}
  {{- with $a.metrics }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $a.behavior }}
behavior:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Egress that both need: names, the registry, servers. */}}
{{- define "evenkeel.gateway.egress" -}}
{{ include "evenkeel.gateway.dnsEgress" . }}
- to:
    {{- include "evenkeel.gateway.peersOf" (list "zookeeper") | nindent 4 }}
  ports:
    - port: client
- to:
    {{- include "evenkeel.gateway.peersOf" (list "server") | nindent 4 }}
  ports:
    - port: rpc
{{- with .Values.networkPolicy.egress.extra }}
{{ toYaml . }}
{{- end }}
{{- end }}
