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

{{/* What submitting, watching and deleting jobs needs, in their namespace alone. */}}
{{- define "ringtrain.rules" }}
# The jobs.
- apiGroups: [kubeflow.org]
  resources: [mpijobs]
  verbs: [get, list, watch, create, update, patch, delete]
- apiGroups: [kubeflow.org]
  resources: [mpijobs/status]
  verbs: [get]
# A job's other objects: its file and its pods' account.
- apiGroups: [""]
  resources: [configmaps, serviceaccounts]
  verbs: [get, list, create, update, patch, delete]
# Its progress, or the reason why it does not run. No Secrets.
- apiGroups: [""]
  resources: [pods, events, services, persistentvolumeclaims, resourcequotas]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch]
{{- end -}}
