{{/* The scenario as YAML; empty where there is none. */}}
{{- define "evenkeel.loadtest.scenario" -}}
{{- $given := trim .Values.scenario -}}
{{- if regexMatch "^[A-Za-z0-9._/-]+$" $given -}}
{{- $text := .Files.Get (printf "files/scenarios/%s.yaml" $given) -}}
{{- if not $text -}}
{{- $names := list -}}
{{- range $path, $_ := .Files.Glob "files/scenarios/*.yaml" -}}
{{- $names = append $names (base $path | trimSuffix ".yaml") -}}
{{- end -}}
{{- fail (printf "loadtest.scenario is %q: there are %s; or give a whole scenario (--set-file loadtest.scenario=FILE)" $given (join ", " $names)) -}}
{{- end -}}
{{- $text -}}
{{- else -}}
{{- $given -}}
{{- end -}}
{{- end }}

{{/* What it does, as a JSON list of words: rights go by it. Whether they are right is the conductor's to say. */}}
{{- define "evenkeel.loadtest.deeds" -}}
{{- $deeds := list -}}
{{- with include "evenkeel.loadtest.scenario" . -}}
{{- $scenario := fromYaml . -}}
{{- if hasKey $scenario "Error" -}}
{{- fail (printf "loadtest.scenario is no YAML: %s" $scenario.Error) -}}
{{- end -}}
{{- range $event := $scenario.events | default list -}}
{{- $deeds = append $deeds (get (kindIs "map" $event | ternary $event dict) "do" | toString) -}}
{{- end -}}
{{- end -}}
{{- $deeds | uniq | toJson -}}
{{- end }}

{{/* Refuses what the scenario cannot be played with. */}}
{{- define "evenkeel.loadtest.checkScenario" -}}
{{- $deeds := include "evenkeel.loadtest.deeds" . | fromJsonArray -}}
{{- if and (or (has "kill" $deeds) (has "freeze" $deeds)) (not .Values.faults) -}}
{{- fail "the scenario kills or freezes servers: allow it by loadtest.faults=true and server.shareProcessNamespace=true" -}}
{{- end -}}
{{- if and (has "drain" $deeds) (not .Values.clusterWide) -}}
{{- fail "the scenario drains a node, which takes rights beyond this namespace: allow it by loadtest.clusterWide=true" -}}
{{- end -}}
{{- end }}

{{- define "evenkeel.loadtest.release" -}}
{{- .Values.release | default .Release.Name -}}
{{- end }}

{{/* Name of an object of the release: `(list . "server")`. */}}
{{- define "evenkeel.loadtest.object" -}}
{{- $root := index . 0 -}}
{{- $part := index . 1 -}}
{{- get $root.Values.objects $part | default (printf "%s-%s" (include "evenkeel.loadtest.release" $root | trunc 40 | trimSuffix "-") $part) -}}
{{- end }}

{{- define "evenkeel.loadtest.autoscaler" -}}
{{- .Values.objects.autoscaler | default (include "evenkeel.loadtest.object" (list . "server")) -}}
{{- end }}

{{/* The ConfigMap that the report begins in. A large one goes on in others, with -2, -3 and so on behind the name. */}}
{{- define "evenkeel.loadtest.reportName" -}}
{{- printf "%s-report-%v" (include "evenkeel.loadtest.fullname" .) .Release.Revision -}}
{{- end }}

{{- define "evenkeel.loadtest.conductorImage" -}}
{{- $own := .Values.conductor.image -}}
{{- $shared := .Values.global.image -}}
{{- $registry := $own.registry | default $shared.registry | default .Values.global.imageRegistry -}}
{{- with $registry }}{{ trimSuffix "/" . }}/{{ end }}{{ $own.repository | default $shared.repository }}
{{- if $own.digest }}@{{ $own.digest }}{{ else }}:{{ $own.tag | default (printf "%s-loadtest" ($shared.tag | default .Chart.AppVersion)) }}{{ end -}}
{{- end }}

{{/* What to do next, for the notes. */}}
{{- define "evenkeel.loadtest.next" -}}
{{- $job := printf "job/%s-%v" (include "evenkeel.loadtest.fullname" .) .Release.Revision -}}
{{- if include "evenkeel.loadtest.scenario" . -}}
A scenario is played on the release {{ include "evenkeel.loadtest.release" . }} as soon as all of it is up. Watch it, from when its container runs:
  until kubectl --namespace {{ .Release.Namespace }} logs --follow {{ $job }}; do sleep 2; done
The Job is Complete if its verdict is green, Failed if not:
  kubectl --namespace {{ .Release.Namespace }} get {{ $job }}
{{- if .Values.report.configMap }}
Then fetch the report, in a clone of evenkeel:
  npm run -s evenkeel -- loadtest report {{ include "evenkeel.loadtest.reportName" . }} --namespace {{ .Release.Namespace }}
{{- end }}
To end it early, and before any upgrade or uninstall, delete it, so that it puts back what it changed; where it could not:
  kubectl --namespace {{ .Release.Namespace }} delete --cascade=foreground {{ $job }}
  npm run -s evenkeel -- loadtest cleanup {{ include "evenkeel.loadtest.release" . }} --namespace {{ .Release.Namespace }}
{{- else -}}
k6 runs {{ .Values.script }}.ts against {{ include "evenkeel.loadtest.url" . }}. Watch it, from when its container runs:
  until kubectl --namespace {{ .Release.Namespace }} logs --follow {{ $job }}; do sleep 2; done
The Job is Complete if all was well, Failed if not:
  kubectl --namespace {{ .Release.Namespace }} get {{ $job }}
{{- end -}}
{{- end }}
