"""What all maps of keys in config.yaml have in common."""

from __future__ import annotations

from typing import get_args

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo


class Strict(BaseModel):
    """No key that is not listed, no value that is turned into another."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def inner_map(field: FieldInfo) -> type[Strict] | None:
    """The keys below this key, where it holds a map of keys of ours, or a map of names to such maps."""
    kinds = (field.annotation, *get_args(field.annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Strict)), None)


def by_name(field: FieldInfo) -> bool:
    """Whether the map has names that its author chose, each with a map of keys of ours."""
    return getattr(field.annotation, "__origin__", None) is dict and inner_map(field) is not None
