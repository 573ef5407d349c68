"""The generated certificate over upgrades: the authority stays, so that pods old and new and clients go on trusting."""

import ssl
from pathlib import Path
from typing import Any

import pytest

from tests.chart.helm import Helm
from tests.chart.kept_objects import cluster_with
from tests.chart.rendering import Manifest, Rendered, data_of

HOST = "voice.example.com"
OTHER_HOST = "talk.example.com"


def values(host: str) -> dict[str, Any]:
    return {"tls": {"internal": True, "gateway": True}, "edge": {"type": "loadBalancer", "host": host}}


def upgraded(helm: Helm, secrets: list[Manifest], host: str) -> Rendered:
    """What helm renders for a host where a cluster holds these Secrets."""
    with cluster_with(secrets) as options:
        return helm.template(values=values(host), options=options)


def as_kept(rendered: Rendered) -> list[Manifest]:
    """The Secrets of a release as the API server gives them back."""
    return [item for item in rendered.kind("Secret") if item["metadata"]["name"].startswith("maatu-tls")]


def trusts(roots: str, rendered: Rendered, host: str, directory: Path) -> bool:
    """A client that holds these authorities takes the release's certificate for a host."""
    certificate = data_of(rendered, "Secret", "maatu-tls")
    for name in ("tls.crt", "tls.key"):
        (directory / name).write_text(certificate[name], encoding="ascii")
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(directory / "tls.crt", directory / "tls.key")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    client_context = ssl.create_default_context(cadata=roots)
    client = client_context.wrap_bio(to_client, to_server, server_hostname=host)
    for end in (client, server, client):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError:
            return False
    return True


@pytest.fixture(scope="module")
def first(helm: Helm) -> Rendered:
    """A release as it was installed."""
    return upgraded(helm, [], HOST)


def test_another_host_is_a_new_certificate_of_the_same_authority(helm: Helm, first: Rendered, tmp_path: Path) -> None:
    second = upgraded(helm, as_kept(first), OTHER_HOST)
    before, after = (data_of(rendered, "Secret", "maatu-tls") for rendered in (first, second))
    assert before["tls.crt"] != after["tls.crt"]
    assert before["ca.crt"] == after["ca.crt"]
    assert data_of(first, "Secret", "maatu-tls-ca") == data_of(second, "Secret", "maatu-tls-ca")
    assert trusts(before["ca.crt"], second, OTHER_HOST, tmp_path)
    assert trusts(before["ca.crt"], second, "maatu-stt", tmp_path)
    assert not trusts(before["ca.crt"], second, HOST, tmp_path)
    # Pods read it when they start.
    pods = [rendered.deployment("stt")["spec"]["template"] for rendered in (first, second)]
    assert pods[0] != pods[1]


def test_the_same_host_keeps_the_certificate(helm: Helm, first: Rendered) -> None:
    second = upgraded(helm, as_kept(first), HOST)
    assert as_kept(second) == as_kept(first)


def test_no_pod_mounts_the_authority_s_key(first: Rendered) -> None:
    mounted = {
        volume["secret"]["secretName"]
        for item in first.kind("Deployment")
        for volume in item["spec"]["template"]["spec"]["volumes"]
        if "secret" in volume
    }
    assert "maatu-tls" in mounted
    assert "maatu-tls-ca" not in mounted
    assert "ca.key" not in data_of(first, "Secret", "maatu-tls")


def test_a_release_that_kept_no_key_goes_on_until_its_names_change(helm: Helm, first: Rendered, tmp_path: Path) -> None:
    """As charts before kept the authority's certificate alone. The new authority is needed once."""
    old = [item for item in as_kept(first) if item["metadata"]["name"] == "maatu-tls"]
    second = upgraded(helm, old, HOST)
    assert data_of(second, "Secret", "maatu-tls") == data_of(first, "Secret", "maatu-tls")
    third = upgraded(helm, as_kept(second), OTHER_HOST)
    authority = data_of(second, "Secret", "maatu-tls-ca")["ca.crt"]
    assert data_of(third, "Secret", "maatu-tls")["ca.crt"] == authority
    assert trusts(authority, third, OTHER_HOST, tmp_path)
