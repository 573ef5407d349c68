"""Profiles: one name for which models, devices and settings all five services run with.

A profile is a YAML file beside this module, or any other given by its path. Its keys are checked here; the settings of
each service are the fields of that service's `Config`.
"""

from maatu_client.profiles.requirements import Missing, missing_requirements
from maatu_client.profiles.schema import (
    DEFAULT_PROFILE,
    SERVICES,
    Profile,
    ServiceName,
    environment,
    load_profile,
    profile_names,
)

__all__ = [
    "DEFAULT_PROFILE",
    "SERVICES",
    "Missing",
    "Profile",
    "ServiceName",
    "environment",
    "load_profile",
    "missing_requirements",
    "profile_names",
]
