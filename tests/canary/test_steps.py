"""start → weight → abort and start → promote, with real kubectl on a small API server."""

import pytest

from tests.canary.conftest import Cluster

NEW = "registry/maatu-stt:0.2.0"


def test_a_started_canary_is_a_clone_that_gets_no_conversations(cluster: Cluster) -> None:
    cluster.ok("start", "stt", NEW)
    made = cluster.deployment("stt", canary=True)
    assert made["metadata"]["name"] == "talk-maatu-stt-canary"
    assert made["spec"]["replicas"] == 1
    assert made["spec"]["selector"]["matchLabels"]["maatu.dev/track"] == "canary"
    template = made["spec"]["template"]
    assert template["metadata"]["labels"]["maatu.dev/track"] == "canary"
    spread = template["spec"]["topologySpreadConstraints"][0]
    assert spread["labelSelector"]["matchLabels"]["maatu.dev/track"] == "canary"
    assert cluster.image("stt", canary=True) == NEW
    assert cluster.env("stt", canary=True) == cluster.env("stt")
    assert (
        cluster.server.store.get("services", "talk-maatu-stt-canary")["spec"]["selector"]["maatu.dev/track"] == "canary"
    )
    entry = {"target": "dns:///talk-maatu-stt-canary:50051", "percent": 0, "id": "2025-11-21T17:00:00Z"}
    assert cluster.traffic() == {"stt": entry}


def test_a_canary_is_not_taken_for_helms(cluster: Cluster) -> None:
    cluster.ok("start", "stt", NEW)
    for plural in ("deployments", "services"):
        metadata = cluster.server.store.get(plural, "talk-maatu-stt-canary")["metadata"]
        assert metadata["labels"]["app.kubernetes.io/managed-by"] == "maatu-canary"
        assert not [key for key in (*metadata["labels"], *metadata["annotations"]) if "helm.sh" in key]
    kept = cluster.deployment("stt", canary=True)["metadata"]["annotations"]
    assert kept["team"] == "speech"
    assert "deployment.kubernetes.io/revision" not in kept


def test_start_weight_abort_leaves_nothing_behind(cluster: Cluster) -> None:
    stable = cluster.deployment("stt")["spec"]
    cluster.ok("start", "stt", NEW)
    assert "10 %" in cluster.ok("weight", "stt", "10")
    assert cluster.traffic()["stt"]["percent"] == 10
    cluster.ok("weight", "stt", "50", "--replicas", "3")
    assert cluster.deployment("stt", canary=True)["spec"]["replicas"] == 3
    cluster.ok("abort", "stt")
    assert cluster.traffic() == {}
    for plural in ("deployments", "services"):
        assert "talk-maatu-stt-canary" not in cluster.names(plural)
    assert cluster.deployment("stt")["spec"] == stable


def test_start_promote_gives_the_stable_side_the_new_image(cluster: Cluster) -> None:
    cluster.ok("start", "stt", NEW, "--set", "beam_size=1")
    cluster.ok("weight", "stt", "25")
    text = cluster.ok("promote", "stt")
    assert cluster.image("stt") == NEW
    assert cluster.env("stt")["MAATU_STT_BEAM_SIZE"] == "1"
    assert cluster.env("stt")["MAATU_STT_PORT"] == "50051"
    assert cluster.deployment("stt")["spec"]["replicas"] == 3
    assert cluster.traffic() == {}
    assert "talk-maatu-stt-canary" not in cluster.names("deployments") | cluster.names("services")
    assert "--set-string components.stt.image.tag=0.2.0" in text
    assert "--set-json components.stt.settings.beam_size=1" in text


def test_the_pods_of_a_new_model_wait_for_it_on_either_side(cluster: Cluster) -> None:
    cluster.ok("start", "stt", "kn=whisper-kannada-medium")
    waits_for = ["smart-turn-v3", "whisper-base", "whisper-kannada-medium", "whisper-tiny.en"]
    assert cluster.models("stt", canary=True) == waits_for
    assert cluster.models("stt") != waits_for
    cluster.ok("promote", "stt")
    assert cluster.models("stt") == waits_for


@pytest.mark.parametrize(("replicas", "surge", "warned"), [(1, 0, True), (2, 0, False), (1, 1, True)])
def test_promote_warns_where_no_pod_is_up_while_the_new_one_loads(
    cluster: Cluster, replicas: int, surge: int, warned: bool
) -> None:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": 1}}
    cluster.scale("tts", replicas)
    cluster.server.store.patch("deployments", "talk-maatu-tts", {"spec": {"strategy": rolling}}, strategic=False)
    cluster.ok("start", "tts", "registry/maatu-tts:0.2.0")
    for options in (["--dry-run"], []):
        text = cluster.ok("promote", "tts", *options)
        assert ("warning: no pod of talk-maatu-tts is up while the new one loads" in text) == warned
    assert cluster.image("tts") == "registry/maatu-tts:0.2.0"


