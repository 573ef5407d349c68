"""Keys and certificates: generated, existing or cert-manager's; never in plain variables."""

import json
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.chart.helm import VALUES_FILES, Helm
from tests.chart.rendering import COMPONENTS, data_of
from tests.chart.switches import SWITCHES

KEY = "sk-a-very-secret-key"


def test_a_key_lies_in_a_secret_and_nowhere_else(helm: Helm) -> None:
    rendered = helm.template(values={"secrets": {"openaiApiKey": KEY, "hubToken": KEY}})
    holders = [item["metadata"]["name"] for item in rendered.objects if KEY in json.dumps(item)]
    assert holders == ["maatu-keys"]
    assert rendered.named("Secret", "maatu-keys")["type"] == "Opaque"
    assert rendered.environment("agent")["MAATU_AGENT_OPENAI_API_KEY"] == KEY
    assert not [name for name in COMPONENTS if name != "agent" and KEY in rendered.environment(name).values()]


def test_keys_of_an_existing_secret_are_referred_to(helm: Helm) -> None:
    rendered = helm.template(values=SWITCHES["keys of a secret"])
    (entry,) = [item for item in rendered.container("agent")["env"] if item["name"] == "MAATU_AGENT_OPENAI_API_KEY"]
    assert entry["valueFrom"]["secretKeyRef"] == {"name": "keys", "key": "openai-api-key", "optional": True}
    assert not [item for item in rendered.kind("Secret") if "keys" in item["metadata"]["name"]]


def test_redis_has_a_password_of_its_own_that_its_users_know(helm: Helm) -> None:
    rendered = helm.template()
    secret = data_of(rendered, "Secret", "maatu-redis")
    assert len(secret["password"]) >= 24
    assert f'requirepass "{secret["password"]}"' in secret["redis.conf"]
    assert rendered.environment("agent")["MAATU_REDIS_URL"] == f"redis://:{secret['password']}@maatu-redis:6379/0"


@pytest.mark.parametrize("password", ["a b", "p@ss/word", "100%", "ಗುಪ್ತ"])
def test_any_password_comes_through_the_url(helm: Helm, password: str) -> None:
    url = helm.template(values={"redis": {"password": password}}).environment("agent")["MAATU_REDIS_URL"]
    assert unquote(urlsplit(url).password or "") == password


@pytest.mark.parametrize("switch", ["redis elsewhere", "redis of a secret", "no redis"])
def test_a_redis_elsewhere_takes_the_place_of_the_chart_s(helm: Helm, switch: str) -> None:
    rendered = helm.template(values=SWITCHES[switch])
    assert not [item for item in rendered.kind("Deployment") if item["metadata"]["name"] == "maatu-redis"]
    references = {
        name: entry["valueFrom"]["secretKeyRef"]["name"]
        for name in COMPONENTS
        for entry in rendered.container(name)["env"]
        if "REDIS_URL" in entry["name"]
    }
    secret = {"redis elsewhere": "maatu-redis", "redis of a secret": "redis"}.get(switch)
    assert references == (dict.fromkeys(("translate", "agent", "tts"), secret) if secret else {})


@pytest.mark.parametrize(
    ("before", "after", "readers"),
    [
        ({}, {"redis": {"password": "given"}}, {"agent", "translate", "tts"}),
        ({"redis": {"password": "one"}}, {"redis": {"password": "two"}}, {"agent", "translate", "tts"}),
        ({}, SWITCHES["redis elsewhere"], {"agent", "translate", "tts"}),
        ({"secrets": {"openaiApiKey": "sk-1"}}, {"secrets": {"openaiApiKey": "sk-2"}}, {"agent"}),
        ({"secrets": {"hubToken": "hf_1"}}, {"secrets": {"hubToken": "hf_2"}}, set()),
    ],
)
def test_pods_start_anew_to_read_a_secret_that_changed(
    helm: Helm, before: dict[str, Any], after: dict[str, Any], readers: set[str]
) -> None:
    def pods(values: dict[str, Any]) -> dict[str, Any]:
        rendered = helm.template(values=values)
        return {name: rendered.deployment(name)["spec"]["template"] for name in COMPONENTS}

    first, second = pods(before), pods(after)
    assert {name for name in COMPONENTS if first[name] != second[name]} == readers


def test_pods_stay_though_the_password_is_generated_anew(helm: Helm) -> None:
    """As where a chart is rendered without the cluster that keeps the password."""
    first, second = (helm.template(options=options) for options in ((), ("--skip-crds",)))
    passwords = [data_of(rendered, "Secret", "maatu-redis")["password"] for rendered in (first, second)]
    assert passwords[0] != passwords[1]
    assert [first.deployment(name) for name in COMPONENTS] == [second.deployment(name) for name in COMPONENTS]


def test_generated_certificates_name_every_service_and_canary(helm: Helm) -> None:
    rendered = helm.template(values=SWITCHES["tls of cert-manager"])
    (certificate,) = [item for item in rendered.kind("Certificate") if not item["spec"].get("isCA")]
    names = set(certificate["spec"]["dnsNames"])
    assert {f"maatu-{name}{track}" for name in COMPONENTS for track in ("", "-canary")} <= names
    assert certificate["spec"]["secretName"] == "maatu-tls"


def test_with_tls_the_gateway_trusts_the_services_authority(helm: Helm) -> None:
    rendered = helm.template(values={"tls": {"internal": True}})
    assert rendered.environment("gateway")["MAATU_TLS_CA"] == "/etc/maatu/tls/ca.crt"
    for component in ("stt", "translate", "agent", "tts"):
        environment = rendered.environment(component)
        prefix = f"MAATU_{component.upper()}_TLS_"
        assert environment[f"{prefix}CERT"] == "/etc/maatu/tls/tls.crt"
        assert environment[f"{prefix}KEY"] == "/etc/maatu/tls/tls.key"
    assert rendered.named("Secret", "maatu-tls")["data"].keys() == {"tls.crt", "tls.key", "ca.crt"}


@pytest.mark.parametrize("file", VALUES_FILES)
def test_each_secret_that_a_pod_needs_is_made(helm: Helm, file: str) -> None:
    rendered = helm.template(file)
    made = {item["metadata"]["name"] for item in rendered.kind("Secret")}
    for item in rendered.kind("Deployment"):
        pod = item["spec"]["template"]["spec"]
        needed = {volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
        for container in pod["containers"]:
            references = [entry.get("valueFrom", {}).get("secretKeyRef") for entry in container.get("env", [])]
            needed |= {found["name"] for found in references if found and not found.get("optional")}
        assert needed <= made, item["metadata"]["name"]
