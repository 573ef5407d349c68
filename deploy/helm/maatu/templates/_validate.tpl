{{/* Refuses what the schema cannot: values that contradict each other. Every message names the value to change. */}}
{{- define "maatu.validate" -}}
{{- $components := include "maatu.components" . | fromJsonArray -}}
{{- if not (.Files.Get (printf "profiles/%s.yaml" .Values.profile)) -}}
{{- fail (printf "profile: there is no profile %q" .Values.profile) -}}
{{- end -}}
{{- range $name := $components -}}
{{- $component := index $.Values.components $name -}}
{{- $settings := include "maatu.settings" (dict "root" $ "name" $name) | fromJson -}}
{{- $scaling := $component.autoscaling -}}
{{- if gt (int $scaling.minReplicas) (int $scaling.maxReplicas) -}}
{{- fail (printf "components.%s.autoscaling.minReplicas: %d is more than maxReplicas, %d" $name (int $scaling.minReplicas) (int $scaling.maxReplicas)) -}}
{{- end -}}
{{- if and $scaling.enabled (ne $scaling.metric "cpu") (not $.Values.autoscaling.prometheusAddress) -}}
{{- fail (printf "autoscaling.prometheusAddress: components.%s.autoscaling.metric is %q, which KEDA reads from Prometheus; name it, or set the metric to cpu" $name $scaling.metric) -}}
{{- end -}}
{{- if and (dig "gpu" "enabled" false $component) (hasSuffix ".shared" $component.gpu.resource) (gt (int $component.gpu.count) 1) -}}
{{- fail (printf "components.%s.gpu.count: several shares of a GPU are no more of it than one" $name) -}}
{{- end -}}
{{- if and (has (toString $component.rollout.maxSurge) (list "0" "0%")) (has (toString $component.rollout.maxUnavailable) (list "0" "0%")) -}}
{{- fail (printf "components.%s.rollout.maxSurge: with none more and none less, no pod can be replaced" $name) -}}
{{- end -}}
{{- $deviceSetting := include "maatu.deviceSetting" $name -}}
{{- $device := get $settings $deviceSetting | default "cpu" -}}
{{- $hasGpu := dig "gpu" "enabled" false $component -}}
{{- $loadsOnDevice := or (ne $name "tts") (has "parler" (values (get $settings "engines" | default dict))) -}}
{{- if and (hasPrefix "cuda" $device) $loadsOnDevice (not $hasGpu) -}}
{{- if hasKey $component "gpu" -}}
{{- fail (printf "components.%s.gpu.enabled: its settings, or the profile %s, run it on CUDA; enable its GPU, or set components.%s.settings.%s to cpu" $name $.Values.profile $name $deviceSetting) -}}
{{- end -}}
{{- fail (printf "components.%s.settings.%s: the image of %s has no CUDA variant" $name $deviceSetting $name) -}}
{{- end -}}
{{- if and $hasGpu (eq $device "cpu") -}}
{{- fail (printf "components.%s.settings.%s: it would hold a GPU and run on the CPU; set it to cuda, or disable components.%s.gpu.enabled" $name $deviceSetting $name) -}}
{{- end -}}
{{- end -}}
{{- if has "gateway" $components -}}
{{- $settings := include "maatu.settings" (dict "root" . "name" "gateway") | fromJson -}}
{{- range $hop := list "stt" "translate" "agent" "tts" -}}
{{- if and (not (has $hop $components)) (not (hasKey $settings (printf "%s_target" $hop))) -}}
{{- fail (printf "components.gateway.settings.%s_target: components.%s is not enabled, so say where the gateway finds one" $hop $hop) -}}
{{- end -}}
{{- end -}}
{{- else if ne .Values.edge.type "none" -}}
{{- fail "edge.type: components.gateway is not enabled, so there is nothing to call" -}}
{{- end -}}
{{- if has "agent" $components -}}
{{- $agent := .Values.components.agent -}}
{{- $settings := include "maatu.settings" (dict "root" . "name" "agent") | fromJson -}}
{{- if and (eq (get $settings "backend") "openai") (or (not (get $settings "openai_base_url")) (contains "127.0.0.1" (get $settings "openai_base_url"))) -}}
{{- fail (printf "components.agent.settings.openai_base_url: with the profile %s the agent thinks with an OpenAI-compatible API; give its URL, \"http://vllm:8000/v1\", or set components.agent.settings.backend to ctranslate2" .Values.profile) -}}
{{- end -}}
{{- if and (not (include "maatu.redisSecret" .)) (or $agent.autoscaling.enabled (gt (int $agent.replicas) 1)) -}}
{{- fail "redis.enabled: agents share the history in a Redis; enable it, give redis.external.url, or run one agent" -}}
{{- end -}}
{{- end -}}
{{- if and (eq .Values.models.cache.type "existing") (not .Values.models.cache.existingClaim) -}}
{{- fail "models.cache.existingClaim: models.cache.type is existing; name the claim" -}}
{{- end -}}
{{- if and (eq .Values.models.cache.type "pod") (not .Values.models.pull.enabled) -}}
{{- fail "models.pull.enabled: models.cache.type is pod, where nothing is but what is pulled" -}}
{{- end -}}
{{- if and .Values.tls.gateway (has .Values.edge.type (list "ingress" "grpcRoute")) -}}
{{- fail (printf "tls.gateway: with edge.type %s TLS ends before the gateway" .Values.edge.type) -}}
{{- end -}}
{{- if and (include "maatu.needsCertificate" .) (eq .Values.tls.source "existing") (not .Values.tls.existingSecret) -}}
{{- fail "tls.existingSecret: tls.source is existing; name the Secret" -}}
{{- end -}}
{{- if and .Values.tls.gateway .Values.tls.gatewaySecret (not .Values.edge.host) -}}
{{- fail "edge.host: name what the certificate in tls.gatewaySecret is for" -}}
{{- end -}}
{{- if and (has .Values.edge.type (list "ingress" "grpcRoute")) (not .Values.edge.host) -}}
{{- fail (printf "edge.host: edge.type %s needs the name that clients call" .Values.edge.type) -}}
{{- end -}}
{{- if and (eq .Values.edge.type "grpcRoute") (not .Values.edge.grpcRoute.parentRefs) -}}
{{- if not .Values.edge.grpcRoute.gatewayClassName -}}
{{- fail "edge.grpcRoute.gatewayClassName: name the class of the Gateway to make, or a Gateway of yours in edge.grpcRoute.parentRefs" -}}
{{- end -}}
{{- if not .Values.edge.tlsSecret -}}
{{- fail "edge.tlsSecret: name the Secret with the certificate of edge.host" -}}
{{- end -}}
{{- end -}}
{{- end -}}