def test_a_promoted_canary_stays_until_its_conversations_have_ended(cluster: Cluster) -> None:
    under_way = [3, 2, 0]
    cluster.ok("start", "stt", NEW)
    cluster.ok("weight", "stt", "25")
    seen: list[tuple[int, int]] = []

    def a_conversation_ends(_: float) -> None:
        assert "talk-maatu-stt-canary" in cluster.names("deployments")
        seen.append((under_way.pop(0), cluster.traffic()["stt"]["percent"]))

    cluster.clock.on_sleep = a_conversation_ends
    cluster.server.metrics = lambda _: cluster.gateway_page(conversations=under_way[0])
    cluster.ok("promote", "stt")
    assert seen == [(3, 0), (2, 0)]  # no new conversations, but the entry is there, so that these stay on their side


def test_weight_returns_only_when_every_gateway_knows(cluster: Cluster) -> None:
    cluster.scale("gateway", 2)
    cluster.ok("start", "stt", NEW)
    page = cluster.gateway_page()
    cluster.server.metrics = lambda _: page

    def the_kubelet_of_one_then_of_all_comes_round(_: float) -> None:
        known = [page, cluster.gateway_page()]
        cluster.server.metrics = lambda pod: known[
            int(pod["metadata"]["name"].endswith("-1") or cluster.clock.now > before + 3)
        ]

    before = cluster.clock.now
    cluster.clock.on_sleep = the_kubelet_of_one_then_of_all_comes_round
    cluster.ok("weight", "stt", "10")
    assert cluster.clock.now > before + 3
    gateway = next(pod for pod in cluster.server.store.list("pods") if "gateway" in pod["metadata"]["name"])
    assert "maatu.dev/traffic" in gateway["metadata"]["annotations"]  # which has the kubelet look at once


def test_gateways_that_cannot_be_asked_are_waited_for_a_while(cluster: Cluster) -> None:
    cluster.ok("start", "stt", NEW)
    cluster.server.metrics = lambda _: None
    before = cluster.clock.now
    text = cluster.ok("weight", "stt", "10", "--settle", "60")
    assert cluster.clock.now == before + 60
    assert "60 s are over" in text


def test_two_components_have_canaries_side_by_side(cluster: Cluster) -> None:
    cluster.ok("start", "stt", NEW)
    cluster.ok("start", "translate", "nllb-200-distilled-600m")
    cluster.ok("weight", "stt", "10")
    cluster.ok("weight", "translate", "20")
    assert {name: entry["percent"] for name, entry in cluster.traffic().items()} == {"stt": 10, "translate": 20}
    assert (
        cluster.env("translate", canary=True)["MAATU_TRANSLATE_MODELS"] == '["nllb-200-distilled-600m", "gemma-3-270m"]'
    )
    cluster.ok("abort", "stt")
    assert set(cluster.traffic()) == {"translate"}


def test_status_tells_what_is_there(cluster: Cluster) -> None:
    assert "there is no canary" in cluster.ok("status")
    cluster.scale("gateway", 2)
    cluster.ok("start", "stt", NEW)
    cluster.ok("weight", "stt", "10")
    cluster.server.metrics = lambda _: cluster.gateway_page(conversations=4)
    text = cluster.ok("status")
    assert "stt: running, 10 %, 1 of 1 pods ready, conversations: 8" in text  # of two gateways
    assert NEW in text
    assert '"percent": 10' in cluster.ok("status", "stt", "--json")


def test_the_edge_splits_the_gateways_own_traffic(cluster: Cluster) -> None:
    cluster.ok("start", "gateway", "registry/maatu-gateway:0.2.0")
    cluster.ok("weight", "gateway", "5")
    shared = {"talk-maatu-gateway": 95, "talk-maatu-gateway-canary": 5}
    assert cluster.weights() == [shared, shared, {"elsewhere": 1}]
    canary = cluster.server.store.get("grpcroutes", "talk-maatu")["spec"]["rules"][0]["backendRefs"][1]
    assert canary == {"group": "", "kind": "Service", "name": "talk-maatu-gateway-canary", "port": 50050, "weight": 5}
    assert "gateway: running, 5 %" in cluster.ok("status")
    cluster.ok("abort", "gateway")
    assert cluster.weights() == [{"talk-maatu-gateway": 100}, {"talk-maatu-gateway": 100}, {"elsewhere": 1}]
