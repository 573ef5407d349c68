{{/* Certificates in pods. Both take root and name. */}}

{{- define "maatu.mountsShared" -}}
{{- $gateway := eq .name "gateway" -}}
{{- if or .root.Values.tls.internal (and $gateway .root.Values.tls.gateway (not .root.Values.tls.gatewaySecret)) }}true{{ end -}}
{{- end -}}

{{- define "maatu.mountsOwn" -}}
{{- if and (eq .name "gateway") .root.Values.tls.gateway .root.Values.tls.gatewaySecret }}true{{ end -}}
{{- end -}}

{{- define "maatu.tlsMounts" -}}
{{- if include "maatu.mountsShared" . }}
- {name: tls, mountPath: /etc/maatu/tls, readOnly: true}
{{- end }}
{{- if include "maatu.mountsOwn" . }}
- {name: gateway-tls, mountPath: /etc/maatu/gateway-tls, readOnly: true}
{{- end }}
{{- end -}}

{{- define "maatu.tlsVolumes" -}}
{{- if include "maatu.mountsShared" . }}
- name: tls
  secret: {secretName: {{ include "maatu.tlsSecret" .root }}, defaultMode: 0440}
{{- end }}
{{- if include "maatu.mountsOwn" . }}
- name: gateway-tls
  secret: {secretName: {{ .root.Values.tls.gatewaySecret }}, defaultMode: 0440}
{{- end }}
{{- end -}}

{{/* What the generated certificate is for, shortened: another one is made when it changes, and pods start anew to read it. */}}
{{- define "maatu.tlsFor" -}}
{{- printf "%s%s" (include "maatu.tlsNames" .) (include "maatu.tlsAddresses" .) | sha256sum | trunc 16 -}}
{{- end -}}
