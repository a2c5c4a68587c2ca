"""A Piper voice of the real shape (phoneme ids in, samples out) that hums instead of speaking."""

import json
from pathlib import Path
from typing import Any

SAMPLES_A_PHONEME = 256
RATE_HZ = 16_000


def tiny_piper(folder: Path, *, speakers: dict[str, int] | None = None) -> Path:
    """Writes `es_ES-tiny-low.onnx` with its configuration and gives its path."""
    import onnx
    from onnx import TensorProto as Type
    from onnx import helper as make

    inputs = [
        make.make_tensor_value_info("input", Type.INT64, [1, "phonemes"]),
        make.make_tensor_value_info("input_lengths", Type.INT64, [1]),
        make.make_tensor_value_info("scales", Type.FLOAT, [3]),
    ]
    if speakers:
        inputs.append(make.make_tensor_value_info("sid", Type.INT64, [1]))
    pitch = "sid" if speakers else "input_lengths"
    constants = [
        make.make_tensor("one", Type.INT64, [], [1]),
        make.make_tensor("zero", Type.INT64, [], [0]),
        make.make_tensor("size", Type.FLOAT, [], [float(SAMPLES_A_PHONEME)]),
        make.make_tensor("step", Type.FLOAT, [], [0.12]),
        make.make_tensor("loud", Type.FLOAT, [], [0.5]),
        make.make_tensor("shape", Type.INT64, [3], [1, 1, -1]),
        make.make_tensor("none", Type.FLOAT, [], [0.0]),
    ]
    nodes = [
        make.make_node("Gather", ["input_lengths", "zero"], ["count"]),
        make.make_node("Cast", ["count"], ["count_f"], to=Type.FLOAT),
        make.make_node("Gather", ["scales", "one"], ["length_scale"]),
        make.make_node("Mul", ["count_f", "length_scale"], ["scaled"]),
        make.make_node("Mul", ["scaled", "size"], ["samples_f"]),
        make.make_node("Cast", ["samples_f"], ["samples"], to=Type.INT64),
        make.make_node("Range", ["zero", "samples", "one"], ["time"]),
        make.make_node("Cast", ["time"], ["time_f"], to=Type.FLOAT),
        make.make_node("Gather", [pitch, "zero"], ["speaker"]),
        make.make_node("Cast", ["speaker"], ["speaker_f"], to=Type.FLOAT),
        make.make_node("Mul", ["speaker_f", "step" if speakers else "none"], ["higher"]),
        make.make_node("Add", ["higher", "step"], ["pitch"]),
        make.make_node("Mul", ["time_f", "pitch"], ["angle"]),
        make.make_node("Sin", ["angle"], ["wave"]),
        make.make_node("Mul", ["wave", "loud"], ["quiet"]),
        make.make_node("Reshape", ["quiet", "shape"], ["output"]),
    ]
    output = make.make_tensor_value_info("output", Type.FLOAT, [1, 1, "samples"])
    graph = make.make_graph(nodes, "tiny", inputs, [output], constants)
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    path = folder / "es_ES-tiny-low.onnx"
    onnx.save(model, str(path))
    Path(f"{path}.json").write_text(json.dumps(_config(speakers or {})))
    return path


def _config(speakers: dict[str, int]) -> dict[str, Any]:
    letters = "_^$ abcdefghijklmnopqrstuvwxyz.,!?áéíóúñü'"
    return {
        "audio": {"sample_rate": RATE_HZ, "quality": "low"},
        "espeak": {"voice": "es"},
        "language": {"code": "es_ES"},
        "inference": {"noise_scale": 0.667, "length_scale": 1.0, "noise_w": 0.8},
        "phoneme_type": "text",
        "phoneme_id_map": {letter: [n] for n, letter in enumerate(letters)},
        "num_symbols": len(letters),
        "num_speakers": max(1, len(speakers)),
        "speaker_id_map": speakers,
    }
