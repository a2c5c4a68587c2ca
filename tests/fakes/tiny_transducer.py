"""A streaming transducer in three small ONNX files that counts aloud while the sound is loud.

It has the inputs, outputs and metadata of icefall's LSTM transducers, so sherpa-onnx streams it as a real one.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

TOKENS = ("<blk>", "▁one", "▁two", "▁th", "ree")
DIMENSION = len(TOKENS)
FEATURES = 80
CHUNK_FRAMES = 4
WINDOW_FRAMES = 9
LOUD = -6.0
"""Mean log-mel above which a frame is speech."""


def tiny_transducer(folder: Path) -> Path:
    """Writes the model into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokens.txt").write_text(
        "".join(f"{token} {place}\n" for place, token in enumerate(TOKENS)), encoding="utf-8"
    )
    _save(_encoder(), folder / "encoder.onnx", _encoder_facts())
    _save(_decoder(), folder / "decoder.onnx", {"vocab_size": DIMENSION, "context_size": 1})
    _save(_joiner(), folder / "joiner.onnx", {"joiner_dim": DIMENSION})
    return folder


def _encoder_facts() -> dict[str, object]:
    return {
        "model_type": "lstm",
        "version": 1,
        "T": WINDOW_FRAMES,
        "decode_chunk_len": CHUNK_FRAMES,
        "num_encoder_layers": 1,
        "rnn_hidden_size": 4,
        "d_model": 4,
    }


def _value(name: str, kind: int, *shape: object) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, list(shape))


def _constant(name: str, values: object, kind: type = np.float32) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(values, dtype=kind), name)


def _encoder() -> onnx.GraphProto:
    """Loudness above the limit, in the place of the blank with the sign turned: loud speech forbids it."""
    floats = TensorProto.FLOAT
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[1, 2], keepdims=1),
        helper.make_node("Sub", ["mean", "loud"], ["over"]),
        helper.make_node("Mul", ["over", "shape"], ["encoder_out"]),
        helper.make_node("Identity", ["h"], ["new_h"]),
        helper.make_node("Identity", ["c"], ["new_c"]),
    ]
    shape = np.zeros((1, 1, DIMENSION), np.float32)
    shape[0, 0, 0] = -10.0
    return helper.make_graph(
        nodes,
        "encoder",
        [
            _value("x", floats, "N", WINDOW_FRAMES, FEATURES),
            _value("h", floats, 1, "N", 4),
            _value("c", floats, 1, "N", 4),
        ],
        [
            _value("encoder_out", floats, "N", 1, DIMENSION),
            _value("new_h", floats, 1, "N", 4),
            _value("new_c", floats, 1, "N", 4),
        ],
        [_constant("loud", [[[LOUD]]]), _constant("shape", shape)],
    )


def _decoder() -> onnx.GraphProto:
    """After each token the next one in the row."""
    following = np.zeros((DIMENSION, DIMENSION), np.float32)
    for token in range(DIMENSION):
        following[token, token % (DIMENSION - 1) + 1] = 1.0
    nodes = [
        helper.make_node("Gather", ["following", "y"], ["looked_up"], axis=0),
        helper.make_node("Squeeze", ["looked_up", "one"], ["decoder_out"]),
    ]
    return helper.make_graph(
        nodes,
        "decoder",
        [_value("y", TensorProto.INT64, "N", 1)],
        [_value("decoder_out", TensorProto.FLOAT, "N", DIMENSION)],
        [_constant("following", following), _constant("one", [1], np.int64)],
    )


def _joiner() -> onnx.GraphProto:
    floats = TensorProto.FLOAT
    return helper.make_graph(
        [helper.make_node("Add", ["encoder_out", "decoder_out"], ["logit"])],
        "joiner",
        [
            _value("encoder_out", floats, "N", DIMENSION),
            _value("decoder_out", floats, "N", DIMENSION),
        ],
        [_value("logit", floats, "N", DIMENSION)],
    )


def _save(graph: onnx.GraphProto, file: Path, facts: dict[str, object]) -> None:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, {key: str(value) for key, value in facts.items()})
    onnx.checker.check_model(model)
    onnx.save(model, str(file))
