{{/* Parts of pods. */}}

{{/* What no pod of the chart goes without: no token of the API, no root, no service variables, which would collide with
     settings (a Service maatu-stt makes MAATU_STT_PORT=tcp://…). Takes root, name. */}}
{{- define "maatu.podBasics" -}}
serviceAccountName: {{ include "maatu.fullname" .root }}-{{ .name }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  {{- include "maatu.podSecurity" .root | nindent 2 }}
{{- end -}}

{{- define "maatu.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "maatu.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* One probe's action. Takes root and name. */}}
{{- define "maatu.probe" -}}
grpc: {port: {{ include (ternary "maatu.healthPort" "maatu.port" (eq (include "maatu.servesTls" .) "true")) .name }}}
timeoutSeconds: 5
{{- end -}}

{{/* An affinity with the preference for spot nodes, where the component is to run there. Takes root and name. */}}
{{- define "maatu.affinity" -}}
{{- $affinity := deepCopy (index .root.Values.components .name).affinity -}}
{{- if and .root.Values.spot.enabled (has .name .root.Values.spot.components) .root.Values.spot.nodeLabels -}}
{{- $expressions := list -}}
{{- range $key, $value := .root.Values.spot.nodeLabels -}}
{{- $expressions = append $expressions (dict "key" $key "operator" "In" "values" (list (toString $value))) -}}
{{- end -}}
{{- $node := get $affinity "nodeAffinity" | default dict -}}
{{- $preferred := get $node "preferredDuringSchedulingIgnoredDuringExecution" | default list -}}
{{- $preferred = append $preferred (dict "weight" 100 "preference" (dict "matchExpressions" $expressions)) -}}
{{- $_ := set $node "preferredDuringSchedulingIgnoredDuringExecution" $preferred -}}
{{- $_ := set $affinity "nodeAffinity" $node -}}
{{- end -}}
{{- if $affinity }}{{ toYaml $affinity }}{{ end -}}
{{- end -}}

{{/* Tolerations of a component: its own, those of GPU nodes, those of spot nodes. Takes root and name. */}}
{{- define "maatu.tolerations" -}}
{{- $component := index .root.Values.components .name -}}
{{- $tolerations := $component.tolerations -}}
{{- if dig "gpu" "enabled" false $component }}{{ $tolerations = concat $tolerations .root.Values.gpu.tolerations }}{{ end -}}
{{- if and .root.Values.spot.enabled (has .name .root.Values.spot.components) }}{{ $tolerations = concat $tolerations .root.Values.spot.tolerations }}{{ end -}}
{{- if $tolerations }}{{ toYaml (uniq $tolerations) }}{{ end -}}
{{- end -}}

{{/* Resources of a component, its GPUs among the limits. Takes root and name. */}}
{{- define "maatu.resources" -}}
{{- $component := index .root.Values.components .name -}}
{{- $resources := deepCopy $component.resources -}}
{{- if dig "gpu" "enabled" false $component -}}
{{- $limits := get $resources "limits" | default dict -}}
{{- $_ := set $limits $component.gpu.resource (int $component.gpu.count) -}}
{{- $_ := set $resources "limits" $limits -}}
{{- end -}}
{{- toYaml $resources -}}
{{- end -}}

{{/* The container that runs `maatu models pull`. Takes root, name, models (a list of names, of the hub or as installed). */}}
{{- define "maatu.pullContainer" -}}
{{- $hub := list -}}
{{- range .models }}{{ $hub = append $hub (replace "--" "/" .) }}{{ end -}}
name: {{ .name }}
image: {{ include "maatu.image" (dict "root" .root "image" .root.Values.models.pull.image) }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
command: [maatu, models, pull]
# "org--name", as it is installed, is org/name on the hub.
args: {{ uniq $hub | sortAlpha | toJson }}
env:
  - {name: MAATU_MODELS_DIR, value: /models}
  # What was downloaded lies beside the models, so that a pull that was cut short goes on where it was.
  - {name: MAATU_WHEELS_DIR, value: /models/.wheels}
  - {name: HF_HUB_CACHE, value: /models/.hub}
  - {name: HOME, value: /tmp}
  {{- if or .root.Values.secrets.existingSecret .root.Values.secrets.hubToken }}
  - name: HF_TOKEN
    valueFrom:
      secretKeyRef: {name: {{ include "maatu.keysSecret" .root }}, key: hub-token, optional: true}
  {{- end }}
  {{- with .root.Values.models.pull.env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
resources:
  {{- toYaml .root.Values.models.pull.resources | nindent 2 }}
securityContext:
  {{- include "maatu.containerSecurity" . | nindent 2 }}
volumeMounts:
  - {name: models, mountPath: /models}
  - {name: tmp, mountPath: /tmp}
{{- end -}}

{{/* "true" where a Job fetches the models. */}}
{{- define "maatu.pullsInJob" -}}
{{- if and .Values.models.pull.enabled (ne .Values.models.cache.type "pod") (gt (len (include "maatu.allModels" . | fromJsonArray)) 0) }}true{{ end -}}
{{- end -}}

{{/* Template of the pod of that Job. */}}
{{- define "maatu.modelsPod" -}}
{{- $context := dict "root" . "name" "models" -}}
{{- $models := include "maatu.allModels" . | fromJsonArray -}}
metadata:
  labels:
    {{- include "maatu.labels" $context | nindent 4 }}
spec:
  {{- include "maatu.podBasics" $context | nindent 2 }}
  restartPolicy: OnFailure
  {{- with .Values.models.pull.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.models.pull.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - {{ include "maatu.pullContainer" (dict "root" . "name" "pull" "models" $models) | indent 6 | trim }}
  volumes:
    - name: models
      persistentVolumeClaim: {claimName: {{ include "maatu.modelsClaim" . }}}
    - name: tmp
      emptyDir: {}
{{- end -}}
