{{- define "evenkeel.loadtest.image" -}}
{{- $image := .Values.image -}}
{{- $registry := $image.registry | default .Values.global.imageRegistry | default "docker.io" -}}
{{ trimSuffix "/" $registry }}/{{ $image.repository }}{{ if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag }}{{ end }}
{{- end }}

{{- define "evenkeel.loadtest.url" -}}
{{- if .Values.url -}}
{{- .Values.url -}}
{{- else if .Chart.IsRoot -}}
{{- fail "this chart alone brings no gateway: say where one is by url=http://GATEWAY:8080" -}}
{{- else -}}
{{- printf "http://%s-gateway:8080" (.Release.Name | trunc 40 | trimSuffix "-") -}}
{{- end -}}
{{- end }}
