"""A preparation without torch, for tests of how its answer is used: it accepts any device and crashes on "cpu"."""

import os
import signal


def answer(preset, device, data_dir, build):
    if device == "cpu":
        os.kill(os.getpid(), signal.SIGSEGV)
    unbuilt = [("digits", "cnn"), ("digits", "autoencoder")] if build else []
    return {"device": device, "data_hashes": {"digits": "abc"}, "extractors": {}, "unbuilt": unbuilt}
