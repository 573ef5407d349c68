"""Models: the chart's profiles are the client's, the Job pulls what the services load, and pods wait for it."""

import importlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from maatu_client.models.catalog import resolve
from maatu_client.profiles import ServiceName, environment, load_profile, profile_names
from maatu_runtime.models import installed_name
from tests.chart.helm import CHART, NAMESPACE, Helm
from tests.chart.rendering import COMPONENTS, RELEASE, Manifest, Rendered
from tests.chart.switches import PROFILES


def pulled(rendered: Rendered) -> list[str]:
    """What the Job pulls, as models are installed."""
    (job,) = rendered.kind("Job")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["maatu", "models", "pull"]
    return [installed_name(model.name) for model in resolve(container["args"])]


def test_the_chart_s_profiles_are_the_client_s() -> None:
    """Helm reads no file outside the chart, so they are there twice."""
    profiles = Path(importlib.import_module("maatu_client.profiles").__path__[0])
    assert {path.stem for path in (CHART / "profiles").glob("*.yaml")} == set(profile_names())
    for name in profile_names():
        assert (CHART / "profiles" / f"{name}.yaml").read_bytes() == (profiles / f"{name}.yaml").read_bytes(), name


@pytest.mark.parametrize("profile", profile_names())
@pytest.mark.parametrize("component", COMPONENTS)
def test_a_profile_gives_a_pod_the_settings_that_it_gives_a_local_service(
    helm: Helm, profile: str, component: ServiceName
) -> None:
    wanted = environment(load_profile(profile), component)
    wanted.pop("MAATU_AGENT_OPENAI_BASE_URL", None)  # in a cluster it is no server of this machine
    given = helm.template(values=PROFILES[profile]).environment(component)
    assert {name: read(given[name]) for name in wanted} == {name: read(value) for name, value in wanted.items()}


def read(value: str) -> Any:
    """A variable's value; lists and mappings are JSON, whose order of keys means nothing."""
    return json.loads(value) if value.startswith(("[", "{")) else value


def test_a_component_s_settings_win_over_the_profile_s(helm: Helm) -> None:
    values = {"profile": "embedded", "components": {"stt": {"settings": {"compute_type": "float32"}}}}
    environment_ = helm.template(values=values).environment("stt")
    assert environment_["MAATU_STT_COMPUTE_TYPE"] == "float32"
    assert environment_["MAATU_STT_ENGINE"] == "whisper"


@pytest.mark.parametrize("profile", profile_names())
def test_the_job_pulls_the_models_of_the_profile(helm: Helm, profile: str) -> None:
    rendered = helm.template(values=PROFILES[profile])
    assert sorted(pulled(rendered)) == sorted(map(installed_name, load_profile(profile).requires.models))


@pytest.mark.parametrize("cache", ["claim", "pod"])
def test_a_model_of_the_hub_is_pulled_by_its_name_there(helm: Helm, cache: str) -> None:
    values = {
        "models": {"cache": {"type": cache}, "extra": ["someone/whisper-kn"]},
        "components": {"stt": {"settings": {"models": {"*": "someone/whisper-kn"}}}},
    }
    rendered = helm.template(values=values)
    if cache == "claim":
        (job,) = rendered.kind("Job")
        (pull,) = job["spec"]["template"]["spec"]["containers"]
    else:
        (pull,) = rendered.pod("stt")["initContainers"]
    assert pull["command"] == ["maatu", "models", "pull"]
    assert pull["args"].count("someone/whisper-kn") == 1
    assert "someone--whisper-kn" not in pull["args"]


def test_the_job_may_be_cut_short_and_goes_on(helm: Helm) -> None:
    (job,) = helm.template().kind("Job")
    pod = job["spec"]["template"]["spec"]
    assert job["spec"]["backoffLimit"] >= 5
    assert pod["restartPolicy"] == "OnFailure"
    (container,) = pod["containers"]
    variables = {entry["name"]: entry.get("value", "") for entry in container["env"]}
    assert variables["MAATU_MODELS_DIR"] == "/models"
    # What was downloaded outlives the container.
    assert variables["MAATU_WHEELS_DIR"].startswith("/models/")
    assert variables["HF_HUB_CACHE"].startswith("/models/")
    claim = next(volume for volume in pod["volumes"] if volume["name"] == "models")
    assert claim["persistentVolumeClaim"]["claimName"] == "maatu-models"


