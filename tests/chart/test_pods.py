"""What each pod of the chart is: without privileges, probed, drained, and found by the Service of its name."""

import pytest

from tests.chart.helm import VALUES_FILES, Helm
from tests.chart.network import selects, workloads
from tests.chart.rendering import COMPONENTS, Manifest, Rendered

PORTS = {
    "gateway": (50050, 9100),
    "stt": (50051, 9101),
    "translate": (50052, 9102),
    "agent": (50053, 9103),
    "tts": (50054, 9104),
}
"""gRPC and metrics port by component: what services/*/config.py says too."""
each = pytest.mark.parametrize(("file", "component"), [(file, name) for file in VALUES_FILES for name in COMPONENTS])


def pod_specs(rendered: Rendered) -> list[tuple[str, Manifest]]:
    """Name and pod's spec of everything that makes pods, Jobs included."""
    makers = [*workloads(rendered), *rendered.kind("Job"), *rendered.kind("DaemonSet")]
    return [(item["metadata"]["name"], item["spec"]["template"]["spec"]) for item in makers]


@pytest.mark.parametrize("file", VALUES_FILES)
def test_no_pod_has_a_privilege(helm: Helm, file: str) -> None:
    for name, pod in pod_specs(helm.template(file)):
        assert pod["automountServiceAccountToken"] is False, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & {key for key, value in pod.items() if value}, name
        assert not [volume for volume in pod.get("volumes", []) if "hostPath" in volume], name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["readOnlyRootFilesystem"] is True, name
            assert context["capabilities"] == {"drop": ["ALL"]}, name
            assert not context.get("privileged", False), name


@each
def test_it_runs_as_the_image_s_user_and_may_write_to_tmp_only(helm: Helm, file: str, component: str) -> None:
    rendered = helm.template(file)
    pod, container = rendered.pod(component), rendered.container(component)
    assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["runAsGroup"] == 10001
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    writable = {
        mount["mountPath"]: volumes[mount["name"]] for mount in container["volumeMounts"] if not mount.get("readOnly")
    }
    assert list(writable) == ["/tmp"]
    assert "emptyDir" in writable["/tmp"]
    if component != "gateway" and rendered.environment(component).get("MAATU_AGENT_BACKEND") != "openai":
        models = next(mount for mount in container["volumeMounts"] if mount["mountPath"] == "/models")
        assert "persistentVolumeClaim" in volumes[models["name"]]


@each
def test_it_offers_its_ports_by_name(helm: Helm, file: str, component: str) -> None:
    offered = {port["name"]: port["containerPort"] for port in helm.template(file).container(component)["ports"]}
    assert (offered["grpc"], offered["metrics"]) == PORTS[component]


@each
def test_it_is_probed_over_grpc_and_has_time_to_load(helm: Helm, file: str, component: str) -> None:
    rendered = helm.template(file)
    container, environment = rendered.container(component), rendered.environment(component)
    # The kubelet's gRPC probe speaks no TLS.
    has_tls = f"MAATU_{component.upper()}_TLS_CERT" in environment
    port = int(environment[f"MAATU_{component.upper()}_HEALTH_PORT"]) if has_tls else PORTS[component][0]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["grpc"]["port"] == port, probe
    startup = container["startupProbe"]
    start_s = startup["failureThreshold"] * startup["periodSeconds"]
    assert start_s >= (60 if component == "gateway" else 300)
    # The rollout must not be given up before a pod may still start.
    assert rendered.deployment(component)["spec"]["progressDeadlineSeconds"] > start_s


@each
def test_it_drains_before_it_is_killed(helm: Helm, file: str, component: str) -> None:
    rendered = helm.template(file)
    environment, container = rendered.environment(component), rendered.container(component)
    prefix = f"MAATU_{component.upper()}_"
    notice_s = float(environment[f"{prefix}DRAIN_NOTICE_S"])
    grace_s = float(environment[f"{prefix}DRAIN_GRACE_S"])
    pre_stop_s = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    assert notice_s + pre_stop_s >= 3, "endpoints need time to notice"
    assert rendered.pod(component)["terminationGracePeriodSeconds"] > pre_stop_s + notice_s + grace_s


def test_the_gateway_s_last_turns_fit_into_its_drain(helm: Helm) -> None:
    environment = helm.template().environment("gateway")
    turn_s = float(environment.get("MAATU_GATEWAY_TURN_DEADLINE_S", 30))
    assert float(environment["MAATU_GATEWAY_DRAIN_GRACE_S"]) >= turn_s


