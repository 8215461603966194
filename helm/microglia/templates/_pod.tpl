{{- define "microglia.env" -}}
- name: MICROGLIA_STATE
  value: /var/lib/microglia
- name: MICROGLIA_MODE
  value: {{ .Values.mode }}
- name: MICROGLIA_INTERVAL
  value: {{ .Values.interval | quote }}
- name: MICROGLIA_LEASE_NAMESPACE
  value: {{ .Values.leaseNamespace }}
- name: MICROGLIA_IDENTITIES
  value: {{ list (include "microglia.user" (dict "root" . "role" "reader")) (include "microglia.user" (dict "root" . "role" "writer")) | toJson | quote }}
{{- with .Values.prometheus.url }}
- name: MICROGLIA_PROMETHEUS
  value: {{ . | quote }}
{{- end }}
{{- with .Values.prometheus.headers }}
- name: MICROGLIA_PROMETHEUS_HEADER
  value: {{ toJson . | quote }}
{{- end }}
- name: MICROGLIA_FLAVOUR
  value: {{ .Values.prometheus.flavour | quote }}
- name: MICROGLIA_PROMETHEUS_QUERIES
  value: {{ int64 .Values.prometheus.queries | quote }}
- name: MICROGLIA_PROMETHEUS_SAMPLES
  value: {{ int64 .Values.prometheus.samples | quote }}
{{- with .Values.prometheus.awsRegion }}
- name: MICROGLIA_PROMETHEUS_AWS_REGION
  value: {{ . | quote }}
{{- end }}
{{- with .Values.prometheus.auth }}
{{- with .user }}
- name: MICROGLIA_PROMETHEUS_USER
  value: {{ . | quote }}
{{- end }}
{{- if .passwordKey }}
- name: MICROGLIA_PROMETHEUS_PASSWORD_FILE
  value: /etc/microglia/prometheus/password
{{- end }}
{{- if .tokenKey }}
- name: MICROGLIA_PROMETHEUS_TOKEN_FILE
  value: /etc/microglia/prometheus/token
{{- else if .serviceAccountToken }}
- name: MICROGLIA_PROMETHEUS_TOKEN_FILE
  value: /var/run/secrets/kubernetes.io/serviceaccount/token
{{- end }}
{{- if .caKey }}
- name: MICROGLIA_PROMETHEUS_CA
  value: /etc/microglia/prometheus/ca.crt
{{- end }}
{{- if .certKey }}
- name: MICROGLIA_PROMETHEUS_CERT
  value: /etc/microglia/prometheus/client.pem
{{- end }}
{{- if .privateKeyKey }}
- name: MICROGLIA_PROMETHEUS_KEY
  value: /etc/microglia/prometheus/client.key
{{- end }}
{{- end }}
{{- if .Values.policies }}
- name: MICROGLIA_POLICY
  value: /etc/microglia/policies
{{- end }}
{{- if .Values.dialects }}
- name: MICROGLIA_DIALECT
  value: /etc/microglia/dialects
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "microglia.mounts" -}}
- {name: state, mountPath: /var/lib/microglia}
- {name: tmp, mountPath: /tmp}
{{- if .Values.policies }}
- {name: policies, mountPath: /etc/microglia/policies, readOnly: true}
{{- end }}
{{- if .Values.dialects }}
- {name: dialects, mountPath: /etc/microglia/dialects, readOnly: true}
{{- end }}
{{- if .Values.prometheus.auth.secretName }}
- {name: prometheus, mountPath: /etc/microglia/prometheus, readOnly: true}
{{- end }}
{{- end -}}

