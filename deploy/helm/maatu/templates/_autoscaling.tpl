{{/* What HorizontalPodAutoscaler and ScaledObject have in common: how fast to scale. Takes the top-level autoscaling. */}}
{{- define "maatu.scalingBehaviour" -}}
scaleUp:
  stabilizationWindowSeconds: {{ .scaleUp.stabilizationSeconds }}
  policies:
    - {type: Pods, value: {{ .scaleUp.pods }}, periodSeconds: {{ .scaleUp.periodSeconds }}}
scaleDown:
  stabilizationWindowSeconds: {{ .scaleDown.stabilizationSeconds }}
  policies:
    - {type: Pods, value: {{ .scaleDown.pods }}, periodSeconds: {{ .scaleDown.periodSeconds }}}
{{- end -}}

{{/* The Prometheus query of a component: what is in use, in pods' worth, so that KEDA can average it over the pods. The canary's
     pods have a load and a size of their own. Takes root and name. */}}
{{- define "maatu.scalingQuery" -}}
{{- $pod := printf "%s-%s" (include "maatu.fullname" .root) .name -}}
{{- $pods := printf "namespace=%q,pod=~%q,pod!~%q" .root.Release.Namespace (printf "%s-.+" $pod) (printf "%s-canary-.+" $pod) -}}
{{- $metric := (index .root.Values.components .name).autoscaling.metric -}}
{{- if eq $metric "slots" -}}
{{- /* Engines differ in their slots: the fullest one counts. */ -}}
max(sum by (engine) (maatu_tts_slots_in_use{ {{- $pods -}} }) / avg by (engine) (maatu_tts_slots{ {{- $pods -}} }))
{{- else if eq $metric "sessions" -}}
sum(maatu_gateway_conversations{ {{- $pods -}} }) / avg(maatu_capacity_places{ {{- $pods -}} })
{{- else -}}
sum(maatu_capacity_in_use{ {{- $pods -}} }) / avg(maatu_capacity_places{ {{- $pods -}} })
{{- end -}}
{{- end -}}
