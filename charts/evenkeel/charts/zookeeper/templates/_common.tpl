{{/*
The same in every subchart but for the prefix, because each must be installable alone. A test compares them.
*/}}

{{/*
`<release>-zookeeper`, 52 characters at most: pods of a StatefulSet have a label with its name and 11 more, and a label has 63. A long
release's name is cut, not the end, which tells it from its siblings: what is given for that has 11 at most, by its schema.
*/}}
{{- define "evenkeel.zookeeper.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else -}}
{{- printf "%s-%s" (.Release.Name | trunc 40 | trimSuffix "-") (.Values.nameOverride | default .Chart.Name) -}}
{{- end -}}
{{- end }}

{{/* Refuses a name with which some objects would be made and others not: it is a Service's too, and these allow the least. */}}
{{- define "evenkeel.zookeeper.checkName" -}}
{{- $name := include "evenkeel.zookeeper.fullname" . -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) -}}
{{- fail (printf "zookeeper would be called %q: Kubernetes takes only a-z, 0-9 and -, with a letter first. Give the release a name other than %q, or set zookeeper.fullnameOverride" $name .Release.Name) -}}
{{- end -}}
{{- end }}

{{/* Never changes: a Deployment's selector cannot. */}}
{{- define "evenkeel.zookeeper.selectorLabels" -}}
app.kubernetes.io/name: {{ printf "evenkeel-%s" .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* The labels of pods. NetworkPolicies go by part-of and component. No version: a new chart alone rolls nothing. */}}
{{- define "evenkeel.zookeeper.podLabels" -}}
{{ include "evenkeel.zookeeper.selectorLabels" . }}
app.kubernetes.io/component: zookeeper
app.kubernetes.io/part-of: evenkeel
{{- with .Values.podLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "evenkeel.zookeeper.labels" -}}
{{ include "evenkeel.zookeeper.selectorLabels" . }}
app.kubernetes.io/component: zookeeper
app.kubernetes.io/part-of: evenkeel
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "evenkeel.zookeeper.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "evenkeel.zookeeper.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end }}

{{- define "evenkeel.zookeeper.pullSecrets" -}}
{{- $names := list -}}
{{- range concat .Values.global.imagePullSecrets .Values.imagePullSecrets -}}
{{- $name := . -}}
{{- if kindIs "map" . -}}
{{- $name = .name -}}
{{- end -}}
{{- $names = append $names $name -}}
{{- end -}}
{{- with uniq $names }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Where pods may run: near nobody of their own kind if it can be had, never a reason not to run. */}}
{{- define "evenkeel.zookeeper.placement" -}}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- tpl (toYaml .) $ | nindent 2 }}
{{- end }}
{{- if or .Values.spreadOver .Values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range .Values.spreadOver }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "evenkeel.zookeeper.selectorLabels" $ | nindent 8 }}
  {{- end }}
  {{- with .Values.topologySpreadConstraints }}
  {{- tpl (toYaml .) $ | nindent 2 }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Peers of a NetworkPolicy: pods of this stack in this namespace, by component. */}}
{{- define "evenkeel.zookeeper.peersOf" -}}
- podSelector:
    matchLabels:
      app.kubernetes.io/part-of: evenkeel
    matchExpressions:
      - key: app.kubernetes.io/component
        operator: In
        values: [{{ join ", " . }}]
{{- end }}

{{/* What every pod may reach that may not reach everything: names. */}}
{{- define "evenkeel.zookeeper.dnsEgress" -}}
- ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
{{- end }}
