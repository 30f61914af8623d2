"""The sound of a video in another."""

import av
import numpy as np
import pytest

import sounding
from ganimation_tf.media import video
from sounding import squares


def copied(path, to):
    """Codec, rate and samples of what `video.write` makes of the sound, and when it begins."""
    video.write(to, squares(10), 10, sound_of=path)
    with av.open(str(to)) as container:
        sound = container.streams.audio[0]
        frames = list(container.decode(sound))
        codec = sound.codec_context.codec.canonical_name
    samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    return codec, frames[0].sample_rate, samples, frames[0].time


@pytest.mark.parametrize(
    ("name", "codec", "rate", "kept"),
    [
        ("a.mp4", "aac", 48_000, ("aac", 48_000)),
        ("a.mkv", "libmp3lame", 48_000, ("mp3", 48_000)),
        ("a.mkv", "libopus", 48_000, ("aac", 48_000)),
        ("a.mkv", "pcm_s16le", 8_000, ("aac", 8_000)),
        ("a.mkv", "pcm_s16le", 192_000, ("aac", 48_000)),
    ],
)
def test_sound_is_kept(tmp_path, name, codec, rate, kept):
    sounding.write(tmp_path / name, codec, sound_rate=rate)
    *actual, samples, _ = copied(tmp_path / name, tmp_path / "out.mp4")
    rate = actual[1]
    assert tuple(actual) == kept and abs(len(samples) / rate - 1) < 0.15
    spectrum = np.abs(np.fft.rfft(samples[rate // 5 : rate * 4 // 5]))
    assert abs(np.argmax(spectrum) / 0.6 - 440) < 5


@pytest.mark.parametrize("codec", ["aac", "libopus"])
@pytest.mark.parametrize("pictures_from", [0.0, 0.3])
def test_sound_keeps_its_distance_from_the_pictures(tmp_path, codec, pictures_from):
    sounding.write(tmp_path / "a.mkv", codec, delay=0.4, pictures_from=pictures_from)
    _, rate, samples, begins = copied(tmp_path / "a.mkv", tmp_path / "out.mp4")
    heard = begins + np.flatnonzero(np.abs(samples) > 0.3)[0] / rate
    assert abs(heard - 0.4) < 0.03
