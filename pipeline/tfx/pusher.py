"""FacePusher: TFX's Pusher with the push of `ganimation push`: whole, numbered, and noted."""

import json
import pathlib
from typing import Any

from tfx import types
from tfx.components.pusher import component, executor
from tfx.dsl.components.base import executor_spec
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as keys
from tfx.utils import io_utils

from ganimation_tf.blessing import EVALUATION, FILE, INFRASTRUCTURE, Blessing
from ganimation_tf.export.model_directory import push


class Executor(executor.Executor):
    """Pushes by a rename, so that a watching server never sees half a version.

    TFX's own copies into place, `saved_model.pb` last.
    """

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Copies the model to its destination if all blessings are there.

        Raises:
            UserError: if the model is not the one that was blessed, or cannot be written.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        pushed = artifact_utils.get_single_instance(output_dict[keys.PUSHED_MODEL_KEY])
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed)
            return
        source = pathlib.Path(self.GetModelPath(input_dict))
        destination = json.loads(exec_properties[keys.PUSH_DESTINATION_KEY])
        final = push(
            source,
            pathlib.Path(destination["filesystem"]["base_directory"]),
            _verdict(input_dict[keys.MODEL_BLESSING_KEY], EVALUATION),
            _verdict(input_dict[keys.INFRA_BLESSING_KEY], INFRASTRUCTURE),
        ).path
        io_utils.copy_dir(str(source), pushed.uri)
        self._MarkPushed(pushed, pushed_destination=str(final), pushed_version=final.name)


def _verdict(blessings: list[types.Artifact], about: str) -> Blessing:
    return Blessing.load(
        pathlib.Path(artifact_utils.get_single_instance(blessings).uri) / FILE, about
    )


class FacePusher(component.Pusher):
    """As `tfx.components.Pusher`; the destination is a local or mounted directory."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
