"""ONNX files looked at before native code gets them: sherpa-onnx ends the process over a broken one."""

from pathlib import Path

import onnxruntime

from tertulia.speech.models import ModelUnusableError


def read_metadata(file: Path) -> dict[str, str]:
    """What the file says about itself; raises where it cannot be loaded."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            str(file), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's own exceptions have no common base but this
        raise ModelUnusableError(
            f"{file.name} in {file.parent} is not an ONNX model that can be loaded. Fetch it again."
        ) from error
    known: dict[str, str] = session.get_modelmeta().custom_metadata_map
    return dict(known)
