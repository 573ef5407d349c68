{{/* Names, labels and images. */}}

{{- define "maatu.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 45 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 45 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The five services, in the order of the chain, those that are enabled. As JSON. */}}
{{- define "maatu.components" -}}
{{- $names := list -}}
{{- range list "gateway" "stt" "translate" "agent" "tts" -}}
{{- if (index $.Values.components .).enabled }}{{ $names = append $names . }}{{ end -}}
{{- end -}}
{{- toJson $names -}}
{{- end -}}

{{- define "maatu.port" -}}
{{- get (dict "gateway" "50050" "stt" "50051" "translate" "50052" "agent" "50053" "tts" "50054") . -}}
{{- end -}}

{{- define "maatu.metricsPort" -}}
{{- get (dict "gateway" "9100" "stt" "9101" "translate" "9102" "agent" "9103" "tts" "9104") . -}}
{{- end -}}

{{/* Answers about health alone and without TLS, which the kubelet's probes do not speak. */}}
{{- define "maatu.healthPort" -}}
{{- get (dict "gateway" "9200" "stt" "9201" "translate" "9202" "agent" "9203" "tts" "9204") . -}}
{{- end -}}

{{/* What selects all pods of a component, stable and canary. Takes root and name. */}}
{{- define "maatu.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end -}}

{{/* What selects the stable pods of a component: its Deployment's and its Service's selector. Takes root and name. */}}
{{- define "maatu.stableSelector" -}}
{{ include "maatu.selector" . }}
maatu.dev/track: stable
{{- end -}}

{{/* Labels of an object. Takes root, name, and track where it has one. */}}
{{- define "maatu.labels" -}}
{{ include "maatu.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: maatu
{{- with .track }}
maatu.dev/track: {{ . }}
{{- end }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Reference of an image of Maatu. Takes root, image and cuda. */}}
{{- define "maatu.image" -}}
{{- $repository := .image.repository -}}
{{- with .root.Values.image.registry }}{{ $repository = printf "%s/%s" (trimSuffix "/" .) $repository }}{{ end -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $repository .image.digest -}}
{{- else -}}
{{- $tag := coalesce .image.tag .root.Values.image.tag .root.Chart.AppVersion -}}
{{- printf "%s:%s%s" $repository $tag (ternary "-cuda" "" (default false .cuda)) -}}
{{- end -}}
{{- end -}}

{{/* Reference of an image that is not Maatu's. */}}
{{- define "maatu.foreignImage" -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag }}{{ end -}}
{{- end -}}

{{- define "maatu.tlsSecret" -}}
{{- if eq .Values.tls.source "existing" }}{{ .Values.tls.existingSecret }}{{ else }}{{ include "maatu.fullname" . }}-tls{{ end -}}
{{- end -}}

{{- define "maatu.keysSecret" -}}
{{- .Values.secrets.existingSecret | default (printf "%s-keys" (include "maatu.fullname" .)) -}}
{{- end -}}

{{- define "maatu.modelsClaim" -}}
{{- if eq .Values.models.cache.type "existing" }}{{ .Values.models.cache.existingClaim }}{{ else }}{{ include "maatu.fullname" . }}-models{{ end -}}
{{- end -}}

{{/* "true" where the component's gRPC port speaks TLS. Takes root and name. */}}
{{- define "maatu.servesTls" -}}
{{- if (ternary .root.Values.tls.gateway .root.Values.tls.internal (eq .name "gateway")) }}true{{ end -}}
{{- end -}}

{{/* "true" where the chart needs a certificate. */}}
{{- define "maatu.needsCertificate" -}}
{{- if or .Values.tls.internal (and .Values.tls.gateway (not .Values.tls.gatewaySecret)) }}true{{ end -}}
{{- end -}}

{{/* "true" where edge.host is an IPv4 address: load balancers of GKE have no name. */}}
{{- define "maatu.hostIsAddress" -}}
{{- if regexMatch "^[0-9]+(\\.[0-9]+){3}$" .Values.edge.host }}true{{ end -}}
{{- end -}}

{{/* Every address for that certificate; as JSON. */}}
{{- define "maatu.tlsAddresses" -}}
{{- $addresses := list "127.0.0.1" -}}
{{- if include "maatu.hostIsAddress" . }}{{ $addresses = append $addresses .Values.edge.host }}{{ end -}}
{{- toJson $addresses -}}
{{- end -}}

{{/* Every name under which the gateway and the services are called, for their certificate. As JSON. */}}
{{- define "maatu.tlsNames" -}}
{{- $names := list "localhost" -}}
{{- if and .Values.edge.host (not (include "maatu.hostIsAddress" .)) }}{{ $names = append $names .Values.edge.host }}{{ end -}}
{{- range list "gateway" "gateway-canary" "stt" "stt-canary" "translate" "translate-canary" "agent" "agent-canary" "tts" "tts-canary" "edge" -}}
{{- $short := printf "%s-%s" (include "maatu.fullname" $) . -}}
{{- $names = concat $names (list $short (printf "%s.%s" $short $.Release.Namespace) (printf "%s.%s.svc" $short $.Release.Namespace) (printf "%s.%s.svc.cluster.local" $short $.Release.Namespace)) -}}
{{- end -}}
{{- toJson $names -}}
{{- end -}}

{{- define "maatu.otlpEndpoint" -}}
{{- if .Values.otel.endpoint -}}
{{- .Values.otel.endpoint -}}
{{- else if .Values.otel.collector.enabled -}}
http://{{ include "maatu.fullname" . }}-otel-collector:4317
{{- end -}}
{{- end -}}

{{/* Name and key of the Secret with the URL of Redis, as a YAML map; nothing where there is no Redis. */}}
{{- define "maatu.redisSecret" -}}
{{- if .Values.redis.external.existingSecret -}}
name: {{ .Values.redis.external.existingSecret }}
key: {{ .Values.redis.external.key }}
{{- else if or .Values.redis.external.url .Values.redis.enabled -}}
name: {{ include "maatu.fullname" . }}-redis
key: url
{{- end -}}
{{- end -}}

{{/* "true" where the chart runs a Redis. */}}
{{- define "maatu.ownRedis" -}}
{{- if and .Values.redis.enabled (not .Values.redis.external.url) (not .Values.redis.external.existingSecret) }}true{{ end -}}
{{- end -}}

{{/* The PriorityClass of the services' pods. It belongs to no namespace, so its name says which one it is for. */}}
{{- define "maatu.priorityClass" -}}
{{- if .Values.priorityClass.name -}}
{{- .Values.priorityClass.name -}}
{{- else if .Values.priorityClass.create -}}
{{- printf "%s-%s" .Release.Namespace (include "maatu.fullname" .) -}}
{{- end -}}
{{- end -}}
