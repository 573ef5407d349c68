"""The dashboard and the alerts name only metrics, labels and label values that the code has, and every query parses."""

import importlib
import json
import re
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import grpc
import promql_parser
import pytest
import yaml
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from maatu.v1 import common_pb2

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "deploy" / "helm" / "maatu" / "files"
MODULES = (
    "maatu_runtime.metrics",
    "maatu_gateway.metrics",
    "maatu_stt.metrics",
    "maatu_translate.metrics",
    "maatu_agent.metrics",
    "maatu_tts.metrics",
)
TARGET_LABELS = {"namespace", "pod", "maatu_dev_track"}
"""What the scrape adds: where a pod is, and the label of it that tells a canary."""
GRAFANA = {"__rate_interval": "5m", "namespace": "voice"}
"""What Grafana puts into a query before it asks Prometheus."""


@cache
def metric_labels() -> dict[str, set[str]]:
    """Each series that the services and the client library of Prometheus write, with its labels."""
    found: dict[str, set[str]] = {}
    for module in MODULES:
        for metric in vars(importlib.import_module(module)).values():
            if isinstance(metric, MetricWrapperBase):
                labels = set(metric._labelnames)
                for family in metric.describe():
                    if family.type == "histogram":
                        found[f"{family.name}_bucket"] = labels | {"le"}
                        found |= {f"{family.name}_{part}": labels for part in ("sum", "count")}
                    else:
                        found[family.name + ("_total" if family.type == "counter" else "")] = labels
    for family in REGISTRY.collect():
        if family.name.startswith("process_"):
            found |= {sample.name: set(sample.labels) for sample in family.samples}
    return found


def known_values(label: str) -> set[str] | None:
    """The values a label of ours can have; None where they are not a fixed set."""
    return {
        "service": {"gateway", "stt", "translate", "agent", "tts"},
        "hop": {name.removeprefix("HOP_").lower() for name in common_pb2.Hop.DESCRIPTOR.values_by_name},
        "reason": {name.removeprefix("ERROR_REASON_") for name in common_pb2.ErrorReason.DESCRIPTOR.values_by_name},
        "outcome": {"report", "interrupted", "status", "hit", "shared_hit", "miss"},
        "code": {code.name for code in grpc.StatusCode},
        "engine": {"parler", "piper", "espeak"},
        "side": {"stable", "canary"},
    }.get(label)


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FILES / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    dashboard = json.loads((FILES / "dashboard.json").read_text(encoding="utf-8"))
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries() -> list[tuple[str, str]]:
    """(where it stands, query) of every alert and panel, the panels' with Grafana's variables filled in."""
    asked = [(rule["alert"], rule["expr"]) for rule in alerts()]
    for panel in panels():
        asked += [
            (f"{panel['title']} {target['refId']}", string.Template(target["expr"]).substitute(GRAFANA))
            for target in panel["targets"]
        ]
    return asked


def nodes(node: Any) -> Iterator[Any]:
    """The parts of a parsed query, itself first."""
    yield node
    for name in ("lhs", "rhs", "expr", "param", "vector_selector"):
        child = getattr(node, name, None)
        if child is not None:
            yield from nodes(child)
    for child in getattr(node, "args", None) or ():
        yield from nodes(child)


def selectors(query: str) -> list[promql_parser.VectorSelector]:
    return [node for node in nodes(promql_parser.parse(query)) if isinstance(node, promql_parser.VectorSelector)]


def grouping_labels(query: str) -> set[str]:
    """Labels after by, on and group_left."""
    found: set[str] = set()
    for node in nodes(promql_parser.parse(query)):
        modifier = getattr(node, "modifier", None)
        if isinstance(node, promql_parser.AggregateExpr) and modifier is not None:
            found.update(modifier.labels)
        elif isinstance(node, promql_parser.BinaryExpr) and modifier is not None and modifier.matching is not None:
            found.update(modifier.matching.labels)
    return found


@pytest.mark.parametrize(("where", "query"), queries(), ids=[where for where, _ in queries()])
def test_every_query_parses_and_asks_for_what_exists(where: str, query: str) -> None:
    asked = selectors(query)
    assert asked, f"{where} asks for no metric"
    for selector in asked:
        labels = metric_labels().get(selector.name or "")
        assert labels is not None, f"{where}: no service writes {selector.name}"
        for matcher in selector.matchers.matchers:
            assert matcher.name in labels | TARGET_LABELS, f"{where}: {selector.name} has no label {matcher.name}"
            values = known_values(matcher.name)
            if values is not None:
                assert set(matcher.value.split("|")) <= values, f"{where}: {matcher.name}={matcher.value}"
    own = set().union(*(metric_labels()[selector.name or ""] for selector in asked))
    assert grouping_labels(query) <= own | TARGET_LABELS, where


def test_a_bucket_asked_for_by_its_bound_is_one_that_exists() -> None:
    bounds: dict[str, set[str]] = {}
    for family in REGISTRY.collect():
        for sample in family.samples:
            bounds.setdefault(sample.name, set()).add(sample.labels.get("le", ""))
    asked = [
        (selector.name or "", matcher.value)
        for _, query in queries()
        for selector in selectors(query)
        for matcher in selector.matchers.matchers
        if matcher.name == "le"
    ]
    assert asked, "the alert on slow turns asks for one"
    for name, bound in asked:
        assert bound in bounds[name], f"{name} has no bucket {bound}"


def test_alerts_have_names_of_their_own_a_severity_and_words_for_whoever_is_called() -> None:
    rules = alerts()
    names = [rule["alert"] for rule in rules]
    assert len(set(names)) == len(names)
    for rule in rules:
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}, rule["alert"]
        assert set(rule["annotations"]) == {"summary", "description"}, rule["alert"]


def test_what_an_alert_says_names_only_labels_that_it_has() -> None:
    for rule in alerts():
        named = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
        grouped = grouping_labels(rule["expr"])
        every = set().union(*(metric_labels()[selector.name or ""] for selector in selectors(rule["expr"])))
        assert named <= (grouped or every) | TARGET_LABELS, rule["alert"]


def test_the_guide_tells_what_to_do_about_each_alert() -> None:
    guide = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert [rule["alert"] for rule in alerts() if f"`{rule['alert']}`" not in guide] == []


def test_panels_have_places_of_their_own_and_say_what_they_show() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, f"{panel['title']} lies on another panel"
        assert at["x"] + at["w"] <= 24
        assert panel["description"].strip(), panel["title"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        taken |= cells
    ids = [panel["id"] for panel in panels()]
    assert len(set(ids)) == len(ids)


def test_every_latency_that_the_budgets_speak_of_is_on_the_dashboard() -> None:
    shown = {selector.name for _, query in queries() for selector in selectors(query)}
    assert {
        "maatu_gateway_voice_to_voice_seconds_bucket",
        "maatu_gateway_hop_first_output_seconds_bucket",
        "maatu_stt_final_delay_seconds_bucket",
        "maatu_translate_sentence_seconds_bucket",
        "maatu_agent_first_token_seconds_bucket",
        "maatu_tts_first_chunk_seconds_bucket",
        "maatu_tts_slots_in_use",
        "maatu_capacity_in_use",
    } <= shown
