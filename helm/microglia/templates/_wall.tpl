{{- /* Which requests the walls around replica counts look at: give it the writer's user name. */ -}}
{{- define "microglia.wall.scale" -}}
matchConstraints:
  resourceRules:
  - apiGroups: [apps]
    apiVersions: ["*"]
    operations: [UPDATE]
    resources: [deployments/scale]
matchConditions:
- name: the-writer
  expression: request.userInfo.username == '{{ . }}'
{{- end -}}
