{{- define "microglia.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "microglia.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "microglia.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "microglia.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "microglia.labels" -}}
app.kubernetes.io/name: {{ include "microglia.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: microglia
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- /* What a Deployment's selector matches: give it a dict with root and role. */ -}}
{{- define "microglia.selector" -}}
app.kubernetes.io/name: {{ include "microglia.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end -}}

{{- define "microglia.image" -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}

{{- /* "true" where a writer exists. */ -}}
{{- define "microglia.acts" -}}
{{- if has .Values.mode (list "approve" "auto") }}true{{ end -}}
{{- end -}}

{{- /* The user name of the reader's or the writer's ServiceAccount. */ -}}
{{- define "microglia.user" -}}
system:serviceaccount:{{ .root.Release.Namespace }}:{{ include "microglia.fullname" .root }}-{{ .role }}
{{- end -}}
