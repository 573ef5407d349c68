"""Whether a rollout leaves no pod up, as the Deployment controller reckons."""

import pytest

from maatu_canary.rollout import leaves_no_pod


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        (1, 0, 1, True),
        (2, 0, 1, False),
        (2, 0, 2, True),
        (1, 1, 0, False),
        (1, 1, 1, True),  # the old pod may go as soon as the surge has been made
        (3, 0, "99%", False),
        (3, 0, "100%", True),
        (1, "0%", "25%", True),  # both come to nought, so the controller takes one
        (1, "25%", "25%", False),
        (0, 0, 1, False),
    ],
)
def test_the_old_pods_may_all_go_first(replicas: int, surge: int | str, unavailable: int | str, expected: bool) -> None:
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
    assert leaves_no_pod({"spec": {"replicas": replicas, "strategy": strategy}}) == expected


def test_a_deployment_that_says_nothing_of_it_keeps_a_pod_and_one_that_recreates_does_not() -> None:
    assert not leaves_no_pod({"spec": {}})
    assert leaves_no_pod({"spec": {"strategy": {"type": "Recreate"}}})
