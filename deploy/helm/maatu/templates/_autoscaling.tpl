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
     pods have a load and a size of their own. A pod that loads its model has no places yet: as a pod of size nought it would make
     the others look fuller than they are, and bring more pods that load. While none has any, nothing is in use. Takes root, name. */}}
{{- define "maatu.scalingQuery" -}}
{{- $pod := printf "%s-%s" (include "maatu.fullname" .root) .name -}}
{{- $pods := printf "namespace=%q,pod=~%q,pod!~%q" .root.Release.Namespace (printf "%s-.+" $pod) (printf "%s-canary-.+" $pod) -}}
{{- $metric := (index .root.Values.components .name).autoscaling.metric -}}
{{- if eq $metric "slots" -}}
{{- /* Engines differ in their slots: the fullest one counts. */ -}}
max(sum by (engine) (maatu_tts_slots_in_use{ {{- $pods -}} }) / avg by (engine) (maatu_tts_slots{ {{- $pods -}} } > 0)) or 0 * sum(maatu_tts_slots{ {{- $pods -}} })
{{- else -}}
{{- /* A conversation lasts; a request is over within moments, so the last minutes count and not the moment of the scrape. */ -}}
{{- $inUse := ternary (printf "maatu_gateway_conversations{%s}" $pods) (printf "avg_over_time(maatu_capacity_in_use{%s}[2m])" $pods) (eq $metric "sessions") -}}
sum({{ $inUse }}) / avg(maatu_capacity_places{ {{- $pods -}} } > 0) or 0 * sum(maatu_capacity_places{ {{- $pods -}} })
{{- end -}}
{{- end -}}
