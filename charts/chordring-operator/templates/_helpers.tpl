{{/* Names and labels shared by the templates. */}}

{{- define "chordring.fullname" -}}
{{- printf "%s-operator" .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "chordring.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "chordring.fullname" .) -}}
{{- end -}}

{{/*
app.kubernetes.io/name is fixed: the NetworkPolicy of every ring lets pods with this label in.
*/}}
{{- define "chordring.selectorLabels" -}}
app.kubernetes.io/name: chordring-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "chordring.labels" -}}
{{ include "chordring.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: chordring
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "chordring.image" -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}

{{- define "chordring.nodeImage" -}}
{{- $tag := .Values.nodeImage.tag | default .Chart.AppVersion -}}
{{- printf "%s:%s" .Values.nodeImage.repository $tag -}}
{{- end -}}