@each
def test_its_service_is_headless_and_selects_its_stable_pods_alone(helm: Helm, file: str, component: str) -> None:
    rendered = helm.template(file)
    deployment = rendered.deployment(component)
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    service = rendered.named("Service", f"maatu-{component}")
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["selector"] == {
        "app.kubernetes.io/name": "maatu",
        "app.kubernetes.io/instance": "maatu",
        "app.kubernetes.io/component": component,
        "maatu.dev/track": "stable",
    }
    assert not selects(service["spec"]["selector"], {**labels, "maatu.dev/track": "canary"})
    assert deployment["spec"]["selector"] == {"matchLabels": service["spec"]["selector"]}
    for other in workloads(rendered):
        is_own = other["metadata"]["name"] == deployment["metadata"]["name"]
        assert selects(service["spec"]["selector"], other["spec"]["template"]["metadata"]["labels"]) == is_own


@pytest.mark.parametrize("file", VALUES_FILES)
def test_each_object_carries_the_common_labels(helm: Helm, file: str) -> None:
    for item in helm.template(file).objects:
        labels = item["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == "maatu"
        assert labels["app.kubernetes.io/instance"] == "maatu"
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert labels["app.kubernetes.io/part-of"] == "maatu"
        assert "app.kubernetes.io/version" in labels
        if item["kind"] == "Deployment" and item["metadata"]["name"].removeprefix("maatu-") in COMPONENTS:
            assert labels["maatu.dev/track"] == "stable"


@pytest.mark.parametrize("file", VALUES_FILES)
def test_each_pod_asks_for_what_it_needs_and_no_more(helm: Helm, file: str) -> None:
    """A ResourceQuota refuses pods without requests and limits."""
    for name, pod in pod_specs(helm.template(file)):
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            resources = container["resources"]
            assert {"cpu", "memory"} <= resources["requests"].keys(), name
            assert "memory" in resources["limits"], name


@each
def test_each_pod_has_an_account_without_a_token(helm: Helm, file: str, component: str) -> None:
    rendered = helm.template(file)
    account = rendered.named("ServiceAccount", rendered.pod(component)["serviceAccountName"])
    assert account["metadata"]["name"] == f"maatu-{component}"
    assert account["automountServiceAccountToken"] is False


def test_the_chart_gives_nobody_rights(helm: Helm) -> None:
    for file in VALUES_FILES:
        kinds = {item["kind"] for item in helm.template(file).objects}
        assert not kinds & {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}


def test_a_rollout_of_a_gpu_service_needs_no_second_gpu(helm: Helm) -> None:
    for file in ("values-eks.yaml", "values-gke.yaml"):
        strategy = helm.template(file).deployment("tts")["spec"]["strategy"]["rollingUpdate"]
        assert strategy == {"maxSurge": 0, "maxUnavailable": 1}


@pytest.mark.parametrize("component", ["stt", "translate"])
@pytest.mark.parametrize("file", ["values-eks.yaml", "values-gke.yaml"])
def test_a_service_on_a_share_of_a_gpu_never_loses_its_only_pod(helm: Helm, file: str, component: str) -> None:
    strategy = helm.template(file).deployment(component)["spec"]["strategy"]["rollingUpdate"]
    assert strategy == {"maxSurge": 1, "maxUnavailable": 0}


def test_each_disruption_budget_leaves_room_to_drain_a_node(helm: Helm) -> None:
    rendered = helm.template("values-eks.yaml")
    budgets = {item["metadata"]["name"]: item for item in rendered.kind("PodDisruptionBudget")}
    for component in COMPONENTS:
        budget = budgets[f"maatu-{component}"]["spec"]
        assert budget["maxUnavailable"] == 1
        assert selects(
            budget["selector"]["matchLabels"],
            rendered.deployment(component)["spec"]["template"]["metadata"]["labels"],
        )


def test_the_gateway_mounts_the_traffic_table_though_nobody_made_one(helm: Helm) -> None:
    rendered = helm.template()
    mount = next(
        item for item in rendered.container("gateway")["volumeMounts"] if item["mountPath"] == "/etc/maatu/traffic"
    )
    volume = next(item for item in rendered.pod("gateway")["volumes"] if item["name"] == mount["name"])
    assert volume["configMap"]["name"] == "maatu-traffic"
    assert volume["configMap"]["optional"] is True
    assert "subPath" not in mount, "a subPath is never updated"
    assert rendered.environment("gateway")["MAATU_GATEWAY_TRAFFIC_FILE"] == "/etc/maatu/traffic/traffic.json"
    assert not [item for item in rendered.kind("ConfigMap") if item["metadata"]["name"] == "maatu-traffic"]
