from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Mesh3d(_message.Message):
    __slots__ = ("vertex_buffer",)
    VERTEX_BUFFER_FIELD_NUMBER: _ClassVar[int]
    vertex_buffer: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, vertex_buffer: _Optional[_Iterable[float]] = ...) -> None: ...

class WeightedLandmarkRef(_message.Message):
    __slots__ = ("landmark_id", "weight")
    LANDMARK_ID_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    landmark_id: int
    weight: float
    def __init__(self, landmark_id: _Optional[int] = ..., weight: _Optional[float] = ...) -> None: ...

class Metadata(_message.Message):
    __slots__ = ("canonical_mesh", "procrustes_landmark_basis")
    CANONICAL_MESH_FIELD_NUMBER: _ClassVar[int]
    PROCRUSTES_LANDMARK_BASIS_FIELD_NUMBER: _ClassVar[int]
    canonical_mesh: Mesh3d
    procrustes_landmark_basis: _containers.RepeatedCompositeFieldContainer[WeightedLandmarkRef]
    def __init__(self, canonical_mesh: _Optional[_Union[Mesh3d, _Mapping]] = ..., procrustes_landmark_basis: _Optional[_Iterable[_Union[WeightedLandmarkRef, _Mapping]]] = ...) -> None: ...