def test_an_upgrade_pulls_the_new_models(helm: Helm) -> None:
    """A Job's template cannot be changed: another list of models must be a Job of another name, or a hook."""
    names = set()
    for extra in ([], ["whisper-small"]):
        (job,) = helm.template(values={"models": {"extra": extra}}).kind("Job")
        is_hook = "helm.sh/hook" in job["metadata"].get("annotations", {})
        names.add((job["metadata"]["name"], is_hook))
    assert len({name for name, _ in names}) == 2 or all(is_hook for _, is_hook in names)


def _job(helm: Helm, values: dict[str, Any]) -> Manifest:
    (job,) = helm.template(values=values).kind("Job")
    return job


@pytest.mark.parametrize(
    "values",
    [
        {"commonLabels": {"team": "voice"}},
        {"image": {"pullSecrets": ["registry-key"]}},
        {"models": {"pull": {"nodeSelector": {"disk": "large"}}}},
        {"models": {"cache": {"type": "existing", "existingClaim": "weights"}}},
        {"secrets": {"existingSecret": "keys"}},
    ],
    ids=lambda values: next(iter(values)),
)
def test_a_job_with_another_pod_has_another_name(helm: Helm, values: dict[str, Any]) -> None:
    """Under the same name the API server refuses it: "spec.template: field is immutable"."""
    before, after = _job(helm, {}), _job(helm, values)
    assert before["spec"]["template"] != after["spec"]["template"]
    assert before["metadata"]["name"] != after["metadata"]["name"]


def test_another_version_of_the_chart_has_a_job_of_its_own_though_the_image_is_pinned(
    helm: Helm, tmp_path: Path
) -> None:
    """The version is a label of the pod."""
    chart = tmp_path / "maatu"
    shutil.copytree(CHART, chart)
    text = (chart / "Chart.yaml").read_text(encoding="utf-8")
    (chart / "Chart.yaml").write_text(re.sub(r"(?m)^appVersion: .*$", 'appVersion: "9.9.9"', text), encoding="utf-8")
    done = helm.run("template", RELEASE, str(chart), "--namespace", NAMESPACE, "--set", "image.tag=1.2")
    assert done.returncode == 0, done.stderr
    (job,) = [item for item in yaml.safe_load_all(done.stdout) if item and item["kind"] == "Job"]
    assert job["metadata"]["name"] != _job(helm, {"image": {"tag": "1.2"}})["metadata"]["name"]


def test_a_pull_that_failed_is_tried_again_with_another_token_or_more_retries(helm: Helm) -> None:
    """The same Job would stay failed. Its name tells nothing of the token."""
    wrong, right = "hf_wrong", "hf_right"
    values: list[dict[str, Any]] = [
        {"secrets": {"hubToken": wrong}},
        {"secrets": {"hubToken": right}},
        {"secrets": {"hubToken": right}, "models": {"pull": {"retries": 20}}},
    ]
    jobs = [_job(helm, given) for given in values]
    assert len({job["metadata"]["name"] for job in jobs}) == len(values)
    assert not [job for job in jobs if wrong in json.dumps(job) or right in json.dumps(job)]
    assert jobs[1] == _job(helm, values[1]), "the same values are the same Job"


def test_an_existing_claim_is_used_and_none_is_made(helm: Helm) -> None:
    rendered = helm.template(values={"models": {"cache": {"type": "existing", "existingClaim": "weights"}}})
    assert not rendered.kind("PersistentVolumeClaim")
    for component in ("stt", "translate", "agent", "tts"):
        volumes = rendered.pod(component)["volumes"]
        claims = [volume["persistentVolumeClaim"] for volume in volumes if "persistentVolumeClaim" in volume]
        assert [claim["claimName"] for claim in claims] == ["weights"]


def test_the_claim_outlives_the_release(helm: Helm) -> None:
    (claim,) = helm.template().kind("PersistentVolumeClaim")
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    (claim,) = helm.template(values={"models": {"cache": {"keep": False}}}).kind("PersistentVolumeClaim")
    assert "helm.sh/resource-policy" not in claim["metadata"].get("annotations", {})