{{- /* Volumes: give it a dict with root and claim (the PersistentVolumeClaim's name, or empty). */ -}}
{{- define "microglia.volumes" -}}
- name: state
{{- if .claim }}
  persistentVolumeClaim: {claimName: {{ .claim }}}
{{- else }}
  emptyDir: {sizeLimit: 5Gi}
{{- end }}
- name: tmp
  emptyDir: {sizeLimit: 256Mi}
{{- if .root.Values.policies }}
- name: policies
  configMap: {name: {{ include "microglia.fullname" .root }}-policies}
{{- end }}
{{- if .root.Values.dialects }}
- name: dialects
  configMap: {name: {{ include "microglia.fullname" .root }}-dialects}
{{- end }}
{{- with .root.Values.prometheus.auth }}
{{- if .secretName }}
- name: prometheus
  secret:
    secretName: {{ .secretName }}
    defaultMode: 0440
    items:
    {{- if .tokenKey }}
    - {key: {{ .tokenKey | quote }}, path: token}
    {{- end }}
    {{- if .passwordKey }}
    - {key: {{ .passwordKey | quote }}, path: password}
    {{- end }}
    {{- if .caKey }}
    - {key: {{ .caKey | quote }}, path: ca.crt}
    {{- end }}
    {{- if .certKey }}
    - {key: {{ .certKey | quote }}, path: client.pem}
    {{- end }}
    {{- if .privateKeyKey }}
    - {key: {{ .privateKeyKey | quote }}, path: client.key}
    {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "microglia.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "microglia.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- /* Where pods go, the same for all: give it the root. */ -}}
{{- define "microglia.placement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* One Deployment: give it a dict with root, role, settings (replicas, resources) and claim. */ -}}
{{- define "microglia.deployment" -}}
{{- $name := printf "%s-%s" (include "microglia.fullname" .root) .role -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "microglia.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
  annotations:
    microglia.dev/ignore: "true"
spec:
  replicas: {{ .settings.replicas }}
  {{- if .claim }}
  strategy: {type: Recreate}
  {{- end }}
  selector:
    matchLabels: {{ include "microglia.selector" (dict "root" .root "role" .role) | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "microglia.labels" .root | nindent 8 }}
        app.kubernetes.io/component: {{ .role }}
        {{- with .root.Values.podLabels }}{{ toYaml . | nindent 8 }}{{ end }}
      annotations:
        checksum/policies: {{ toJson .root.Values.policies | sha256sum }}
        checksum/dialects: {{ toJson .root.Values.dialects | sha256sum }}
        {{- with .root.Values.podAnnotations }}{{ toYaml . | nindent 8 }}{{ end }}
    spec:
      serviceAccountName: {{ $name }}
      automountServiceAccountToken: true
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ .root.Values.terminationGracePeriodSeconds }}
      securityContext: {{ include "microglia.podSecurity" . | nindent 8 }}
      {{- include "microglia.placement" .root | nindent 6 }}
      topologySpreadConstraints:
      - maxSkew: 1
        topologyKey: topology.kubernetes.io/zone
        whenUnsatisfiable: {{ .root.Values.topologySpread.whenUnsatisfiable }}
        labelSelector:
          matchLabels: {{ include "microglia.selector" (dict "root" .root "role" .role) | nindent 12 }}
      - maxSkew: 1
        topologyKey: kubernetes.io/hostname
        whenUnsatisfiable: {{ .root.Values.topologySpread.whenUnsatisfiable }}
        labelSelector:
          matchLabels: {{ include "microglia.selector" (dict "root" .root "role" .role) | nindent 12 }}
      containers:
      - name: agent
        image: {{ include "microglia.image" .root }}
        imagePullPolicy: {{ .root.Values.image.pullPolicy }}
        args:
        - run
        - --as
        - {{ .role }}
        {{- with .root.Values.extraArgs }}{{ toYaml . | nindent 8 }}{{ end }}
        env: {{ include "microglia.env" .root | nindent 8 }}
        ports:
        - {name: http, containerPort: 8080, protocol: TCP}
        startupProbe:
          httpGet: {path: /healthz, port: http}
          periodSeconds: 2
          failureThreshold: 60
        livenessProbe:
          httpGet: {path: /healthz, port: http}
          periodSeconds: 20
          timeoutSeconds: 5
          failureThreshold: 6
        readinessProbe:
          httpGet: {path: /readyz, port: http}
          periodSeconds: 10
          timeoutSeconds: 5
        resources: {{ toYaml .settings.resources | nindent 10 }}
        securityContext: {{ include "microglia.containerSecurity" . | nindent 10 }}
        volumeMounts: {{ include "microglia.mounts" .root | nindent 8 }}
      volumes: {{ include "microglia.volumes" (dict "root" .root "claim" .claim) | nindent 6 }}
{{- end -}}
