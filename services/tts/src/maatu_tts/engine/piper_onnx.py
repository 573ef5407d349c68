"""The few fields of an ONNX file that cutting a network in two needs.

Protocol Buffers keeps fields that a schema does not name and writes them out again, so weights, attributes and operator sets
pass through untouched. The package `onnx`, 60 MB with its own copy of every operator, would be there for this alone.

Field numbers are those of onnx.proto, which its compatibility rules never change.
"""

from collections.abc import Callable
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

FLOAT = 1
"""TensorProto.DataType.FLOAT."""

_PACKAGE = "maatu_onnx"
_STRING = "string"
_INT32 = "int32"
# message → field → (number, type, repeated)
_SCHEMA: dict[str, dict[str, tuple[int, str, bool]]] = {
    "Model": {"graph": (7, "Graph", False)},
    "Graph": {
        "node": (1, "Node", True),
        "initializer": (5, "Tensor", True),
        "input": (11, "Value", True),
        "output": (12, "Value", True),
        "value_info": (13, "Value", True),
    },
    "Node": {
        "input": (1, _STRING, True),
        "output": (2, _STRING, True),
        "op_type": (4, _STRING, False),
    },
    "Tensor": {"name": (8, _STRING, False)},
    "Value": {"name": (1, _STRING, False), "type": (2, "Type", False)},
    "Type": {"tensor_type": (1, "TensorType", False)},
    "TensorType": {"elem_type": (1, _INT32, False)},
}


def _model_class() -> Callable[[], Any]:
    field = descriptor_pb2.FieldDescriptorProto
    scalars = {_STRING: field.TYPE_STRING, _INT32: field.TYPE_INT32}
    file = descriptor_pb2.FileDescriptorProto(name="maatu_onnx.proto", package=_PACKAGE, syntax="proto2")
    for message, fields in _SCHEMA.items():
        described = file.message_type.add(name=message)
        for name, (number, kind, repeated) in fields.items():
            described.field.add(
                name=name,
                number=number,
                label=field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL,
                type=scalars.get(kind, field.TYPE_MESSAGE),
                type_name=None if kind in scalars else f".{_PACKAGE}.{kind}",
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    model: Callable[[], Any] = message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Model"))
    return model


Model = _model_class()
"""ModelProto: `Model()` with ParseFromString, SerializeToString, CopyFrom and the field `graph`."""


def retain(repeated: Any, wanted: Callable[[Any], bool]) -> None:
    """Deletes those items of a repeated field that are not wanted."""
    for index in reversed(range(len(repeated))):
        if not wanted(repeated[index]):
            del repeated[index]


def declare_floats(repeated: Any, names: list[str]) -> None:
    """Makes a graph's inputs or outputs the given float32 tensors, of any shape."""
    del repeated[:]
    for name in names:
        repeated.add(name=name).type.tensor_type.elem_type = FLOAT
