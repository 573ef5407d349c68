{{/* What a service is told: settings of the profile, those of the component over them, and the variables they come to. */}}

{{/* Which setting of a component says what its models run on. */}}
{{- define "maatu.deviceSetting" -}}
{{- ternary "parler_device" "device" (eq . "tts") -}}
{{- end -}}

{{/* The effective settings of a component, as JSON: the profile's, its GPU, its own. Takes root and name. */}}
{{- define "maatu.settings" -}}
{{- $profile := .root.Files.Get (printf "profiles/%s.yaml" .root.Values.profile) | fromYaml -}}
{{- $settings := deepCopy (dig "services" .name dict $profile | default dict) -}}
{{- $component := index .root.Values.components .name -}}
{{- if dig "gpu" "enabled" false $component -}}
{{- $_ := set $settings (include "maatu.deviceSetting" .name) "cuda" -}}
{{- end -}}
{{- range $key, $value := $component.settings -}}
{{- $_ := set $settings $key $value -}}
{{- end -}}
{{- mustToRawJson $settings -}}
{{- end -}}

{{/* Names of the models a component loads, as in the model directory; as JSON. Takes root and name. */}}
{{- define "maatu.models" -}}
{{- $settings := include "maatu.settings" . | fromJson -}}
{{- $names := list -}}
{{- if and (eq .name "stt") (eq (get $settings "engine" | default "whisper") "whisper") -}}
{{- $names = append (values (get $settings "models")) (dig "turn_model" "smart-turn-v3" $settings) -}}
{{- else if and (eq .name "translate") (eq (get $settings "engine" | default "ctranslate2") "ctranslate2") -}}
{{- $names = get $settings "models" -}}
{{- else if and (eq .name "agent") (eq (get $settings "backend") "ctranslate2") -}}
{{- $names = list (get $settings "model" | default "smollm2-135m-instruct") -}}
{{- else if eq .name "tts" -}}
{{- $engines := values (get $settings "engines") -}}
{{- if has "piper" $engines }}{{ $names = concat $names (get $settings "piper_models" | default (list "piper-en_US-joe-medium")) }}{{ end -}}
{{- if has "parler" $engines }}{{ $names = append $names (get $settings "parler_model" | default "parler-mini") }}{{ end -}}
{{- end -}}
{{- $installed := list -}}
{{- range $names -}}
{{- /* An absolute path lies elsewhere; "org/name" of the hub is installed as "org--name". The turn model may be "none". */ -}}
{{- if and . (ne . "none") (not (hasPrefix "/" .)) }}{{ $installed = append $installed (replace "/" "--" .) }}{{ end -}}
{{- end -}}
{{- uniq $installed | sortAlpha | toJson -}}
{{- end -}}

{{/* Names of all models of the release, of the hub or as installed; as JSON. */}}
{{- define "maatu.allModels" -}}
{{- $names := .Values.models.extra -}}
{{- range include "maatu.components" . | fromJsonArray -}}
{{- $names = concat $names (include "maatu.models" (dict "root" $ "name" .) | fromJsonArray) -}}
{{- end -}}
{{- uniq $names | toJson -}}
{{- end -}}

{{/* How long a component drains, as JSON: notice, grace, and the whole time the kubelet waits. Takes root and name. */}}
{{- define "maatu.drain" -}}
{{- $drain := (index .root.Values.components .name).drain -}}
{{- $grace := int $drain.graceSeconds -}}
{{- if and .root.Values.spot.enabled (has .name .root.Values.spot.components) -}}
{{- $grace = min $grace (int .root.Values.spot.graceSeconds) -}}
{{- end -}}
{{- /* preStop takes the notice once, the server after SIGTERM again; 10 s are for its end. */ -}}
{{- dict "notice" (int $drain.noticeSeconds) "grace" $grace "whole" (add (mul 2 (int $drain.noticeSeconds)) $grace 10) | toJson -}}
{{- end -}}

{{/* Threads that one request to a component computes with on CPUs. Takes root and name. */}}
{{- define "maatu.threads" -}}
{{- $settings := include "maatu.settings" . | fromJson -}}
{{- $onCpu := not (hasPrefix "cuda" (get $settings (include "maatu.deviceSetting" .name) | default "cpu")) -}}
{{- $engines := values (get $settings "engines" | default dict) -}}
{{- $threads := 1 -}}
{{- if and $onCpu (eq .name "stt") }}{{ $threads = get $settings "cpu_threads" | default 1 }}{{ end -}}
{{- if and $onCpu (eq .name "translate") }}{{ $threads = get $settings "threads_per_worker" | default 1 }}{{ end -}}
{{- if and (eq .name "tts") (has "piper" $engines) }}{{ $threads = get $settings "piper_threads" | default 1 }}{{ end -}}
{{- if and $onCpu (eq .name "tts") (has "parler" $engines) }}{{ $threads = max (int $threads) (int (get $settings "parler_threads")) }}{{ end -}}
{{- int $threads -}}
{{- end -}}

{{/* A quantity of CPUs, "500m" or 2, in thousandths. */}}
{{- define "maatu.millicores" -}}
{{- $text := toString . -}}
{{- ternary (trimSuffix "m" $text | int) (mulf 1000 (float64 $text) | int) (hasSuffix "m" $text) -}}
{{- end -}}

