{{/* Pods are selected by these two; a Deployment's selector can never change. */}}
{{- define "operator.selector" -}}
app.kubernetes.io/name: matching-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "operator.labels" -}}
{{ include "operator.selector" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: supersmartmatch
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* Names outside the release's namespace say which release they belong to. */}}
{{- define "operator.foreignName" -}}
{{ .Release.Namespace }}:{{ .Release.Name }}
{{- end }}

{{- define "operator.watchNamespaces" -}}
{{ .Values.watchNamespaces | default (list .Release.Namespace) | join "," }}
{{- end }}

{{/* Call with a dict of root and name. */}}
{{- define "operator.image" -}}
{{ index .root.Values.images .name | default (printf "supersmartmatch/%s:%s" .name .root.Chart.AppVersion) }}
{{- end }}

{{- define "operator.subject" -}}
kind: ServiceAccount
name: {{ .Release.Name }}
namespace: {{ .Release.Namespace }}
{{- end }}
