{{- /* Which requests the walls around replica counts look at, counts themselves and minima of autoscalers: give it the
writer's user name. */ -}}
{{- define "microglia.wall.scale" -}}
matchConstraints:
  resourceRules:
  - apiGroups: [apps]
    apiVersions: ["*"]
    operations: [UPDATE]
    resources: [deployments/scale]
  - apiGroups: [argoproj.io]
    apiVersions: ["*"]
    operations: [UPDATE]
    resources: [rollouts/scale]
  {{- include "microglia.wall.autoscalers" . | nindent 2 }}
matchConditions:
- name: the-writer
  expression: request.userInfo.username == '{{ . }}'
{{- end -}}

{{- define "microglia.wall.autoscalers" -}}
- apiGroups: [autoscaling]
  apiVersions: ["*"]
  operations: [UPDATE]
  resources: [horizontalpodautoscalers]
- apiGroups: [keda.sh]
  apiVersions: ["*"]
  operations: [UPDATE]
  resources: [scaledobjects]
{{- end -}}
{{- /* What such a request changes, from now to wanted, and of which workload. (A Scale that asks for 0 comes without the
field; a ScaledObject without a minimum has 0.) */ -}}
{{- define "microglia.wall.counts" -}}
- name: field
  expression: >-
    request.resource.resource == 'horizontalpodautoscalers' ? 'minReplicas'
    : request.resource.resource == 'scaledobjects' ? 'minReplicaCount' : 'replicas'
- name: now
  expression: int(oldObject.spec[?variables.field].orValue(0))
- name: wanted
  expression: int(object.spec[?variables.field].orValue(0))
- name: target
  expression: "variables.field == 'replicas' ? request.name : string(oldObject.spec.scaleTargetRef.name)"
- name: kind
  expression: >-
    variables.field == 'replicas' ? (request.resource.resource == 'rollouts' ? 'Rollout' : 'Deployment')
    : string(oldObject.spec.scaleTargetRef.?kind.orValue('Deployment'))
{{- end -}}
