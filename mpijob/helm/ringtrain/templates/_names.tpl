{{- define "ringtrain.account" -}}
{{- default .Release.Name .Values.serviceAccount.name -}}
{{- end -}}

{{- define "ringtrain.labels" -}}
app.kubernetes.io/name: ringtrain
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{/* Every container passes the Pod Security standard "restricted". */}}
{{- define "ringtrain.security" -}}
runAsNonRoot: true
runAsUser: 1000
allowPrivilegeEscalation: false
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end -}}