{{/* A value as a variable holds it: lists and mappings are JSON. Kubernetes would read $(NAME) as another variable. */}}
{{- define "maatu.text" -}}
{{- ternary . (mustToRawJson .) (kindIs "string" .) | replace "$(" "$$(" -}}
{{- end -}}

{{/* The variables of a component's container. Takes root and name. */}}
{{- define "maatu.env" -}}
{{- $root := .root -}}
{{- $component := index .root.Values.components .name -}}
{{- $fullname := include "maatu.fullname" .root -}}
{{- $prefix := printf "MAATU_%s_" (upper .name) -}}
{{- $drain := include "maatu.drain" . | fromJson -}}
- {name: {{ $prefix }}HOST, value: "0.0.0.0"}
- {name: {{ $prefix }}PORT, value: {{ include "maatu.port" .name | quote }}}
- {name: {{ $prefix }}METRICS_PORT, value: {{ include "maatu.metricsPort" .name | quote }}}
- {name: {{ $prefix }}DRAIN_NOTICE_S, value: {{ $drain.notice | quote }}}
- {name: {{ $prefix }}DRAIN_GRACE_S, value: {{ $drain.grace | quote }}}
- {name: MAATU_MODELS_DIR, value: /models}
# Libraries keep caches under the home directory; only /tmp can be written.
- {name: HOME, value: /tmp}
{{- $settings := include "maatu.settings" . | fromJson }}
{{- if eq .name "gateway" }}
{{- range list "stt" "translate" "agent" "tts" }}
{{- if not (hasKey $settings (printf "%s_target" .)) }}
- {name: MAATU_GATEWAY_{{ upper . }}_TARGET, value: "dns:///{{ $fullname }}-{{ . }}:{{ include "maatu.port" . }}"}
{{- end }}
{{- end }}
# The share of canaries; the ConfigMap is maatu-canary's and need not be there.
- {name: MAATU_GATEWAY_TRAFFIC_FILE, value: /etc/maatu/traffic/traffic.json}
{{- if .root.Values.tls.internal }}
- {name: MAATU_TLS_CA, value: /etc/maatu/tls/ca.crt}
{{- end }}
{{- end }}
{{- range $key, $value := $settings }}
- name: {{ $prefix }}{{ upper $key }}
  value: {{ include "maatu.text" $value | quote }}
{{- end }}
{{- if include "maatu.servesTls" . }}
- {name: {{ $prefix }}HEALTH_PORT, value: {{ include "maatu.healthPort" .name | quote }}}
{{- $directory := ternary "/etc/maatu/gateway-tls" "/etc/maatu/tls" (and (eq .name "gateway") (ne .root.Values.tls.gatewaySecret "")) }}
- {name: {{ $prefix }}TLS_CERT, value: {{ $directory }}/tls.crt}
- {name: {{ $prefix }}TLS_KEY, value: {{ $directory }}/tls.key}
{{- end }}
{{- with include "maatu.redisSecret" .root }}
{{- with get (dict "agent" "MAATU_REDIS_URL" "translate" "MAATU_TRANSLATE_CACHE_REDIS_URL" "tts" "MAATU_TTS_SYNTHESIS_CACHE_REDIS_URL") $.name }}
- name: {{ . }}
  valueFrom:
    secretKeyRef:
      {{- include "maatu.redisSecret" $root | nindent 6 }}
{{- end }}
{{- end }}
{{- if and (eq .name "agent") (or .root.Values.secrets.existingSecret .root.Values.secrets.openaiApiKey) }}
- name: MAATU_AGENT_OPENAI_API_KEY
  valueFrom:
    secretKeyRef: {name: {{ include "maatu.keysSecret" .root }}, key: openai-api-key, optional: true}
{{- end }}
{{- with include "maatu.otlpEndpoint" .root }}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_TRACK
  valueFrom: {fieldRef: {fieldPath: "metadata.labels['maatu.dev/track']"}}
- name: OTEL_RESOURCE_ATTRIBUTES
  value: service.namespace={{ $root.Release.Namespace }},service.version={{ $root.Chart.AppVersion }},k8s.pod.name=$(POD_NAME),maatu.track=$(POD_TRACK)
{{- end }}
{{- with $component.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The values that a component's variables get by way of the chart's Secrets, shortened: pods start anew when they change. A
     generated password is not among them, since it is kept and differs from one rendering to the next where the cluster is not
     asked. Takes root and name. */}}
{{- define "maatu.secretsFor" -}}
{{- $redis := .root.Values.redis -}}
{{- $given := list -}}
{{- if and (has .name (list "agent" "translate" "tts")) (include "maatu.redisSecret" .root) (not $redis.external.existingSecret) -}}
{{- $given = append $given ($redis.external.url | default (printf "own:%s" $redis.password)) -}}
{{- end -}}
{{- if and (eq .name "agent") .root.Values.secrets.openaiApiKey (not .root.Values.secrets.existingSecret) -}}
{{- $given = append $given .root.Values.secrets.openaiApiKey -}}
{{- end -}}
{{- if $given }}{{ toJson $given | sha256sum | trunc 16 }}{{ end -}}
{{- end -}}
